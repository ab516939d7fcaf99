package state

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/engine/sqldb"
)

// applicationID marks a file as a state of litekeep: "LKst".
const applicationID = 0x4c4b7374

//go:embed schema/1.sql
var schema1 string

// steps bring a database from each version to the next; the first makes an empty
// file one of version 1. One that was released MUST NOT be changed.
var steps = []string{schema1}

// open opens the file and brings it up to date.
func (s *Store) open(ctx context.Context) error {
	db, err := sqldb.Open(ctx, s.path)
	if err != nil {
		return err
	}
	err = check(ctx, db)
	if err == nil {
		err = migrate(ctx, db, steps)
	}
	if err == nil {
		s.file, err = os.Stat(s.path)
	}
	if err != nil {
		return errors.Join(sqldb.Fault("open", s.path, err), db.Close())
	}
	s.db = db
	return nil
}

// check looks at the whole file, which is small.
func check(ctx context.Context, db *sql.DB) error {
	var answer string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&answer); err != nil {
		return err
	}
	if answer != "ok" {
		return fmt.Errorf("%w: %s", engine.ErrCorrupt, answer)
	}
	return nil
}

// migrate takes the steps that the database lacks, in one transaction.
func migrate(ctx context.Context, db *sql.DB, steps []string) error {
	version, err := versionOf(ctx, db)
	if err != nil || version == len(steps) {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	err = func() error {
		// Another process may have been faster.
		if version, err = versionOf(ctx, tx); err != nil {
			return err
		}
		for _, step := range steps[version:] {
			if _, err := tx.ExecContext(ctx, step); err != nil {
				return err
			}
		}
		mark := fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d", applicationID, len(steps))
		if _, err := tx.ExecContext(ctx, mark); err != nil {
			return err
		}
		return tx.Commit()
	}()
	if err != nil {
		// A transaction that failed may have ended by itself.
		_ = tx.Rollback()
	}
	return err
}

// versionOf returns the version of a database, 0 for an empty one.
func versionOf(ctx context.Context, db interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
},
) (int, error) {
	var id, version, tables int
	row := db.QueryRowContext(ctx, "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)")
	if err := row.Scan(&id, &version, &tables); err != nil {
		return 0, err
	}
	switch {
	case id == 0 && version == 0 && tables == 0:
		return 0, nil
	case id != applicationID || version <= 0:
		return 0, fmt.Errorf("%w: its application id is %d", ErrForeign, id)
	case version > len(steps):
		return 0, fmt.Errorf("%w: it has version %d, this litekeep knows up to %d", ErrNewer, version, len(steps))
	}
	return version, nil
}

// isDamage reports whether an error of open says that the file is of no use.
func isDamage(err error) bool {
	return errors.Is(err, engine.ErrCorrupt) || errors.Is(err, engine.ErrNotADatabase)
}

// setAside renames the file path, and what SQLite keeps beside it, so that they
// can still be opened together, and returns the new name of the file.
func setAside(path string, now time.Time) (string, error) {
	name, err := durable.AsidePath(path, now)
	if err != nil {
		return "", fmt.Errorf("put damaged state aside: %w", err)
	}
	var disk durable.Disk
	// The log goes first: a new file must not find it.
	for _, suffix := range []string{"-wal", "-shm", "-journal", ""} {
		err := disk.Replace(path+suffix, name+suffix)
		if err != nil && (suffix == "" || !errors.Is(err, fs.ErrNotExist)) {
			return "", fmt.Errorf("put damaged state aside: %w", err)
		}
	}
	return name, nil
}
