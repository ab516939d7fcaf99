package service

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/litekeep/litekeep/internal/schedule"
	"github.com/litekeep/litekeep/internal/state"
)

// quickFolder is a folder in memory where there is one: a simulation writes the
// state thousands of times, and waits for the disk each time.
func quickFolder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "litekeep-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// scheduled returns the yaml of a database with a schedule in a zone.
func scheduled(name, expr, zone, spread string) string {
	return fmt.Sprintf("  - {name: %s, path: /played/%s.db, schedule: %q, time_zone: %s, spread: %s}\n", name, name, expr, zone, spread)
}

// history returns all runs in the state by database, oldest first.
func (w *world) history() map[string][]state.Run {
	w.t.Helper()
	list, err := w.store.Runs(context.Background(), state.RunFilter{})
	if err != nil {
		w.t.Fatal(err)
	}
	all := map[string][]state.Run{}
	for i := len(list) - 1; i >= 0; i-- {
		all[list[i].Database] = append(all[list[i].Database], list[i])
	}
	return all
}

// slotsOf returns the slots that went well, with how often.
func slotsOf(runs []state.Run) (slots []time.Time, times map[int64]int) {
	times = map[int64]int{}
	for _, r := range runs {
		if r.Slot.IsZero() || r.Outcome != state.OutcomeOK {
			continue
		}
		if times[r.Slot.Unix()]++; times[r.Slot.Unix()] == 1 {
			slots = append(slots, r.Slot)
		}
	}
	return slots, times
}

// manySchedules are of all kinds, in three zones.
var (
	manySchedules = []string{
		"@hourly", "17 3 * * *", "43 23 * * *", "5 4 * * 0", "*/20 8-17 * * 1-5", "@every 90m", "@daily", "0 */6 * * *", "59 0 1 * *", "@weekly",
	}
	threeZones = []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe"}
)

func manyDatabases(n int) string {
	var yaml strings.Builder
	yaml.WriteString("runs: {parallel: 4}\ndatabases:\n")
	for i := range n {
		yaml.WriteString(scheduled(fmt.Sprintf("db%03d", i), manySchedules[i%len(manySchedules)], threeZones[i%len(threeZones)], "10m"))
	}
	return yaml.String()
}

// TestWeekOfManyDatabases runs two hundred databases for a week.
func TestWeekOfManyDatabases(t *testing.T) {
	t.Parallel()
	const databases, week = 200 / sparse, 7 * 24 * time.Hour / sparse
	dir, real := quickFolder(t), stopwatch()
	synctest.Test(t, func(t *testing.T) {
		w := newWorldIn(t, dir, manyDatabases(databases))
		for _, p := range w.plays {
			p.takes = 5 * time.Second
		}
		began := time.Now()
		w.start()
		time.Sleep(week)
		w.stop()
		w.start() // opens the state again
		all := w.history()
		ended := began.Add(week)
		runs := 0
		for _, d := range w.config().Databases {
			slots, times := slotsOf(all[d.Name])
			runs += len(slots)
			for slot, n := range times {
				if n != 1 {
					t.Errorf("%s: slot %v ran %d times", d.Name, time.Unix(slot, 0).In(d.Zone()), n)
				}
			}
			s, err := schedule.Parse(d.Schedule, d.Zone())
			if err != nil {
				t.Fatal(err)
			}
			// The very first run stands for the slot before the start.
			for at := s.Next(began); at.Add(d.Delay()).Before(ended.Add(-time.Minute)); at = s.Next(at) {
				if times[at.Unix()] == 0 {
					t.Errorf("%s (%s): slot %v was missed", d.Name, d.Schedule, at)
				}
			}
			for _, r := range all[d.Name] {
				late := r.Started.Sub(r.Slot)
				if r.Slot.After(began) && (r.Trigger != triggerSchedule || late < d.Delay() || late > d.Delay()+time.Minute) {
					t.Errorf("%s: slot %v began %v after it, the spread is %v", d.Name, r.Slot, late, d.Delay())
				}
			}
		}
		w.stop()
		if most := w.gauge.most.Load(); most > 4 || most < 2 { // what is due at the start is enough for that
			t.Errorf("%d runs at once", most)
		}
		t.Logf("%d slots", runs)
	})
	t.Logf("a week took %v", real())
}

