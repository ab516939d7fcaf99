package schedule

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

// reference finds slots the slow way: it looks at each minute of real time and
// at what the wall clock shows in it. It shares no code with the package.
type reference struct {
	sets      [5]map[int]bool
	set       [5]bool // the field does not begin with *
	everyHour bool
	zone      *time.Location
}

// newReference reads an expression of numbers, lists, ranges, steps and *.
func newReference(t testing.TB, expr string, zone *time.Location) *reference {
	t.Helper()
	low, high := []int{0, 0, 1, 1, 0}, []int{59, 23, 31, 12, 6}
	r := &reference{zone: zone}
	for i, word := range strings.Fields(expr) {
		r.sets[i] = map[int]bool{}
		r.set[i] = word[0] != '*'
		for _, part := range strings.Split(word, ",") {
			span, step, stepped := strings.Cut(part, "/")
			from, to := low[i], high[i]
			if span != "*" {
				a, b, ranged := strings.Cut(span, "-")
				from = number(t, a)
				switch {
				case ranged:
					to = number(t, b)
				case !stepped:
					to = from
				}
			}
			by := 1
			if stepped {
				by = number(t, step)
			}
			if to < from {
				to += high[i] - low[i] + 1
			}
			for n := from; n <= to; n += by {
				r.sets[i][low[i]+(n-low[i])%(high[i]-low[i]+1)] = true
			}
		}
	}
	r.everyHour = len(r.sets[1]) == 24
	return r
}

func number(t testing.TB, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// matches reports whether the wall clock w, taken for UTC, is a minute of the
// expression.
func (r *reference) matches(w time.Time) bool {
	day, week := r.sets[2][w.Day()], r.sets[4][int(w.Weekday())]
	date := day && week
	if r.set[2] && r.set[4] {
		date = day || week
	}
	return date && r.sets[0][w.Minute()] && r.sets[1][w.Hour()] && r.sets[3][int(w.Month())]
}

// slots returns the slots from the whole minute from up to, and without, to.
func (r *reference) slots(from, to time.Time) (found []time.Time) {
	seen := map[time.Time]bool{}
	face := func(u time.Time) time.Time {
		l := u.In(r.zone)
		return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), 0, 0, time.UTC)
	}
	// Two days before it begins, to know which minutes are repeated.
	for u := from.Add(-48 * time.Hour); u.Before(to); u = u.Add(time.Minute) {
		w := face(u)
		hit := r.matches(w) && (r.everyHour || !seen[w])
		missing := w.Sub(face(u.Add(-time.Minute))) - time.Minute
		if missing > 0 && (!r.everyHour || missing%time.Hour != 0) {
			for m := w.Add(-missing); m.Before(w); m = m.Add(time.Minute) {
				hit = hit || r.matches(m)
			}
		}
		seen[w] = true
		if hit && !u.Before(from) {
			found = append(found, u)
		}
	}
	return found
}

