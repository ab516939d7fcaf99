package pagewriter_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/pagewriter"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

func header(pageSize int) sqlitefile.Header {
	return sqlitefile.Header{PageSize: pageSize, Encoding: sqlitefile.UTF8, SchemaFormat: 4, SQLiteVersion: 3054001}
}

// TestSchemaBeyondPage1 has schemas of all sizes around what page 1 holds: in a
// leaf, and in an interior page above leaves. Where it would be a little too
// much, page 1 is an interior page without cells.
func TestSchemaBeyondPage1(t *testing.T) {
	for _, autoVacuum := range []uint32{0, 1} {
		noCells := map[byte]int{} // by the type of the only child
		try := func(tables, pad int) {
			s := shape{header: header(512), tables: make([]tableShape, tables), sqlPad: pad}
			s.header.LargestRoot = autoVacuum
			path := write(t, t.TempDir(), s)
			check(t, path, s)
			file, err := os.ReadFile(path)
			must(t, err)
			if file[100] == byte(sqlitefile.TableInterior) && binary.BigEndian.Uint16(file[103:]) == 0 {
				child := binary.BigEndian.Uint32(file[108:])
				noCells[file[512*(child-1)]]++
			}
		}
		for pad := 280; pad < 480; pad += 3 {
			try(1, pad)
		}
		for tables := 480; tables < 660; tables += 9 {
			try(tables, 0)
		}
		if noCells[byte(sqlitefile.TableLeaf)] < 10 || noCells[byte(sqlitefile.TableInterior)] < 2 {
			t.Fatalf("page 1 without cells: %v", noCells)
		}
	}
}

// TestHigh makes trees of several levels.
func TestHigh(t *testing.T) {
	sizes := make([]int, 50000)
	for i := range sizes {
		sizes[i] = i % 40
	}
	s := shape{header: header(512), tables: []tableShape{
		{sizes: sizes, index: true}, {sizes: sizes, withoutRowid: true},
	}}
	for _, autoVacuum := range []uint32{0, 1} {
		s.header.LargestRoot = autoVacuum
		check(t, write(t, t.TempDir(), s), s)
	}
}

// TestTinyRecords finds no page whose free bytes are miscounted, though cells
// are shorter than the least that they take.
func TestTinyRecords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tiny.db")
	for n := range 520 {
		s := shape{header: header(512)}
		s.header.Reserved = n & 1 // then 5 bytes are left, less than a cell needs
		n /= 2
		f, err := os.Create(path)
		must(t, err)
		w, err := pagewriter.New(f, s.header, 2)
		must(t, err)
		schema := w.Schema()
		must(t, schema.Append(1, schemaRow(s, w.Root(0), "table", 0, false)))
		must(t, schema.Append(2, schemaRow(s, w.Root(1), "table", 1, true)))
		must(t, schema.Close())
		table, index := w.Table(0), w.Index(1)
		for i := range n {
			must(t, table.Append(int64(i), nil))
			must(t, index.Append([]byte{2, 8})) // the integer 0
		}
		must(t, table.Close())
		must(t, index.Close())
		must(t, w.Close())
		must(t, f.Close())
		checkTiny(t, path, n)
	}
}

// checkTiny passes over what SQLite says of equal keys.
func checkTiny(t *testing.T, path string, n int) {
	t.Helper()
	ctx := context.Background()
	c, err := engine.Open(ctx, path, engine.OpenOptions{Immutable: true})
	must(t, err)
	defer func() { must(t, c.Close()) }()
	must(t, c.Query(ctx, "PRAGMA integrity_check(10000)", nil, func(row []value.Value) error {
		m := string(row[0].Bytes)
		if m != "ok" && !strings.Contains(m, "non-unique") && !strings.Contains(m, "order") {
			return fmt.Errorf("%d records: %s", n, m)
		}
		return nil
	}))
	for table := range 2 {
		if got := query(t, c, fmt.Sprintf("SELECT count(*) FROM t%d", table)); got != fmt.Sprint(n) {
			t.Fatalf("table %d has %s rows, want %d", table, got, n)
		}
	}
}

