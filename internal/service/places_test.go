package service

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/notify"
)

// unmounted is a play whose folder can be away.
type unmounted struct {
	*play
	away *atomic.Bool
}

func (u unmounted) ListBackups(ctx context.Context) ([]*litekeep.Backup, error) {
	if u.away.Load() {
		return nil, &litekeep.Error{Op: "destination", Err: &destination.AwayError{Folder: "/mnt/nas"}, Hint: "mount it"}
	}
	return u.play.ListBackups(ctx)
}

// TestFirstPlaceAway tells once that the folder which backups are made in is away, and
// when it is back; that nothing is seen there is no reason to call the database overdue.
func TestFirstPlaceAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 2 * * *"))
		u := unmounted{w.plays["app"], &atomic.Bool{}}
		w.core = func(litekeep.Config) Core { return u }
		w.start()
		defer w.stop()
		time.Sleep(time.Hour)
		u.away.Store(true)
		time.Sleep(20 * time.Minute) // what was listed counts for a while
		if n := w.events.count("destination-down"); n != 1 || w.events.count("overdue")+w.events.count("verification-failed") != 0 {
			t.Errorf("told %v", w.events.all())
		}
		st, err := w.Database(t.Context(), admin, "app")
		if err != nil || st.Condition != ConditionFailing || len(st.Problems) != 1 || st.Problems[0].Kind != "destination-down" ||
			!strings.Contains(st.Problems[0].Summary, "is it mounted?") || st.Problems[0].Hint != "mount it" ||
			st.Problems[0].Next != "litekeep destinations check "+w.dir {
			t.Errorf("%+v, %v", st, err)
		}
		if err == nil && time.Since(st.Problems[0].Since) < 15*time.Minute {
			t.Errorf("it began %s ago", time.Since(st.Problems[0].Since))
		}
		u.away.Store(false)
		time.Sleep(5 * time.Minute)
		if n := w.events.count("destination-up"); n != 1 {
			t.Errorf("it is back; told %v", w.events.all())
		}
		if st, err := w.Database(t.Context(), admin, "app"); err != nil || st.Condition != ConditionOK {
			t.Errorf("%+v, %v", st, err)
		}
	})
}

// TestFirstPlaceBackWhileOff: a folder that is back while no service runs is not told as
// away for ever.
func TestFirstPlaceBackWhileOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 2 * * *"))
		w.memory = notify.NewMemory()
		u := unmounted{w.plays["app"], &atomic.Bool{}}
		w.core = func(litekeep.Config) Core { return u }
		w.start()
		time.Sleep(time.Hour)
		u.away.Store(true)
		time.Sleep(time.Hour)
		w.stop()
		u.away.Store(false)
		w.start()
		defer w.stop()
		time.Sleep(72 * time.Hour)
		w.untroubled("destination-up ")
	})
}

// TestFirstBackupWhenPlaceIsBack: a new database whose folder could not be read at first
// does not wait for its next slot.
func TestFirstBackupWhenPlaceIsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 2 * * *"))
		u := unmounted{w.plays["app"], &atomic.Bool{}}
		u.away.Store(true)
		w.core = func(litekeep.Config) Core { return u }
		w.start()
		defer w.stop()
		time.Sleep(30 * time.Minute)
		if n := len(w.play("app").began()); n != 0 {
			t.Fatalf("%d backups while nobody knows what is there", n)
		}
		u.away.Store(false)
		time.Sleep(5 * time.Minute)
		if n := len(w.play("app").began()); n != 1 {
			t.Errorf("%d backups", n)
		}
	})
}

// TestPlaceOfRun: the place that is remembered is the one that holds the backup, also
// where the configuration was changed while it was made.
func TestPlaceOfRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 2 * * *"))
		w.core = func(c litekeep.Config) Core { return placed{w.plays["app"], c.BackupDirectory} }
		next := t.TempDir()
		w.start()
		defer w.stop()
		time.Sleep(time.Second) // of the minute that the first backup takes
		w.yaml = strings.Replace(w.yaml, "destinations: ["+w.dir+"]", "destinations: ["+next+"]", 1)
		if _, err := w.Reload(context.Background(), admin); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		_, marked := destination.ReadMark(w.dir)
		_, early := destination.ReadMark(next)
		if n := len(w.play("app").began()); n != 1 || marked != nil || !errors.Is(early, fs.ErrNotExist) {
			t.Errorf("after %d backups: %v, and the next: %v", n, marked, early)
		}
	})
}

// TestFailingSince: a database fails since the first of its backups that failed, however
// often it was tried again.
func TestFailingSince(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 2 * * *"))
		var first time.Time
		w.plays["app"].fail = func(n int) error {
			if n == 1 {
				return nil
			}
			if first.IsZero() {
				first = time.Now()
			}
			return errors.New("the disk is away")
		}
		w.start()
		defer w.stop()
		time.Sleep(100 * time.Hour)
		st, err := w.Database(t.Context(), admin, "app")
		if err != nil || st.LastRun == nil || st.LastRun.Ended.Sub(first) < 24*time.Hour {
			t.Fatalf("%+v, %v", st, err)
		}
		told := false
		for _, p := range st.Problems {
			if p.Kind != "failed" {
				continue
			}
			told = true
			if d := p.Since.Sub(first); d < 0 || d > time.Minute {
				t.Errorf("it fails since %s, not %s", p.Since, first)
			}
		}
		if !told {
			t.Errorf("%+v", st.Problems)
		}
	})
}

// A placed is a play whose backups lie in the folder of its configuration.
type placed struct {
	*play
	folder string
}

func (p placed) CreateBackup(ctx context.Context) (*litekeep.Backup, error) {
	b, err := p.play.CreateBackup(ctx)
	if err == nil {
		b.Path = filepath.Join(p.folder, "app", filepath.Base(b.Path))
	}
	return b, err
}

// TestPlaceHint keeps the way out in the one text that is kept of a place.
func TestPlaceHint(t *testing.T) {
	away := &litekeep.Error{Op: "destination", Err: &destination.AwayError{Folder: "/mnt/nas"}, Hint: "mount it"}
	if got := placeProblem(errors.Join(away)); !strings.HasSuffix(got, "is it mounted? mount it") {
		t.Error(got)
	}
	if got := placeProblem(&litekeep.Error{Op: "list", Err: errors.New("no"), Hint: "wait"}); got != "list: no" {
		t.Error(got)
	}
}
