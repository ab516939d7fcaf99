package litekeep

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/durable"
)

// BackupPlan says what CreateBackup would do.
type BackupPlan struct {
	Source        string // absolute path of the database
	Database      string // its name among the backups
	SourceBytes   int64  // of the database and its write-ahead log
	Folder        string // for the object and its manifest
	FolderFree    int64  // bytes available there; -1 where the system cannot tell
	TempDirectory string // for the snapshot, which needs SourceBytes
	TempFree      int64  // bytes available there; -1 where the system cannot tell
}

// PlanBackup says what CreateBackup would do, without doing any of it. It does
// not open the database, so it cannot tell whether it is a sound one. The error
// is that of CreateBackup where the Config, the path or the room for the
// snapshot is wrong.
func (s *Service) PlanBackup(ctx context.Context) (*BackupPlan, error) {
	p, err := s.planBackup(ctx)
	if err != nil {
		return nil, explain("backup", s.cfg.DatabasePath, err)
	}
	return p, nil
}

func (s *Service) planBackup(ctx context.Context) (*BackupPlan, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if destination.IsURL(s.cfg.BackupDirectory) {
		return s.planStaged(ctx)
	}
	if err := s.cfg.Validate(); err != nil {
		return nil, err
	}
	source, err := s.findSource()
	if err != nil {
		return nil, err
	}
	p := &BackupPlan{
		Source: source, Database: s.cfg.Name, Folder: filepath.Join(s.cfg.BackupDirectory, s.cfg.Name),
		TempDirectory: s.cfg.TempDirectory,
	}
	if p.TempDirectory == "" {
		p.TempDirectory = filepath.Join(p.Folder, scratchFolder)
	}
	if p.SourceBytes, err = sourceSize(source); err != nil {
		return nil, err
	}
	if p.FolderFree, err = freeSpace(p.Folder); err != nil {
		return nil, err
	}
	if p.TempFree, err = freeSpace(p.TempDirectory); err != nil {
		return nil, err
	}
	return p, durable.Need(p.TempDirectory, p.SourceBytes)
}

// freeSpace is durable.FreeSpace, with -1 for a system that cannot tell.
func freeSpace(path string) (int64, error) {
	free, err := durable.FreeSpace(path)
	if errors.Is(err, errors.ErrUnsupported) {
		return -1, nil
	}
	return free, err
}
