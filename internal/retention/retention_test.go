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
		{"senseless policy", retention.Policy{KeepWithin: -day, KeepLast: -1}, daily[6:9]},
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
	for _, p := range []retention.Policy{{}, {KeepWithin: 1, KeepLast: 1}} {
		if err := p.Validate(); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
	err := retention.Policy{KeepWithin: -time.Hour, KeepLast: -2}.Validate()
	if err == nil || err.Error() != "keep within -1h0m0s: must not be negative\nkeep last -2: must not be negative" {
		t.Errorf("got %v", err)
	}
}

func drawPolicy(t *rapid.T) retention.Policy {
	return retention.Policy{
		KeepWithin: rapid.SampledFrom([]time.Duration{0, 1, time.Hour, day, 3 * day, 20 * day}).Draw(t, "within"),
		KeepLast:   rapid.IntRange(0, 5).Draw(t, "last"),
	}
}

// drawBackups draws few distinct ages, so that equal times and limits are hit.
func drawBackups(t *rapid.T) []retention.Backup {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) retention.Backup {
		b := retention.Backup{
			ID:       rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "id"),
			Group:    rapid.SampledFrom([]string{"a", "b"}).Draw(t, "group"),
			Verified: rapid.Bool().Draw(t, "verified"),
			Damaged:  rapid.IntRange(0, 3).Draw(t, "damaged") == 0,
			Pinned:   rapid.IntRange(0, 5).Draw(t, "pinned") == 0,
		}
		if age := rapid.IntRange(-2, 25).Draw(t, "age"); age < 25 {
			b.Time = now.Add(-time.Duration(age) * day)
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
			if kept < min(all, max(p.KeepLast, 1)) {
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
				mustStay := b.Pinned || b.Time.IsZero() || b.Time.After(now) || now.Sub(b.Time) <= within || b.Time.After(newest)
				if mustStay && !d.Keep {
					t.Fatalf("dropped, but must stay: %+v", d)
				}
				if d.Future != b.Time.After(now) {
					t.Fatalf("future: %+v", d)
				}
				if d.Keep && !mustStay && !good(b) {
					t.Fatalf("kept without need: %+v", d)
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
		more.KeepLast += rapid.IntRange(0, 3).Draw(t, "further")
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
