package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// TestFollow lets transactions come to their end between two looks at a database.
// What has changed must be known only where every journal was seen, and then
// completely.
func TestFollow(t *testing.T) {
	const fill = "CREATE TABLE big(a INTEGER PRIMARY KEY, b); INSERT INTO big SELECT a, zeroblob(3000) FROM t"
	// A transaction that changes page 1 and, in a small cache, writes to the file before it ends.
	const spill = "PRAGMA cache_size=5; BEGIN; DELETE FROM big WHERE a%7=1; UPDATE t SET n=n+1; PRAGMA user_version=5"
	transaction := func(begin, end string) func(*testing.T, *follower, *Conn, *Conn) {
		return func(t *testing.T, f *follower, c, _ *Conn) {
			mustExec(t, c, begin)
			f.look()
			mustExec(t, c, end)
		}
	}
	for _, test := range []struct {
		name   string
		mode   string // the journal mode, DELETE if empty
		vacuum bool   // the file gets shorter when pages become free
		longer int    // pages that the file has after the database
		do     func(t *testing.T, f *follower, c, other *Conn)
		known  bool
	}{
		{name: "nothing", known: true, do: func(*testing.T, *follower, *Conn, *Conn) {}},
		{name: "a transaction", known: true, do: transaction("BEGIN; UPDATE t SET n=n+1 WHERE a%100=1", "COMMIT")},
		{name: "a transaction that spills", known: true, do: transaction(spill, "COMMIT")},
		{name: "one that never syncs", known: true, do: transaction("PRAGMA synchronous=OFF; "+spill, "COMMIT")},
		{name: "several", known: true, do: func(t *testing.T, f *follower, c, other *Conn) {
			for i := range 5 {
				mustExec(t, c, "BEGIN; DELETE FROM big WHERE a%11="+fmt.Sprint(i))
				f.look()
				mustExec(t, c, "COMMIT")
				mustExec(t, other, "BEGIN; INSERT INTO t(b,n) SELECT b, n FROM t WHERE a<100")
				f.look()
				mustExec(t, other, "COMMIT")
			}
		}},
		{name: "rolled back", known: true, do: transaction("BEGIN; DELETE FROM big", "ROLLBACK")},
		{name: "two databases at once", known: true, do: transaction("ATTACH '"+filepath.Join(t.TempDir(), "b.db")+"' AS b; BEGIN; CREATE TABLE b.x(y); UPDATE t SET n=2", "COMMIT")},
		{name: "pages that were free", known: true, do: func(t *testing.T, f *follower, c, _ *Conn) {
			for _, sql := range []string{"DELETE FROM big", "INSERT INTO big SELECT a, randomblob(3000) FROM t"} {
				mustExec(t, c, "BEGIN", sql)
				f.look()
				mustExec(t, c, "COMMIT")
			}
		}},
		{name: "a file longer than its database", known: true, longer: 3, do: transaction("BEGIN; INSERT INTO big(b) VALUES(randomblob(30000))", "COMMIT")},
		{name: "a file that got shorter", vacuum: true, do: func(t *testing.T, f *follower, c, other *Conn) {
			transaction("PRAGMA cache_size=-50000; BEGIN; DELETE FROM big WHERE a>900", "COMMIT")(t, f, c, other)
			transaction("BEGIN; UPDATE t SET n=n+1", "COMMIT")(t, f, other, c)
		}},
		{name: "unseen", do: func(t *testing.T, f *follower, c, _ *Conn) {
			mustExec(t, c, "UPDATE t SET n=n+1")
			f.look()
		}},
		{name: "one seen, one unseen", do: func(t *testing.T, f *follower, c, _ *Conn) {
			mustExec(t, c, "BEGIN; UPDATE t SET n=n+1")
			f.look()
			mustExec(t, c, "COMMIT", "UPDATE t SET n=n+1")
			f.look()
		}},
		{name: "rolled back after it had written, then one unseen", do: func(t *testing.T, f *follower, c, other *Conn) {
			mustExec(t, c, "PRAGMA synchronous=OFF; "+spill)
			f.look()
			mustExec(t, c, "ROLLBACK")
			mustExec(t, other, "UPDATE t SET n=n+1")
			before := time.Now().Add(-time.Hour)
			if err := os.Chtimes(f.s.conn.path, before, before); err != nil { // the clock may stand still
				t.Fatal(err)
			}
		}},
		{name: "rolled back after it had written, then one without a journal", do: func(t *testing.T, f *follower, c, other *Conn) {
			mustExec(t, c, "PRAGMA synchronous=OFF; "+spill)
			f.look()
			mustExec(t, c, "ROLLBACK")
			mustExec(t, other, "PRAGMA journal_mode=MEMORY; UPDATE t SET n=n+1")
		}},
		{name: "rolled back after it had written, then one without a journal, then one with one", do: func(t *testing.T, f *follower, c, other *Conn) {
			mustExec(t, c, "PRAGMA synchronous=OFF; "+spill)
			f.look()
			mustExec(t, c, "ROLLBACK")
			mustExec(t, other, "PRAGMA journal_mode=MEMORY; UPDATE t SET n=n+1")
			transaction("BEGIN; DELETE FROM big WHERE a=10", "COMMIT")(t, f, c, other)
		}},
		{name: "rolled back after it had written, then one whose journal stays, then one that deletes that", do: func(t *testing.T, f *follower, c, other *Conn) {
			mustExec(t, c, "PRAGMA synchronous=OFF; "+spill)
			f.look()
			mustExec(t, c, "ROLLBACK")
			mustExec(t, other, "PRAGMA journal_mode=PERSIST; UPDATE t SET n=n+1 WHERE a=10")
			transaction("BEGIN; UPDATE big SET b=zeroblob(2999); PRAGMA user_version=6", "COMMIT")(t, f, c, other)
		}},
		{name: "WAL mode entered and left", do: func(t *testing.T, f *follower, c, _ *Conn) {
			done, stopped := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(stopped)
				for {
					select {
					case <-done:
						return
					default:
						f.look()
					}
				}
			}()
			mustExec(t, c, "PRAGMA journal_mode=WAL", "UPDATE t SET n=n+1", "PRAGMA journal_mode=DELETE")
			close(done)
			<-stopped
		}},
		{name: "rolled back after it had written", do: transaction("PRAGMA synchronous=OFF; "+spill, "ROLLBACK")},
		{name: "truncated journal", mode: "TRUNCATE", do: transaction("BEGIN; UPDATE t SET n=n+1", "COMMIT")},
		{name: "persistent journal", mode: "PERSIST", do: transaction("BEGIN; UPDATE t SET n=n+1", "COMMIT")},
		{name: "no journal", mode: "OFF", do: transaction("BEGIN; UPDATE t SET n=n+1", "COMMIT")},
		{name: "other page size", do: func(t *testing.T, f *follower, c, _ *Conn) {
			mustExec(t, c, "PRAGMA page_size=8192; VACUUM")
		}},
		{name: "journal with another name", do: func(t *testing.T, f *follower, c, _ *Conn) {
			mustExec(t, c, "BEGIN; UPDATE t SET n=n+1")
			f.look()
			for _, move := range [][2]string{{"", "2"}, {"2", ""}} {
				if err := os.Rename(f.s.journal+move[0], f.s.journal+move[1]); err != nil {
					t.Fatal(err)
				}
			}
			mustExec(t, c, "COMMIT")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path, _ := places(t)
			mode := test.mode
			if mode == "" {
				mode = "DELETE"
			}
			if test.vacuum {
				mustCreate(t, path, "PRAGMA auto_vacuum=FULL")
			}
			mustCreate(t, path, fillTable, fill)
			if err := os.WriteFile(path, append(mustRead(t, path), bytes.Repeat([]byte("x"), test.longer*4096)...), 0o600); err != nil {
				t.Fatal(err)
			}
			c := mustOpen(t, path, "PRAGMA journal_mode="+mode)
			other := mustOpen(t, path)
			s, err := openSource(t.Context(), path, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := s.close(); err != nil {
					t.Error(err)
				}
			}()
			f := newFollower(s, 4096)
			if f == nil {
				t.Fatal("no follower")
			}
			defer f.close()
			before, err := s.state()
			if err != nil {
				t.Fatal(err)
			}
			was := mustRead(t, path)
			if err := s.file.unlock(lockNone); err != nil {
				t.Fatal(err)
			}
			test.do(t, f, c, other)
			if err := s.file.lock(t.Context(), lockShared, 0); err != nil {
				t.Fatal(err)
			}
			now, err := s.state()
			if err != nil {
				t.Fatal(err)
			}
			changed, err := f.changes(before, now)
			if known := err == nil; known != test.known || err != nil && !errors.Is(err, errUnknown) {
				t.Fatalf("error %v, want it to be known: %v", err, test.known)
			}
			if err == nil {
				checkChange(t, path, was, changed)
			}
		})
	}
}

