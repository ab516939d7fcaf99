package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	sqlite3 "modernc.org/sqlite/lib"
)

// Errors that a caller can tell apart with errors.Is. Every failure of SQLite
// is an *Error; it is one of these by its primary result code.
var (
	ErrBusy         = errors.New("database is locked by another connection")
	ErrNotADatabase = errors.New("not a SQLite database")
	ErrCorrupt      = errors.New("database is damaged")
	ErrFull         = errors.New("disk is full")
	ErrReadOnly     = errors.New("database is read-only")
	ErrCantOpen     = errors.New("cannot open file")
	ErrIO           = errors.New("disk I/O failed")
	ErrConstraint   = errors.New("constraint failed")
	ErrTooBig       = errors.New("value or statement is too large")
	ErrNoMemory     = errors.New("out of memory")
)

// Error is a failure that SQLite reported.
type Error struct {
	Op   string // what was being done: "open", "query", "snapshot", …
	Path string // file of the connection, "" when there is none
	Code int    // SQLite's extended result code
	Msg  string // SQLite's message, or a sentence of this package
	Err  error  // the operating system's error, where one is known
}

// Error names the operation, the file and the cause.
func (e *Error) Error() string {
	text := e.Op
	if e.Path != "" {
		text += " " + e.Path
	}
	text += ": " + e.Msg
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return fmt.Sprintf("%s (SQLite %d)", text, e.Code)
}

// Unwrap returns the operating system's error, if there is one.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the sentinel of the error's primary code.
func (e *Error) Is(target error) bool {
	sentinel := sentinelOf(e.Code)
	return sentinel != nil && target == sentinel
}

// sentinelOf maps a result code to the sentinel that stands for it.
func sentinelOf(code int) error {
	if code == sqlite3.SQLITE_IOERR_CORRUPTFS {
		return ErrCorrupt
	}
	switch code & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return ErrBusy
	case sqlite3.SQLITE_NOTADB:
		return ErrNotADatabase
	case sqlite3.SQLITE_CORRUPT:
		return ErrCorrupt
	case sqlite3.SQLITE_FULL:
		return ErrFull
	case sqlite3.SQLITE_READONLY:
		return ErrReadOnly
	case sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH:
		return ErrCantOpen
	case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOLFS:
		return ErrIO
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH:
		return ErrConstraint
	case sqlite3.SQLITE_TOOBIG:
		return ErrTooBig
	case sqlite3.SQLITE_NOMEM:
		return ErrNoMemory
	}
	return nil
}

// fault makes an *Error for a condition that this package found itself.
func fault(op, path string, code int, format string, args ...any) *Error {
	return &Error{Op: op, Path: path, Code: code, Msg: fmt.Sprintf(format, args...)}
}

// writeFault turns an error of writing a private file into an *Error where it
// means that the disk is full, so that callers need to know one sentinel.
func writeFault(op, path string, err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) && (errno == syscall.ENOSPC || isQuota(errno)) {
		return &Error{Op: op, Path: path, Code: sqlite3.SQLITE_FULL, Msg: "no room left", Err: errno}
	}
	return fmt.Errorf("%s %s: %w", op, path, unwrapPath(err))
}

// unwrapPath strips the operation and path that package os adds, which the
// caller states itself.
func unwrapPath(err error) error {
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}
