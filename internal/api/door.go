package api

import (
	"context"
	"iter"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// A Door is what the API needs of the service. All methods authorise by
// themselves; an implementation MUST answer for a database, a backup or a run
// that by may not see as for one that is not there.
type Door interface {
	Databases
	Backups
	Keeper
	Starter
	Runs
	Watch
	Tokens
	Records
	Settings
}

var _ Door = (*service.Service)(nil)

// Databases tells of databases.
type Databases interface {
	// Names returns the names of all that by may see, sorted.
	Names(ctx context.Context, by access.Principal) ([]string, error)
	Databases(ctx context.Context, by access.Principal) ([]service.Status, error)
	Database(ctx context.Context, by access.Principal, name string) (*service.Status, error)
	Stats(ctx context.Context, by access.Principal, database string) ([]litekeep.Stats, error)
	AcceptSize(ctx context.Context, by access.Principal, database, reason string) error
}

// Backups tells of backups.
type Backups interface {
	Backups(ctx context.Context, by access.Principal, database string) ([]service.BackupView, error)
	Backup(ctx context.Context, by access.Principal, database, file string) (*service.BackupDetails, error)
	Download(ctx context.Context, by access.Principal, database, file string, manifest bool) (*service.Download, error)
	PreviewCleanup(ctx context.Context, by access.Principal, database string) ([]litekeep.Decision, error)
}

// A Keeper keeps backups from being removed.
type Keeper interface {
	Pin(ctx context.Context, by access.Principal, database, file, note string, until time.Time) error
	Unpin(ctx context.Context, by access.Principal, database, file string) error
	Trash(ctx context.Context, by access.Principal, database string) ([]service.TrashView, error)
	Undelete(ctx context.Context, by access.Principal, database, file string) error
}

// A Starter starts runs. It returns at once.
type Starter interface {
	StartBackup(ctx context.Context, by access.Principal, database string) (*service.Run, error)
	StartVerify(ctx context.Context, by access.Principal, database, file string) (*service.Run, error)
	StartRestore(ctx context.Context, by access.Principal, database string, r service.RestoreRequest) (*service.Run, error)
	StartCleanup(ctx context.Context, by access.Principal, database string) (*service.Run, error)
	StartSync(ctx context.Context, by access.Principal, database string) (*service.Run, error)
}

// Runs tells of runs. Wait returns a run as it is, without an error, when ctx
// ends before it.
type Runs interface {
	Run(ctx context.Context, by access.Principal, id string) (*service.Run, error)
	Runs(ctx context.Context, by access.Principal, f service.RunFilter) ([]service.Run, error)
	Wait(ctx context.Context, by access.Principal, id string) (*service.Run, error)
	CancelRun(ctx context.Context, by access.Principal, id string) (*service.Run, error)
}

// Watch tells what happens. The sequence of Events MUST end with ctx.
type Watch interface {
	Events(ctx context.Context, by access.Principal) (iter.Seq[service.Event], error)
	Health(ctx context.Context) service.Health
}

// Tokens keeps the keys to the service.
type Tokens interface {
	Tokens(ctx context.Context, by access.Principal) ([]service.Token, error)
	CreateToken(ctx context.Context, by access.Principal, t service.Token) (made *service.Token, secret string, err error)
	RevokeToken(ctx context.Context, by access.Principal, id string) error
}

// Records is the audit log.
type Records interface {
	Audit(ctx context.Context, by access.Principal, f service.AuditFilter) ([]service.AuditEntry, error)
	VerifyAudit(ctx context.Context, by access.Principal) (*service.AuditReport, error)
}

// Settings is the configuration and the channels of notifications.
type Settings interface {
	Settings(ctx context.Context, by access.Principal) ([]service.Setting, error)
	Reload(ctx context.Context, by access.Principal) ([]string, error)
	Channels(ctx context.Context, by access.Principal) ([]service.ChannelStatus, error)
	TestChannel(ctx context.Context, by access.Principal, name string) error
}
