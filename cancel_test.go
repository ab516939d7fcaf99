package litekeep_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/litekeep/litekeep"
)

// largeSQL makes a database that every phase has something to do with: some 24
// MB, in several frames, with an index.
const largeSQL = `
CREATE TABLE big(id INTEGER PRIMARY KEY, a TEXT, b BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<1200)
INSERT INTO big SELECT i, printf('%0640d', i * 7919), randomblob(18000) FROM n;
CREATE INDEX big_a ON big(a);`

// stopper ends its context when a run reaches a phase.
type stopper struct {
	phase  string
	cancel context.CancelFunc
	at     time.Time // when the context ended
}

func (s *stopper) report(p litekeep.Progress) {
	if p.Phase == s.phase && s.at.IsZero() {
		s.at = time.Now()
		s.cancel()
	}
}

// cancelTest is a call that is cancelled in a phase, at once if that is "".
type cancelTest struct {
	name, phase string
	call        func(context.Context, *litekeep.Service) error
	change      func(*litekeep.Config)
}

// TestCancel ends the context in each phase. It does not run beside other tests,
// so that every goroutine that is left is its own.
func TestCancel(t *testing.T) {
	others := goleak.IgnoreCurrent() // those that watch over servers of tests before
	w := newWorld(t, largeSQL, nil)
	// A database that was written to only just now is copied, one at rest is not.
	soon, long := time.Now().Add(time.Hour), time.Now().Add(-time.Hour)
	still := filepath.Join(w.dir, "still.db")
	makeDatabase(t, still, largeSQL)
	if err := errors.Join(os.Chtimes(w.db, soon, soon), os.Chtimes(still, long, long)); err != nil {
		t.Fatal(err)
	}
	whole := w.backup()
	target := filepath.Join(w.dir, "target.db")
	makeDatabase(t, target, smallSQL)
	before := tree(t, w.dir)
	backup := func(ctx context.Context, s *litekeep.Service) error {
		_, err := s.CreateBackup(ctx)
		return err
	}
	restore := func(ctx context.Context, s *litekeep.Service) error {
		_, err := s.RestoreBackup(ctx, whole.Path, target, litekeep.RestoreOptions{NoSafetyBackup: true})
		return err
	}
	verify := func(ctx context.Context, s *litekeep.Service) error {
		_, err := s.VerifyBackup(ctx, whole.Path)
		return err
	}
	tests := []cancelTest{
		{"backup at once", "", backup, nil},
		{"snapshot", "snapshot", backup, nil},
		{"export", "export", backup, nil},
		{"read back", "verify", backup, nil},
		{"verify at once", "", verify, nil},
		{"verify", "verify", verify, nil},
		{"restore at once", "", restore, nil},
		{"restore at once to a free path", "", func(ctx context.Context, s *litekeep.Service) error {
			_, err := s.RestoreBackup(ctx, whole.Path, filepath.Join(w.dir, "free.db"), litekeep.RestoreOptions{})
			return err
		}, nil},
		{"build", "build", restore, nil},
		{"prove", "prove", restore, nil},
		{"publish", "publish", restore, nil},
		{"prune at once", "", func(ctx context.Context, s *litekeep.Service) error {
			_, err := s.CleanupOldBackups(ctx, false)
			return err
		}, nil},
		{"list at once", "", func(ctx context.Context, s *litekeep.Service) error {
			_, err := s.ListBackups(ctx)
			return err
		}, nil},
	}
	inPlace := func(c *litekeep.Config) { c.DatabasePath, c.Name = still, "app" }
	tests = append(tests, cancelTest{"export in place", "export", backup, inPlace})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stop := &stopper{phase: test.phase, cancel: cancel}
			if test.phase == "" {
				stop.report(litekeep.Progress{})
			}
			err := test.call(ctx, w.service(test.change, litekeep.WithProgress(stop.report)))
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the error is not that of the context: %v", err)
			}
			if stop.at.IsZero() {
				t.Fatal("the phase never came")
			}
			if late := time.Since(stop.at); late > 20*time.Second {
				t.Errorf("it returned after %v", late)
			}
			unchanged(t, w.dir, before)
			goleak.VerifyNone(t, others)
		})
	}
}

// TestCancelWait ends the context while a lock is waited for, of each kind.
func TestCancelWait(t *testing.T) {
	w := newWorld(t, smallSQL, nil)
	b := w.backup()
	startActor(t, "lock", w.db, w.backups)
	locked := filepath.Join(w.dir, "locked.db")
	makeDatabase(t, locked, smallSQL)
	holder := startActor(t, "hold", locked)
	if got := holder.ask("BEGIN EXCLUSIVE"); got != "" {
		t.Fatal(got)
	}
	for name, call := range map[string]func(context.Context) error{
		"backup": func(ctx context.Context) error { _, err := w.CreateBackup(ctx); return err },
		"prune":  func(ctx context.Context) error { _, err := w.CleanupOldBackups(ctx, false); return err },
		"locked source": func(ctx context.Context) error {
			_, err := w.service(func(c *litekeep.Config) { c.DatabasePath = locked }).CreateBackup(ctx)
			return err
		},
		"locked target": func(ctx context.Context) error {
			_, err := w.RestoreBackup(ctx, b.Path, locked, litekeep.RestoreOptions{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			begin := time.Now()
			if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the error is not that of the context: %v", err)
			}
			if took := time.Since(begin); took > 20*time.Second {
				t.Errorf("it returned after %v", took)
			}
		})
	}
	holder.finish()
	if _, err := os.Lstat(filepath.Join(w.dir, ".locked.db.litekeep-restore")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder is left: %v", err)
	}
	goleak.VerifyNone(t)
}
