package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const newContent = `CREATE TABLE fresh(a INTEGER PRIMARY KEY, b TEXT);
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<3000)
INSERT INTO fresh SELECT i, printf('new %d %s', i, hex(zeroblob(100))) FROM c;`

// makeNew makes the file that is to be published.
func makeNew(t testing.TB, sql ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "new.db")
	mustCreate(t, path, append(sql, newContent)...)
	return path
}

// publish publishes newFile into target at once.
func publish(ctx context.Context, newFile, target string, o PublishOptions) error {
	p, err := NewPublication(ctx, newFile, target, o)
	if err != nil {
		return err
	}
	return errors.Join(p.Publish(ctx), p.Close())
}

func TestPublishWhileOthersAreConnected(t *testing.T) {
	tests := []struct {
		name           string
		target, source string // what the two databases begin with
		mode           string // the journal mode afterwards
	}{
		{"rollback", "", "", "delete"},
		{"rollback, other page size", "PRAGMA page_size=1024", "PRAGMA page_size=8192", "delete"},
		{"rollback, smaller pages", "PRAGMA page_size=8192", "PRAGMA page_size=512", "delete"},
		{"WAL", "PRAGMA journal_mode=WAL", "", "wal"},
		{"WAL from WAL", "PRAGMA journal_mode=WAL", "PRAGMA journal_mode=WAL", "wal"},
		{"rollback from WAL", "", "PRAGMA journal_mode=WAL", "wal"},
		{"auto_vacuum", "", "PRAGMA auto_vacuum=1", "delete"},
		{"no more auto_vacuum", "PRAGMA auto_vacuum=2; PRAGMA journal_mode=WAL", "", "wal"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			target := filepath.Join(t.TempDir(), "target.db")
			mustCreate(t, target, test.target, fillTable)
			source := makeNew(t, test.source)
			other := startActor(t, "follow", target)
			same := mustOpen(t, target)
			if got := rows(t, same, "SELECT count(*) FROM t"); got[0] != "2000" {
				t.Fatal(got)
			}
			if err := publish(t.Context(), source, target, PublishOptions{BusyTimeout: 5 * time.Second}); err != nil {
				t.Fatal(err)
			}
			want := "3000"
			if got := rows(t, same, "SELECT count(*) FROM fresh"); got[0] != want {
				t.Errorf("this process sees %s rows", got[0])
			}
			mustExec(t, same, "INSERT INTO fresh(b) VALUES('added here')")
			// The other process had it open all the time: it reads and writes.
			if last := other.finish(); last != "3002 rows ok "+test.mode {
				t.Errorf("the other process says %q", last)
			}
			if got := rows(t, same, "PRAGMA integrity_check"); got[0] != `"ok"` {
				t.Errorf("integrity_check %v", got)
			}
		})
	}
}

func TestPublishOverWhatACrashLeft(t *testing.T) {
	for _, test := range []struct{ role, mode string }{{"wal add", "WAL"}, {"spill", "DELETE"}} {
		t.Run(test.role, func(t *testing.T) {
			target := filepath.Join(t.TempDir(), "target.db")
			mustCreate(t, target, "PRAGMA journal_mode="+test.mode, fillTable)
			startActor(t, test.role, target).kill()
			if err := publish(t.Context(), makeNew(t), target, PublishOptions{}); err != nil {
				t.Fatal(err)
			}
			c := mustOpen(t, target)
			if got := rows(t, c, "SELECT (SELECT count(*) FROM fresh), (SELECT count(*) FROM sqlite_schema)"); got[0] != "3000|1" {
				t.Errorf("content %v", got)
			}
			if got := rows(t, c, "PRAGMA integrity_check"); got[0] != `"ok"` {
				t.Errorf("integrity_check %v", got)
			}
		})
	}
}

func TestPublishCancelledLeavesTheOldContent(t *testing.T) {
	for _, mode := range []string{"DELETE", "WAL"} {
		target := filepath.Join(t.TempDir(), "target.db")
		mustCreate(t, target, "PRAGMA journal_mode="+mode, fillTable)
		source := filepath.Join(t.TempDir(), "new.db")
		mustCreate(t, source, "CREATE TABLE big(b); INSERT INTO big VALUES(zeroblob(30000000))")
		ctx, cancel := context.WithCancel(t.Context())
		err := publish(ctx, source, target, PublishOptions{Progress: func(done, total int64) {
			if done >= total {
				t.Error("all is written in one go")
			}
			cancel()
		}})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v", mode, err)
		}
		c := mustOpen(t, target)
		if got := rows(t, c, "SELECT count(*) FROM t"); got[0] != "2000" {
			t.Errorf("%s: %v", mode, got)
		}
		if got := rows(t, c, "PRAGMA integrity_check"); got[0] != `"ok"` {
			t.Errorf("%s: integrity_check %v", mode, got)
		}
	}
}

