package litekeep_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/durable"
)

// largeRowSQL makes a database whose first row is a frame of its own, so that
// what follows is read back only when all is written.
const largeRowSQL = `
CREATE TABLE t(a);
INSERT INTO t VALUES(randomblob(9000000));
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<2000)
INSERT INTO t SELECT randomblob(1000) FROM n;`

// TestReadBack spoils the object while it is written: nothing may be listed, and
// nothing may be left.
func TestReadBack(t *testing.T) {
	flip := func(at func(size int64) int64) func(f *os.File, size int64) error {
		return func(f *os.File, size int64) error {
			b := make([]byte, 1)
			if _, err := f.ReadAt(b, at(size)); err != nil {
				return err
			}
			b[0] ^= 0x10
			_, err := f.WriteAt(b, at(size))
			return err
		}
	}
	faults := map[string]func(f *os.File, size int64) error{
		"nothing":           func(*os.File, int64) error { return nil },
		"a bit in the half": flip(func(size int64) int64 { return size / 2 }),
		"a bit at the end":  flip(func(size int64) int64 { return size - 1 }),
		"cut off":           func(f *os.File, size int64) error { return f.Truncate(size - 1) },
		"a byte too many":   func(f *os.File, size int64) error { return f.Truncate(size + 1) },
	}
	for _, codec := range []string{"none", "gzip", "zstd", "sealed"} {
		for name, fault := range faults {
			t.Run(codec+"/"+name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, largeRowSQL, nil)
				before := func(op durable.Op, path string) error {
					if op != durable.OpSync || !strings.HasSuffix(path, durable.TempSuffix) || !strings.Contains(path, ".json") {
						return nil
					}
					f, err := os.OpenFile(path, os.O_RDWR, 0)
					if err != nil {
						return err
					}
					info, err := f.Stat()
					if err == nil {
						err = fault(f, info.Size())
					}
					return errors.Join(err, f.Close())
				}
				s := w.service(func(c *litekeep.Config) {
					if c.Compression = codec; codec == "sealed" {
						c.Compression, c.Keys = "zstd", []string{newKey(t)}
					}
				}, litekeep.WithBefore(before))
				b, err := s.CreateBackup(t.Context())
				if name == "nothing" {
					if err != nil || b.Verified.IsZero() {
						t.Fatalf("%+v, %v", b, err)
					}
					return
				}
				if err == nil || !strings.Contains(err.Error(), "read back") {
					t.Errorf("the fault was not found: %+v, %v", b, err)
				}
				if list := w.list(); len(list) > 0 {
					t.Errorf("it is listed: %+v", list[0])
				}
				clean(t, w.folder)
			})
		}
	}
}

// TestProgressWithinTotal finds that no progress is told past its total: of blobs there is
// more text than there are bytes in the database.
func TestProgressWithinTotal(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex // several goroutines tell
	phases := map[string]int{}
	check := func(p litekeep.Progress) {
		mu.Lock()
		phases[p.Phase]++
		mu.Unlock()
		if p.Total > 0 && p.Bytes > p.Total {
			t.Errorf("%s: %d of %d bytes", p.Phase, p.Bytes, p.Total)
		}
	}
	w := newWorld(t, "CREATE TABLE t(b); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<9000) INSERT INTO t SELECT randomblob(900) FROM n", nil, litekeep.WithProgress(check))
	w.restore(w.backup().Path, filepath.Join(w.dir, "restored.db"))
	for _, phase := range []string{"wait", "export", "verify", "build", "prove"} {
		if phases[phase] == 0 {
			t.Errorf("nothing of phase %s: %v", phase, phases)
		}
	}
}
