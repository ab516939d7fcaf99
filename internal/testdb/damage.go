package testdb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"

	"github.com/litekeep/litekeep/internal/value"
)

// damagedFileCases are files that are damaged as a whole.
func damagedFileCases() []Case {
	list := []Case{
		{Name: "damaged-random-bytes", Build: func(_ context.Context, path string) error {
			b := make([]byte, 40960) // what an encrypted database looks like
			rng := rand.New(rand.NewPCG(1, 2))
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			return os.WriteFile(path, b, 0o600)
		}},
		{Name: "damaged-no-database", Build: written("This is not a database but some text of more than a hundred bytes, enough for a file header to be read. 0123456789")},
		{Name: "damaged-header-only", Build: damagedFile(func(f *image) { f.b = f.b[:100] })},
		{Name: "damaged-magic-only", Build: damagedFile(func(f *image) { f.b = f.b[:16] })},
		{Name: "damaged-half-a-file", Build: damagedFile(func(f *image) { f.b = f.b[:len(f.b)/2/4096*4096] })},
		{Name: "damaged-last-page-missing", Build: damagedFile(func(f *image) { f.b = f.b[:len(f.b)-4096] })},
		{Name: "damaged-last-page-cut", Build: making(func(m *maker) {
			m.sample()
			m.run("CREATE TABLE last(x)", "INSERT INTO last VALUES ('at the very end of the file')")
			m.patch(func(f *image) error { f.b = f.b[:len(f.b)-100]; return nil })
		})},
		{Name: "damaged-last-page-cut-in-slack", Build: making(func(m *maker) {
			// What is missing was zero, and some ways to read it find zeros.
			m.run("CREATE TABLE t(x)", "INSERT INTO t VALUES (zeroblob(6000))")
			m.patch(func(f *image) error { f.b = f.b[:len(f.b)-100]; return nil })
		})},
		{Name: "damaged-zeroed-tail", Build: damagedFile(func(f *image) { clear(f.b[len(f.b)/2:]) })},
		{Name: "damaged-all-zeros", Build: damagedFile(func(f *image) { clear(f.b) })},
		{Name: "damaged-encrypted-after-header", Build: damagedFile(func(f *image) {
			rng := rand.New(rand.NewPCG(3, 4))
			for i := 100; i < len(f.b); i++ {
				f.b[i] = byte(rng.Uint32())
			}
		})},
	}
	for _, h := range []struct {
		name string
		at   int
		to   []byte
	}{
		{"magic", 0, []byte("SQLite format 2")},
		{"page-size-zero", 16, []byte{0, 0}},
		{"page-size-odd", 16, []byte{0x10, 1}},
		{"page-size-256", 16, []byte{1, 0}},
		{"page-size-other", 16, []byte{8, 0}},
		{"read-version", 18, []byte{9, 9}},
		{"payload-fractions", 21, []byte{65, 33, 31}},
		{"schema-format", 44, []byte{0, 0, 0, 5}},
		{"encoding", 56, []byte{0, 0, 0, 7}},
		{"page-count", 28, []byte{0, 1, 0, 0}},
		{"first-page-type", 100, []byte{0x0c}},
		{"first-page-is-index", 100, []byte{0x0a}},
		{"first-page-zero", 100, make([]byte, 8)},
		{"reserved-too-many", 20, []byte{250}},
	} {
		list = append(list, Case{Name: "damaged-header-" + h.name, Build: damagedFile(func(f *image) { copy(f.b[h.at:], h.to) })})
	}
	return refused(list)
}

func refused(list []Case) []Case {
	for i := range list {
		list[i].Refused = true
	}
	return list
}

func written(text string) func(context.Context, string) error {
	return func(_ context.Context, path string) error { return os.WriteFile(path, []byte(text), 0o600) }
}

// damagedFile is a good database after a change to the bytes of its file.
func damagedFile(change func(f *image)) func(context.Context, string) error {
	return making(func(m *maker) {
		m.sample()
		m.patch(func(f *image) error {
			change(f)
			return nil
		})
	})
}

