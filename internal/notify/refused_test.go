package notify

import (
	"strings"
	"testing"
	"time"
)

// TestRefusedConfiguration: what a changed configuration was refused for is told as the
// file has it, and its end is not that of a database.
func TestRefusedConfiguration(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := &recorder{}
		b := begin(t, NewMemory(), Options{}, people(r))
		defer b.stop()
		const cause = "litekeep.yaml:2:3: unknown key\r\n   2 |   shedule: off\t\n     |   ^^^^^^^\x1b"
		for range 2 {
			b.Report(t.Context(), Event{Kind: KindConfigRefused, Cause: cause})
		}
		b.say(KindFailed, "app")
		b.say(KindFailed, "other")
		at(time.Hour)
		b.say(KindSucceeded, "app")
		b.say(KindSucceeded, "other")
		b.Report(t.Context(), Event{Kind: KindRecovered, Clears: []Kind{KindConfigRefused}, Summary: "the configuration is valid again"})
		at(3 * time.Hour)
		want(t, r, "2 databases could not be backed up; the changed configuration was refused, the old one stays",
			"the configuration is valid again; 2 databases are backed up again")
		m := r.messages()[0]
		text, slack := m.Text(), slackMessage(m)
		if !strings.Contains(text, "litekeep.yaml:2:3: unknown key\n           2 |   shedule: off\n             |   ^^^^^^^\n") {
			t.Error(text)
		}
		if got := slack.Blocks[1].Text.Text; !strings.Contains(got, "```\nlitekeep.yaml:2:3: unknown key\n   2 |   shedule: off\n     |   ^^^^^^^\n```") {
			t.Error(got)
		}
		if page, err := m.HTML(); err != nil || !strings.Contains(page, "unknown key\n   2 |   shedule: off\n     |   ^^^^^^^</pre>") {
			t.Error(page, err)
		}
	})
}
