package retention_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/retention"
)

var update = flag.Bool("update", false, "rewrite the golden file")

const (
	golden = "testdata/plans.txt"
	day    = 24 * time.Hour
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// at returns a verified backup of the given age.
func at(id string, age time.Duration) retention.Backup {
	return retention.Backup{ID: id, Group: "app", Time: now.Add(-age), Verified: true}
}

func unverified(b retention.Backup) retention.Backup { b.Verified = false; return b }
func damaged(b retention.Backup) retention.Backup    { b.Damaged = true; return b }
func pinned(b retention.Backup) retention.Backup     { b.Pinned = true; return b }
func of(group string, b retention.Backup) retention.Backup {
	b.Group = group
	return b
}

func unpinned(b retention.Backup) retention.Backup { b.Unpinned = true; return b }

// every returns good backups of the ages from, from+step and so on, below to.
func every(step, from, to time.Duration) (list []retention.Backup) {
	for age := from; age < to; age += step {
		b := at("", age)
		b.ID = b.Time.Format("01-02 15h Mon")
		list = append(list, b)
	}
	return list
}

func zone(name string) *time.Location {
	l, err := time.LoadLocation(name)
	if err != nil {
		panic(err)
	}
	return l
}

type scenario struct {
	name    string
	policy  retention.Policy
	backups []retention.Backup
}

func scenarios() []scenario {
	var daily []retention.Backup
	for i := range 11 {
		daily = append(daily, at(fmt.Sprintf("d%02d", i), time.Duration(i)*day))
	}
	return []scenario{
		{"nothing", retention.Policy{}, nil},
		{"one a day, by default", retention.Policy{}, daily},
		{"one a day, at least nine", retention.Policy{KeepLast: 9}, daily},
		{"one a day, thirty-six hours", retention.Policy{KeepWithin: 36 * time.Hour}, daily},
		{"all too old", retention.Policy{}, []retention.Backup{at("a", 30*day), at("b", 31*day), at("c", 7*day+time.Second)}},
		{"on the limit", retention.Policy{KeepWithin: day}, []retention.Backup{
			at("new", 0), at("on", day), at("over by a nanosecond", day+1), at("over by an hour", 25*time.Hour+59*time.Minute),
		}},
		{"verification fails since twenty days", retention.Policy{}, []retention.Backup{
			unverified(at("u1", day)), unverified(at("u9", 9*day)), unverified(at("u19", 19*day)),
			at("g20", 20*day), unverified(at("u20", 20*day)), at("g21", 21*day), unverified(at("u22", 22*day)),
		}},
		{"never verified", retention.Policy{}, []retention.Backup{unverified(at("a", 8*day)), unverified(at("b", 900*day))}},
		{"newest one damaged", retention.Policy{}, []retention.Backup{
			damaged(at("bad", 8*day)), at("good", 9*day), at("older", 10*day), damaged(at("bad too", 11*day)),
		}},
		{"clock in the future", retention.Policy{}, []retention.Backup{
			at("tomorrow", -day), at("good", 8*day), at("older", 9*day), unverified(at("next year", -365*day)),
		}},
		{"only the future is verified", retention.Policy{}, []retention.Backup{at("tomorrow", -day), unverified(at("old", 30*day))}},
		{"pinned", retention.Policy{}, []retention.Backup{
			at("new", 0), pinned(at("safety", 100*day)), at("old", 99*day), pinned(damaged(unverified(at("odd", 50*day)))),
		}},
		{"a pinned one is the newest", retention.Policy{}, []retention.Backup{pinned(at("safety", 8*day)), at("old", 9*day)}},
		{"equal times", retention.Policy{KeepLast: 2}, []retention.Backup{
			at("a", 9*day), at("c", 9*day), at("b", 9*day), unverified(at("d", 9*day)), damaged(at("e", 9*day)),
		}},
		{"two databases", retention.Policy{}, []retention.Backup{
			of("b", at("1", day)), of("a", at("1", 8*day)), of("b", at("2", 8*day)), of("a", at("2", 9*day)), of("", at("1", 10*day)),
		}},
		{"time not known", retention.Policy{}, []retention.Backup{
			{ID: "lost", Group: "app", Verified: true}, unverified(at("old", 8*day)),
		}},
		{"far away", retention.Policy{KeepWithin: math.MaxInt64}, []retention.Backup{
			at("new", 0), {ID: "year 1", Group: "app", Time: time.Time{}.Add(1), Verified: true},
		}},
		{"senseless policy", retention.Policy{KeepWithin: -day, KeepLast: -1, KeepDaily: -3}, daily[6:9]},
		{"pinned with a note", retention.Policy{}, []retention.Backup{
			at("new", 0), {ID: "mine", Group: "app", Time: now.Add(-9 * day), Verified: true, Pinned: true, Note: "before the move"},
		}},
		{"all rules", retention.Policy{
			KeepWithin: 12 * time.Hour, KeepLast: 2, KeepHourly: 3, KeepDaily: 3, KeepWeekly: 2, KeepMonthly: 3, KeepYearly: 2, KeepMinimum: 2,
		}, slices.Concat(every(8*time.Hour, 0, 2*day), every(3*day, 3*day, 24*day), every(35*day, 40*day, 800*day))},
		{"days of another place", retention.Policy{KeepWithin: time.Hour, KeepDaily: 3, Location: zone("Pacific/Auckland")}, every(6*time.Hour, 0, 3*day)},
		{"a gap does not count", retention.Policy{KeepWithin: time.Hour, KeepDaily: 3}, []retention.Backup{
			at("today", 0), at("month", 30*day), at("year", 365*day), at("older", 366*day),
		}},
		{"nothing but the good stands for a day", retention.Policy{KeepWithin: time.Minute, KeepDaily: 2}, []retention.Backup{
			at("new", 0), unverified(at("u", 2*day)), damaged(at("d", 3*day)), pinned(at("p", 4*day)), at("g", 5*day), at("h", 6*day),
		}},
		{"a pin that is over", retention.Policy{KeepWithin: time.Minute, KeepMonthly: 3}, []retention.Backup{
			at("new", 0), at("other", 40*day), unpinned(at("first", 41*day)), unpinned(at("alone", 60*day)), unpinned(at("alone, older", 61*day)),
		}},
	}
}

// TestGolden holds whole plans as people see them. Read every changed line
// before you run it with -update.
func TestGolden(t *testing.T) {
	var b strings.Builder
	for _, s := range scenarios() {
		fmt.Fprintf(&b, "%s\n", s.name)
		for _, d := range retention.Plan(s.policy, s.backups, now) {
			verb := "drop"
			if d.Keep {
				verb = "keep"
			}
			if d.Future {
				verb += "!"
			}
			fmt.Fprintf(&b, "    %-5s %-28s %s\n", verb, strings.TrimPrefix(d.Backup.Group+"/"+d.Backup.ID, "app/"), d.Reason)
		}
	}
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestValidate(t *testing.T) {
	for _, p := range []retention.Policy{{}, {KeepWithin: 1, KeepLast: 1, KeepDaily: 1, KeepMinimum: 1}} {
		if err := p.Validate(); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
	err := retention.Policy{
		KeepWithin: -time.Hour, KeepLast: -2, KeepHourly: -3, KeepDaily: -4, KeepWeekly: -5, KeepMonthly: -6, KeepYearly: -7, KeepMinimum: -8,
	}.Validate()
	want := "within -1h0m0s,last -2,hourly -3,daily -4,weekly -5,monthly -6,yearly -7,minimum -8"
	want = "keep " + strings.ReplaceAll(want, ",", ": must not be negative\nkeep ") + ": must not be negative"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

var zones = []*time.Location{nil, time.UTC, zone("Europe/Berlin"), zone("America/St_Johns"), zone("Australia/Lord_Howe"), zone("Pacific/Apia")}

func drawPolicy(t *rapid.T) retention.Policy {
	few := rapid.IntRange(0, 4)
	return retention.Policy{
		KeepWithin: rapid.SampledFrom([]time.Duration{0, 1, time.Hour, day, 3 * day, 20 * day}).Draw(t, "within"),
		KeepLast:   rapid.IntRange(0, 5).Draw(t, "last"),
		KeepHourly: few.Draw(t, "hourly"), KeepDaily: few.Draw(t, "daily"), KeepWeekly: few.Draw(t, "weekly"),
		KeepMonthly: few.Draw(t, "monthly"), KeepYearly: few.Draw(t, "yearly"),
		KeepMinimum: rapid.IntRange(0, 3).Draw(t, "minimum"),
		Location:    rapid.SampledFrom(zones).Draw(t, "zone"),
	}
}

// drawBackups draws few distinct ages, so that equal times, limits, and several
// backups in one hour, day and month are hit.
func drawBackups(t *rapid.T) []retention.Backup {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) retention.Backup {
		b := retention.Backup{
			ID:       rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "id"),
			Group:    rapid.SampledFrom([]string{"a", "b"}).Draw(t, "group"),
			Verified: rapid.Bool().Draw(t, "verified"),
			Damaged:  rapid.IntRange(0, 3).Draw(t, "damaged") == 0,
			Pinned:   rapid.IntRange(0, 5).Draw(t, "pinned") == 0,
			Unpinned: rapid.IntRange(0, 5).Draw(t, "unpinned") == 0,
		}
		if age := rapid.IntRange(-2, 25).Draw(t, "age"); age < 25 {
			step := rapid.SampledFrom([]time.Duration{20 * time.Minute, 7 * time.Hour, day, 17 * day, 200 * day}).Draw(t, "step")
			b.Time = now.Add(-time.Duration(age) * step)
		}
		return b
	}), 0, 30).Draw(t, "backups")
}