// tree is a good database that a case damages, and where its parts are.
type tree struct {
	*image
	root     int   // of table t, an interior page
	inner    []int // interior pages of t
	leaves   []int // leaf pages of t
	overflow []int // overflow pages of t
	small    int   // root and only page of table small
	wRoot    int   // of the WITHOUT ROWID table w, an interior page
	wLeaves  []int
	index    int // root of the index i on t
	iLeaves  []int
}

// damagedTree damages a database with tables t, small and w and an index i.
func damagedTree(change func(t *tree) error) func(context.Context, string) error {
	return making(func(m *maker) {
		m.run("PRAGMA page_size=1024", "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)", "CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID", "CREATE TABLE small(x)", "INSERT INTO small VALUES ('alone'), (5), (x'00')", "BEGIN")
		for i := range 600 {
			m.exec("INSERT INTO t VALUES (?,?,?)", value.OfInt(int64(i+1)), value.OfText(fmt.Sprintf("row number %05d", i)), value.OfInt(int64(i)))
			m.exec("INSERT INTO w VALUES (?,?)", value.OfText(fmt.Sprintf("key number %05d", i)), value.OfInt(int64(i)))
		}
		m.exec("INSERT INTO t VALUES (601, zeroblob(9000), 'spills')")
		m.run("COMMIT", "CREATE INDEX i ON t(a) WHERE id < 601")
		t := &tree{
			root: m.root("t"), inner: m.pages("t", "internal"), leaves: m.pages("t", "leaf"), overflow: m.pages("t", "overflow"),
			small: m.root("small"), wRoot: m.root("w"), wLeaves: m.pages("w", "leaf"), index: m.root("i"), iLeaves: m.pages("i", "leaf"),
		}
		m.patch(func(f *image) error {
			t.image = f
			if t.page(t.root)[0] != 0x05 || t.page(t.wRoot)[0] != 0x02 || len(t.overflow) < 5 || len(t.leaves) < 10 {
				return errors.New("the tree has not the shape that its damage needs")
			}
			return change(t)
		})
	})
}

// child returns the slot of the page number of child i of an interior page;
// the child after the last cell is the right-most pointer.
func child(page []byte, i int) []byte {
	if _, n := cells(page); i < n {
		return cell(page, i)[:4]
	}
	return page[8:12]
}

func put16(b []byte, n int) { binary.BigEndian.PutUint16(b, uint16(n)) }
func put32(b []byte, n int) { binary.BigEndian.PutUint32(b, uint32(n)) }

