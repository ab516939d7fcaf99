package schedule

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func utc(t testing.TB, text string) time.Time {
	t.Helper()
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse("2006-01-02 15:04:05", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestDue is the table of single decisions.
func TestDue(t *testing.T) {
	const none = ""
	for _, c := range []struct {
		name, expr, zone string
		spread           time.Duration
		last, now        string
		slot             string
		due              bool
		next             string
	}{
		{"new", "0 2 * * *", "UTC", 0, none, "2026-05-05 12:00:00", "2026-05-05 02:00:00", false, "2026-05-06 02:00:00"},
		{"new, at a slot", "0 2 * * *", "UTC", 0, none, "2026-05-05 02:00:00", "2026-05-05 02:00:00", false, "2026-05-06 02:00:00"},
		{"new, in the spread", "0 2 * * *", "UTC", time.Hour, none, "2026-05-05 02:30:00", "2026-05-04 02:00:00", false, "2026-05-05 03:00:00"},
		{"nothing yet", "0 2 * * *", "UTC", 0, "2026-05-04 02:00:00", "2026-05-05 01:59:59", none, false, "2026-05-05 02:00:00"},
		{"on time", "0 2 * * *", "UTC", 0, "2026-05-04 02:00:00", "2026-05-05 02:00:00", "2026-05-05 02:00:00", true, "2026-05-06 02:00:00"},
		{"in the spread", "0 2 * * *", "UTC", time.Hour, "2026-05-04 02:00:00", "2026-05-05 02:59:59", none, false, "2026-05-05 03:00:00"},
		{"after the spread", "0 2 * * *", "UTC", time.Hour, "2026-05-04 02:00:00", "2026-05-05 03:00:00", "2026-05-05 02:00:00", true, "2026-05-06 03:00:00"},
		{"handled", "0 2 * * *", "UTC", time.Hour, "2026-05-05 02:00:00", "2026-05-05 03:00:00", none, false, "2026-05-06 03:00:00"},
		{"handled, clock back in the spread", "0 2 * * *", "UTC", time.Hour, "2026-05-05 02:00:00", "2026-05-05 02:30:00", none, false, "2026-05-06 03:00:00"},
		{"a spread less than zero", "0 2 * * *", "UTC", -time.Hour, "2026-05-04 02:00:00", "2026-05-05 01:30:00", none, false, "2026-05-05 02:00:00"},
		{"spread above the period", "0 * * * *", "UTC", 150 * time.Minute, "2026-05-05 09:00:00", "2026-05-05 12:30:00", "2026-05-05 10:00:00", true, "2026-05-05 13:30:00"},
		{"missed one", "0 2 * * *", "UTC", 0, "2026-05-04 02:00:00", "2026-05-05 17:00:00", "2026-05-05 02:00:00", true, "2026-05-06 02:00:00"},
		{"missed a year", "0 2 * * *", "UTC", 0, "2025-05-04 02:00:00", "2026-05-05 17:00:00", "2026-05-05 02:00:00", true, "2026-05-06 02:00:00"},
		{"missed hours", "*/10 * * * *", "UTC", time.Minute, "2026-05-05 02:00:00", "2026-05-05 17:20:59", "2026-05-05 17:10:00", true, "2026-05-05 17:21:00"},
		{"last is no slot of a new schedule", "0 5 * * *", "UTC", 0, "2026-05-05 02:00:00", "2026-05-05 04:00:00", none, false, "2026-05-05 05:00:00"},
		{"clock back by hours", "0 * * * *", "UTC", 0, "2026-05-05 02:00:00", "2026-05-05 01:20:00", none, false, "2026-05-05 03:00:00"},
		{"clock back by less than a period", "0 2 * * *", "UTC", 0, "2026-05-05 02:00:00", "2026-05-04 02:00:00", none, false, "2026-05-06 02:00:00"},
		{"last far ahead", "0 2 * * *", "UTC", 0, "2036-05-05 02:00:00", "2026-05-05 12:00:00", none, false, "2026-05-06 02:00:00"},
		{"last far ahead, at a slot", "0 2 * * *", "UTC", time.Minute, "2036-05-05 02:00:00", "2026-05-05 02:01:00", "2026-05-05 02:00:00", true, "2026-05-06 02:01:00"},
		{"last far ahead, soon after", "0 2 * * *", "UTC", time.Minute, "2036-05-05 02:00:00", "2026-05-05 02:10:59", "2026-05-05 02:00:00", true, "2026-05-06 02:01:00"},
		{"last far ahead, too late", "0 2 * * *", "UTC", time.Minute, "2036-05-05 02:00:00", "2026-05-05 02:11:00", none, false, "2026-05-06 02:01:00"},
		{"clock at its beginning", "0 2 * * *", "UTC", 0, "2026-05-05 02:00:00", "1970-01-01 00:00:07", none, false, "1970-01-01 02:00:00"},
		{"spring in Berlin", "30 2 * * *", "Europe/Berlin", 0, "2026-03-28 01:30:00", "2026-03-29 01:00:00", "2026-03-29 01:00:00", true, "2026-03-30 00:30:00"},
		{"autumn in Berlin, first", "30 2 * * *", "Europe/Berlin", 0, "2026-10-24 00:30:00", "2026-10-25 00:30:00", "2026-10-25 00:30:00", true, "2026-10-26 01:30:00"},
		{"autumn in Berlin, second", "30 2 * * *", "Europe/Berlin", 0, "2026-10-25 00:30:00", "2026-10-25 01:30:00", none, false, "2026-10-26 01:30:00"},
		{"weekdays, on a Sunday", "0 2 * * 1-5", "UTC", 0, "2026-05-08 02:00:00", "2026-05-10 12:00:00", none, false, "2026-05-11 02:00:00"},
		{"every 90 minutes", "@every 90m", "UTC", 0, "2026-05-05 03:00:00", "2026-05-05 09:00:01", "2026-05-05 09:00:00", true, "2026-05-05 10:30:00"},
	} {
		s := mustParse(t, c.expr, c.zone)
		slot, due, next := Due(s, c.spread, utc(t, c.last), utc(t, c.now))
		if !slot.Equal(utc(t, c.slot)) || due != c.due || !next.Equal(utc(t, c.next)) {
			t.Errorf("%s: got %v %v, next %v; want %v %v, next %v", c.name, slot.UTC(), due, next.UTC(), c.slot, c.due, c.next)
		}
	}
}

// run is one run that a simulated scheduler began.
type run struct{ slot, at time.Time }

// world is a scheduler on a machine that is off at times, with a clock that
// may be wrong.
type world struct {
	s      *Schedule
	spread time.Duration
	last   time.Time
	runs   []run
}

// live lets the scheduler look from from up to to, in real time, when it wants
// to. Ahead is how far its clock is ahead.
func (w *world) live(t require, from, to time.Time, ahead time.Duration) {
	for at := from; at.Before(to); {
		now := at.Add(ahead)
		slot, due, next := Due(w.s, w.spread, w.last, now)
		switch {
		case !next.After(now):
			t.Fatalf("%s: next is %v at %v", w.s, next, now)
		case due && slot.Add(w.spread).After(now):
			t.Fatalf("%s: slot %v runs at %v", w.s, slot, now)
		case due:
			w.runs = append(w.runs, run{slot: slot, at: at})
			w.last = slot
		case w.last.IsZero():
			w.last = slot
		}
		at = at.Add(next.Sub(now))
	}
}

// require is what a test needs of *testing.T and *rapid.T.
type require interface {
	Helper()
	Fatalf(format string, args ...any)
}

// TestMonths simulates seven months, with both changes of clocks, in each zone,
// with a scheduler that is off at random times: each slot is run once, or is
// covered by one run when the scheduler comes back.
func TestMonths(t *testing.T) {
	zones := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo"}
	exprs := []string{"0 2 * * *", "30 2 * * *", "15 0 * * *", "30 23 * * *", "0 * * * *", "*/15 * * * *", "30 2 * * 0", "45 1 1 * *", "@every 7h"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(rapid.SampledFrom(exprs).Draw(t, "expr"), zone)
		if err != nil {
			t.Fatal(err)
		}
		spread := time.Duration(rapid.IntRange(0, 5400).Draw(t, "spread")) * time.Second
		begin := time.Date(2026, 3, 1, 0, 0, rapid.IntRange(0, 1e6).Draw(t, "begin"), 0, time.UTC)
		end := begin.AddDate(0, 8, 0)
		w := &world{s: s, spread: spread}
		var on [][2]time.Time
		for at := begin; at.Before(end); {
			until := at.Add(time.Duration(rapid.IntRange(1, 3_000_000).Draw(t, "on")) * time.Second)
			w.live(t, at, until, 0)
			on = append(on, [2]time.Time{at, until})
			at = until.Add(time.Duration(rapid.IntRange(0, 500_000).Draw(t, "off")) * time.Second)
		}
		want := expected(walk(s, begin.Add(1-spread), end.AddDate(0, 2, 0)), spread, on)
		if !slices.EqualFunc(w.runs, want, func(a, b run) bool { return a.slot.Equal(b.slot) && a.at.Equal(b.at) }) {
			t.Fatalf("%v, spread %v, on %v:\n got %v\nwant %v", s, spread, on, w.runs, want)
		}
	})
}

// expected says which of the slots a scheduler runs that is on at times: each
// when its spread is over; one whose time came while the scheduler was off
// when it is on again, unless a newer one's time has come by then.
func expected(slots []time.Time, spread time.Duration, on [][2]time.Time) (runs []run) {
	for i, slot := range slots {
		at := slot.Add(spread)
		for _, session := range on {
			if !at.Before(session[1]) {
				continue
			}
			if at.Before(session[0]) {
				at = session[0]
			}
			if i+1 == len(slots) || slots[i+1].Add(spread).After(at) {
				runs = append(runs, run{slot: slot, at: at})
			}
			break
		}
	}
	return runs
}

// TestJumps lets clocks jump: no slot is run twice while the clock is wrong by
// less than a period, none is run before its time, and when the clock is right
// again, all goes on as if nothing had been, two periods later at the latest.
func TestJumps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom([]string{"Europe/Berlin", "Australia/Lord_Howe", "UTC"}).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(rapid.SampledFrom([]string{"30 2 * * *", "0 * * * *", "0 3 * * 1", "@every 4h"}).Draw(t, "expr"), zone)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{s: s, spread: time.Duration(rapid.IntRange(0, 3000).Draw(t, "spread")) * time.Second}
		at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		small := rapid.Bool().Draw(t, "small")
		for range rapid.IntRange(1, 12).Draw(t, "jumps") {
			limit := 3000.0 * 86400
			if small {
				limit = s.Period(at).Seconds() - 1
			}
			ahead := time.Duration(rapid.Float64Range(-limit, limit).Draw(t, "ahead")) * time.Second
			until := at.Add(time.Duration(rapid.IntRange(1, 400_000).Draw(t, "time")) * time.Second)
			w.live(t, at, until, ahead)
			at = until
		}
		if small {
			for i := 1; i < len(w.runs); i++ {
				if !w.runs[i].slot.After(w.runs[i-1].slot) {
					t.Fatalf("%v: runs are %v", s, w.runs)
				}
			}
		}
		right := at.Add(2*s.Period(at) + w.spread)
		end := right.Add(5 * s.Period(at))
		w.live(t, at, end, 0)
		want := walk(s, right.Add(-w.spread), end.Add(-w.spread))
		var got []time.Time
		for _, r := range w.runs {
			if !r.at.Before(right) {
				got = append(got, r.slot)
			}
		}
		if !slices.EqualFunc(got, want, time.Time.Equal) {
			t.Fatalf("%v: after the clock is right, at %v:\n got %v\nwant %v", s, at, got, want)
		}
	})
}