// TestSideBySide fills b-trees from several goroutines.
func TestSideBySide(t *testing.T) {
	s := shape{header: header(1024)}
	s.header.LargestRoot = 1
	for i := range 8 {
		s.tables = append(s.tables, tableShape{withoutRowid: i%2 == 0})
		for j := range 700 {
			s.tables[i].sizes = append(s.tables[i].sizes, j*i%3000)
		}
	}
	path := filepath.Join(t.TempDir(), "side.db")
	f, err := os.Create(path)
	must(t, err)
	w, err := pagewriter.New(f, s.header, len(s.tables))
	must(t, err)
	schema := w.Schema()
	for i, table := range s.tables {
		must(t, schema.Append(int64(i)+1, schemaRow(s, w.Root(i), "table", i, table.withoutRowid)))
	}
	must(t, schema.Close())
	var all sync.WaitGroup
	for i, table := range s.tables {
		all.Go(func() { writeTable(t, w, i, s, table) })
	}
	all.Wait()
	must(t, w.Close())
	must(t, f.Close())
	check(t, path, s)
}

// TestNoStrayBytes finds zeros where a page has no content, though its memory
// was used for other content before.
func TestNoStrayBytes(t *testing.T) {
	h := header(1024)
	h.Reserved = 32
	var file memoryFile
	w, err := pagewriter.New(&file, h, 2)
	must(t, err)
	must(t, w.Schema().Close())
	first := w.Table(0)
	for i := range 4000 {
		must(t, first.Append(int64(i), bytes.Repeat([]byte{0xee}, 300+i%1500)))
	}
	must(t, first.Close())
	second := w.Table(1)
	must(t, second.Append(1, bytes.Repeat([]byte{0xee}, 992-35+1)))
	must(t, second.Close())
	must(t, w.Close())
	root := file.page(w.Root(1), h.PageSize)
	content := int(binary.BigEndian.Uint16(root[5:]))
	chain := file.page(w.Pages(), h.PageSize) // the overflow page came last
	local := sqlitefile.LocalPayload(true, h.Usable(), 992-35+1)
	for name, b := range map[string][]byte{
		"gap": root[10:content], "reserved": root[992:],
		"after the content": chain[4+992-35+1-local:],
	} {
		if len(b) < 30 || len(bytes.Trim(b, "\x00")) > 0 {
			t.Errorf("%s: %x", name, b)
		}
	}
	for no := uint32(2); no <= w.Pages(); no++ {
		if r := file.page(no, h.PageSize)[992:]; len(bytes.Trim(r, "\x00")) > 0 {
			t.Fatalf("page %d: reserved bytes are %x", no, r)
		}
	}
}

// memoryFile is a file in memory.
type memoryFile struct{ b []byte }

func (f *memoryFile) WriteAt(b []byte, off int64) (int, error) {
	if need := int(off) + len(b); need > len(f.b) {
		f.b = append(f.b, make([]byte, need-len(f.b))...)
	}
	return copy(f.b[off:], b), nil
}

func (f *memoryFile) page(no uint32, size int) []byte {
	return f.b[int(no-1)*size : int(no)*size]
}

// TestSameBytes finds that equal input gives equal files.
func TestSameBytes(t *testing.T) {
	s := shape{header: header(4096), tables: []tableShape{
		{sizes: []int{1, 5000, 20000}, index: true}, {}, {sizes: make([]int, 3000), withoutRowid: true},
	}}
	var a, b memoryFile
	writeTo(t, &a, s)
	writeTo(t, &b, s)
	if !bytes.Equal(a.b, b.b) {
		t.Fatal("two runs differ")
	}
}

// TestPiecesStay finds that the caller's slices are not changed.
func TestPiecesStay(t *testing.T) {
	w, err := pagewriter.New(&memoryFile{}, header(512), 2)
	must(t, err)
	pieces := [][]byte{make([]byte, 700), make([]byte, 800)}
	must(t, w.Table(0).AppendParts(1, pieces...))
	must(t, w.Index(1).AppendParts(pieces...))
	if len(pieces[0]) != 700 || len(pieces[1]) != 800 {
		t.Fatalf("pieces are %d and %d bytes long", len(pieces[0]), len(pieces[1]))
	}
}