// damagedTreeCases have pages that do not make a tree.
func damagedTreeCases() []Case {
	var list []Case
	add := func(name string, change func(t *tree)) {
		list = append(list, Case{Name: "damaged-" + name, Build: damagedTree(func(t *tree) error { change(t); return nil })})
	}
	add("child-is-its-parent", func(t *tree) { put32(child(t.page(t.root), 1), t.root) })
	add("child-is-page-one", func(t *tree) { put32(child(t.page(t.root), 0), 1) })
	add("child-zero", func(t *tree) { put32(child(t.page(t.root), 0), 0) })
	add("child-beyond-the-end", func(t *tree) { put32(child(t.page(t.root), 0), 99999) })
	add("child-huge", func(t *tree) { put32(child(t.page(t.root), 2), 0xffffffff) })
	add("right-child-loops", func(t *tree) { put32(t.page(t.root)[8:], t.root) })
	add("child-twice", func(t *tree) { p := t.page(t.root); copy(child(p, 1), child(p, 2)) })
	add("child-of-other-table", func(t *tree) { put32(child(t.page(t.root), 1), t.small) })
	add("child-of-other-kind", func(t *tree) { put32(child(t.page(t.root), 1), t.wLeaves[0]) })
	add("child-is-overflow-page", func(t *tree) { put32(child(t.page(t.root), 1), t.overflow[0]) })
	add("leaf-type-unknown", func(t *tree) { t.page(t.leaves[3])[0] = 0x0e })
	add("leaf-type-zero", func(t *tree) { t.page(t.leaves[3])[0] = 0 })
	add("leaf-type-index", func(t *tree) { t.page(t.leaves[3])[0] = 0x0a })
	add("leaf-zeroed", func(t *tree) { clear(t.page(t.leaves[3])) })
	add("leaf-as-interior", func(t *tree) { t.page(t.leaves[3])[0] = 0x05 })
	add("leaf-emptied", func(t *tree) { copy(t.page(t.leaves[3]), []byte{0x0d, 0, 0, 0, 0, 4, 0, 0}) })
	add("leaves-swapped", func(t *tree) {
		a, b := t.page(t.leaves[2]), t.page(t.leaves[5])
		c := bytes.Clone(a)
		copy(a, b)
		copy(b, c)
	})
	add("cell-count-huge", func(t *tree) { put16(t.page(t.leaves[2])[3:], 0xffff) })
	add("cell-count-one-more", func(t *tree) { _, n := cells(t.page(t.leaves[2])); put16(t.page(t.leaves[2])[3:], n+1) })
	add("cell-pointer-beyond-page", func(t *tree) { put16(t.page(t.leaves[2])[8:], 5000) })
	add("cell-pointer-zero", func(t *tree) { put16(t.page(t.leaves[2])[8:], 0) })
	add("cell-pointer-into-header", func(t *tree) { put16(t.page(t.leaves[2])[10:], 9) })
	add("cell-pointer-last-byte", func(t *tree) { put16(t.page(t.leaves[2])[8:], 1023) })
	add("cell-pointer-twice", func(t *tree) { p := t.page(t.leaves[2]); copy(p[10:12], p[8:10]) })
	add("interior-cell-pointer-beyond-page", func(t *tree) { put16(t.page(t.root)[12:], 1022) })
	add("cells-out-of-order", func(t *tree) {
		p := t.page(t.leaves[2])
		p[8], p[9], p[10], p[11] = p[10], p[11], p[8], p[9]
	})
	add("overflow-loops", func(t *tree) { put32(t.page(t.overflow[2]), t.overflow[1]) })
	add("overflow-loops-on-itself", func(t *tree) { put32(t.page(t.overflow[2]), t.overflow[2]) })
	add("overflow-cut", func(t *tree) { put32(t.page(t.overflow[1]), 0) })
	add("overflow-beyond-the-end", func(t *tree) { put32(t.page(t.overflow[1]), 77777) })
	add("overflow-into-a-tree", func(t *tree) { put32(t.page(t.overflow[1]), t.small) })
	add("without-rowid-child-loops", func(t *tree) { put32(child(t.page(t.wRoot), 1), t.wRoot) })
	add("without-rowid-leaf-type-table", func(t *tree) { t.page(t.wLeaves[1])[0] = 0x0d })
	add("without-rowid-leaf-zeroed", func(t *tree) { clear(t.page(t.wLeaves[1])) })
	add("index-leaf-zeroed", func(t *tree) { clear(t.page(t.iLeaves[1])) })
	add("index-child-loops", func(t *tree) { put32(child(t.page(t.index), 0), t.index) })
	add("index-root-is-a-table", func(t *tree) { t.page(t.index)[0] = 0x05 })
	add("index-shares-a-table-leaf", func(t *tree) { put32(child(t.page(t.index), 1), t.leaves[4]) })
	return refused(append(list, damagedRoots()...))
}

