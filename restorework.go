package litekeep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/litekeep/litekeep/internal/durable"
)

// makeWork makes the private folder beside the target and takes the lock on it,
// so that no two restores to one target meet. What an earlier one left is
// removed.
func (r *restore) makeWork(ctx context.Context) (unlock func() error, err error) {
	r.work = filepath.Join(filepath.Dir(r.target), "."+filepath.Base(r.target)+".litekeep-restore")
	l, err := r.lockWork(ctx)
	if err != nil {
		return nil, err
	}
	unlock = func() error { return errors.Join(r.emptyWork(), r.removeWork(), l.Unlock()) }
	if err := r.emptyWork(); err != nil {
		return nil, errors.Join(err, l.Unlock())
	}
	if err := durable.Need(r.work, r.backup.size()); err != nil {
		return nil, errors.Join(err, unlock())
	}
	return unlock, nil
}

// lockWork makes and locks the private folder. A restore that is done removes
// it, also while another waits for the lock, which then makes it again.
func (r *restore) lockWork(ctx context.Context) (*durable.Lock, error) {
	r.s.progress(Progress{Phase: "wait"})
	const attempts = 1000 // as many restores at most are waited for
	limit := time.Now().Add(r.s.cfg.LockTimeout)
	for attempt := 0; ; attempt++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := r.s.disk.MkdirAll(r.work); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, &Error{Op: "restore", Path: r.target, Kind: ErrTarget, Err: fmt.Errorf("the folder of the target: %w", err)}
		}
		holder := durable.Self(r.s.now(), "restore to "+r.target)
		l, err := durable.Wait(ctx, filepath.Join(r.work, lockFile), holder, max(time.Until(limit), 0))
		if err == nil {
			return l, nil
		}
		_ = os.Remove(r.work) // unless another restore uses it
		if !errors.Is(err, fs.ErrNotExist) || attempt == attempts {
			return nil, err
		}
	}
}

// emptyWork removes everything from the private folder but the lock.
func (r *restore) emptyWork() error {
	entries, err := os.ReadDir(r.work)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == lockFile {
			continue
		}
		if err := os.RemoveAll(filepath.Join(r.work, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// removeWork removes the private folder, whose lock is held and goes with it. A
// restore that waits may have made the lock again by then; the folder is its own
// from then on.
func (r *restore) removeWork() error {
	if err := os.Remove(filepath.Join(r.work, lockFile)); err != nil {
		return err
	}
	_ = os.Remove(r.work)
	return nil
}

// newFile is the path of the new database until it is published.
func (r *restore) newFile() string { return filepath.Join(r.work, "new.db") }
