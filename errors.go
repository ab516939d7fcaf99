package litekeep

import (
	"context"
	"errors"
	"strings"
	"syscall"

	"github.com/litekeep/litekeep/internal/archive"
	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/export"
	"github.com/litekeep/litekeep/internal/keys"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/rebuild"
	"github.com/litekeep/litekeep/internal/seal"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/vault"
)

// The kinds of failure that a caller can act on. Every error of this package
// matches at most one of them with errors.Is; what matches none is a failure of
// the machine (a disk, a permission) or of litekeep.
var (
	// ErrConfig: a Config that cannot work. The error names every wrong field.
	ErrConfig = errors.New("configuration is not valid")
	// ErrBusy: a database or a backup folder is locked by somebody else.
	ErrBusy = errors.New("busy")
	// ErrRefused: the source is damaged, encrypted, truncated or no database,
	// or holds what cannot be kept exactly. There is no backup.
	ErrRefused = errors.New("source refused")
	// ErrDamaged: a backup is not what was written, or not what litekeep writes.
	ErrDamaged = errors.New("backup is damaged")
	// ErrNoKey: a backup is sealed, and no key was given.
	ErrNoKey = errors.New("no key")
	// ErrWrongKey: a backup is sealed, and none of the keys opens it.
	ErrWrongKey = errors.New("wrong key")
	// ErrTarget: a restore cannot be published at its target.
	ErrTarget = errors.New("target cannot be restored to")
	// ErrKept: a backup that is not to be deleted: pinned, or one of the last good
	// ones.
	ErrKept = errors.New("backup is kept")
	// ErrNoBackup: a folder holds no backup that could be restored, or there is no
	// such backup.
	ErrNoBackup = errors.New("no good backup")
	// ErrCopies: fewer places than Config.MinCopies hold a new backup. It is there in
	// the others.
	ErrCopies = errors.New("too few copies")
)

// SourceDamaged reports whether an ErrRefused is because the file of the source is
// damaged.
func SourceDamaged(err error) bool {
	return errors.Is(err, engine.ErrCorrupt) || errors.Is(err, sqlitefile.ErrCorrupt)
}

// NoDatabase reports whether an ErrRefused is because the source is no SQLite database,
// or an encrypted one.
func NoDatabase(err error) bool { return errors.Is(err, engine.ErrNotADatabase) }

// Error is an error with what a person needs to get out of it.
type Error struct {
	Op   string // backup, verify, restore, …
	Path string // the file or folder that it is about
	Kind error  // one of the kinds above, or nil
	Err  error  // the cause
	Hint string // the way out, "" if there is none
}

// Error returns the operation, the path and the cause, none of them twice.
func (e *Error) Error() string {
	cause := e.Err.Error()
	switch named := e.Path != "" && strings.Contains(cause, e.Path); {
	case named && strings.HasPrefix(cause, e.Op+" "+e.Path+": "):
		return cause
	case named || e.Path == "":
		return e.Op + ": " + cause
	}
	return e.Op + " " + e.Path + ": " + cause
}

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Kind == nil {
		return []error{e.Err}
	}
	return []error{e.Kind, e.Err}
}

// kinds maps the errors of the packages below to the kinds of this one; the
// first match counts.
var kinds = []struct {
	cause, kind error
	hint        string
}{
	{cause: engine.ErrBusy, kind: ErrBusy, hint: "another process holds the database; try again, or wait longer with --busy-timeout"},
	{cause: engine.ErrNotADatabase, kind: ErrRefused, hint: "check the path; an encrypted database must be backed up by the program that has its key"},
	{cause: engine.ErrCorrupt, kind: ErrRefused, hint: damagedHint},
	{cause: export.ErrRefused, kind: ErrRefused},
	{cause: archive.ErrDamaged, kind: ErrDamaged, hint: anotherHint},
	{cause: vault.ErrDamaged, kind: ErrDamaged, hint: "`litekeep sync --full` makes damaged and missing copies anew from a good one"},
	{cause: vault.ErrPinned, kind: ErrKept, hint: "`litekeep unpin BACKUP` takes the pin back; --force deletes it all the same"},
	{cause: vault.ErrLastGood, kind: ErrKept, hint: "make another backup first; --force deletes it all the same"},
	{cause: vault.ErrNotThere, kind: ErrNoBackup, hint: "`litekeep list` shows the backups, `litekeep trash list` those in the trash"},
	{cause: vault.ErrIncomplete, kind: ErrDamaged},
	{cause: rebuild.ErrDocument, kind: ErrDamaged, hint: anotherHint},
	{cause: manifest.ErrChecksum, kind: ErrDamaged, hint: anotherHint},
	{cause: manifest.ErrVersion, kind: ErrDamaged, hint: "a newer litekeep wrote it: update litekeep"},
	{cause: document.ErrVersion, kind: ErrDamaged, hint: "a newer litekeep wrote it: update litekeep"},
	{cause: seal.ErrNoKey, kind: ErrNoKey, hint: "--key names the key, and LITEKEEP_KEYS"},
	{cause: seal.ErrWrongKey, kind: ErrWrongKey, hint: "`litekeep key list` shows which keys open which backups"},
	{cause: keys.ErrUnavailable, hint: "check the credentials of the key management service, or use another key with --key"},
	{cause: seal.ErrVersion, kind: ErrDamaged, hint: "a newer litekeep wrote it: update litekeep"},
	{cause: seal.ErrHeader, kind: ErrDamaged, hint: anotherHint},
	{cause: seal.ErrOtherBackup, kind: ErrDamaged, hint: anotherHint},
	{cause: seal.ErrDamaged, kind: ErrDamaged, hint: anotherHint},
	{cause: seal.ErrMisplaced, kind: ErrDamaged, hint: anotherHint},
	{cause: seal.ErrCutOff, kind: ErrDamaged, hint: anotherHint},
	{cause: seal.ErrNotSealed, kind: ErrDamaged, hint: anotherHint},
	{cause: sqlitefile.ErrCorrupt, kind: ErrRefused, hint: damagedHint},
}

const (
	damagedHint = "`sqlite3 DATABASE 'PRAGMA integrity_check'` says more; `sqlite3 DATABASE .recover` saves what can be read"
	anotherHint = "restore another backup: `litekeep list` shows them, `litekeep verify` tells which are whole"
)

// explain wraps err for the caller. It returns nil for nil, and an *Error as it
// is.
func explain(op, path string, err error) error {
	var already *Error
	if err == nil || errors.As(err, &already) {
		return err
	}
	e := &Error{Op: op, Path: path, Err: err}
	var held *durable.HeldError
	var space *durable.NoSpaceError
	var invalid *manifest.InvalidError
	var syntax *document.SyntaxError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	case errors.As(err, &held):
		e.Kind, e.Hint = ErrBusy, "another litekeep is at work there; wait for it, or use --wait"
	case errors.As(err, &space):
		e.Hint = "free some room, or choose another folder with --temp-dir"
		if op == "restore" { // it builds beside the target, so that publishing is one step
			e.Hint = "free some room there, or restore to a path on another disk"
		}
	case errors.Is(err, syscall.ENOSPC):
		e.Hint = "free some room: `litekeep prune` removes old backups, and nothing half-done was left"
	case errors.As(err, &invalid), errors.As(err, &syntax):
		e.Kind, e.Hint = ErrDamaged, anotherHint
	default:
		for _, k := range kinds {
			if errors.Is(err, k.cause) {
				e.Kind, e.Hint = k.kind, k.hint
				break
			}
		}
	}
	return e
}

// cause returns what an *Error wraps, without the operation and the path.
func cause(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
