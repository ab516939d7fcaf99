package api

import (
	"context"
	"net/http"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// Nothing is the body of operations that take none: {} or no body at all. What
// else is sent is refused, since it would not count.
type Nothing struct {
	_ struct{} `additionalProperties:"false"`
}

// UnmarshalJSON leaves it to the schema to refuse what is not nothing.
func (*Nothing) UnmarshalJSON([]byte) error { return nil }

// CreateAnswer is the answer of a backup. Until it has ended it has the fields
// of RunAnswer only.
type CreateAnswer struct {
	RunAnswer
	*Created
}

// Created tells of a new backup.
type Created struct {
	File          string                `json:"backup_filename"`
	Path          string                `json:"backup_path"`
	Timestamp     time.Time             `json:"timestamp"`
	SizeBytes     int64                 `json:"size_bytes"`
	Checksum      string                `json:"checksum" doc:"SHA-256 of the backup's object, hexadecimal"`
	TableCount    int64                 `json:"table_count"`
	RecordCount   int64                 `json:"record_count"`
	DocumentBytes int64                 `json:"document_bytes" doc:"Of the JSON text"`
	Digest        string                `json:"content_digest"`
	Compression   string                `json:"compression"`
	Sealed        bool                  `json:"sealed"`
	Verified      bool                  `json:"verified" doc:"It was read back"`
	Warnings      []string              `json:"warnings"`
	Copies        []litekeep.CopyResult `json:"copies"`
}

func created(r *service.Run) CreateAnswer {
	c := Created{
		File: r.Backup, Timestamp: r.Started, SizeBytes: r.SizeBytes, TableCount: r.TableCount, RecordCount: r.RecordCount,
		DocumentBytes: r.DocumentBytes, Verified: r.Verified,
	}
	if b := r.Created; b != nil {
		c.Path, c.Timestamp, c.SizeBytes, c.Checksum, c.TableCount = b.Path, b.Timestamp, b.SizeBytes, b.Checksum, b.TableCount
		c.RecordCount, c.DocumentBytes, c.Digest, c.Compression = b.RecordCount, b.DocumentBytes, b.Digest, b.Compression
		c.Sealed, c.Warnings, c.Copies = b.Sealed, b.Warnings, b.Copies
	}
	return CreateAnswer{runAnswer(r), ifDone(r, c)}
}

// RestoreBody asks for a restore.
type RestoreBody struct {
	_       struct{} `additionalProperties:"false"`
	Confirm string   `json:"confirm,omitempty" maxLength:"255" doc:"The name of the database that is replaced. Not needed for a dry run"`
	Reason  string   `json:"reason,omitempty" maxLength:"1000" doc:"For the audit log. Not needed for a dry run"`
	DryRun  bool     `json:"dry_run,omitempty" doc:"Only say what would be done"`
	Safety  *bool    `json:"safety_backup,omitempty" doc:"First back up what the database holds now. True if it is left out"`
}

// RestoreAnswer is the answer of a restore. Until it has ended it has the fields
// of RunAnswer only.
type RestoreAnswer struct {
	RunAnswer
	*RestoreOutcome
}

// RestoreOutcome tells of a restore, or of what it would do.
type RestoreOutcome struct {
	File         string    `json:"backup_filename"`
	Path         string    `json:"backup_path"`
	Target       string    `json:"target_path"`
	Timestamp    time.Time `json:"timestamp" doc:"Of the backup"`
	SizeBytes    int64     `json:"size_bytes"`
	TableCount   int64     `json:"table_count"`
	RecordCount  int64     `json:"record_count"`
	Digest       string    `json:"content_digest"`
	DryRun       bool      `json:"dry_run"`
	Proven       bool      `json:"proven" doc:"The database was compared with the backup, and checked by SQLite"`
	Replaced     bool      `json:"replaced" doc:"There was a database before"`
	SafetyBackup *string   `json:"safety_backup" doc:"Path of the backup of what was there before"`
	KeptFiles    []string  `json:"kept_files,omitempty" doc:"Copies of the files of a database that was too damaged to be backed up before"`
	Steps        []string  `json:"steps" doc:"What was done, or would be"`
	Warnings     []string  `json:"warnings"`
}

func restored(r *service.Run) RestoreAnswer {
	o := RestoreOutcome{File: r.Backup, SizeBytes: r.SizeBytes, TableCount: r.TableCount, RecordCount: r.RecordCount}
	if x := r.Restored; x != nil {
		o.Path, o.Target, o.Timestamp, o.SizeBytes, o.TableCount = x.Backup, x.Target, x.Timestamp, x.SizeBytes, x.TableCount
		o.RecordCount, o.Digest, o.DryRun, o.Proven, o.Replaced = x.RecordCount, x.Digest, x.DryRun, x.Proven, x.Replaced
		o.KeptFiles, o.Steps, o.Warnings = x.KeptFiles, x.Steps, x.Warnings
		if x.SafetyBackup != "" {
			o.SafetyBackup = &x.SafetyBackup
		}
	}
	return RestoreAnswer{runAnswer(r), ifDone(r, o)}
}

// VerifyAnswer is the answer of a verification. Until it has ended it has the
// fields of RunAnswer only. That a backup is damaged is an answer too, in which
// success and ok are false.
type VerifyAnswer struct {
	RunAnswer
	*Verified
}

// Verified tells what a verification found.
type Verified struct {
	File        string  `json:"backup_filename"`
	Path        string  `json:"backup_path"`
	OK          bool    `json:"ok" doc:"Every byte is as it was written"`
	Problem     *string `json:"problem" doc:"What is wrong"`
	SizeBytes   int64   `json:"size_bytes"`
	TableCount  int64   `json:"table_count"`
	RecordCount int64   `json:"record_count"`
	Frames      int     `json:"frames"`
	Sealed      bool    `json:"sealed"`
	StoredOnly  bool    `json:"stored_only" doc:"Only the stored bytes were compared, for want of a key; the counts are not known"`
}

func verified(r *service.Run) VerifyAnswer {
	v := Verified{File: r.Backup, OK: r.Outcome == service.OutcomeOK, SizeBytes: r.SizeBytes, TableCount: r.TableCount, RecordCount: r.RecordCount}
	if r.Error != "" {
		v.Problem = &r.Error
	}
	if c := r.Checked; c != nil {
		v.Path, v.OK, v.SizeBytes, v.TableCount, v.RecordCount = c.Path, c.OK, c.Bytes, c.Tables, c.Rows
		v.Frames, v.Sealed, v.StoredOnly = c.Frames, c.Sealed, c.StoredOnly
		if c.Problem != "" {
			v.Problem = &c.Problem
		}
	}
	return VerifyAnswer{runAnswer(r), ifDone(r, v)}
}

// SyncAnswer is the answer of a synchronisation. Until it has ended it has the
// fields of RunAnswer only.
type SyncAnswer struct {
	RunAnswer
	*SyncOutcome
}

// SyncOutcome tells what was copied.
type SyncOutcome struct {
	Actions []litekeep.SyncAction `json:"actions"`
}

func synced(r *service.Run) SyncAnswer {
	return SyncAnswer{runAnswer(r), ifDone(r, SyncOutcome{r.Synced})}
}

// onDatabase is the request of an operation that starts a run on a database.
type onDatabase struct {
	InDatabase
	Waiting
	Body *Nothing
}

// onBackup is that of one that starts a run on a backup.
type onBackup struct {
	InBackup
	Waiting
	Body *Nothing
}

type onRestore struct {
	InBackup
	Waiting
	Body RestoreBody
}

// tagBackups groups what is done with backups in the document.
const tagBackups = "backups"

func (a *API) registerStarts() {
	create := operation{
		id: "create-backup", method: http.MethodPost, path: "/api/backup/create", tag: tagBackups, action: access.Backup,
		summary: "Back up a database", failed: "Backup failed", fails: []int{404, 409},
		about: "A database that cannot be backed up since it is damaged or no database is a 500 as well: the request was right. The run says why.",
	}
	register(a, create, func(ctx context.Context, by access.Principal, in *onDatabase) (*started[CreateAnswer], error) {
		return settleRun(ctx, a, &create, by, in.Waiting, func() (*service.Run, error) {
			db, err := a.database(ctx, by, in.Database)
			if err != nil {
				return nil, err
			}
			return a.door.StartBackup(ctx, by, db)
		}, created)
	})
	verify := operation{
		id: "verify-backup", method: http.MethodPost, path: "/api/backup/verify/{backup_filename}", tag: tagBackups, action: access.Verify,
		summary: "Read a backup from end to end", failed: "Verification failed", fails: []int{404, 409}, tellsDamage: true,
		about: "A damaged backup is answered with 200 and ok false.",
	}
	register(a, verify, func(ctx context.Context, by access.Principal, in *onBackup) (*started[VerifyAnswer], error) {
		return settleRun(ctx, a, &verify, by, in.Waiting, func() (*service.Run, error) {
			db, err := a.backup(ctx, by, &in.InBackup)
			if err != nil {
				return nil, err
			}
			return a.door.StartVerify(ctx, by, db, in.File)
		}, verified)
	})
	sync := operation{
		id: "sync-copies", method: http.MethodPost, path: "/api/backup/sync", tag: tagBackups, action: access.Sync,
		summary: "Copy what a destination lacks", failed: "Synchronisation failed", fails: []int{404, 409},
	}
	register(a, sync, func(ctx context.Context, by access.Principal, in *onDatabase) (*started[SyncAnswer], error) {
		return settleRun(ctx, a, &sync, by, in.Waiting, func() (*service.Run, error) {
			db, err := a.database(ctx, by, in.Database)
			if err != nil {
				return nil, err
			}
			return a.door.StartSync(ctx, by, db)
		}, synced)
	})
	a.registerRestore()
	a.registerCleanup()
}

func (a *API) registerRestore() {
	op := operation{
		id: "restore-backup", method: http.MethodPost, path: "/api/backup/restore/{backup_filename}", tag: tagBackups, action: access.Restore,
		summary: "Restore a backup", failed: "Restore failed", fails: []int{404, 409}, refuses: true, refused: "Restore refused",
		about: "The backup goes to the path of its own database and nowhere else. What the database holds now is backed up first. " +
			"A restore that is refused is a 400 that says why, and nothing was changed.",
	}
	register(a, op, func(ctx context.Context, by access.Principal, in *onRestore) (*started[RestoreAnswer], error) {
		return settleRun(ctx, a, &op, by, in.Waiting, func() (*service.Run, error) {
			db, err := a.backup(ctx, by, &in.InBackup)
			if err != nil {
				return nil, err
			}
			return a.door.StartRestore(ctx, by, db, service.RestoreRequest{
				File: in.File, Confirm: in.Body.Confirm, Reason: in.Body.Reason, DryRun: in.Body.DryRun,
				NoSafetyBackup: in.Body.Safety != nil && !*in.Body.Safety,
			})
		}, restored)
	})
}
