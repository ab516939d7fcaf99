package nearest

import (
	"strings"
	"testing"
)

func TestWord(t *testing.T) {
	words := []string{"schedule", "time_zone", "time_limit", "retention", "certificate"}
	for text, want := range map[string]string{
		"shedule": "schedule", "scheduel": "schedule", "SCHEDULE": "schedule", "timezone": "time_zone", "time-limit": "time_limit",
		"rentention": "retention", "cert": "certificate", "x": "", "wibble": "", "": "",
		strings.Repeat("certificate", 10): "",
	} {
		if got := Word(text, words); got != want {
			t.Errorf("%q: %q, not %q", text, got, want)
		}
	}
	if d := distance("abcdef", "abdcefg"); d != 2 { // a swap and an insertion
		t.Errorf("distance %d", d)
	}
}
