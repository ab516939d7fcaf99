package litekeep

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/vault"
)

// A TrashedBackup is a backup in the trash: not listed, never counted as a good
// one, but all there until its grace time is over.
type TrashedBackup struct {
	Path        string    `json:"backup_path"`           // of the object, for Undelete
	Destination string    `json:"destination,omitempty"` // "" for BackupDirectory
	Database    string    `json:"database"`
	Timestamp   time.Time `json:"timestamp"` // of the backup
	SizeBytes   int64     `json:"size_bytes"`
	TrashedAt   time.Time `json:"trashed_at"`
	RemoveAfter time.Time `json:"remove_after"` // the next prune after it removes it
	Problem     string    `json:"problem,omitempty"`
}

// ListTrash lists what is in the trash of the configured database, or of all, in
// BackupDirectory and the other destinations: by place and database, the newest
// backup first. One that cannot be reached is an error, and the others are listed
// all the same.
func (s *Service) ListTrash(ctx context.Context) ([]TrashedBackup, error) {
	var all []TrashedBackup
	err := s.trashes(ctx, false, func(t *trash) error {
		found, err := t.Trash(ctx, t.database)
		if err != nil {
			return err
		}
		for _, x := range found {
			at, _, _ := manifest.ParseObjectName(x.Object)
			all = append(all, TrashedBackup{
				Path: t.path(x.Ref), Destination: t.text, Database: x.Database, Timestamp: at.Time, SizeBytes: max(x.Size, 0),
				TrashedAt: x.Since, RemoveAfter: t.StaysUntil(ctx, x), Problem: x.Problem,
			})
		}
		return nil
	})
	return all, explain("trash", "", err)
}

// EmptyTrash removes what ListTrash lists, without waiting for the grace time: it is
// what can go first when the room runs out. A verified backup stays while no other
// of its database is verified, unless Force is set.
func (s *Service) EmptyTrash(ctx context.Context, o DeleteOptions) ([]Decision, error) {
	var all []Decision
	err := s.trashes(ctx, !o.DryRun, func(t *trash) error {
		found, err := t.EmptyTrash(ctx, t.database, s.now(), o.Force, o.DryRun)
		d := s.decisions(found, t.path)
		for i := range d {
			d[i].Destination = t.text
		}
		all = append(all, d...)
		return err
	})
	return all, explain("empty trash", "", err)
}

// trash is the trash of one database in BackupDirectory, or of a destination.
type trash struct {
	vault.Place
	text     string // of the destination, "" for BackupDirectory
	database string // "" for all
	path     func(vault.Ref) string
}

// trashes calls do with every trash, under the locks of BackupDirectory if asked to.
func (s *Service) trashes(ctx context.Context, lock bool, do func(*trash) error) error {
	if err := s.cfg.validateAnywhere(); err != nil {
		return err
	}
	texts := s.cfg.Copies
	var errs []error
	if destination.IsURL(s.cfg.BackupDirectory) {
		texts = append([]string{s.cfg.BackupDirectory}, texts...)
	} else {
		names, err := s.names()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, name := range names {
			errs = append(errs, s.ownTrash(ctx, name, lock, do))
		}
	}
	if len(texts) == 0 {
		return errors.Join(errs...)
	}
	places, closeAll, openErrs := s.places(ctx, texts, false)
	defer closeAll()
	errs = append(errs, openErrs...)
	for _, p := range places {
		text := p.Name
		errs = append(errs, do(&trash{*p, text, s.cfg.Name, func(ref vault.Ref) string { return destination.Join(text, ref) }}))
	}
	return errors.Join(errs...)
}

func (s *Service) ownTrash(ctx context.Context, name string, lock bool, do func(*trash) error) (err error) {
	if !lock && !hasTrash(filepath.Join(s.cfg.BackupDirectory, name)) {
		return nil
	}
	if lock {
		if used, err := s.used(ctx, name); err != nil || !used {
			return err // not even a lock is made in a folder of somebody else
		}
		unlock, busy := s.lock(ctx, name, "trash")
		if busy != nil {
			return explain("trash", filepath.Join(s.cfg.BackupDirectory, name), busy)
		}
		defer func() { err = errors.Join(err, unlock()) }()
	}
	own, err := s.ownPlace(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was ever backed up there
	}
	if err != nil {
		return err
	}
	defer own.Close()
	return do(&trash{own.Place, "", own.database, own.path})
}

// hasTrash reports whether a folder has something in the trash, by the names in it;
// also where they cannot be read, since the reason is to be told.
func hasTrash(folder string) bool {
	f, err := os.Open(folder)
	if err != nil {
		return !errors.Is(err, fs.ErrNotExist)
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	return err != nil || slices.ContainsFunc(names, manifest.IsTrashedName)
}

// DeleteOptions are the choices of DeleteBackup and EmptyTrash.
type DeleteOptions struct {
	// Force deletes what would be kept: a backup that is pinned, or one of the last
	// KeepMinimum verified ones.
	Force  bool
	DryRun bool
}

// DeleteBackup deletes the backup whose object is at path and its copies in the
// destinations of the Config: into the trash if there is a TrashGrace, else for
// good. Unless Force is set, nothing is deleted anywhere when the backup is pinned or
// too few verified ones would be left in any place; the error matches ErrKept then.
// It matches ErrNoBackup when there is no such backup. A destination that cannot be
// reached is an error of its own, and keeps its copy.
//
// It returns a decision for each copy.
func (s *Service) DeleteBackup(ctx context.Context, path string, o DeleteOptions) ([]Decision, error) {
	if err := s.cfg.validateAnywhere(); err != nil {
		return nil, err
	}
	var all []Decision
	remove := func(dryRun bool) func(*spot) error {
		return func(at *spot) error {
			d, err := at.Delete(ctx, at.ref, s.now(), o.Force, dryRun)
			if dryRun == o.DryRun && d.Object != "" {
				made := s.decisions([]vault.Decision{d}, func(vault.Ref) string { return at.path })
				made[0].Destination = at.destination()
				all = append(all, made...)
			}
			return err
		}
	}
	passes := []func(*spot) error{remove(true)}
	if !o.DryRun {
		passes = append(passes, remove(false))
	}
	err := s.spots(ctx, "delete", path, passes...)
	return all, err
}

// Undelete takes the backup whose object is at path out of the trash, and its copies
// too. It is pinned then for as long as the TrashGrace, a week at least, since the
// retention would drop it again. The error matches ErrNoBackup when it is in no
// trash, and ErrDamaged when something of it is missing.
func (s *Service) Undelete(ctx context.Context, path string) error {
	if err := s.cfg.validateAnywhere(); err != nil {
		return err
	}
	return s.spots(ctx, "undelete", path, func(at *spot) error {
		err := at.Undelete(ctx, at.ref, s.now())
		if err == nil {
			s.log.Info("took backup out of the trash", "path", at.path)
		}
		return err
	})
}
