package litekeep

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/vault"
)

// createStaged is createBackup where BackupDirectory is the URL of a destination.
// An object gets its name when it is whole and verified, which a bucket cannot do
// by itself; so the backup is made and read back in a folder of its own, below
// TempDirectory or the system's, and goes to all destinations from there.
func (s *Service) createStaged(ctx context.Context, p *vault.Pin) (b *Backup, err error) {
	if err := s.cfg.validateAnywhere(); err != nil {
		return nil, err
	}
	if s.cfg.TempDirectory != "" {
		if err := os.MkdirAll(s.cfg.TempDirectory, 0o700); err != nil {
			return nil, err
		}
	}
	stage, err := os.MkdirTemp(s.cfg.TempDirectory, "litekeep-backup-")
	if err != nil {
		return nil, fmt.Errorf("make a folder to write the backup in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(stage)) }()
	inner := *s
	inner.cfg.BackupDirectory, inner.cfg.Copies, inner.cfg.MinCopies = stage, nil, 0
	if b, err = inner.createBackup(ctx, p); err != nil {
		return nil, err
	}
	places := append([]string{s.cfg.BackupDirectory}, s.cfg.Copies...)
	if b.Copies, err = inner.copyTo(ctx, b, places); err != nil {
		return nil, err
	}
	good, errs := outcome(b.Copies)
	if len(good) == 0 {
		return nil, &Error{
			Op: "backup", Path: s.cfg.BackupDirectory, Err: errors.Join(errs...),
			Hint: "`litekeep destinations check` tells what is wrong with a destination",
		}
	}
	b.Path = good[0].Path
	if err := s.enough(b, len(good), errs); err != nil {
		return b, err
	}
	if !b.Verified.IsZero() && p == nil && !s.cfg.NoPrune {
		b.Pruned, err = s.pruneAt(ctx, places, s.cfg.Name, false)
		if err != nil {
			b.warn("old backups were not all removed: " + err.Error())
		}
		b.warn(HeldBack(b.Pruned)...)
	}
	return b, nil
}

// createAway is createBackup where BackupDirectory cannot be used, and away says why:
// the other places get the backup. A safety backup is one wherever it lies, so one
// place is enough for it.
func (s *Service) createAway(ctx context.Context, p *vault.Pin, away error) (*Backup, error) {
	if len(s.cfg.Copies) == 0 {
		return nil, away
	}
	s.log.Error("backing up to the other places alone", "error", away)
	staged := *s
	if p != nil {
		staged.cfg.MinCopies = 1
	}
	return staged.createStaged(ctx, p)
}

// planStaged is planBackup where BackupDirectory is the URL of a destination.
func (s *Service) planStaged(ctx context.Context) (*BackupPlan, error) {
	if err := s.cfg.validateAnywhere(); err != nil {
		return nil, err
	}
	inner := *s
	inner.cfg.BackupDirectory, inner.cfg.Copies, inner.cfg.MinCopies = s.cfg.TempDirectory, nil, 0
	if inner.cfg.BackupDirectory == "" {
		inner.cfg.BackupDirectory = os.TempDir()
	}
	inner.cfg.TempDirectory = inner.cfg.BackupDirectory
	p, err := inner.planBackup(ctx)
	if p != nil {
		p.Folder, p.FolderFree = destination.Join(s.cfg.BackupDirectory, vault.Ref{Database: s.cfg.Name, Object: ""}), -1
	}
	return p, err
}
