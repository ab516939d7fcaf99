package service

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata"

	"github.com/litekeep/litekeep"
)

// database is the yaml of one database.
func database(name, schedule string) string {
	return fmt.Sprintf("  - {name: %s, path: /played/%s.db, schedule: %q, time_zone: Europe/Berlin, spread: 0s}\n", name, name, schedule)
}

func TestScheduleRunsEachSlotOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 2 * * *"))
		w.start()
		time.Sleep(7 * 24 * time.Hour)
		runs := w.plays["app"].began()
		w.stop()
		// One at once, since there was no backup, and one each night.
		if len(runs) != 8 {
			t.Fatalf("%d runs in a week: %v", len(runs), runs)
		}
		berlin, _ := time.LoadLocation("Europe/Berlin")
		for _, at := range runs[1:] {
			if got := at.In(berlin).Format("15:04"); got != "02:00" {
				t.Errorf("ran at %s", got)
			}
		}
	})
}

func TestMissedSlotRunsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 2 * * *"))
		w.start()
		time.Sleep(26 * time.Hour)
		w.stop()
		before := len(w.plays["app"].began())
		time.Sleep(5 * 24 * time.Hour) // the machine is off
		w.start()
		time.Sleep(10 * time.Minute)
		if got := len(w.plays["app"].began()) - before; got != 1 {
			t.Errorf("%d runs after five missed slots", got)
		}
		runs, err := w.Runs(context.Background(), admin, RunFilter{})
		w.stop()
		if err != nil || len(runs) == 0 || runs[0].Trigger != triggerCatchUp {
			t.Errorf("runs %+v, %v", runs, err)
		}
	})
}

func TestRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "runs: {retries: 2, retry_after: 1m}\ndatabases:\n"+database("app", "0 2 * * *"))
		p := w.plays["app"]
		p.fail = func(n int) error {
			if n <= 2 {
				return errors.New("the disk is away")
			}
			return nil
		}
		w.start()
		time.Sleep(20 * time.Minute)
		if got := len(p.began()); got != 3 {
			t.Errorf("%d attempts", got)
		}
		if told := w.events.all(); len(told) != 0 {
			t.Errorf("people were told of what mended itself: %v", told)
		}
		p.change(func(p *play) { p.fail = func(int) error { return errors.New("the disk is away") } })
		time.Sleep(48 * time.Hour)
		w.stop()
		if got := w.events.count("failed app"); got < 1 || got > 2 {
			t.Errorf("told %d times: %v", got, w.events.all())
		}
		if w.events.count("overdue app") == 0 {
			t.Errorf("nobody was told that it is overdue: %v", w.events.all())
		}
	})
}

func TestRefusedIsNotRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "runs: {retries: 5}\ndatabases:\n"+database("app", "0 2 * * *"))
		w.plays["app"].fail = func(int) error { return fmt.Errorf("no: %w", litekeep.ErrRefused) }
		w.start()
		time.Sleep(30 * time.Minute)
		w.stop()
		if got := len(w.plays["app"].began()); got != 1 {
			t.Errorf("%d attempts", got)
		}
		if w.events.count("failed app") != 1 {
			t.Errorf("told %v", w.events.all())
		}
	})
}

func TestTimeLimit(t *testing.T) {
	for _, deaf := range []time.Duration{0, 5 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, "runs: {parallel: 1, retries: 0}\ndatabases:\n"+database("slow", "0 20 * * *")+database("other", "0 20 * * *"))
			w.plays["slow"].takes, w.plays["slow"].deaf = 10*time.Hour, deaf
			w.start()
			time.Sleep(2 * time.Hour) // the limit is one
			if got := len(w.plays["other"].began()); got == 0 {
				t.Error("a run that hangs holds up another database")
			}
			runs, err := w.Runs(context.Background(), admin, RunFilter{Database: "slow"})
			if err != nil || len(runs) != 1 || runs[0].Outcome != OutcomeTimeout {
				t.Errorf("deaf %v: runs %+v, %v", deaf, runs, err)
			}
			_, err = w.StartBackup(context.Background(), admin, "slow")
			if hangs := deaf > 0; errors.Is(err, ErrRunning) != hangs {
				t.Errorf("deaf %v: another run: %v", deaf, err)
			}
			if w.events.count("hung slow") == 0 {
				t.Errorf("told %v", w.events.all())
			}
			time.Sleep(6 * time.Hour)
			w.plays["slow"].change(func(p *play) { p.takes, p.deaf = time.Minute, 0 })
			w.stop()
			if w.plays["slow"].most > 1 {
				t.Error("two runs of one database at once")
			}
		})
	}
}

func TestParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var yaml strings.Builder
		yaml.WriteString("runs: {parallel: 3}\ndatabases:\n")
		for i := range 20 {
			yaml.WriteString(database(fmt.Sprintf("db%02d", i), "0 2 * * *"))
		}
		w := newWorld(t, yaml.String())
		w.start()
		most := 0
		for range 100 {
			time.Sleep(10 * time.Second)
			n := 0
			for _, p := range w.plays {
				p.change(func(p *play) { n += p.atOnce })
			}
			most = max(most, n)
		}
		w.stop()
		if most != 3 {
			t.Errorf("%d runs at once", most)
		}
		for name, p := range w.plays {
			if len(p.began()) != 1 {
				t.Errorf("%s ran %d times", name, len(p.began()))
			}
		}
	})
}

func TestShrunken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 2 * * *"))
		p := w.plays["app"]
		w.start()
		time.Sleep(30 * time.Hour)
		pruned := p.pruned
		p.change(func(p *play) { p.rows = 10 })
		time.Sleep(48 * time.Hour) // two backups are small, and the second is compared with the last that was not
		x := w.o.Teller.Troubles()
		if len(x) != 1 || x[0].Event.Cause != "10 rows; the last backup that was not small had 1000: 20000102T010000.000Z.json.zst" {
			t.Errorf("%+v", x)
		}
		if w.events.count("shrunken app") == 0 || p.pruned != pruned {
			t.Errorf("pruned %d times, told %v", p.pruned-pruned, w.events.all())
		}
		w.stop()
		w.start() // the pause survives
		st, err := w.Database(context.Background(), admin, "app")
		if err != nil || !strings.HasSuffix(st.PruningPaused, " has 10 rows; the last backup that was not small had 1000: 20000102T010000.000Z.json.zst") || st.Condition != ConditionWarning {
			t.Errorf("%+v, %v", st, err)
		}
		if err := w.AcceptSize(context.Background(), admin, "app", "we emptied it"); err != nil {
			t.Error(err)
		}
		time.Sleep(24 * time.Hour)
		w.stop()
		if p.pruned == pruned {
			t.Error("pruning did not go on")
		}
	})
}

func TestStopWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "runs: {grace: 30s}\ndatabases:\n"+database("app", "0 2 * * *"))
		w.plays["app"].takes = 10 * time.Minute
		w.start()
		time.Sleep(time.Minute)
		w.stop()
		w.plays["app"].takes = time.Minute
		w.start()
		time.Sleep(5 * time.Minute)
		runs, err := w.Runs(context.Background(), admin, RunFilter{})
		w.stop()
		if err != nil || len(runs) != 2 || runs[1].Outcome != OutcomeCancelled || runs[0].Outcome != OutcomeOK || runs[0].Attempt != 2 {
			t.Errorf("%+v, %v", runs, err)
		}
	})
}

func TestNewestGoodIsNoSafetyBackup(t *testing.T) {
	at := time.Now()
	safety := &litekeep.Backup{Path: "safety", Timestamp: at, Verified: at, Safety: true}
	own := &litekeep.Backup{Path: "own", Timestamp: at.Add(-time.Hour), Verified: at}
	damaged := &litekeep.Backup{Path: "damaged", Timestamp: at, Verified: at, Damaged: true}
	if b := (&listing{backups: []*litekeep.Backup{damaged, safety, own}}).newestGood(); b != own {
		t.Errorf("chose %v", b)
	}
	if b := (&listing{backups: []*litekeep.Backup{damaged, safety}}).newestGood(); b != safety {
		t.Errorf("chose %v", b)
	}
}

// TestShrunkenWhileCopiesFail: a small backup that too few places took is a backup,
// and must not become what the next one is compared with.
func TestShrunkenWhileCopiesFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "runs: {retries: 0}\ndatabases:\n"+database("app", "0 2 * * *"))
		p := w.plays["app"]
		whole := w.core
		fails := false
		w.core = func(c litekeep.Config) Core { return tooFewCopies{whole(c).(*play), &fails} }
		w.start()
		time.Sleep(30 * time.Hour)
		pruned := p.pruned
		p.change(func(p *play) { p.rows, fails = 10, true })
		time.Sleep(24 * time.Hour)
		p.change(func(*play) { fails = false })
		time.Sleep(24 * time.Hour)
		w.stop()
		if w.events.count("shrunken app") == 0 || p.pruned != pruned {
			t.Errorf("pruned %d times, told %v", p.pruned-pruned, w.events.all())
		}
	})
}

