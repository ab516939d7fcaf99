// Package sqldb opens databases of litekeep's own, such as the state of the
// service, through database/sql. Databases of others are for package engine.
//
// It is a package beside engine, not a part of it, because the driver that it
// imports registers itself in database/sql as "sqlite". Every program that uses
// litekeep as a library imports engine, and a program that has another driver of
// that name would panic at its start.
//
// The driver and engine share one SQLite library in the process, so that the
// locks of both agree. Importing the driver changes one thing in that library, on
// Linux on arm64: the library asks for the real size of memory pages there.
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/engine"
)

// BusyTimeout is how long a statement waits for another process.
const BusyTimeout = 5 * time.Second

// connectPause is how long connect rests before it tries again: about what the
// other one needs to change the mode.
const connectPause = 5 * time.Millisecond

// Open opens the database file path for reading and writing, and creates it, and
// the folders above it, where they do not exist. What it creates is for its
// owner alone, and an existing file becomes so if it is this user's.
//
// The database is in WAL mode; a transaction is on the medium when Commit returns
// (synchronous=FULL); foreign keys are checked; a transaction takes the write
// lock when it begins, so that it cannot fail half way because of another one; a
// name in double quotes is never a text. There is one connection, so a caller
// has to read all rows before its next statement.
//
// The file is read, so that a file that is no database, or is locked for good,
// shows here. Errors are *engine.Error, or those of package os.
func Open(ctx context.Context, path string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	if err := prepare(path); err != nil {
		return nil, err
	}
	connector, err := sqlite.NewConnector(address(path))
	if err != nil {
		return nil, Fault("open", path, err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	db.SetMaxIdleConns(1)
	if err := connect(ctx, db, path); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// connect makes the connection and reads the file.
//
// SQLite does not wait when two connections put a new database into WAL mode at
// the same moment: both have read it, so neither could go on, and one of them is
// told at once that it is busy, whatever the timeout. That one tries again.
func connect(ctx context.Context, db *sql.DB, path string) error {
	deadline := time.Now().Add(BusyTimeout)
	for {
		var version int64
		err := Fault("open", path, db.QueryRowContext(ctx, "PRAGMA schema_version").Scan(&version))
		if !errors.Is(err, engine.ErrBusy) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(connectPause):
		}
	}
}

// prepare makes an empty file at path, unless there is one, with the permissions
// that SQLite gives to the files beside it as well. An existing one is not
// opened: closing it would drop the locks that this process has on it.
func prepare(path string) error {
	var disk durable.Disk
	if err := disk.MkdirAll(filepath.Dir(path)); err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	f, err := disk.Create(path)
	if err == nil {
		return f.Close()
	}
	if !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("open %s: %w", path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&^durable.FilePerm != 0 {
		// It fails for a file that is somebody else's, who may share it.
		_ = os.Chmod(path, info.Mode().Perm()&durable.FilePerm)
	}
	return nil
}

// address writes path and the settings of a connection as the driver wants them.
// Every byte of a path that means something in a URI is escaped.
func address(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive of Windows
	}
	settings := url.Values{
		"_busy_timeout": {fmt.Sprint(BusyTimeout.Milliseconds())},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
		"_foreign_keys": {"1"},
		"_txlock":       {"immediate"},
		"_dqs":          {"0"},
		"_defensive":    {"1"},
		"_error_rc":     {"1"},
	}
	return (&url.URL{Scheme: "file", Path: path, RawQuery: settings.Encode()}).String()
}

// Fault makes an error of the driver an *engine.Error, so that callers need to
// know one set of sentinels. Op is what was being done, path the database.
// Other errors, such as sql.ErrNoRows and those of a context, are returned as
// they are, and so is nil.
func Fault(op, path string, err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	return &engine.Error{Op: op, Path: path, Code: e.Code(), Msg: message(e)}
}

// message is the driver's text without the code, which engine.Error adds.
func message(e *sqlite.Error) string {
	return strings.TrimSuffix(e.Error(), fmt.Sprintf(" (%d)", e.Code()))
}

// Interrupted reports whether err says that a statement was stopped because its
// context ended.
func Interrupted(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_INTERRUPT
}
