package engine

import (
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

const fillTable = `CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, n INTEGER DEFAULT 0);
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<2000)
INSERT INTO t(a,b) SELECT i, printf('row %d %s', i, hex(zeroblob(50))) FROM c;
CREATE INDEX tb ON t(b);`

// places returns a folder for a source and a path for its snapshot.
func places(t testing.TB) (source, dest string) {
	return filepath.Join(t.TempDir(), "source.db"), filepath.Join(t.TempDir(), "snapshot.db")
}

func checkSnapshot(t testing.TB, dest string, wantRows int) {
	t.Helper()
	for _, suffix := range sidecarSuffixes {
		if _, err := os.Lstat(dest + suffix); err == nil {
			t.Errorf("%s%s was left", dest, suffix)
		}
	}
	if got := immutableRows(t, dest, "PRAGMA integrity_check"); !slices.Equal(got, []string{`"ok"`}) {
		t.Errorf("integrity_check: %q", got)
	}
	if got := immutableRows(t, dest, "SELECT count(*) FROM t"); got[0] != fmt.Sprint(wantRows) {
		t.Errorf("rows: %s, want %d", got[0], wantRows)
	}
}

func TestSnapshotOfFilesAtRest(t *testing.T) {
	tests := []struct {
		name   string
		make   func(t *testing.T, path string)
		rows   int
		mode   string
		quiet  bool
		reader bool // the folder cannot be written to
	}{
		{name: "rollback", mode: JournalDelete, rows: 2000, make: func(t *testing.T, path string) {
			mustCreate(t, path, fillTable)
		}},
		{name: "read-only folder", mode: JournalDelete, rows: 2000, reader: true, make: func(t *testing.T, path string) {
			mustCreate(t, path, fillTable)
		}},
		{name: "closed WAL", mode: JournalWAL, rows: 2000, quiet: true, make: func(t *testing.T, path string) {
			mustCreate(t, path, "PRAGMA journal_mode=WAL", fillTable)
		}},
		{name: "closed WAL in a read-only folder", mode: JournalWAL, rows: 2000, quiet: true, reader: true, make: func(t *testing.T, path string) {
			mustCreate(t, path, "PRAGMA journal_mode=WAL", fillTable)
		}},
		{name: "left-over -wal and -shm", mode: JournalWAL, rows: 2001, quiet: true, make: func(t *testing.T, path string) {
			mustCreate(t, path, "PRAGMA journal_mode=WAL", fillTable)
			startActor(t, "wal add", path).kill()
		}},
		{name: "left-over -wal", mode: JournalWAL, rows: 2001, quiet: true, make: func(t *testing.T, path string) {
			mustCreate(t, path, "PRAGMA journal_mode=WAL", fillTable)
			startActor(t, "wal add", path).kill()
			if err := os.Remove(path + "-shm"); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "hot journal", mode: JournalDelete, rows: 2000, quiet: true, make: func(t *testing.T, path string) {
			mustCreate(t, path, fillTable)
			startActor(t, "spill", path).kill()
		}},
		{name: "persistent journal", mode: JournalDelete, rows: 2000, make: func(t *testing.T, path string) {
			mustCreate(t, path, "PRAGMA journal_mode=PERSIST", fillTable)
		}},
		{name: "truncated journal", mode: JournalDelete, rows: 2000, make: func(t *testing.T, path string) {
			mustCreate(t, path, "PRAGMA journal_mode=TRUNCATE", fillTable)
		}},
		{name: "page size and UTF-16", mode: JournalDelete, rows: 2000, make: func(t *testing.T, path string) {
			mustCreate(t, path, "PRAGMA page_size=1024; PRAGMA encoding='UTF-16be'", fillTable)
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			source, dest := places(t)
			test.make(t, source)
			if test.reader {
				if err := os.Chmod(filepath.Dir(source), 0o500); err != nil {
					t.Fatal(err)
				}
			}
			before := folder(t, filepath.Dir(source))
			info, err := Snapshot(t.Context(), source, dest, SnapshotOptions{BusyTimeout: 5 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			if after := folder(t, filepath.Dir(source)); after != before {
				t.Errorf("the source's folder changed:\n%s\nbefore:\n%s", after, before)
			}
			checkSnapshot(t, dest, test.rows)
			if info.JournalMode != test.mode || info.Quiet != test.quiet {
				t.Errorf("journal mode %q quiet %v, want %q %v", info.JournalMode, info.Quiet, test.mode, test.quiet)
			}
			if got := immutableRows(t, dest, "PRAGMA schema_version"); got[0] != fmt.Sprint(info.SchemaVersion) || got[0] != "2" {
				t.Errorf("schema version %s, info says %d, want 2", got[0], info.SchemaVersion)
			}
			if stat, err := os.Stat(dest); err != nil || stat.Size() != info.Bytes || info.Pages*int64(info.PageSize) != info.Bytes || stat.Mode().Perm() != 0o600 {
				t.Errorf("info %+v, file %v %v", info, stat, err)
			}
		})
	}
}

func TestSnapshotOfHotJournalIsRolledBack(t *testing.T) {
	source, dest := places(t)
	mustCreate(t, source, fillTable)
	clean, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	startActor(t, "spill", source).kill()
	if dirty, err := os.ReadFile(source); err != nil || slices.Equal(clean, dirty) {
		t.Fatalf("the killed writer left no half-written database (%v)", err)
	}
	if _, err := Snapshot(t.Context(), source, dest, SnapshotOptions{}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(dest); err != nil || !slices.Equal(clean, got) {
		t.Errorf("the snapshot is not the state before the transaction (%v)", err)
	}
}

func TestSnapshotOfLiveWAL(t *testing.T) {
	source, dest := places(t)
	mustCreate(t, source, "PRAGMA journal_mode=WAL", fillTable)
	other := startActor(t, "wal add", source)
	before := stats(t, source)
	info, err := Snapshot(t.Context(), source, dest, SnapshotOptions{BusyTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if after := stats(t, source); after != before {
		t.Errorf("files changed:\n%s\nbefore:\n%s", after, before)
	}
	checkSnapshot(t, dest, 2001)
	if info.Quiet || info.JournalMode != JournalWAL || info.SchemaVersion != 2 {
		t.Errorf("info %+v", info)
	}
	if got := immutableRows(t, dest, "PRAGMA schema_version"); got[0] != "2" {
		t.Errorf("schema version %s, want 2", got[0])
	}
	other.finish()
}

// stats lists a database and its sidecars without opening them. The -shm is
// shared memory: a reader marks there how far it reads.
func stats(t testing.TB, path string) string {
	t.Helper()
	var b strings.Builder
	for _, suffix := range []string{"", "-wal", "-journal", "-shm"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			fmt.Fprintf(&b, "%s: %v\n", suffix, err)
			continue
		}
		fmt.Fprintf(&b, "%s: %d", suffix, info.Size())
		if suffix != "-shm" {
			fmt.Fprintf(&b, " %s", info.ModTime())
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestSnapshotWhileOthersWrite(t *testing.T) {
	for _, mode := range []string{"WAL", "DELETE", "PERSIST", "TRUNCATE"} {
		for _, pause := range []string{"0s", "30ms"} {
			t.Run(mode+" "+pause, func(t *testing.T) {
				source, _ := places(t)
				mustCreate(t, source, "PRAGMA page_size=512; PRAGMA journal_mode="+mode, fillTable)
				t.Setenv("ENGINE_TEST_PAUSE", pause)
				before := immutableRows(t, source, "SELECT n FROM t WHERE a=1")[0]
				writer := startActor(t, "write", source)
				// Until one is made after a commit, however long the other process takes.
				wrote, late := false, time.Now().Add(30*time.Second)
				for i := 0; i < 3 || !wrote && time.Now().Before(late); i++ {
					dest := filepath.Join(t.TempDir(), "snapshot.db")
					if _, err := Snapshot(t.Context(), source, dest, SnapshotOptions{BusyTimeout: 10 * time.Second}); err != nil {
						t.Fatal(err)
					}
					checkSnapshot(t, dest, 2000)
					if got := immutableRows(t, dest, "SELECT sum(n) FROM t"); got[0] != "0" {
						t.Errorf("half a transaction: sum %s", got[0])
					}
					wrote = wrote || immutableRows(t, dest, "SELECT n FROM t WHERE a=1")[0] != before
				}
				if last := writer.finish(); !wrote {
					t.Errorf("no snapshot has anything that the writer wrote: %s", last)
				}
			})
		}
	}
}

// TestSnapshotGoesThroughAgain commits unseen, so that what was read has to be read
// again: the database grows, shrinks and grows again.
func TestSnapshotGoesThroughAgain(t *testing.T) {
	source, dest := places(t)
	writer := mustOpen(t, source, fillTable, "CREATE TABLE big(a INTEGER PRIMARY KEY, b)",
		"INSERT INTO big SELECT a, zeroblob(3000) FROM t")
	changes := []string{
		"INSERT INTO big(b) SELECT randomblob(3000) FROM t LIMIT 500",
		"DELETE FROM big WHERE a<2200; VACUUM",
		"INSERT INTO big(b) VALUES(randomblob(2000000)); UPDATE t SET b='changed'",
	}
	calls := 0
	info, err := Snapshot(t.Context(), source, dest, SnapshotOptions{lease: 1, BusyTimeout: time.Second, Progress: func(int64, int64) {
		if calls++; calls%4 == 1 && len(changes) > 0 {
			mustExec(t, writer, changes[0])
			changes = changes[1:]
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(changes) > 0 || info.Again == 0 || info.Locked || info.Restarts > 0 {
		t.Errorf("%d changes left, %+v", len(changes), info)
	}
	checkSnapshot(t, dest, 2000)
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(dest); err != nil || !slices.Equal(got, want) {
		t.Errorf("the snapshot is not the database (%v)", err)
	}
}

// TestSnapshotOfADatabaseThatMoves turns the database into one that a copy in
// passes cannot follow: it is looked at again.
func TestSnapshotOfADatabaseThatMoves(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, source string){
		"WAL mode":      func(t *testing.T, source string) { mustCreate(t, source, "PRAGMA journal_mode=WAL") },
		"killed writer": func(t *testing.T, source string) { startActor(t, "spill", source).kill() },
		"another file": func(t *testing.T, source string) {
			mustCreate(t, source+"2", fillTable)
			if err := os.Rename(source+"2", source); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			source, dest := places(t)
			mustCreate(t, source, fillTable, "CREATE TABLE big(b); INSERT INTO big VALUES(zeroblob(3000000))")
			done := false
			info, err := Snapshot(t.Context(), source, dest, SnapshotOptions{lease: 1, BusyTimeout: time.Second, Progress: func(int64, int64) {
				if !done {
					done = true
					change(t, source)
				}
			}})
			if err != nil || info.Restarts == 0 {
				t.Fatalf("info %+v, error %v", info, err)
			}
			if want := name != "another file"; info.Quiet != want {
				t.Errorf("quiet %v, want %v", info.Quiet, want)
			}
			checkSnapshot(t, dest, 2000)
		})
	}
}

func TestSnapshotOfUnfinishedTransaction(t *testing.T) {
	source, dest := places(t)
	mustCreate(t, source, fillTable)
	other := startActor(t, "hold reserved", source)
	info, err := Snapshot(t.Context(), source, dest, SnapshotOptions{})
	if err != nil {
		t.Fatal(err)
	}
	checkSnapshot(t, dest, 2000)
	if info.Quiet {
		t.Error("a journal in use was taken for a hot one")
	}
	if got := immutableRows(t, dest, "SELECT count(*) FROM t WHERE b='pending'"); got[0] != "0" {
		t.Error("the snapshot holds what was not committed")
	}
	other.finish()
}

func TestSnapshotBusy(t *testing.T) {
	source, dest := places(t)
	mustCreate(t, source, fillTable)
	startActor(t, "hold exclusive", source)
	start := time.Now()
	_, err := Snapshot(t.Context(), source, dest, SnapshotOptions{BusyTimeout: 300 * time.Millisecond})
	if !errors.Is(err, ErrBusy) {
		t.Fatalf("error %v, want ErrBusy", err)
	}
	if waited := time.Since(start); waited < 300*time.Millisecond || waited > 20*time.Second {
		t.Errorf("waited %v", waited)
	}
	if _, err := os.Stat(dest); err == nil {
		t.Error("there is a snapshot")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = Snapshot(ctx, source, dest, SnapshotOptions{BusyTimeout: time.Minute})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 40*time.Second {
		t.Errorf("error %v after %v, want the context's", err, time.Since(start))
	}
}

func TestSnapshotRefuses(t *testing.T) {
	write := func(content string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name string
		make func(t *testing.T, path string)
		want error
		text string
	}{
		{"missing", func(*testing.T, string) {}, fs.ErrNotExist, ""},
		{"folder", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, ErrCantOpen, "folder"},
		{"text", write(strings.Repeat("no database\n", 1000)), ErrNotADatabase, "encrypted"},
		{"one byte", write("x"), ErrNotADatabase, ""},
		{"magic only", write(headerMagic), ErrNotADatabase, ""},
		{"cut off", func(t *testing.T, path string) {
			mustCreate(t, path, fillTable)
			if err := os.Truncate(path, 40960); err != nil {
				t.Fatal(err)
			}
		}, ErrCorrupt, "cut off"},
		{"cut off within a page", func(t *testing.T, path string) {
			mustCreate(t, path, fillTable)
			if err := os.Truncate(path, 40000); err != nil {
				t.Fatal(err)
			}
		}, ErrCorrupt, "inside page 10"},
		{"cut off WAL", func(t *testing.T, path string) {
			mustCreate(t, path, "PRAGMA journal_mode=WAL", fillTable)
			if err := os.Truncate(path, 40000); err != nil {
				t.Fatal(err)
			}
		}, ErrCorrupt, ""},
		{"0 bytes with a log", func(t *testing.T, path string) {
			mustCreate(t, path, "PRAGMA journal_mode=WAL", fillTable)
			startActor(t, "wal add", path).kill()
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
		}, ErrCorrupt, "source.db-wal"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			source, dest := places(t)
			test.make(t, source)
			before := folder(t, filepath.Dir(source))
			_, err := Snapshot(t.Context(), source, dest, SnapshotOptions{})
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.text) || !strings.Contains(err.Error(), source) {
				t.Errorf("error %v, want %v with %q and the path", err, test.want, test.text)
			}
			if after := folder(t, filepath.Dir(source)); after != before {
				t.Errorf("the source's folder changed:\n%s\nbefore:\n%s", after, before)
			}
			if got := folder(t, filepath.Dir(dest)); got != "" {
				t.Errorf("left behind: %s", got)
			}
		})
	}
}

func TestSnapshotOfZeroBytes(t *testing.T) {
	source, dest := places(t)
	if err := os.WriteFile(source, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := Snapshot(t.Context(), source, dest, SnapshotOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if stat, err := os.Stat(dest); err != nil || stat.Size() != 0 || !info.ZeroBytes {
		t.Errorf("info %+v, file %v %v", info, stat, err)
	}
}

func TestSnapshotKeepsAnExistingFile(t *testing.T) {
	source, dest := places(t)
	mustCreate(t, source, fillTable)
	if err := os.WriteFile(dest, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Snapshot(t.Context(), source, dest, SnapshotOptions{}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v, want fs.ErrExist", err)
	}
	if got, _ := os.ReadFile(dest); string(got) != "mine" {
		t.Errorf("the file is now %q", got)
	}
}

func TestSnapshotOfOddPaths(t *testing.T) {
	for _, name := range []string{"a b", "100%", "what?mode=memory", "#1", ":memory:", "ü\xff\xfe", "new\nline", "-x", "a'b\"c"} {
		t.Run(fmt.Sprintf("%q", name), func(t *testing.T) {
			dir, out := t.TempDir(), t.TempDir()
			mustCreate(t, filepath.Join(dir, name), fillTable)
			if _, err := Snapshot(t.Context(), filepath.Join(dir, name), filepath.Join(out, name), SnapshotOptions{}); err != nil {
				t.Fatal(err)
			}
			checkSnapshot(t, filepath.Join(out, name), 2000)
			t.Chdir(dir)
			if _, err := Snapshot(t.Context(), name, filepath.Join(out, "relative"), SnapshotOptions{}); err != nil {
				t.Fatal(err)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
				t.Errorf("files %v (%v)", entries, err)
			}
		})
	}
}

func TestSnapshotOfSymbolicLink(t *testing.T) {
	source, dest := places(t)
	mustCreate(t, source, "PRAGMA journal_mode=WAL", fillTable)
	startActor(t, "wal add", source).kill()
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(source, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Snapshot(t.Context(), link, dest, SnapshotOptions{}); err != nil {
		t.Fatal(err)
	}
	checkSnapshot(t, dest, 2001)
}

func TestSnapshotCancelled(t *testing.T) {
	source, dest := places(t)
	mustCreate(t, source, fillTable)
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	_, err := Snapshot(ctx, source, dest, SnapshotOptions{Progress: func(done, total int64) {
		calls++
		cancel()
	}})
	if calls == 0 || (err != nil && !errors.Is(err, context.Canceled)) {
		t.Fatalf("error %v after %d calls", err, calls)
	}
	if _, err := Snapshot(ctx, source, dest+"2", SnapshotOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

// TestSnapshotEntersWAL takes a snapshot of a database that enters WAL mode when a part
// of it is copied.
func TestSnapshotEntersWAL(t *testing.T) {
	path, dest := places(t)
	c := mustOpen(t, path, fillTable, "CREATE TABLE big(b); INSERT INTO big SELECT randomblob(3000) FROM t")
	entered := false
	info, err := Snapshot(t.Context(), path, dest, SnapshotOptions{lease: 1, Progress: func(done, total int64) {
		if entered || done == 0 || done == total {
			return
		}
		entered = true
		time.Sleep(10 * time.Millisecond) // until what was read is written
		mustExec(t, c, "PRAGMA journal_mode=WAL", "DELETE FROM big WHERE rowid%2=0")
	}})
	if err != nil {
		t.Fatal(err)
	}
	if !entered || info.JournalMode != JournalWAL || info.Restarts == 0 {
		t.Errorf("entered: %v, %+v", entered, info)
	}
	checkSound(t, dest)
	if got, want := immutableRows(t, dest, "SELECT count(*) FROM big"), rows(t, c, "SELECT count(*) FROM big"); got[0] != want[0] {
		t.Errorf("%v rows, want %v", got, want)
	}
}

// TestSnapshotOfAFileThatBecomesEmpty takes a snapshot of a database of which a part is
// copied when an empty one takes its place.
func TestSnapshotOfAFileThatBecomesEmpty(t *testing.T) {
	path, dest := places(t)
	mustCreate(t, path, fillTable, "CREATE TABLE big(b); INSERT INTO big SELECT randomblob(3000) FROM t")
	replaced := false
	info, err := Snapshot(t.Context(), path, dest, SnapshotOptions{lease: 1, Progress: func(done, total int64) {
		if replaced || done == 0 || done == total {
			return
		}
		replaced = true
		time.Sleep(10 * time.Millisecond) // until what was read is written
		if err := errors.Join(os.WriteFile(path+".new", nil, 0o600), os.Rename(path+".new", path)); err != nil {
			t.Fatal(err)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := mustRead(t, dest); !replaced || !info.ZeroBytes || len(got) != 0 {
		t.Errorf("replaced: %v, a snapshot of %d bytes, %+v", replaced, len(got), info)
	}
}