// tooFewCopies makes backups that are in fewer places than wanted.
type tooFewCopies struct {
	*play
	fails *bool
}

func (c tooFewCopies) CreateBackup(ctx context.Context) (*litekeep.Backup, error) {
	b, err := c.play.CreateBackup(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && *c.fails {
		err = litekeep.ErrCopies
	}
	return b, err
}

// TestShrunkenAfterACrash: the same where the run was cut off after its backup was
// made, and before anybody looked at it.
func TestShrunkenAfterACrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 2 * * *"))
		p := w.plays["app"]
		w.start()
		time.Sleep(30 * time.Hour)
		w.stop()
		pruned := p.pruned
		p.change(func(p *play) { p.rows = 10 })
		if _, err := p.CreateBackup(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.start()
		time.Sleep(24 * time.Hour)
		w.stop()
		if w.events.count("shrunken app") == 0 || p.pruned != pruned {
			t.Errorf("pruned %d times, told %v", p.pruned-pruned, w.events.all())
		}
	})
}

func TestCancelledByAPersonStaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 20 * * *"))
		w.plays["app"].takes = 10 * time.Minute
		w.start()
		time.Sleep(25 * time.Minute)              // the first backup is made
		time.Sleep(18*time.Hour + 40*time.Minute) // the next one goes on
		st, err := w.Database(context.Background(), admin, "app")
		if err != nil || st.Running == nil {
			t.Fatalf("%+v, %v", st, err)
		}
		if _, err := w.CancelRun(context.Background(), admin, st.Running.ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		before := len(w.plays["app"].began())
		w.stop()
		w.start()
		time.Sleep(time.Hour)
		w.stop()
		if got := len(w.plays["app"].began()) - before; got != 0 {
			t.Errorf("%d runs after it was cancelled", got)
		}
	})
}

// TestSharedFolderIsNotPruned leaves old backups alone that may be those of another
// database.
func TestSharedFolderIsNotPruned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 2 * * *"))
		p := w.plays["app"]
		p.shared = "/played/other/app.db"
		w.start()
		time.Sleep(26 * time.Hour)
		if len(p.began()) < 2 || p.pruned != 0 {
			t.Errorf("%d runs, pruned %d times", len(p.began()), p.pruned)
		}
		p.change(func(p *play) { p.shared = "" })
		time.Sleep(24 * time.Hour)
		w.stop()
		if p.pruned != 1 {
			t.Errorf("pruned %d times by a run that shares with nobody", p.pruned)
		}
	})
}

// TestPruneIsOff leaves old backups alone where the configuration says so, until somebody
// asks for a cleanup.
func TestPruneIsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+strings.Replace(database("app", "0 2 * * *"), "spread: 0s", "spread: 0s, prune: false", 1))
		p := w.plays["app"]
		w.start()
		time.Sleep(26 * time.Hour)
		if len(p.began()) < 2 || p.pruned != 0 {
			t.Errorf("%d runs, pruned %d times", len(p.began()), p.pruned)
		}
		if r := w.ended(w.StartCleanup(context.Background(), admin, "app")); r.Outcome != OutcomeOK || p.pruned != 1 {
			t.Errorf("asked for: %s, pruned %d times", r.Outcome, p.pruned)
		}
		w.stop()
	})
}

// TestRetentionIsNoted notes beside the backups what is kept: when the service starts,
// before a run prunes, and when a new configuration says something else.
func TestRetentionIsNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 2 * * *"))
		p := w.plays["app"]
		w.start()
		time.Sleep(time.Second)
		p.change(func(p *play) {
			if len(p.noted) != 1 || !strings.HasSuffix(p.noted[0], "prune true, 1 runs, 0 pruned") && !strings.HasSuffix(p.noted[0], "prune true, 0 runs, 0 pruned") {
				t.Errorf("at the start: %q", p.noted)
			}
			p.noted = nil
		})
		time.Sleep(10 * time.Minute)
		p.change(func(p *play) {
			if len(p.noted) != 1 || !strings.HasSuffix(p.noted[0], "prune true, 1 runs, 0 pruned") || p.pruned != 1 {
				t.Errorf("by a run: %q, pruned %d times", p.noted, p.pruned)
			}
			p.noted = nil
		})
		w.yaml = strings.Replace(w.yaml, "spread: 0s", "spread: 0s, prune: false", 1)
		if _, err := w.Reload(context.Background(), admin); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		p.change(func(p *play) {
			if len(p.noted) != 1 || !strings.Contains(p.noted[0], "prune false") {
				t.Errorf("after a new configuration: %q", p.noted)
			}
		})
		w.stop()
	})
}