func TestPublishKilledIsRolledBack(t *testing.T) {
	for _, mode := range []string{"DELETE", "WAL"} {
		target := filepath.Join(t.TempDir(), "target.db")
		mustCreate(t, target, "PRAGMA journal_mode="+mode, fillTable)
		source := filepath.Join(t.TempDir(), "new.db")
		mustCreate(t, source, "CREATE TABLE big(b); INSERT INTO big VALUES(zeroblob(30000000))")
		t.Setenv("ENGINE_TEST_SOURCE", source)
		startActor(t, "publish and stop", target).kill()
		c := mustOpen(t, target)
		if got := rows(t, c, "SELECT count(*) FROM t"); got[0] != "2000" {
			t.Errorf("%s: %v", mode, got)
		}
		if got := rows(t, c, "PRAGMA integrity_check"); got[0] != `"ok"` {
			t.Errorf("%s: integrity_check %v", mode, got)
		}
	}
}

// TestPublishNotOverCommits finds that what others commit to a target that is watched stops
// the publication, that nobody can commit while it is held, and that nothing else is taken
// for a commit.
func TestPublishNotOverCommits(t *testing.T) {
	for name, begin := range map[string]string{
		"rollback": "", "WAL": "PRAGMA journal_mode=WAL", "other page size": "PRAGMA page_size=512", "TRUNCATE": "PRAGMA journal_mode=TRUNCATE",
	} {
		t.Run(name, func(t *testing.T) {
			target := filepath.Join(t.TempDir(), "target.db")
			mustCreate(t, target, begin, fillTable)
			other := mustOpen(t, target)
			p, err := NewPublication(t.Context(), makeNew(t), target, PublishOptions{})
			if err != nil {
				t.Fatal(err)
			}
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			must(p.Watch(t.Context()))
			mustExec(t, other, "DELETE FROM t WHERE rowid=1")
			if err := p.Publish(t.Context()); !errors.Is(err, ErrChanged) {
				t.Fatalf("after a commit: %v", err)
			}
			if got := rows(t, other, "SELECT count(*) FROM t"); got[0] != "1999" {
				t.Fatal(got)
			}
			must(p.Hold(t.Context()))
			if err := other.Exec(t.Context(), "DELETE FROM t"); !errors.Is(err, ErrBusy) {
				t.Errorf("a writer while the target is held: %v", err)
			}
			if got := rows(t, other, "SELECT count(*) FROM t"); got[0] != "1999" {
				t.Errorf("a reader while the target is held: %v", got)
			}
			must(p.Publish(t.Context()))
			if got := rows(t, other, "SELECT count(*) FROM fresh"); got[0] != "3000" {
				t.Error(got)
			}
			must(p.Close())
		})
	}
}

