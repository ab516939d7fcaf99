package service

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"

	"github.com/litekeep/litekeep"
)

// backupAct makes a backup, checks it, and removes what the retention does not
// keep, unless the backup is suspiciously small.
func (s *Service) backupAct(k *keeper) func(context.Context, *job, Core) error {
	return func(ctx context.Context, j *job, core Core) error {
		conf := k.conf.Load()
		before := k.listing(ctx, s.now())
		b, err := core.CreateBackup(ctx)
		if b != nil {
			j.change(func(r *Run) { r.take(b) })
			s.markPlaces(j, b)
			s.noteCopies(k, b)
			s.note(ctx, k, j, core)
			s.judgeSize(k, &before, b) // also if too few places took it: it is a backup
		}
		if err != nil {
			return err
		}
		if conf.verifyAll {
			if err := s.verify(ctx, j, core, b.Path); err != nil {
				return err
			}
		}
		for _, w := range b.Warnings {
			j.line(slog.LevelWarn, w)
		}
		for _, c := range b.Copies {
			if !c.OK {
				j.change(func(r *Run) { r.Outcome = OutcomePartial })
				j.logf(slog.LevelWarn, "no copy in %s: %s", c.Destination, c.Error)
			}
		}
		if b.Verified.IsZero() || b.SharedWith != "" {
			return nil // it replaces nothing, or the others may not be its own
		}
		if !conf.prune {
			return nil
		}
		if why := k.pruningPaused(); why != "" {
			j.logf(slog.LevelWarn, "old backups are kept: %s", why)
			return nil
		}
		if err := s.prune(ctx, j, core); err != nil { // the next run tries again
			j.logf(slog.LevelWarn, "old backups were not all removed: %v", err)
		}
		return nil
	}
}

// take takes what a backup tells into the run that made it.
func (r *Run) take(b *litekeep.Backup) {
	r.Created, r.Backup = b, filepath.Base(b.Path)
	r.SizeBytes, r.DocumentBytes = b.SizeBytes, b.DocumentBytes
	r.TableCount, r.RecordCount = b.TableCount, b.RecordCount
	r.Verified = !b.Verified.IsZero()
}

func (s *Service) prune(ctx context.Context, j *job, core Core) error {
	decisions, err := core.CleanupOldBackups(ctx, false)
	j.change(func(r *Run) { r.Pruned = decisions })
	for _, p := range decisions {
		if p.Removed {
			j.logf(slog.LevelInfo, "removed %s: %s", fileName(p.Path), p.Reason)
		}
	}
	return err
}

func (s *Service) verify(ctx context.Context, j *job, core Core, path string) error {
	v, err := core.VerifyBackup(ctx, path)
	j.change(func(r *Run) {
		r.Checked = v
		if v != nil {
			r.SizeBytes, r.TableCount, r.RecordCount, r.Verified = v.Bytes, v.Tables, v.Rows, v.OK && !v.StoredOnly
		}
	})
	return err
}

func (s *Service) verifyAct(path string) func(context.Context, *job, Core) error {
	return func(ctx context.Context, j *job, core Core) error { return s.verify(ctx, j, core, path) }
}

func (s *Service) restoreAct(k *keeper, path string, r RestoreRequest) func(context.Context, *job, Core) error {
	return func(ctx context.Context, j *job, core Core) error {
		conf := k.conf.Load()
		restored, err := core.RestoreBackup(ctx, path, conf.path, litekeep.RestoreOptions{
			DryRun: r.DryRun, NoSafetyBackup: r.NoSafetyBackup,
		})
		// A dry run looks at the target alone. The verification also notes damage, so
		// that nobody is told any more that the backup is good.
		if err == nil && r.DryRun || errors.Is(err, litekeep.ErrDamaged) {
			_, damage := core.VerifyBackup(ctx, path)
			switch {
			case !errors.Is(damage, litekeep.ErrDamaged):
			case err == nil && len(conf.core.Copies) > 0:
				restored.Warnings = append(restored.Warnings, damage.Error()+"; a copy is used, if one is whole")
			case err == nil:
				err = damage
			}
		}
		j.change(func(r *Run) {
			r.Restored = restored
			if restored != nil {
				r.SizeBytes, r.TableCount, r.RecordCount = restored.SizeBytes, restored.TableCount, restored.RecordCount
				r.Verified = restored.Proven
			}
		})
		return err
	}
}

func (s *Service) cleanupAct(k *keeper) func(context.Context, *job, Core) error {
	return func(ctx context.Context, j *job, core Core) error {
		s.note(ctx, k, j, core)
		return s.prune(ctx, j, core)
	}
}

func (s *Service) syncAct(k *keeper) func(context.Context, *job, Core) error {
	return func(ctx context.Context, j *job, core Core) error {
		actions, err := core.SyncCopies(ctx, litekeep.SyncOptions{Full: k.knowsDamage(ctx, s.now())})
		j.change(func(r *Run) { r.Synced = actions })
		for _, a := range actions {
			if a.Done {
				j.logf(slog.LevelInfo, "copied %s to %s", fileName(a.Path), a.To)
			} else if a.Error != "" {
				j.logf(slog.LevelWarn, "%s was not copied to %s: %s", fileName(a.Path), a.To, a.Error)
			}
		}
		return errors.Join(err, s.look(ctx, k, nil, k.conf.Load().core.Copies))
	}
}
