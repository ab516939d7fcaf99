package schedule

import (
	"testing"
	"time"
)

// TestPeriodOf walks through the periods of zones for longer than their tables
// last, and looks at the offset in each half hour.
func TestPeriodOf(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo", "America/Santiago", "Africa/Casablanca"} {
		zone := mustZone(t, name)
		p := periodOf(time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), zone)
		changes := 0
		for at := time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2060; at = at.Add(30 * time.Minute) {
			if !p.end.IsZero() && !at.Before(p.end) {
				before := p
				p = periodOf(at, zone)
				if changes++; !p.start.Equal(before.end) || p.before != before.offset || p.before == p.offset {
					t.Fatalf("%s: %+v comes before %+v", name, before, p)
				}
			}
			if got := offsetAt(at, zone); got != p.offset {
				t.Fatalf("%s: the offset at %v is %v, in the period %+v", name, at, got, p)
			}
			if at.Day() >= 30 && at.Hour() == 12 && periodOf(at, zone) != p {
				t.Fatalf("%s: the period of %v is %+v, want %+v", name, at, periodOf(at, zone), p)
			}
		}
		if fixed := name == "UTC" || name == "Asia/Kolkata"; fixed != (changes == 0) {
			t.Errorf("%s: %d changes", name, changes)
		}
	}
}
