package export_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/litekeep/litekeep/internal/export"
	"github.com/litekeep/litekeep/internal/frame"
)

func sum(b []byte) [sha256.Size]byte { return sha256.Sum256(b) }

// gauge is a sink that throws everything away and looks at the memory.
type gauge struct {
	bytes      int64
	base, peak uint64
}

func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (g *gauge) Add(f *frame.Frame) error {
	g.bytes += f.Len()
	g.peak = max(g.peak, live())
	return nil
}

func (g *gauge) Digest() (string, error) { return "", nil }

// TestMemoryOfSpillingRows checks that a table of many rows that spill, each
// too small to count as large, takes no more memory than one of short rows: 64
// leaf pages of such a table can hold hundreds of megabytes.
func TestMemoryOfSpillingRows(t *testing.T) {
	for _, c := range []struct {
		name string
		rows int
		size int // of a blob
	}{{"short rows", 40_000, 600}, {"1 MiB", 28, 1 << 20}, {"300 KiB", 90, 300 << 10}, {"9 KiB", 3000, 9 << 10}, {"just not large", 8, 4<<20 - 100}, {"large", 7, 6 << 20}, {"very large", 5, 9 << 20}} {
		path := filepath.Join(t.TempDir(), "a.db")
		run(t, path, "PRAGMA synchronous=OFF; PRAGMA journal_mode=OFF; CREATE TABLE t(a)",
			fmt.Sprintf("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < %d) INSERT INTO t SELECT zeroblob(%d) FROM n", c.rows, c.size))
		p, err := plan(t, path, export.Choices{})
		if err != nil {
			t.Fatal(err)
		}
		g := &gauge{base: live()}
		if _, err := p.Run(t.Context(), source, g, export.Options{Workers: 2}); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d MiB of text, at most %d MiB live", c.name, g.bytes>>20, (g.peak-g.base)>>20)
		if g.peak > g.base+30<<20 {
			t.Errorf("%s: %d bytes live", c.name, g.peak-g.base)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}
