package notify

import (
	"testing"
	"time"
)

// worsen reports a failure of so much severity.
func (b *bench) worsen(database string, s Severity) {
	b.Report(b.t.Context(), Event{Kind: KindFailed, Database: database, Cause: "damaged", Severity: s, LastGood: night})
}

// TestNotHeldBackByOthers: the window that lesser news began does not hold back the
// first trouble of another kind, nor a worse one; but it does hold back more of the same.
func TestNotHeldBackByOthers(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := &recorder{}
		b := begin(t, NewMemory(), Options{Group: time.Hour}, people(r))
		defer b.stop()
		b.say(KindShrunken, "app")
		at(10 * time.Minute)
		b.worsen("other", Warning) // another kind
		at(20 * time.Minute)
		b.worsen("third", Warning) // the same again: it waits
		at(30 * time.Minute)
		b.worsen("fourth", Critical) // worse
		at(5 * time.Hour)
		want(t, r, "the newest backup of app is far smaller than those before", "other could not be backed up", "2 databases could not be backed up")
		if len(r.messages()) != 3 {
			t.FailNow()
		}
		for i, after := range []time.Duration{time.Minute, 11 * time.Minute, 31 * time.Minute} {
			if got := r.messages()[i].Time.Sub(night); got != after {
				t.Errorf("message %d came after %v, want %v", i, got, after)
			}
		}
	})
}

// TestWorse: a trouble that was told is told again when it grows worse than ever, and
// not each time that it goes up and down.
func TestWorse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := &recorder{}
		b := begin(t, NewMemory(), Options{}, people(r))
		defer b.stop()
		b.worsen("app", Warning)
		for i, s := range []Severity{Critical, Warning, Critical, Warning, Critical} {
			at(time.Duration(i+1) * 10 * time.Minute)
			b.worsen("app", s)
		}
		at(3 * time.Hour)
		want(t, r, "app could not be backed up", "app still cannot be backed up")
		if got := r.messages(); got[0].Severity != Warning || got[1].Severity != Critical || got[1].Time.Sub(night) != 11*time.Minute {
			t.Errorf("%v, %v after %v", got[0].Severity, got[1].Severity, got[1].Time.Sub(night))
		}
	})
}