// TestFollowOnOtherFileSystems watches no file of a file system on which there may be
// writes that the kernel does not tell of.
func TestFollowOnOtherFileSystems(t *testing.T) {
	w, err := watchJournal("/proc/version", "/proc/version-journal")
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("error %v, want %v", err, errors.ErrUnsupported)
	}
	if err == nil {
		w.close()
	}
}

// checkChange checks that c has all pages that differ from what the database was,
// but for those that are free now.
func checkChange(t *testing.T, path string, was []byte, c *change) {
	t.Helper()
	is := mustRead(t, path)
	has := map[uint32]bool{}
	for _, page := range c.pages {
		has[page] = true
	}
	differs := 0
	for _, page := range differentPages(t, was, is) {
		differs++
		if !has[page] && int64(page) <= c.grown {
			t.Errorf("page %d of %d has changed, but was not told", page, len(is)/4096)
		}
	}
	if (differs == 0) != c.none() {
		t.Errorf("%d pages differ, the change is %v", differs, c)
	}
}

// differentPages returns the pages that hold something in the database is and
// differ from those of was.
func differentPages(t *testing.T, was, is []byte) (pages []uint32) {
	t.Helper()
	size := int(pageSizeOf(is))
	free := map[uint32]bool{}
	for trunk := binary.BigEndian.Uint32(is[offsetFreelist:]); trunk != 0; {
		next, leaves, err := sqlitefile.FreelistTrunk(is[(int(trunk)-1)*size:][:size], size-int(is[offsetReserved]), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, leaf := range leaves {
			free[leaf] = true
		}
		trunk = next
	}
	for at := 0; at < len(is); at += size {
		page := uint32(at/size) + 1
		if !free[page] && (at >= len(was) || !bytes.Equal(is[at:at+size], was[at:min(at+size, len(was))])) {
			pages = append(pages, page)
		}
	}
	return pages
}

// TestFollowedCopy copies databases beside a writer that does all kinds of things, of
// which the copy may see only whole transactions. Nothing may be read again but
// what the writer has changed.
func TestFollowedCopy(t *testing.T) {
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			path, dest := places(t)
			vacuum := random.IntN(3)
			c := mustOpen(t, path, fmt.Sprintf("PRAGMA page_size=%d; PRAGMA auto_vacuum=%d; PRAGMA synchronous=%d; PRAGMA cache_size=-50000",
				512<<random.IntN(5), vacuum, random.IntN(3)), fillTable,
				"CREATE TABLE big(a INTEGER PRIMARY KEY, b); INSERT INTO big SELECT a, randomblob(1500) FROM t")
			if random.IntN(2) == 0 {
				mustExec(t, c, "DELETE FROM big WHERE a%3=0")
			}
			out, err := os.Create(dest)
			if err != nil {
				t.Fatal(err)
			}
			s, err := openSource(t.Context(), path, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			states := [][]byte{mustRead(t, path)}
			open, calls := false, 0
			p := newPassCopy(s, out, &SnapshotOptions{lease: 1, Progress: func(int64, int64) {
				switch calls++; {
				case !open && calls > 40: // it may come to an end now
					return
				case !open:
					mustExec(t, c, "BEGIN IMMEDIATE")
					for range 1 + random.IntN(3) {
						mustExec(t, c, randomChange(random))
					}
				case random.IntN(4) == 0:
					mustExec(t, c, "ROLLBACK")
				default:
					mustExec(t, c, "COMMIT")
					states = append(states, mustRead(t, path))
				}
				open = !open
			}})
			at, total, err := p.begin()
			if err != nil {
				t.Fatal(err)
			}
			k := &walk{p: p, at: at, total: total}
			w := p.startWriter()
			clean, err := k.run(t.Context(), w)
			if err := errors.Join(err, w.stop(), p.end(k.total), s.close(), out.Close()); err != nil {
				t.Fatal(err)
			}
			p.follow.close()
			if k.lost > 0 && vacuum == 0 { // a file that gets shorter is written to after its journal is gone
				t.Errorf("the writer was lost %d times", k.lost)
			}
			if !clean {
				t.Fatalf("given up after %d bytes of %d", k.done, k.total)
			}
			got := mustRead(t, dest)
			for _, state := range states[max(len(states)-2, 0):] { // the last may be later
				if len(got) == len(state) && len(differentPages(t, got, state)) == 0 {
					checkSound(t, dest)
					return
				}
			}
			last := states[len(states)-1]
			t.Errorf("the copy is none of the last states of %d; of the last, %d bytes, pages %d differ", len(states), len(last), differentPages(t, got, last))
		})
	}
}