// stopwatch measures real time, which a simulation cannot: it has to be started
// outside of it.
func stopwatch() func() time.Duration {
	began := time.Now()
	return func() time.Duration { return time.Since(began).Round(time.Millisecond) }
}

// TestClockChanges goes through both changes of the clock in three zones, in
// simulated months with restarts at random moments.
func TestClockChanges(t *testing.T) {
	t.Parallel()
	dir := quickFolder(t)
	synctest.Test(t, func(t *testing.T) {
		var yaml strings.Builder
		yaml.WriteString("runs: {parallel: 4, grace: 10s}\ndatabases:\n")
		for i, zone := range threeZones {
			for j, expr := range []string{"30 2 * * *", "0 0 * * *"} {
				name := fmt.Sprintf("db%d%d", i, j)
				yaml.WriteString(scheduled(name, expr, zone, "0s"))
			}
		}
		w := newWorldIn(t, dir, yaml.String())
		// The clocks of all three zones change in these months; between them the
		// machine is off.
		on := [][2]string{{"2000-03-20", "2000-04-08"}, {"2000-08-20", "2000-09-03"}, {"2000-10-20", "2000-11-04"}}
		on = on[:1+(len(on)-1)/sparse]
		random := rand.New(rand.NewPCG(20001122, 4))
		restarts := 0
		for _, months := range on {
			time.Sleep(time.Until(date(t, months[0])))
			for time.Now().Before(date(t, months[1])) {
				w.start()
				time.Sleep(time.Duration(random.Int64N(int64(60 * time.Hour))))
				w.stop()
				restarts++
				time.Sleep(time.Duration(random.Int64N(int64(3 * time.Hour))))
			}
		}
		w.start()
		time.Sleep(time.Hour) // what was missed at last
		all := w.history()
		w.stop()
		for _, d := range w.config().Databases {
			_, times := slotsOf(all[d.Name])
			days := map[string]int{}
			for slot, n := range times {
				days[time.Unix(slot, 0).In(d.Zone()).Format(time.DateOnly)] += n
			}
			for day, n := range days {
				if n > 1 {
					t.Errorf("%s (%s, %s): %d runs on %s", d.Name, d.Schedule, d.TimeZone, n, day)
				}
			}
			for _, months := range on { // but for the days at their ends
				for at := date(t, months[0]).AddDate(0, 0, 2); at.Before(date(t, months[1]).AddDate(0, 0, -1)); at = at.AddDate(0, 0, 1) {
					if days[at.Format(time.DateOnly)] == 0 {
						t.Errorf("%s (%s, %s): no run on %s", d.Name, d.Schedule, d.TimeZone, at.Format(time.DateOnly))
					}
				}
			}
		}
		t.Logf("%d restarts", restarts)
	})
}

func date(t *testing.T, day string) time.Time {
	t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestEachHourOfAClockChange has schedules for every hour meet the changes.
func TestEachHourOfAClockChange(t *testing.T) {
	for _, c := range []struct {
		zone  string
		day   string
		shift time.Duration // of what may lie between two runs, besides an hour
	}{
		{"Europe/Berlin", "2000-03-26", 0},
		{"Europe/Berlin", "2000-10-29", 0},
		{"America/New_York", "2000-04-02", 0},
		{"America/New_York", "2000-10-29", 0},
		{"Australia/Lord_Howe", "2000-03-26", 30 * time.Minute},
		{"Australia/Lord_Howe", "2000-08-27", 30 * time.Minute},
	} {
		t.Run(c.zone+" "+c.day, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "databases:\n"+scheduled("app", "5 * * * *", c.zone, "0s"))
				w.offset.Store(int64(time.Until(date(t, c.day).Add(-30 * time.Hour))))
				w.start()
				time.Sleep(60 * time.Hour)
				runs := w.plays["app"].began()[1:]
				w.stop()
				odd := 0
				for i, at := range runs[1:] {
					switch gap := at.Sub(runs[i]); {
					case gap == time.Hour:
					case gap >= time.Hour-c.shift && gap <= time.Hour+c.shift:
						odd++
					default:
						t.Errorf("%v after %v", at, gap)
					}
				}
				if len(runs) < 59 || len(runs) > 61 || odd > 2 || c.shift > 0 && odd == 0 {
					t.Errorf("%d runs in 60 hours, %d odd pauses", len(runs), odd)
				}
			})
		})
	}
}
