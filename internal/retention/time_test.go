package retention_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/retention"
)

// live backs up again and again, and prunes after each backup, as a service does.
// It calls look with what stays each time.
func live(p retention.Policy, begin time.Time, next func(time.Time) time.Time, n int, look func(now time.Time, kept []retention.Backup)) {
	var kept []retention.Backup
	at := begin
	for i := range n {
		kept = append(kept, retention.Backup{ID: fmt.Sprint(i), Group: "app", Time: at, Verified: true})
		kept = stays(retention.Plan(p, kept, at))
		look(at, kept)
		at = next(at)
	}
}

func nextDay(t time.Time) time.Time { return t.AddDate(0, 0, 1) }

// TestTwoYears backs up daily for two years and a bit, and names what is left.
func TestTwoYears(t *testing.T) {
	berlin := zone("Europe/Berlin")
	p := retention.Policy{KeepWithin: day, KeepDaily: 7, KeepWeekly: 4, KeepMonthly: 12, KeepYearly: 2, Location: berlin}
	begin := time.Date(2024, 10, 10, 2, 0, 0, 0, berlin)
	var got []string
	live(p, begin, nextDay, 773, func(_ time.Time, kept []retention.Backup) {
		got = nil
		for _, b := range kept {
			got = append(got, b.Time.In(berlin).Format("2006-01-02"))
		}
	})
	// The last is of Saturday, 21 November 2026.
	want := []string{
		"2026-11-21", "2026-11-20", "2026-11-19", "2026-11-18", "2026-11-17", "2026-11-16", "2026-11-15", // days; 16th: Monday
		"2026-11-09", "2026-11-02", // weeks, with 26 October
		"2026-11-01", "2026-10-26", "2026-10-01", "2026-09-01", "2026-08-01", "2026-07-01", "2026-06-01", // months
		"2026-05-01", "2026-04-01", "2026-03-01", "2026-02-01", "2026-01-01", "2025-12-01",
		"2025-01-01", // years, with 1 January 2026
	}
	if !slices.Equal(got, want) {
		t.Errorf("after two years there are %d:\n%q, want\n%q", len(got), got, want)
	}
}

// TestNumbersFill holds at every moment of three years that as many periods are
// kept as the policy says and time allowed.
func TestNumbersFill(t *testing.T) {
	for _, where := range []*time.Location{time.UTC, zone("America/New_York"), zone("Australia/Lord_Howe")} {
		p := retention.Policy{KeepWithin: time.Hour, KeepDaily: 5, KeepWeekly: 3, KeepMonthly: 4, KeepYearly: 2, Location: where}
		begin := time.Date(2025, 3, 20, 1, 30, 0, 0, where)
		week := func(t time.Time) string { y, w := t.ISOWeek(); return fmt.Sprint(y, w) }
		seen := map[string]map[string]bool{"day": {}, "week": {}, "month": {}, "year": {}}
		names := func(at time.Time) map[string]string {
			at = at.In(where)
			return map[string]string{"day": at.Format("2006-01-02"), "week": week(at), "month": at.Format("2006-01"), "year": at.Format("2006")}
		}
		limits := map[string]int{"day": 5, "week": 3, "month": 4, "year": 2}
		live(p, begin, func(t time.Time) time.Time { return t.Add(7 * time.Hour) }, 3*365*24/7, func(now time.Time, kept []retention.Backup) {
			have := map[string]map[string]bool{"day": {}, "week": {}, "month": {}, "year": {}}
			for unit, name := range names(now) {
				seen[unit][name] = true
			}
			for _, b := range kept {
				for unit, name := range names(b.Time) {
					have[unit][name] = true
				}
			}
			for unit, limit := range limits {
				if want := min(limit, len(seen[unit])); len(have[unit]) < want {
					t.Fatalf("%v: %d of %d %ss are kept", now, len(have[unit]), want, unit)
				}
			}
			if len(kept) > 5+3+4+2+1 {
				t.Fatalf("%v: %d are kept", now, len(kept))
			}
		})
	}
}

// TestStableInTime checks that pruning early and often loses nothing: whoever
// prunes after each backup keeps what one would keep who prunes once, at the end.
func TestStableInTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t)
		var all, kept []retention.Backup
		at := time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC)
		for i := range rapid.IntRange(1, 80).Draw(t, "backups") {
			step := rapid.SampledFrom([]time.Duration{10 * time.Minute, time.Hour, 5 * time.Hour, day, 9 * day, 40 * day}).Draw(t, "step")
			at = at.Add(step)
			b := retention.Backup{ID: fmt.Sprint(i), Group: "app", Time: at, Verified: rapid.IntRange(0, 4).Draw(t, "verified") > 0}
			all = append(all, b)
			kept = append(kept, b)
			if rapid.Bool().Draw(t, "prune") {
				kept = stays(retention.Plan(p, kept, at))
			}
		}
		want := stays(retention.Plan(p, all, at))
		got := stays(retention.Plan(p, kept, at))
		if !slices.Equal(got, want) {
			t.Fatalf("%+v keeps %v, at once %v", p, got, want)
		}
	})
}

