package service

import (
	"context"
	"time"

	"github.com/litekeep/litekeep"
)

// A Core does the work on one database: a *litekeep.Service, or something that
// stands for it in a simulation.
type Core interface {
	CreateBackup(context.Context) (*litekeep.Backup, error)
	RestoreBackup(ctx context.Context, path, target string, o litekeep.RestoreOptions) (*litekeep.Restored, error)
	VerifyBackup(ctx context.Context, path string) (*litekeep.Verification, error)
	NoteRetention(ctx context.Context, configuration string, prune bool) error
	CleanupOldBackups(ctx context.Context, dryRun bool) ([]litekeep.Decision, error)
	SyncCopies(context.Context, litekeep.SyncOptions) ([]litekeep.SyncAction, error)
	VerifyCopies(ctx context.Context, full bool, destinations ...string) ([]litekeep.CopyCheck, error)
	ListBackups(context.Context) ([]*litekeep.Backup, error)
	BackupDetails(ctx context.Context, path string) (*litekeep.Details, error)
	PinBackup(ctx context.Context, path, note string, until time.Time) error
	UnpinBackup(ctx context.Context, path string) error
	ListTrash(context.Context) ([]litekeep.TrashedBackup, error)
	Undelete(ctx context.Context, path string) error
}

// NewCore makes the Core of a database.
type NewCore func(litekeep.Config, ...litekeep.Option) Core

func newCore(c litekeep.Config, o ...litekeep.Option) Core { return litekeep.New(c, o...) }
