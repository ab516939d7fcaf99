package pagereader_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/pagereader"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// TestMain makes rapid try less often than it would by itself: each try makes a
// database.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if !given {
		if err := flag.Set("rapid.checks", "40"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// tb is what testing.TB and *rapid.T have in common here.
type tb interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// create makes a database at path, and calls look with a connection to it when
// all statements have run.
func create(t tb, path string, look func(c *engine.Conn), sql ...string) []byte {
	t.Helper()
	ctx := context.Background()
	c, err := engine.Open(ctx, path, engine.OpenOptions{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range append([]string{"PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY"}, sql...) {
		if err := c.Exec(ctx, s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if look != nil {
		look(c)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// number returns the integers that a query gives in its first column.
func numbers(t tb, c *engine.Conn, sql string) (n []int64) {
	t.Helper()
	err := c.Query(context.Background(), sql, nil, func(row []value.Value) error {
		n = append(n, row[0].Int)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// reading is all that a database file holds.
type reading struct {
	rows, bytes int64
	err         error
}

// readAll reads each b-tree that the schema of data names, and every record.
func readAll(data []byte) (r reading) {
	f, err := pagereader.Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return reading{err: err}
	}
	cur := f.NewCursor()
	var row []value.Value
	var roots []uint32
	each := func(tree *pagereader.Tree, do func()) error {
		for b, err := range tree.Batches() {
			if err != nil {
				return err
			}
			err := cur.Each(b, func(x *pagereader.Row) error {
				rec, err := cur.Record(x)
				if err != nil {
					return err
				}
				if int64(len(rec)) != x.Size {
					return fmt.Errorf("a record of %d bytes has %d", x.Size, len(rec))
				}
				r.rows++
				r.bytes += x.Size
				if row, err = sqlitefile.DecodeRecord(rec, row); err != nil {
					return err
				}
				do()
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	seen := map[int64]bool{}
	r.err = each(f.Table(1), func() {
		if len(row) > 3 && row[3].Kind == value.Integer && row[3].Int > 0 && row[3].Int < 1<<32 && !seen[row[3].Int] {
			seen[row[3].Int] = true
			roots = append(roots, uint32(row[3].Int))
		}
	})
	for _, root := range roots {
		if r.err != nil {
			break
		}
		table, err := f.IsTable(root)
		tree := f.Index(root)
		if table {
			tree = f.Table(root)
		}
		if r.err = err; err == nil {
			r.err = each(tree, func() {})
		}
	}
	return r
}

// image is the bytes of a database that a test damages, and where its parts
// are.
type image struct {
	b        []byte
	size     int
	root     int   // of table t, an interior page
	inner    []int // interior pages of t
	leaves   []int // leaf pages of t
	overflow []int // overflow pages of t, one chain
	wRoot    int   // of the WITHOUT ROWID table w, an interior page
	wLeaves  []int
	small    int   // root and only page of table small
	free     []int // pages of the freelist: a trunk, and leaves
}

// page returns page n, from 1.
func (f *image) page(n int) []byte { return f.b[(n-1)*f.size : n*f.size] }

// child returns the place of the page number of child i of an interior page.
func (f *image) child(n, i int) []byte {
	p := f.page(n)
	if i == int(binary.BigEndian.Uint16(p[3:])) {
		return p[8:12]
	}
	return p[binary.BigEndian.Uint16(p[12+2*i:]):][:4]
}

func put16(b []byte, n int) { binary.BigEndian.PutUint16(b, uint16(n)) }
func put32(b []byte, n int) { binary.BigEndian.PutUint32(b, uint32(n)) }
func get32(b []byte) int    { return int(binary.BigEndian.Uint32(b)) }

// sound makes the database that the cases of damage begin with.
func sound(t testing.TB) *image {
	t.Helper()
	f := &image{size: 512}
	pages := func(c *engine.Conn, name, kind string) (list []int) {
		for _, n := range numbers(t, c, fmt.Sprintf("SELECT pageno FROM dbstat WHERE name='%s' AND pagetype='%s' ORDER BY path", name, kind)) {
			list = append(list, int(n))
		}
		return list
	}
	f.b = create(t, filepath.Join(t.TempDir(), "a.db"), func(c *engine.Conn) {
		f.leaves, f.inner = pages(c, "t", "leaf"), pages(c, "t", "internal")
		f.overflow, f.wLeaves = pages(c, "t", "overflow"), pages(c, "w", "leaf")
		f.root = int(numbers(t, c, "SELECT rootpage FROM sqlite_schema WHERE name='t'")[0])
		f.wRoot = int(numbers(t, c, "SELECT rootpage FROM sqlite_schema WHERE name='w'")[0])
		f.small = int(numbers(t, c, "SELECT rootpage FROM sqlite_schema WHERE name='small'")[0])
	},
		"PRAGMA page_size=512; CREATE TABLE t(id INTEGER PRIMARY KEY, a); CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID; CREATE TABLE small(x); INSERT INTO small VALUES ('alone'), (5)",
		"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < 400) INSERT INTO t SELECT 3*i, format('row number %05d', i) FROM n",
		"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < 300) INSERT INTO w SELECT format('key number %05d', i), i FROM n",
		"INSERT INTO t VALUES (5000, zeroblob(4000)); CREATE TABLE gone(x); INSERT INTO gone VALUES (zeroblob(9000)); DROP TABLE gone")
	for trunk := get32(f.b[32:]); trunk != 0; trunk = get32(f.page(trunk)) {
		f.free = append(f.free, trunk)
		for i := range get32(f.page(trunk)[4:]) {
			f.free = append(f.free, get32(f.page(trunk)[8+4*i:]))
		}
	}
	if f.page(f.root)[0] != 5 || f.page(f.wRoot)[0] != 2 || len(f.overflow) < 6 || len(f.leaves) < 8 || len(f.wLeaves) < 5 || len(f.free) < 5 {
		t.Fatalf("the database has not the shape that the cases need: %+v", f)
	}
	if r := readAll(f.b); r.err != nil {
		t.Fatal(r.err)
	}
	return f
}

// refused reports whether err is the refusal of a damaged file.
func refused(err error) bool { return errors.Is(err, sqlitefile.ErrCorrupt) }