// TestHoursOfTheClock looks at the hour that comes twice and the one that is left
// out when clocks are changed.
func TestHoursOfTheClock(t *testing.T) {
	for name, begin := range map[string]time.Time{
		"Europe/Berlin":       time.Date(2026, 10, 24, 22, 0, 0, 0, time.UTC), // back at 01:00 UTC
		"America/New_York":    time.Date(2026, 3, 8, 5, 0, 0, 0, time.UTC),    // ahead at 07:00 UTC
		"Australia/Lord_Howe": time.Date(2026, 4, 4, 12, 0, 0, 0, time.UTC),   // back by 30 minutes at 15:00 UTC
	} {
		var list []retention.Backup
		for i := range 16 { // half hours
			list = append(list, retention.Backup{ID: fmt.Sprint(i), Time: begin.Add(time.Duration(i) * 30 * time.Minute), Verified: true})
		}
		p := retention.Policy{KeepWithin: 1, KeepHourly: 100, KeepDaily: 100, Location: zone(name)}
		hours := map[string]bool{}
		for _, b := range list {
			hours[b.Time.In(p.Location).Format("2006-01-02 15 -07:00")] = true
		}
		if kept := stays(retention.Plan(p, list, list[15].Time)); len(kept) < len(hours) || len(kept) > len(hours)+1 { // the newest besides
			t.Errorf("%s: %d are kept of %d hours", name, len(kept), len(hours))
		}
	}
}

// TestDayTwice is in a zone whose clocks were set back over midnight: the day
// that came twice is one.
func TestDayTwice(t *testing.T) {
	where := zone("America/St_Johns") // 2006-10-29 00:01 became 2006-10-28 23:01
	var list []retention.Backup
	begin := time.Date(2006, 10, 29, 1, 30, 0, 0, time.UTC)
	for i := range 20 {
		list = append(list, retention.Backup{ID: fmt.Sprint(i), Time: begin.Add(time.Duration(i) * 10 * time.Minute), Verified: true})
	}
	p := retention.Policy{KeepWithin: 1, KeepDaily: 2, Location: where}
	at := list[19].Time
	days := map[string]int{}
	for _, b := range list {
		days[b.Time.In(where).Format(time.DateOnly)]++
	}
	kept := stays(retention.Plan(p, list, at))
	if len(days) != 2 || len(kept) != 3 {
		t.Fatalf("%d days, kept %v", len(days), kept)
	}
	if again := stays(retention.Plan(p, kept, at)); !slices.Equal(again, kept) {
		t.Errorf("the second plan keeps %v of %v", again, kept)
	}
	// While the clock shows the 28th again, the 29th is the newest day all the same.
	p.KeepDaily = 1
	if kept = stays(retention.Plan(p, list[:12], list[11].Time)); len(kept) != 2 || kept[1].ID != "6" {
		t.Errorf("kept %v", kept)
	}
}

// TestLaterBackupsOfTheDay finds that no later backup takes the place of the one
// that stands for a day.
func TestLaterBackupsOfTheDay(t *testing.T) {
	p := retention.Policy{KeepWithin: time.Minute, KeepDaily: 3}
	first := ""
	begin := time.Date(2026, 6, 1, 0, 30, 0, 0, time.UTC)
	live(p, begin, func(t time.Time) time.Time { return t.Add(time.Hour) }, 23, func(_ time.Time, kept []retention.Backup) {
		oldest := kept[len(kept)-1].ID
		if first == "" {
			first = oldest
		}
		if oldest != first || len(kept) > 2 {
			t.Fatalf("%s stands for the day, not %s; kept %v", oldest, first, kept)
		}
	})
}

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"7d": 7 * day, "2w": 14 * day, "1w1d": 8 * day, "36h": 36 * time.Hour, "1d12h": 36 * time.Hour, "90m": 90 * time.Minute,
		"0": 0, "0d": 0, "1.5h": 90 * time.Minute, "168h0m0s": 7 * day, "36500d": 36500 * day, "1d1m1s": day + 61*time.Second,
	} {
		if got, err := retention.ParseDuration(text); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "7", "d", "1.5d", "-7d", "-1h", "7d-1h", "7d+1h", "1d1w", "1d1d", "7 d", "7y", "9999999999d", "200000d", "106751d24h", "1h1d",
	} {
		if got, err := retention.ParseDuration(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"7d", "2w3d4h", "1h0m0.5s", "0", "106751d23h47m16s", "-1d", "1d1d", "µ", "1µs"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := retention.ParseDuration(text)
		if err != nil {
			return
		}
		if d < 0 {
			t.Fatalf("%q is %v", text, d)
		}
		back, err := retention.ParseDuration(retention.FormatDuration(d))
		if err != nil || back != d {
			t.Fatalf("%q is %v, written %q, read %v, %v", text, d, retention.FormatDuration(d), back, err)
		}
	})
}