func TestPeriod(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		expr, zone, at string
		want           time.Duration
	}{
		{"30 2 * * *", "UTC", "2026-05-05 12:00:00", day},
		{"30 2 * * *", "Europe/Berlin", "2026-10-25 12:00:00", 25 * time.Hour},
		{"30 2 * * *", "Europe/Berlin", "2026-03-29 12:00:00", day},
		{"0 * * * *", "UTC", "2026-05-05 12:00:00", time.Hour},
		{"* * * * *", "UTC", "2026-05-05 12:00:00", time.Minute},
		{"0,5,40 * * * *", "UTC", "2026-05-05 12:00:00", 35 * time.Minute},
		{"15 * * * *", "Australia/Lord_Howe", "2026-04-04 15:00:00", 90 * time.Minute},
		{"* 9-16 * * 1-5", "UTC", "2026-05-05 12:00:00", 2*day + 16*time.Hour + time.Minute},
		{"0 2 * * 1-5", "UTC", "2026-05-05 12:00:00", 3 * day},
		{"0 2 * * 1-5", "UTC", "2026-05-07 12:00:00", 3 * day},
		{"0 2 * * 0", "UTC", "2026-05-05 12:00:00", 7 * day},
		{"0 2 1 * *", "UTC", "2026-05-25 12:00:00", 31 * day},
		{"0 2 1 * *", "UTC", "2026-02-15 12:00:00", 28 * day},
		{"0 2 1 1 *", "UTC", "2026-06-15 12:00:00", 365 * day},
		{"0 * * 6 *", "UTC", "2026-06-15 12:00:00", time.Hour},
		{"0 * * 6 *", "UTC", "2026-06-25 12:00:00", 335*day + time.Hour},
		{"@every 90m", "UTC", "2026-06-15 12:00:00", 90 * time.Minute},
	} {
		if got := mustParse(t, c.expr, c.zone).Period(utc(t, c.at)); got != c.want {
			t.Errorf("%s in %s at %s: got %v, want %v", c.expr, c.zone, c.at, got, c.want)
		}
	}
}

