package litekeep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/retention"
)

// A Decision says what the retention does with one backup, and why.
type Decision struct {
	Path string `json:"backup_path"`
	// Destination is the place of the copy, "" for BackupDirectory.
	Destination string `json:"destination,omitempty"`

	Database string    `json:"database"`
	Time     time.Time `json:"timestamp"`
	Size     int64     `json:"size_bytes"`
	Keep     bool      `json:"keep"`
	Reason   string    `json:"reason"`
	Future   bool      `json:"clock_in_future,omitempty"`
	Removed  bool      `json:"removed"`         // false in a dry run
	Error    string    `json:"error,omitempty"` // why it could not be removed
}

// CleanupOldBackups removes the backups of the configured database, or of all
// databases if the Config names none, that are older than RetentionDays. The
// newest verified backup of each database always stays. In a dry run nothing is
// removed. It returns a decision for every backup; a backup that could not be
// removed is tried again by the next cleanup, and makes the error not nil.
func (s *Service) CleanupOldBackups(ctx context.Context, dryRun bool) ([]Decision, error) {
	if err := s.cfg.Validate(); err != nil {
		return nil, err
	}
	names, err := s.names()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, explain("prune", s.cfg.BackupDirectory, err)
	}
	var all []Decision
	var errs []error
	for _, name := range names {
		d, err := s.cleanup(ctx, name, dryRun)
		all = append(all, d...)
		if err != nil {
			errs = append(errs, explain("prune", filepath.Join(s.cfg.BackupDirectory, name), err))
		}
	}
	copies, err := s.pruneCopies(ctx, s.cfg.Name, dryRun)
	if err != nil {
		errs = append(errs, explain("prune", "", err))
	}
	return append(all, copies...), errors.Join(errs...)
}

func (s *Service) cleanup(ctx context.Context, name string, dryRun bool) (d []Decision, err error) {
	folder := filepath.Join(s.cfg.BackupDirectory, name)
	if used, err := hasBackups(folder); err != nil || !used {
		return nil, err // not even a lock is made in a folder of somebody else
	}
	if dryRun {
		return s.prune(ctx, name, true)
	}
	unlock, err := s.lock(ctx, name, "prune")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	return s.prune(ctx, name, false)
}

// hasBackups reports whether a folder holds backups, or what is left of some
// that were being removed.
func hasBackups(folder string) (bool, error) {
	for _, suffix := range []string{manifest.Suffix, manifest.PrunedSuffix} {
		if paths, err := objects(folder, suffix); err != nil || len(paths) > 0 {
			return len(paths) > 0, err
		}
	}
	return false, nil
}

// prune applies the retention to one database, whose lock the caller holds
// unless it is a dry run.
func (s *Service) prune(ctx context.Context, name string, dryRun bool) ([]Decision, error) {
	folder := filepath.Join(s.cfg.BackupDirectory, name)
	var errs []error
	if !dryRun {
		if err := s.finishPrunes(folder); err != nil {
			errs = append(errs, err)
		}
	}
	list, err := s.list(ctx, name, false)
	if err != nil {
		return nil, err
	}
	policy := s.cfg.policy()
	byID := make(map[string]*Backup, len(list))
	candidates := make([]retention.Backup, 0, len(list))
	for _, b := range list {
		byID[b.Path] = b
		candidates = append(candidates, retention.Backup{
			ID: b.Path, Group: b.Source, Time: b.Timestamp,
			Verified: !b.Verified.IsZero(), Damaged: b.Damaged || b.Problem != "", Pinned: b.Pinned.After(s.now()),
		})
	}
	var decisions []Decision
	for _, p := range retention.Plan(policy, candidates, s.now()) {
		d := Decision{
			Path: p.Backup.ID, Database: name, Time: p.Backup.Time, Size: byID[p.Backup.ID].SizeBytes,
			Keep: p.Keep, Reason: p.Reason, Future: p.Future,
		}
		if !d.Keep && !dryRun && ctx.Err() == nil {
			if err := s.remove(d.Path); err != nil {
				d.Error = err.Error()
				errs = append(errs, err)
			} else {
				d.Removed = true
			}
		}
		decisions = append(decisions, d)
	}
	return decisions, errors.Join(append(errs, ctx.Err())...)
}

// remove removes the backup whose object is at path. It is unlisted first, so
// that a run which is cut off leaves nothing that looks like a backup, and the
// next one can finish.
func (s *Service) remove(path string) error {
	s.log.Info("removing backup", "path", path)
	if err := s.disk.Replace(path+manifest.Suffix, path+manifest.PrunedSuffix); err != nil {
		return fmt.Errorf("unlist: %w", err)
	}
	return s.removeRest(path)
}

// removeRest removes what an unlisted backup still has, its mark last.
func (s *Service) removeRest(path string) error {
	keys, err := filepath.Glob(escapeGlob(path) + manifest.KeysPattern)
	if err != nil {
		return err
	}
	rest := append([]string{path, path + manifest.CheckedSuffix, path + pinSuffix}, keys...)
	for _, file := range append(rest, path+manifest.PrunedSuffix) {
		if err := s.disk.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// finishPrunes finishes what prunes that were cut off, or failed, have begun.
func (s *Service) finishPrunes(folder string) error {
	paths, err := objects(folder, manifest.PrunedSuffix)
	if err != nil {
		return err
	}
	var errs []error
	for _, path := range paths {
		if err := s.removeRest(path); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
