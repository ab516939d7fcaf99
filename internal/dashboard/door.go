package dashboard

import (
	"context"
	"iter"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// Door is what the dashboard needs of the service. Every method decides by
// itself whether whoever asks may; its errors are those of package service.
type Door interface {
	Shelf
	Keeper
	Starter
	Runner
	Office
	Registry
}

// Shelf shows the databases and their backups.
type Shelf interface {
	Databases(ctx context.Context, by access.Principal) ([]service.Status, error)
	Database(ctx context.Context, by access.Principal, name string) (*service.Status, error)
	Backups(ctx context.Context, by access.Principal, database string) ([]service.BackupView, error)
	Backup(ctx context.Context, by access.Principal, database, file string) (*service.BackupDetails, error)
	Download(ctx context.Context, by access.Principal, database, file string, manifest bool) (*service.Download, error)
}

// Keeper decides how long backups stay.
type Keeper interface {
	PreviewCleanup(ctx context.Context, by access.Principal, database string) ([]litekeep.Decision, error)
	Pin(ctx context.Context, by access.Principal, database, file, note string, until time.Time) error
	Unpin(ctx context.Context, by access.Principal, database, file string) error
	Trash(ctx context.Context, by access.Principal, database string) ([]service.TrashView, error)
	Undelete(ctx context.Context, by access.Principal, database, file string) error
}

// Starter begins runs. A method MUST return when the run has begun or waits for
// its turn, not when it has ended.
type Starter interface {
	StartBackup(ctx context.Context, by access.Principal, database string) (*service.Run, error)
	StartVerify(ctx context.Context, by access.Principal, database, file string) (*service.Run, error)
	StartRestore(ctx context.Context, by access.Principal, database string, r service.RestoreRequest) (*service.Run, error)
	StartCleanup(ctx context.Context, by access.Principal, database string) (*service.Run, error)
	StartSync(ctx context.Context, by access.Principal, database string) (*service.Run, error)
}

// Runner shows runs and stops them. Events MUST end when its context does.
type Runner interface {
	Run(ctx context.Context, by access.Principal, id string) (*service.Run, error)
	Runs(ctx context.Context, by access.Principal, f service.RunFilter) ([]service.Run, error)
	CancelRun(ctx context.Context, by access.Principal, id string) (*service.Run, error)
	Events(ctx context.Context, by access.Principal) (iter.Seq[service.Event], error)
	AcceptSize(ctx context.Context, by access.Principal, database, reason string) error
}

// Office tells of the service itself.
type Office interface {
	Health(ctx context.Context) service.Health
	Settings(ctx context.Context, by access.Principal) ([]service.Setting, error)
	Reload(ctx context.Context, by access.Principal) ([]string, error)
	Channels(ctx context.Context, by access.Principal) ([]service.ChannelStatus, error)
	TestChannel(ctx context.Context, by access.Principal, name string) error
}

// Registry keeps who may, and who did.
type Registry interface {
	Tokens(ctx context.Context, by access.Principal) ([]service.Token, error)
	CreateToken(ctx context.Context, by access.Principal, t service.Token) (made *service.Token, secret string, err error)
	RevokeToken(ctx context.Context, by access.Principal, id string) error
	Audit(ctx context.Context, by access.Principal, f service.AuditFilter) ([]service.AuditEntry, error)
	VerifyAudit(ctx context.Context, by access.Principal) (*service.AuditReport, error)
}