// TestPeriodHolds compares Period with all the pauses that it speaks of.
func TestPeriodHolds(t *testing.T) {
	for _, a := range changes {
		from, _ := a.span(t)
		at := from.Add(60*time.Hour + 17*time.Second)
		for _, expr := range expressions {
			s := mustParse(t, expr, a.zone)
			around := 8 * 24 * time.Hour
			if s.everyHour && s.everyDay {
				around = 3 * time.Hour
			}
			slots := walk(s, s.Latest(at.Add(-around), time.Time{}), s.Next(at.Add(around)).Add(1))
			var want time.Duration
			for i := 1; i < len(slots); i++ {
				want = max(want, slots[i].Sub(slots[i-1]))
			}
			if got := s.Period(at); got != want {
				t.Errorf("%v at %v: got %v, want %v", s, at, got, want)
			}
		}
	}
}

// TestSpread checks that spreads stay what they are, and are uniform.
func TestSpread(t *testing.T) {
	if got := Spread("app", time.Hour); got != 37*time.Minute+50*time.Second {
		t.Errorf("the spread of app is %v", got)
	}
	for _, limit := range []time.Duration{0, -time.Hour} {
		if got := Spread("app", limit); got != 0 {
			t.Errorf("below %v: %v", limit, got)
		}
	}
	const names, cells = 20000, 20
	var count [cells]float64
	for i := range names {
		d := Spread(fmt.Sprintf("database %d", i), time.Hour)
		if d < 0 || d >= time.Hour || d%time.Second != 0 {
			t.Fatalf("spread %v", d)
		}
		count[d*cells/time.Hour]++
	}
	chi := 0.0
	for _, n := range count {
		chi += math.Pow(n-names/cells, 2) / (names / cells)
	}
	if chi > 43.8 { // 19 degrees of freedom: 1 in 1000 is above
		t.Errorf("chi squared is %v: %v", chi, count)
	}
	if got := Spread("app", 10); got < 0 || got >= 10 {
		t.Errorf("below 10ns: %v", got)
	}
}

func BenchmarkNext(b *testing.B) {
	for _, expr := range []string{"* * * * *", "30 2 * * *", "0 0 29 2 *"} {
		s := mustParse(b, expr, "Europe/Berlin")
		at := time.Date(2026, 5, 5, 12, 0, 0, 0, time.UTC)
		b.Run(expr, func(b *testing.B) {
			for b.Loop() {
				s.Next(at)
			}
		})
		b.Run("Latest "+expr, func(b *testing.B) {
			for b.Loop() {
				s.Latest(at, time.Time{})
			}
		})
		b.Run("Period "+expr, func(b *testing.B) {
			for b.Loop() {
				s.Period(at)
			}
		})
	}
}
