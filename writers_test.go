package litekeep_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/value"
)

// ledgerSQL makes two tables whose amounts sum up to nothing in every consistent
// state, and a version that each transaction counts up and adds a row for.
const ledgerSQL = `
CREATE TABLE credit(id INTEGER PRIMARY KEY, amount INTEGER, pad BLOB);
CREATE TABLE debit(id INTEGER PRIMARY KEY, amount INTEGER, pad BLOB);
CREATE TABLE version(n INTEGER);
CREATE TABLE history(n INTEGER PRIMARY KEY, pad TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<200)
INSERT INTO credit SELECT i, 0, randomblob(3600) FROM n;
INSERT INTO debit SELECT id, 0, randomblob(3600) FROM credit;
CREATE INDEX credit_amount ON credit(amount);
CREATE INDEX debit_amount ON debit(amount);
INSERT INTO version VALUES(0);`

// playWriter writes to a database until its standard input ends. It never waits
// longer for a lock than its timeout.
func playWriter(ctx context.Context, args []string) error {
	c, err := engine.Open(ctx, args[0], engine.OpenOptions{BusyTimeout: 20 * time.Second})
	if err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(done)
	}()
	fmt.Println("ready")
	const transaction = `BEGIN IMMEDIATE;
UPDATE version SET n=n+1;
INSERT INTO history SELECT n, printf('%0300d', n) FROM version;
UPDATE credit SET amount=amount+?1 WHERE id=1+?1%200;
UPDATE debit SET amount=amount-?1 WHERE id=1+(?1*7)%200;
COMMIT`
	for n := int64(1); ; n++ {
		select {
		case <-done:
			fmt.Println(n - 1)
			return c.Close()
		default:
		}
		v := value.OfInt(n)
		if err := c.Exec(ctx, transaction, v, v); err != nil {
			return errors.Join(fmt.Errorf("transaction %d: %w", n, err), c.Close())
		}
		if n%8 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
}

// invariant is one row: the sum, whether the version is that of the history, and
// the version.
const invariant = `SELECT (SELECT sum(amount) FROM credit)+(SELECT sum(amount) FROM debit),
(SELECT count(*)=coalesce(max(n),0) AND count(*)=(SELECT n FROM version) FROM history), (SELECT n FROM version)`

// TestBackupsBesideWriter makes backups while another process writes. Each must
// be one state of the database.
func TestBackupsBesideWriter(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"delete", "wal"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "PRAGMA journal_mode="+mode+";"+ledgerSQL, nil)
			writer := startActor(t, "write", w.db)
			var paths []string
			for begin := time.Now(); time.Since(begin) < 2*time.Second || len(paths) < 3; {
				b := w.backup()
				paths = append(paths, b.Path)
			}
			transactions := writer.finish() // fails the test if the writer has
			var last int64
			for i, path := range paths {
				target := filepath.Join(w.dir, fmt.Sprintf("restored%d.db", i))
				w.restore(path, target)
				var sum, whole, version int64
				if _, err := fmt.Sscanf(query(t, target, invariant), "%d|%d|%d", &sum, &whole, &version); err != nil {
					t.Fatal(err)
				}
				if sum != 0 || whole != 1 || version < last {
					t.Errorf("backup %d: sum %d, whole %d, version %d after %d", i, sum, whole, version, last)
				}
				last = version
				if got := query(t, target, "PRAGMA integrity_check"); got != "ok" {
					t.Error(got)
				}
				if err := os.Remove(target); err != nil {
					t.Fatal(err)
				}
			}
			if last == 0 {
				t.Error("the writer did nothing meanwhile")
			}
			if got := query(t, w.db, "PRAGMA integrity_check"); got != "ok" {
				t.Errorf("the source: %s", got)
			}
			t.Logf("%d backups up to version %d beside %s transactions", len(paths), last, transactions)
		})
	}
}

// TestRestoreLosesNoCommit restores over a database that another process writes to all the
// time. Each of its transactions is in the safety backup or in the database afterwards.
func TestRestoreLosesNoCommit(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"delete", "wal"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, ledgerSQL, nil)
			b := w.backup()
			target := filepath.Join(w.dir, "target.db")
			makeDatabase(t, target, "PRAGMA journal_mode="+mode+";"+ledgerSQL)
			writer := startActor(t, "write", target)
			commits(t, target)
			r := w.restore(b.Path, target)
			commits(t, target) // those after the restore: the backup has none
			transactions := writer.finish()
			was := filepath.Join(w.dir, "was.db")
			w.restore(r.SafetyBackup, was)
			var before, after, all int64
			if _, err := fmt.Sscan(query(t, was, "SELECT n FROM version"), &before); err != nil {
				t.Fatal(err)
			}
			if _, err := fmt.Sscan(query(t, target, "SELECT n FROM version"), &after); err != nil {
				t.Fatal(err)
			}
			if _, err := fmt.Sscan(transactions, &all); err != nil {
				t.Fatal(err)
			}
			if before == 0 || after == 0 || before+after != all {
				t.Errorf("%d transactions: %d in the safety backup, %d after it (%q)", all, before, after, r.Steps)
			}
		})
	}
}

// commits waits until a database has the commits of a writer, and lets it make some more.
func commits(t *testing.T, path string) {
	t.Helper()
	for late := time.Now().Add(patience); query(t, path, "SELECT n FROM version") == "0"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatal("the writer does not commit")
		}
	}
	time.Sleep(200 * time.Millisecond)
}

// TestBackupOfLockedDatabase waits for a lock for as long as it is told.
func TestBackupOfLockedDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, nil)
	holder := startActor(t, "hold", w.db)
	holder.ask("BEGIN EXCLUSIVE")
	s := w.service(func(c *litekeep.Config) { c.BusyTimeout = 100 * time.Millisecond })
	if _, err := s.CreateBackup(t.Context()); !errors.Is(err, litekeep.ErrBusy) {
		t.Errorf("not busy: %v", err)
	}
	if len(w.list()) != 0 {
		t.Error("something is listed")
	}
	clean(t, w.folder)
	done := make(chan error, 1)
	go func() {
		_, err := w.CreateBackup(t.Context())
		done <- err
	}()
	time.Sleep(100 * time.Millisecond)
	holder.ask("UPDATE account SET amount=0; COMMIT")
	if err := <-done; err != nil {
		t.Error(err)
	}
	holder.finish()
}