func stays(plan []retention.Decision) []retention.Backup {
	var list []retention.Backup
	for _, d := range plan {
		if d.Keep {
			list = append(list, d.Backup)
		}
	}
	return list
}

func good(b retention.Backup) bool {
	return b.Verified && !b.Damaged && !b.Time.IsZero() && !b.Time.After(now)
}

// TestPromises checks the rules of the package comment one by one.
func TestPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, backups := drawPolicy(t), drawBackups(t)
		plan := retention.Plan(p, backups, now)
		if len(plan) != len(backups) {
			t.Fatalf("%d decisions about %d backups", len(plan), len(backups))
		}
		within := p.KeepWithin
		if within == 0 {
			within = 7 * day
		}
		for _, group := range []string{"a", "b"} {
			all, kept := 0, 0
			var newest time.Time
			for _, d := range plan {
				if b := d.Backup; b.Group == group && good(b) {
					all++
					if d.Keep {
						kept++
					}
					if b.Time.After(newest) {
						newest = b.Time
					}
				}
			}
			if kept < min(all, max(p.KeepLast, p.KeepMinimum, 1)) {
				t.Fatalf("group %s: %d of %d verified stay, policy %+v", group, kept, all, p)
			}
			if all > 0 && !slices.ContainsFunc(stays(plan), func(b retention.Backup) bool {
				return b.Group == group && good(b) && b.Time.Equal(newest)
			}) {
				t.Fatalf("group %s: the newest verified does not stay", group)
			}
			for _, d := range plan {
				b := d.Backup
				if b.Group != group {
					continue
				}
				mustStay := all == 0 || b.Pinned || b.Time.IsZero() || b.Time.After(now) || now.Sub(b.Time) <= within || b.Time.After(newest)
				if mustStay && !d.Keep {
					t.Fatalf("dropped, but must stay: %+v", d)
				}
				if d.Future != b.Time.After(now) {
					t.Fatalf("future: %+v", d)
				}
				if d.Keep && !mustStay && !good(b) {
					t.Fatalf("kept without need: %+v", d)
				}
				if d.Keep != (len(d.Rules) > 0) || d.Reason == "" {
					t.Fatalf("no reason: %+v", d)
				}
			}
		}
	})
}

func TestIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t)
		left := stays(retention.Plan(p, drawBackups(t), now))
		if again := stays(retention.Plan(p, left, now)); len(again) != len(left) {
			t.Fatalf("the second plan drops %d more", len(left)-len(again))
		}
	})
}

// TestMonotone checks that each way of asking for more keeps all that less
// would have kept.
func TestMonotone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, backups := drawPolicy(t), drawBackups(t)
		p.KeepWithin = max(p.KeepWithin, 1)
		more := p
		more.KeepWithin += time.Duration(rapid.IntRange(0, 10).Draw(t, "longer")) * day
		further := rapid.IntRange(0, 3)
		for _, n := range []*int{
			&more.KeepLast, &more.KeepHourly, &more.KeepDaily, &more.KeepWeekly, &more.KeepMonthly, &more.KeepYearly, &more.KeepMinimum,
		} {
			*n += further.Draw(t, "further")
		}
		small, large := retention.Plan(p, backups, now), retention.Plan(more, backups, now)
		for i := range small { // both in the same order
			if small[i].Keep && !large[i].Keep {
				t.Fatalf("%+v keeps %+v, %+v does not", p, small[i], more)
			}
		}
	})
}

func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, backups := drawPolicy(t), drawBackups(t)
		before := slices.Clone(backups)
		want := retention.Plan(p, backups, now)
		if diff := cmp.Diff(before, backups); diff != "" {
			t.Fatal("the input was changed", diff)
		}
		shuffled := rapid.Permutation(backups).Draw(t, "shuffled")
		if diff := cmp.Diff(want, retention.Plan(p, shuffled, now)); diff != "" {
			t.Fatal(diff)
		}
		if !slices.IsSortedFunc(want, func(a, b retention.Decision) int {
			if c := strings.Compare(a.Backup.Group, b.Backup.Group); c != 0 {
				return c
			}
			return b.Backup.Time.Compare(a.Backup.Time)
		}) {
			t.Fatal("not newest first within each group")
		}
	})
}

// TestFailuresNeverCount removes or adds what is not good and finds that it
// changes nothing for the good ones.
func TestFailuresNeverCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, backups := drawPolicy(t), drawBackups(t)
		onlyGood := slices.DeleteFunc(slices.Clone(backups), func(b retention.Backup) bool { return !good(b) })
		want := stays(retention.Plan(p, onlyGood, now))
		got := slices.DeleteFunc(stays(retention.Plan(p, backups, now)), func(b retention.Backup) bool { return !good(b) })
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	})
}