// damagedRoots have schema rows that point to the wrong page.
func damagedRoots() []Case {
	root := func(name, object, page string) Case {
		return Case{Name: "damaged-root-" + name, Build: making(func(m *maker) {
			m.sample()
			m.run("CREATE TABLE other(x)", "INSERT INTO other VALUES (1)")
			m.edit("UPDATE sqlite_schema SET rootpage = " + page + " WHERE name = '" + object + "'")
		})}
	}
	return []Case{
		root("shared", "other", "(SELECT rootpage FROM sqlite_schema WHERE name = 'users')"),
		root("shared-by-index", "users_name", "(SELECT rootpage FROM sqlite_schema WHERE name = 'kv')"),
		root("is-page-one", "other", "1"),
		root("beyond-the-end", "other", "88888"),
		root("negative", "other", "-7"),
		root("zero", "other", "0"),
		root("is-text", "other", "'page'"),
		root("of-other-kind", "other", "(SELECT rootpage FROM sqlite_schema WHERE name = 'kv')"),
		root("inside-a-tree", "other", "(SELECT min(pageno) FROM dbstat WHERE name = 'users' AND pagetype = 'leaf')"),
		root("index-zero", "users_name", "0"),
		root("index-beyond-the-end", "users_name", "88888"),
	}
}

// damagedRecordCases have cells and records that break their own lengths.
func damagedRecordCases() []Case {
	var list []Case
	add := func(name, from, to string) {
		list = append(list, Case{Name: "damaged-record-" + name, Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a, b)", "INSERT INTO t VALUES ('abcd', 5000), ('mark', 300), ('wxyz', 7)")
			m.replace([]byte("\x09\x02\x03\x15\x02mark\x01\x2c"), []byte(from+to))
		})})
	}
	// A cell of the table: payload length, rowid, then the record: length of
	// its header, serial types 21 (text of 4) and 2 (integer of 2), values.
	add("serial-type-10", "\x09\x02\x03\x15\x0a", "mark\x01\x2c")
	add("serial-type-11", "\x09\x02\x03\x0b\x02", "mark\x01\x2c")
	add("field-too-long", "\x09\x02\x03\x7f\x02", "mark\x01\x2c")
	add("field-huge", "\x09\x02\x06\xff\xff\xff\xff\x7f", "k\x01\x2c")
	add("header-too-long", "\x09\x02\x7f\x15\x02", "mark\x01\x2c")
	add("header-cuts-serial-type", "\x09\x02\x03\x15\x82", "mark\x01\x2c")
	add("payload-too-long", "\x7f\x02\x03\x15\x02", "mark\x01\x2c")
	add("payload-huge", "\xff\xff\xff\xff\xff\xff\xff\xff\xff", "k\x01")
	add("payload-too-short", "\x04\x02\x03\x15\x02", "mark\x01\x2c")
	add("rowid-again", "\x09\x01\x03\x15\x02", "mark\x01\x2c")
	add("rowid-too-high", "\x09\x7f\x03\x15\x02", "mark\x01\x2c")
	add("bytes-left", "\x09\x02\x03\x13\x01", "mark\x01\x2c")
	add("header-too-short", "\x09\x02\x01\x15\x02", "mark\x01\x2c")
	add("empty", "\x01\x02\x01\x15\x02", "mark\x01\x2c") // no field at all: SQLite wants one
	list = refused(list)
	list = append(list,
		// The order of keys is a matter of their collation, so that a copy which
		// keeps the order is the same.
		Case{Name: "without-rowid-cells-out-of-order", Build: damagedTree(func(t *tree) error {
			p := t.page(t.wLeaves[1])
			p[8], p[9], p[10], p[11] = p[10], p[11], p[8], p[9]
			return nil
		}), MayRefuse: true},
		Case{Name: "freelist-damaged", Build: making(func(m *maker) {
			m.run("PRAGMA page_size=512", "CREATE TABLE t(x)", "CREATE TABLE u(x)", "INSERT INTO t VALUES (zeroblob(20000))", "INSERT INTO u VALUES (1)", "DELETE FROM t")
			m.patch(func(f *image) error {
				trunk := int(binary.BigEndian.Uint32(f.b[32:]))
				if trunk == 0 {
					return errors.New("the freelist is empty")
				}
				put32(f.page(trunk), 99999)
				return nil
			})
		}), MayRefuse: true},
	)
	return list
}
