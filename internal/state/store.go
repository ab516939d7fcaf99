package state

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/engine/sqldb"
)

// Errors that a caller can tell apart with errors.Is.
var (
	// ErrUnavailable: the state cannot be read or written now. The error also
	// matches the sentinel of package engine that says why, if there is one.
	ErrUnavailable = errors.New("state is unavailable")
	// ErrNotFound: there is no such run, token, condition or note.
	ErrNotFound = errors.New("not found")
	// ErrSlotTaken: a run for this slot was begun before.
	ErrSlotTaken = errors.New("slot was begun before")
	// ErrNewer: the file was written by a later version of litekeep.
	ErrNewer = errors.New("state was written by a newer litekeep")
	// ErrForeign: the file is a database of something else.
	ErrForeign = errors.New("not a state of litekeep")
)

// Store is an open state. It may be used by many goroutines. It must be closed.
type Store struct {
	db       *sql.DB
	path     string
	file     os.FileInfo // of path, when it was opened
	process  string      // the name of this Store in runs
	putAside string
	writing  chan struct{} // taken by the one that writes, who has turns
	turns    durable.Turns
}

// breath is how long a Store that writes without an end leaves the state to others: SQLite
// looks every tenth of a second whether it is free.
const breath = 120 * time.Millisecond

// Open opens the state in the file path, and creates it, for its owner alone,
// where there is none.
//
// A file that is damaged is renamed to path.damaged-TIME, with now in UTC, and a
// new one begun; PutAside tells. Errors are ErrNewer, ErrForeign, and, for a file
// that cannot be used, ErrUnavailable; the file is left as it is then. A file
// that can be read but not written is no error here, but at each write.
func Open(ctx context.Context, path string, now func() time.Time) (*Store, error) {
	path, err := filepath.Abs(path) // the process may change its folder
	if err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	s := &Store{path: path, process: rand.Text(), writing: make(chan struct{}, 1), turns: durable.Turns{Breath: breath}}
	err = s.open(ctx)
	if err != nil && isDamage(err) {
		if s.putAside, err = setAside(path, now()); err == nil {
			err = s.open(ctx)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open state: %w", s.fault(ctx, "open", err))
	}
	return s, nil
}

// PutAside returns the path that a damaged file was renamed to when the state was
// opened, "" if it was not damaged. What the file held is not in the state.
func (s *Store) PutAside() string {
	if s == nil {
		return ""
	}
	return s.putAside
}

// Path returns the file of the state, "" for none.
func (s *Store) Path() string {
	if s == nil {
		return ""
	}
	return s.path
}

// Close closes the state. Nothing is lost without it.
func (s *Store) Close() error {
	if s == nil {
		return nil
	}
	return sqldb.Fault("close", s.path, s.db.Close())
}

// write runs change in a transaction. Op names it in errors.
func (s *Store) write(ctx context.Context, op string, change func(*sql.Tx) error) error {
	if s == nil {
		return fmt.Errorf("%s: %w", op, ErrUnavailable)
	}
	if err := s.there(); err != nil {
		return fmt.Errorf("%s: %w: %w", op, ErrUnavailable, err)
	}
	select {
	case s.writing <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", op, ctx.Err())
	}
	s.turns.Begin()
	defer func() { s.turns.End(); <-s.writing }()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return s.fault(ctx, op, err)
	}
	if err = change(tx); err == nil {
		err = tx.Commit()
	}
	if err != nil {
		// A transaction that failed may have ended by itself.
		_ = tx.Rollback()
		return s.fault(ctx, op, err)
	}
	return nil
}

// there returns an error unless the file that was opened is still in its place.
func (s *Store) there() error {
	info, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	if !os.SameFile(info, s.file) {
		return fmt.Errorf("%s was replaced by another file", s.path)
	}
	return nil
}

// fault is what a failure is to the caller: the end of its context, one of the
// sentinels of this package, or an ErrUnavailable.
func (s *Store) fault(ctx context.Context, op string, err error) error {
	if ctx.Err() != nil && (sqldb.Interrupted(err) || errors.Is(err, ctx.Err()) || errors.Is(err, sql.ErrTxDone)) {
		return fmt.Errorf("%s: %w", op, ctx.Err())
	}
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s: %w", op, ErrNotFound)
	}
	for _, own := range []error{ErrNotFound, ErrSlotTaken, ErrNewer, ErrForeign, errInvalid} {
		if errors.Is(err, own) {
			return fmt.Errorf("%s: %w", op, err)
		}
	}
	err = sqldb.Fault(op, s.path, err)
	if errors.Is(err, engine.ErrConstraint) {
		return err // the caller's values
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// errInvalid: the caller's values cannot be stored.
var errInvalid = errors.New("invalid")

// rows reads all rows of a query. Op names it in errors.
func rows[T any](ctx context.Context, s *Store, op string, scan func(*T) []any, query string, args ...any) ([]T, error) {
	if s == nil {
		return nil, fmt.Errorf("%s: %w", op, ErrUnavailable)
	}
	found, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, s.fault(ctx, op, err)
	}
	defer found.Close()
	var list []T
	for found.Next() {
		var x T
		if err := found.Scan(scan(&x)...); err != nil {
			return nil, s.fault(ctx, op, err)
		}
		list = append(list, x)
	}
	if err := found.Err(); err != nil {
		return nil, s.fault(ctx, op, err)
	}
	return list, nil
}

// one reads the first row of a query. Without any the error is ErrNotFound.
func one[T any](ctx context.Context, s *Store, op string, scan func(*T) []any, query string, args ...any) (T, error) {
	list, err := rows(ctx, s, op, scan, query, args...)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%s: %w", op, ErrNotFound)
	}
	if err != nil {
		var none T
		return none, err
	}
	return list[0], nil
}

// exec runs one statement in a transaction and returns how many rows it changed.
func (s *Store) exec(ctx context.Context, op, statement string, args ...any) (changed int, err error) {
	err = s.write(ctx, op, func(tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, statement, args...)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		changed = int(n)
		return err
	})
	if err != nil {
		return 0, err
	}
	return changed, nil
}
