package litekeep

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/vault"
)

// safetyPin is how long prune leaves a safety backup alone.
const safetyPin = 30 * 24 * time.Hour

// keepTarget keeps what the target holds: as a backup, or, where it is too damaged
// for one, as files.
func (r *restore) keepTarget(ctx context.Context) error {
	err := r.safetyBackup(ctx)
	if errors.Is(explain("", "", err), ErrRefused) {
		err = r.keepFiles(ctx, err)
	}
	if err == nil {
		return nil
	}
	e := &Error{Op: "safety backup", Path: r.target, Err: err, Hint: "--no-safety-backup goes without one; what the target holds now is lost then"}
	if errors.Is(explain("", "", err), ErrBusy) {
		e.Kind = ErrBusy
	}
	return e
}

// safetyBackup backs up the target among the backups that the restored one lies
// with.
func (r *restore) safetyBackup(ctx context.Context) error {
	c := r.s.cfg
	c.DatabasePath, c.Name, c.VerifyOnBackup = r.target, databaseName(r.target), true
	if r.backup.manifest != nil && !destination.IsURL(r.out.Backup) {
		path, err := filepath.Abs(r.out.Backup)
		if err != nil {
			return err
		}
		// A backup that was copied somewhere else says nothing of where backups are.
		if folder := filepath.Dir(path); filepath.Base(folder) == r.backup.manifest.Database {
			c.BackupDirectory = filepath.Dir(folder)
		}
	}
	safety := *r.s
	safety.cfg = c
	now := r.s.now()
	b, err := safety.createBackup(ctx, &vault.Pin{
		Note: "before a restore of " + r.out.Backup, Since: now, Until: now.Add(safetyPin), Safety: true,
	})
	if err != nil {
		return err
	}
	r.out.SafetyBackup = b.Path
	r.step("backed up what %s held to %s", r.target, b.Path)
	return nil
}

// keepFiles copies the files of a target that cannot be backed up, which is mostly
// why it is restored.
func (r *restore) keepFiles(ctx context.Context, why error) error {
	dest, err := durable.AsidePath(r.target, r.s.now())
	if err != nil {
		return err
	}
	files, err := engine.CopyAsIs(ctx, r.target, dest, r.s.cfg.BusyTimeout)
	if err == nil {
		err = r.s.disk.SyncDir(filepath.Dir(dest))
	}
	if err != nil {
		return fmt.Errorf("copy its files to %s: %w", dest, err)
	}
	r.out.KeptFiles = files
	r.step("kept the files of %s as %s", r.target, dest)
	r.warn("what %s held cannot be backed up, so its files are kept as they were, in %s: %v", r.target, dest, why)
	return nil
}
