package pagewriter_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// TestShapes writes databases of every shape and has SQLite read them.
func TestShapes(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		s := drawShape(rt)
		check(rt, write(rt, dir, s), s)
	})
}

func drawShape(t *rapid.T) shape {
	s := shape{header: drawHeader(t)}
	if rapid.Bool().Draw(t, "long schema") {
		s.sqlPad = drawSize(t, s.header.Usable())
	}
	for range rapid.IntRange(0, 12).Draw(t, "tables") {
		s.tables = append(s.tables, drawTable(t, s.header.Usable()))
	}
	return s
}

func drawHeader(t *rapid.T) sqlitefile.Header {
	h := sqlitefile.Header{
		PageSize:      512 << rapid.IntRange(0, 7).Draw(t, "page size"),
		SchemaFormat:  rapid.Uint32Range(1, 4).Draw(t, "schema format"),
		Encoding:      rapid.SampledFrom([]sqlitefile.Encoding{sqlitefile.UTF8, sqlitefile.UTF16LE, sqlitefile.UTF16BE}).Draw(t, "encoding"),
		SQLiteVersion: 3054001,
		UserVersion:   rapid.Int32().Draw(t, "user_version"),
		ApplicationID: rapid.Int32().Draw(t, "application_id"),
		SchemaVersion: rapid.Uint32Range(0, 1<<31-1).Draw(t, "schema_version"),
	}
	if rapid.Bool().Draw(t, "reserve") {
		h.Reserved = rapid.IntRange(0, min(255, h.PageSize-480)).Draw(t, "reserved")
	}
	switch rapid.IntRange(0, 2).Draw(t, "auto_vacuum") {
	case 2:
		h.Incremental = true
		fallthrough
	case 1:
		h.LargestRoot = 1
	}
	return h
}

func drawTable(t *rapid.T, usable int) tableShape {
	s := tableShape{
		index:        rapid.Bool().Draw(t, "index"),
		withoutRowid: rapid.IntRange(0, 3).Draw(t, "kind") == 0,
	}
	n := rapid.IntRange(0, 8).Draw(t, "rows")
	switch rapid.IntRange(0, 5).Draw(t, "magnitude") {
	case 0:
		n *= 40
	case 1:
		n *= 400
	}
	uniform := rapid.Bool().Draw(t, "uniform")
	size := drawSize(t, usable)
	for i := range n {
		if !uniform && i < 300 {
			size = drawSize(t, usable)
		}
		if i >= 300 {
			size = s.sizes[i-300] % (2 * usable) // enough of them to make the tree high
		}
		s.sizes = append(s.sizes, size)
	}
	if rapid.Bool().Draw(t, "sparse rowids") {
		step := rapid.Int64Range(1, 1<<50).Draw(t, "step")
		first := rapid.Int64Range(-1<<62, 1<<61).Draw(t, "first")
		for i := range s.sizes {
			s.rowids = append(s.rowids, first+int64(i)*step)
		}
	}
	return s
}

// drawSize prefers sizes around the thresholds of the format.
func drawSize(t *rapid.T, usable int) int {
	around := rapid.IntRange(-12, 12).Draw(t, "around")
	switch rapid.IntRange(0, 5).Draw(t, "threshold") {
	case 0:
		return sqlitefile.MaxLocal(true, usable) + max(around, -usable)
	case 1:
		return max(0, sqlitefile.MaxLocal(false, usable)+around)
	case 2:
		return max(0, rapid.IntRange(1, 4).Draw(t, "overflow pages")*(usable-4)+around)
	case 3:
		return rapid.IntRange(0, 5*usable).Draw(t, "size")
	}
	return rapid.IntRange(0, 60).Draw(t, "small")
}
