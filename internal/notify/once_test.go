package notify

import (
	"testing"
	"time"
)

// TestGoneIsToldOnce: a file that is gone is told once, however long that lasts and
// whatever else is told again, and so is its end.
func TestGoneIsToldOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := &recorder{}
		b := begin(t, NewMemory(), Options{}, people(r))
		defer b.stop()
		b.say(KindGone, "app")
		at(2 * time.Hour)
		b.say(KindFailed, "other")
		at(60 * time.Hour)
		b.say(KindGone, "app")
		at(70 * time.Hour)
		b.Report(t.Context(), Event{Kind: KindRecovered, Database: "app", Clears: []Kind{KindGone}, Summary: "app is back"})
		at(71 * time.Hour)
		want(t, r, "the file of app is gone", "other could not be backed up", "other still cannot be backed up", "other still cannot be backed up", "app is back")
	})
}
