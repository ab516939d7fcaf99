package sqldb_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/engine/sqldb"
	"github.com/litekeep/litekeep/internal/value"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func mustOpen(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// TestSettings asks the connection what it was set to.
func TestSettings(t *testing.T) {
	db := mustOpen(t, filepath.Join(t.TempDir(), "a?mode=memory&%20b#.db"))
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000",
	} {
		var got string
		if err := db.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q, %v; want %q", pragma, got, err, want)
		}
	}
	if _, err := db.ExecContext(t.Context(), `SELECT "no such column"`); err == nil {
		t.Error("a name in double quotes is a text")
	}
}

// TestBesideEngine uses a database through both packages at once: one sees what
// the other commits, and waits for its lock.
func TestBesideEngine(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "both.db")
	db := mustOpen(t, path)
	if _, err := db.ExecContext(ctx, "CREATE TABLE t(x); INSERT INTO t VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	c, err := engine.Open(ctx, path, engine.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sum := func() (n int64) {
		t.Helper()
		if err := c.Query(ctx, "SELECT sum(x) FROM t", nil, func(row []value.Value) error { n = row[0].Int; return nil }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if sum() != 1 {
		t.Errorf("the sum is %d", sum())
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	// The transaction has the lock before its first statement.
	if err := c.Exec(ctx, "INSERT INTO t VALUES (2)"); !errors.Is(err, engine.ErrBusy) {
		t.Errorf("beside a transaction: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := c.Exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := db.ExecContext(ctx, "INSERT INTO t VALUES (4)")
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if err := c.Exec(ctx, "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("after the wait: %v", err)
	}
	if sum() != 5 {
		t.Errorf("the sum is %d", sum())
	}
}

// TestModeWaits opens a database in a rollback mode that somebody writes just
// then, which is when SQLite refuses to change the mode without any waiting.
func TestModeWaits(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "old.db")
	c, err := engine.Open(ctx, path, engine.OpenOptions{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Exec(ctx, "CREATE TABLE t(x)"); err != nil {
		t.Fatal(err)
	}
	if err := c.Exec(ctx, "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	opened := make(chan error, 1)
	open := func(ctx context.Context) {
		db, err := sqldb.Open(ctx, path)
		if err == nil {
			err = db.Close()
		}
		opened <- err
	}
	ended, end := context.WithTimeout(ctx, 50*time.Millisecond)
	defer end()
	open(ended)
	if err := <-opened; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("its context ended, and it returned %v", err)
	}
	go open(ctx)
	select {
	case err := <-opened:
		t.Fatalf("did not wait: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	if err := c.Exec(ctx, "COMMIT"); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Errorf("after the wait: %v", err)
	}
}

// TestFault checks that errors of the driver match the sentinels of engine.
func TestFault(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "db")
	db := mustOpen(t, path)
	if _, err := db.ExecContext(ctx, "CREATE TABLE t(x UNIQUE); INSERT INTO t VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	_, err := db.ExecContext(ctx, "INSERT INTO t VALUES (1)")
	err = sqldb.Fault("insert", path, err)
	if !errors.Is(err, engine.ErrConstraint) || err.Error() != "insert "+path+": constraint failed: UNIQUE constraint failed: t.x (SQLite 2067)" {
		t.Errorf("a constraint: %v", err)
	}
	if got := sqldb.Fault("x", path, sql.ErrNoRows); got != sql.ErrNoRows {
		t.Errorf("no rows: %v", got)
	}
	if got := sqldb.Fault("x", path, nil); got != nil {
		t.Errorf("nothing: %v", got)
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("this is not a database, and long enough to be looked at as one. Really, it is not a database, and it is long"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqldb.Open(ctx, text); !errors.Is(err, engine.ErrNotADatabase) {
		t.Errorf("a text: %v", err)
	}
	if _, err := sqldb.Open(ctx, t.TempDir()); !errors.Is(err, engine.ErrCantOpen) {
		t.Errorf("a folder: %v", err)
	}
}