func mustRead(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func checkSound(t testing.TB, dest string) {
	t.Helper()
	if got := immutableRows(t, dest, "PRAGMA integrity_check"); len(got) != 1 || got[0] != `"ok"` {
		t.Errorf("integrity_check: %q", got)
	}
}

// randomChange returns a statement that changes little or much.
func randomChange(random *rand.Rand) string {
	n := random.IntN(1000)
	return []string{
		fmt.Sprintf("UPDATE t SET n=n+1 WHERE a=%d", n),
		fmt.Sprintf("UPDATE t SET b=b||'%d' WHERE a%%50=%d", n, n%50),
		fmt.Sprintf("INSERT INTO big(b) VALUES(randomblob(%d))", n*20),
		fmt.Sprintf("DELETE FROM big WHERE a%%20=%d", n%20),
		fmt.Sprintf("DELETE FROM big WHERE a>%d", n),
		"INSERT INTO big(b) SELECT randomblob(1500) FROM t LIMIT 100",
		fmt.Sprintf("CREATE TABLE IF NOT EXISTS t%d AS SELECT * FROM t", n%3),
		fmt.Sprintf("DROP TABLE IF EXISTS t%d", n%3),
		"CREATE INDEX IF NOT EXISTS bb ON big(substr(b,1,20))",
		"DROP INDEX IF EXISTS bb",
		"PRAGMA incremental_vacuum(50)",
		fmt.Sprintf("PRAGMA user_version=%d", n),
		fmt.Sprintf("SAVEPOINT s; DELETE FROM big WHERE a%%9=%d; INSERT INTO big(b) VALUES(zeroblob(90000)); ROLLBACK TO s; RELEASE s", n%9),
	}[random.IntN(13)]
}
