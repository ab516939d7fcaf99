package sqlitefile_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// committed makes a database, commits a transaction, and returns what the database
// was before and its journal, which SQLite has deleted. settings come first. With a
// small cache the transaction writes to the database before its end.
func committed(t testing.TB, settings string, cache int) (before, journal []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	c, err := engine.Open(t.Context(), path, engine.OpenOptions{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}()
	exec := func(sql string) {
		t.Helper()
		if err := c.Exec(context.Background(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	exec(fmt.Sprintf("%s; PRAGMA cache_size=%d", settings, cache) + `; CREATE TABLE t(a INTEGER PRIMARY KEY, b);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<500) INSERT INTO t SELECT i, randomblob(900) FROM n`)
	if before, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	exec("BEGIN; UPDATE t SET b=randomblob(900) WHERE a%3=1; PRAGMA user_version=9")
	f, err := os.Open(path + "-journal")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	exec("COMMIT")
	if journal, err = io.ReadAll(f); err != nil {
		t.Fatal(err)
	}
	return before, journal
}

func readJournal(b []byte) (*sqlitefile.Journal, error) {
	return sqlitefile.ReadJournal(bytes.NewReader(b), int64(len(b)))
}

// TestJournal reads journals of SQLite: each page in them is what it was before the
// transaction.
func TestJournal(t *testing.T) {
	for _, size := range []int{512, 4096, 65536} {
		for _, synchronous := range []string{"OFF", "NORMAL", "FULL"} {
			for _, cache := range []int{3, 2000} {
				t.Run(fmt.Sprint(size, synchronous, cache), func(t *testing.T) {
					settings := fmt.Sprintf("PRAGMA page_size=%d; PRAGMA synchronous=%s", size, synchronous)
					before, b := committed(t, settings, cache)
					if cache == 3 { // the name of a super-journal may follow
						b = append(b, 0, 0, 0, 0)
						binary.BigEndian.PutUint32(b[len(b)-4:], sqlitefile.LockBytePage(size))
						b = append(b, "/a/super-journal"...)
					}
					j, err := readJournal(b)
					if err != nil {
						t.Fatal(err)
					}
					if j.PageSize != size || int(j.OrigPages) != len(before)/size {
						t.Errorf("pages of %d, %d of them, want %d, %d", j.PageSize, j.OrigPages, size, len(before)/size)
					}
					seen := map[uint32]bool{}
					for _, s := range j.Saved {
						at := int(s.Page-1) * size
						if seen[s.Page] || !bytes.Equal(b[s.Offset:s.Offset+int64(size)], before[at:at+size]) {
							t.Fatalf("page %d is not what it was, or there twice", s.Page)
						}
						seen[s.Page] = true
					}
					if !seen[1] || len(seen) < 500*900/3/size {
						t.Errorf("%d pages, the first: %v", len(seen), seen[1])
					}
				})
			}
		}
	}
}

// TestJournalIsNotWhole refuses journals that may have lacked something: cut off, not
// synced yet, of another state, with something else behind.
func TestJournalIsNotWhole(t *testing.T) {
	_, b := committed(t, "PRAGMA page_size=1024", 2000)
	if _, err := readJournal(b); err != nil {
		t.Fatal(err)
	}
	change := func(at int, to ...byte) []byte {
		c := bytes.Clone(b)
		copy(c[at:], to)
		return c
	}
	for name, b := range map[string][]byte{
		"empty": nil, "one byte": b[:1], "a header": b[:28], "half": b[:len(b)/2], "all but a byte": b[:len(b)-1],
		"not synced": change(0, make([]byte, 12)...), "another magic": change(3, b[3]+1), "another nonce": change(12, b[12]+1),
		"fewer records": change(8, 0, 0, 0, 1), "more records": change(8, 0, 99), "no records": change(8, 0, 0, 0, 0),
		"sectors of 0": change(20, 0, 0, 0, 0), "sectors of 2 GB": change(20, 128), "pages of 0": change(24, 0, 0, 0, 0), "pages of 768": change(24, 0, 0, 3),
		"page 0": change(512, 0, 0, 0, 0), "a changed page": change(512+4+1024-200, b[512+4+1024-200]+1),
		"something behind":          append(bytes.Clone(b), make([]byte, 600)...),
		"all that follow, and more": append(change(8, 255, 255, 255, 255), 1),
	} {
		if j, err := readJournal(b); !errors.Is(err, sqlitefile.ErrJournal) {
			t.Errorf("%s: %v pages, error %v", name, j, err)
		}
	}
}

func FuzzReadJournal(f *testing.F) {
	for _, settings := range []string{"PRAGMA page_size=512", "PRAGMA page_size=512; PRAGMA synchronous=OFF"} {
		_, b := committed(f, settings, 2000)
		f.Add(b[:512+3*(512+8)])
		b[8], b[9], b[10], b[11] = 0, 0, 0, 3
		f.Add(b[:512+3*(512+8)])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		j, err := readJournal(b)
		if err != nil {
			if !errors.Is(err, sqlitefile.ErrJournal) {
				t.Fatal(err)
			}
			return
		}
		for _, s := range j.Saved {
			if s.Page == 0 || s.Offset < 28 || s.Offset+int64(j.PageSize) > int64(len(b)) {
				t.Fatalf("page %d at %d of %d", s.Page, s.Offset, len(b))
			}
		}
	})
}