// mustZone returns a time zone by its name.
func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// mustParse returns the schedule of an expression that is right.
func mustParse(t testing.TB, expr, zone string) *Schedule {
	t.Helper()
	s, err := Parse(expr, mustZone(t, zone))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// walk returns the slots of s from from up to, and without, to.
func walk(s *Schedule, from, to time.Time) (found []time.Time) {
	for slot := s.Next(from.Add(-1)); !slot.IsZero() && slot.Before(to); slot = s.Next(slot) {
		found = append(found, slot)
	}
	return found
}

// around is a few days about a change of clocks.
type around struct {
	zone     string
	from, to string
}

// changes are stretches of time with changes of clocks of many kinds.
var changes = []around{
	{"Europe/Berlin", "2026-03-27", "2026-04-01"},
	{"Europe/Berlin", "2026-10-23", "2026-10-28"},
	{"America/New_York", "2026-03-06", "2026-03-11"},
	{"America/New_York", "2026-10-30", "2026-11-04"},
	{"Australia/Lord_Howe", "2026-04-03", "2026-04-08"}, // half an hour back
	{"Australia/Lord_Howe", "2026-10-02", "2026-10-07"}, // half an hour forward
	{"Asia/Kolkata", "2026-03-27", "2026-04-01"},        // none at all
	{"Africa/Cairo", "2026-04-22", "2026-04-27"},        // no midnight
	{"Africa/Cairo", "2026-10-28", "2026-11-02"},        // two hours before midnight are one
	{"America/Asuncion", "2023-09-30", "2023-10-04"},    // no midnight
	{"America/Asuncion", "2024-03-22", "2024-03-27"},
	{"Pacific/Apia", "2011-12-27", "2012-01-03"}, // a day that does not exist
	{"Africa/Casablanca", "2026-02-13", "2026-02-18"},
	{"Africa/Casablanca", "2026-03-20", "2026-03-25"},
	{"Antarctica/Troll", "2026-03-27", "2026-04-01"}, // two hours at once
	{"Antarctica/Troll", "2026-10-23", "2026-10-28"},
	{"America/Caracas", "2016-04-29", "2016-05-04"}, // half an hour, for good
	{"Asia/Kathmandu", "1985-12-30", "1986-01-04"},  // a quarter of an hour
}

// expressions are schedules of many kinds.
var expressions = []string{
	"* * * * *", "*/5 * * * *", "*/15 * * * *", "0 * * * *", "20 * * * *", "45 0-23 * * *", "0,30 * * * *",
	"30 2 * * *", "0 2 * * *", "15 2 * * *", "45 1 * * *", "0 3 * * *", "59 2 * * *", "0 0 * * *", "30 0 * * *",
	"30 23 * * *", "59 23 * * *", "*/15 2 * * *", "*/20 1-4 * * *", "0 */2 * * *", "0 1-5 * * *", "10 22-3 * * *",
	"0 0 * * 0", "30 2 * * 0", "30 2 * * 1-5", "0 0 1 * *", "0 0 31 12 *", "5 0 30 12 *", "0 1 29-1 * *", "0 2 13,29 * 5",
	"0 2 */2 * 0", "* 2 * * *", "0 12 * 3-11/2 *",
}

// span returns the ends of a stretch, in UTC.
func (a around) span(t testing.TB) (from, to time.Time) {
	t.Helper()
	from, err := time.Parse(time.DateOnly, a.from)
	if err != nil {
		t.Fatal(err)
	}
	if to, err = time.Parse(time.DateOnly, a.to); err != nil {
		t.Fatal(err)
	}
	return from, to
}

// TestReference compares Next and Latest with the reference, minute by minute
// around changes of clocks.
func TestReference(t *testing.T) {
	for _, a := range changes {
		t.Run(a.zone+" "+a.from, func(t *testing.T) {
			from, to := a.span(t)
			for _, expr := range expressions {
				s := mustParse(t, expr, a.zone)
				want := newReference(t, expr, s.Zone()).slots(from, to)
				if got := walk(s, from, to); !slices.EqualFunc(got, want, time.Time.Equal) {
					t.Errorf("%s:\n got %v\nwant %v", expr, got, want)
					continue
				}
				checkLatest(t, s, want, from, to)
			}
		})
	}
}

// checkLatest asks for the newest slot at each slot, just before and just after
// it, and at moments between.
func checkLatest(t *testing.T, s *Schedule, slots []time.Time, from, to time.Time) {
	t.Helper()
	var last time.Time
	for i, slot := range append(slots, to) {
		if i > 0 {
			for _, at := range []time.Time{last, last.Add(1), last.Add(slot.Sub(last) / 2), slot.Add(-1)} {
				if got := s.Latest(at, from.Add(-1)); !got.Equal(last) {
					t.Fatalf("%s: the newest slot at %v is %v, want %v", s, at, got, last)
				}
				if got := s.Latest(at, last); !got.IsZero() {
					t.Fatalf("%s: %v comes after %v until %v", s, got, last, at)
				}
			}
		} else if got := s.Latest(slot.Add(-1), from.Add(-1)); !got.IsZero() {
			t.Fatalf("%s: slot %v before the first, %v", s, got, slot)
		}
		last = slot
	}
}
