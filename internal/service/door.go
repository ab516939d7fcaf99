package service

import (
	"context"
	"iter"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
)

// A Door is what those ask of a Service who stand before it: its pages and its API
// take one, so that their tests can play it. Every method MUST decide by itself
// whether by may, and MUST answer for a database, a backup or a run that by may not
// see as for one that is not there. The errors are those of this package.
type Door interface {
	Shelf
	Steward
	Starter
	Runner
	Office
	Registry
}

var _ Door = (*Service)(nil)

// A Shelf shows the databases and their backups.
type Shelf interface {
	Databases(ctx context.Context, by access.Principal) ([]Status, error)
	Database(ctx context.Context, by access.Principal, name string) (*Status, error)
	Backups(ctx context.Context, by access.Principal, database string) ([]BackupView, error)
	Backup(ctx context.Context, by access.Principal, database, file string) (*BackupDetails, error)
	Download(ctx context.Context, by access.Principal, database, file string, manifest bool) (*Download, error)
}

// A Steward decides how long backups stay.
type Steward interface {
	PreviewCleanup(ctx context.Context, by access.Principal, database string) ([]litekeep.Decision, error)
	Pin(ctx context.Context, by access.Principal, database, file, note string, until time.Time) error
	Unpin(ctx context.Context, by access.Principal, database, file string) error
	Trash(ctx context.Context, by access.Principal, database string) ([]TrashView, error)
	Undelete(ctx context.Context, by access.Principal, database, file string) error
}

// A Starter begins runs. A method MUST return when the run has begun or waits for
// its turn, not when it has ended.
type Starter interface {
	StartBackup(ctx context.Context, by access.Principal, database string) (*Run, error)
	StartVerify(ctx context.Context, by access.Principal, database, file string) (*Run, error)
	StartRestore(ctx context.Context, by access.Principal, database string, r RestoreRequest) (*Run, error)
	StartCleanup(ctx context.Context, by access.Principal, database string) (*Run, error)
	StartSync(ctx context.Context, by access.Principal, database string) (*Run, error)
}

// A Runner shows runs and stops them. The sequence of Events MUST end with ctx.
type Runner interface {
	Run(ctx context.Context, by access.Principal, id string) (*Run, error)
	Runs(ctx context.Context, by access.Principal, f RunFilter) ([]Run, error)
	CancelRun(ctx context.Context, by access.Principal, id string) (*Run, error)
	Events(ctx context.Context, by access.Principal) (iter.Seq[Event], error)
	AcceptSize(ctx context.Context, by access.Principal, database, reason string) error
}

// An Office tells of the service itself: how it is, its configuration, and the
// channels of notifications.
type Office interface {
	Health(ctx context.Context) Health
	Settings(ctx context.Context, by access.Principal) ([]Setting, error)
	Reload(ctx context.Context, by access.Principal) ([]string, error)
	Channels(ctx context.Context, by access.Principal) ([]ChannelStatus, error)
	TestChannel(ctx context.Context, by access.Principal, name string) error
}

// A Registry keeps who may, and who did.
type Registry interface {
	Tokens(ctx context.Context, by access.Principal) ([]Token, error)
	CreateToken(ctx context.Context, by access.Principal, t Token) (made *Token, secret string, err error)
	RevokeToken(ctx context.Context, by access.Principal, id string) error
	Audit(ctx context.Context, by access.Principal, f AuditFilter) ([]AuditEntry, error)
	VerifyAudit(ctx context.Context, by access.Principal) (*AuditReport, error)
}