func TestCanPublish(t *testing.T) {
	tests := []struct {
		name string
		make func(t *testing.T, path string)
		want error
		text string
	}{
		{"rollback", func(t *testing.T, path string) { mustCreate(t, path, fillTable) }, nil, ""},
		{"closed WAL", func(t *testing.T, path string) { mustCreate(t, path, "PRAGMA journal_mode=WAL", fillTable) }, nil, ""},
		{"0 bytes", func(t *testing.T, path string) { writeFile(t, path, "") }, nil, ""},
		{"missing", func(*testing.T, string) {}, fs.ErrNotExist, ""},
		{"WAL and other pages", func(t *testing.T, path string) {
			mustCreate(t, path, "PRAGMA page_size=1024; PRAGMA journal_mode=WAL", fillTable)
		}, nil, ""},
		{"WAL and other pages, open in this process", func(t *testing.T, path string) {
			mustCreate(t, path, "PRAGMA page_size=1024; PRAGMA journal_mode=WAL", fillTable)
			rows(t, mustOpen(t, path), "SELECT count(*) FROM t")
		}, ErrCannotPublish, "Stop the programs"},
		{"WAL and other pages, open in another process", func(t *testing.T, path string) {
			mustCreate(t, path, "PRAGMA page_size=1024; PRAGMA journal_mode=WAL", fillTable)
			startActor(t, "follow", path)
		}, ErrCannotPublish, "Stop the programs"},
		{"other encoding", func(t *testing.T, path string) { mustCreate(t, path, "PRAGMA encoding='UTF-16be'", fillTable) }, ErrCannotPublish, "UTF-16be"},
		{"no database", func(t *testing.T, path string) { writeFile(t, path, strings.Repeat("x", 9000)) }, ErrNotADatabase, "move it away"},
		{"cut off", func(t *testing.T, path string) {
			mustCreate(t, path, fillTable)
			if err := os.Truncate(path, 20000); err != nil {
				t.Fatal(err)
			}
		}, nil, ""},
		{"locked", func(t *testing.T, path string) {
			mustCreate(t, path, fillTable)
			startActor(t, "hold exclusive", path)
		}, ErrBusy, "Try again"},
		{"folder", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, ErrCannotPublish, ""},
		{"damaged within", func(t *testing.T, path string) {
			mustCreate(t, path, fillTable)
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			_, err = f.WriteAt(bytes.Repeat([]byte{0xff}, 8000), 100)
			if err = errors.Join(err, f.Close()); err != nil {
				t.Fatal(err)
			}
		}, nil, ""},
	}
	source := makeNew(t)
	content, err := contentOf(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			target := filepath.Join(t.TempDir(), "target.db")
			test.make(t, target)
			before := stats(t, target)
			err := CanPublish(t.Context(), content, target, PublishOptions{})
			if !errors.Is(err, test.want) || (test.want == nil) != (err == nil) {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			said := fmt.Sprint(err)
			if refused := (*PublishError)(nil); errors.As(err, &refused) {
				if strings.Contains(said, refused.WayOut) {
					t.Errorf("error %q has the way out, which whoever shows it adds", said)
				}
				said += ". " + refused.WayOut
			}
			if err != nil && !strings.Contains(said, test.text) {
				t.Errorf("error %q does not say %q", said, test.text)
			}
			if after := stats(t, target); after != before {
				t.Errorf("files changed:\n%s\nbefore:\n%s", after, before)
			}
			// Publish works if and only if CanPublish says so.
			if err := publish(t.Context(), source, target, PublishOptions{}); (err == nil) != (test.want == nil) {
				t.Errorf("publish: %v", err)
			}
			if test.want == nil {
				if got := rows(t, mustOpen(t, target), "SELECT count(*) FROM fresh"); !slices.Equal(got, []string{"3000"}) {
					t.Errorf("content %v", got)
				}
			}
		})
	}
}

// TestPublishOtherEncodingInLog refuses content that connections could not read, also
// where what tells the encoding is in the target's log alone.
func TestPublishOtherEncodingInLog(t *testing.T) {
	target := filepath.Join(t.TempDir(), "target.db")
	mustCreate(t, target, "PRAGMA journal_mode=WAL")
	other := mustOpen(t, target)
	mustExec(t, other, "CREATE TABLE o(a); INSERT INTO o VALUES('y')")
	err := publish(t.Context(), makeNew(t, "PRAGMA encoding='UTF-16le'"), target, PublishOptions{})
	if !errors.Is(err, ErrCannotPublish) || !strings.Contains(err.Error(), "UTF-16le") {
		t.Errorf("error %v", err)
	}
	if got := rows(t, other, "SELECT a FROM o"); got[0] != `"y"` {
		t.Error(got)
	}
	if err := publish(t.Context(), makeNew(t), target, PublishOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, other, "SELECT count(*) FROM fresh"); got[0] != "3000" {
		t.Error(got)
	}
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestPublishKeepsReaders checks that a reader in the middle of a transaction
// goes on to see what it saw (WAL), or is waited for (rollback).
func TestPublishKeepsReaders(t *testing.T) {
	for _, mode := range []string{"DELETE", "WAL"} {
		target := filepath.Join(t.TempDir(), "target.db")
		mustCreate(t, target, "PRAGMA journal_mode="+mode, fillTable)
		reader := mustOpen(t, target, "BEGIN; SELECT count(*) FROM t")
		err := publish(t.Context(), makeNew(t), target, PublishOptions{BusyTimeout: 50 * time.Millisecond})
		if mode == "DELETE" && !errors.Is(err, ErrBusy) || mode == "WAL" && err != nil {
			t.Errorf("%s: error %v", mode, err)
		}
		if got := rows(t, reader, "SELECT count(*) FROM t"); got[0] != "2000" {
			t.Errorf("%s: the reader sees %v", mode, got)
		}
		mustExec(t, reader, "COMMIT")
		want := fmt.Sprint(mode == "WAL")
		if got := rows(t, reader, "SELECT iif(count(*), 'true', 'false') FROM sqlite_schema WHERE name='fresh'"); got[0] != fmt.Sprintf("%q", want) {
			t.Errorf("%s: new content %v, want %v", mode, got, want)
		}
	}
}
