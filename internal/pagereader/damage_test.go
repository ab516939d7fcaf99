package pagereader_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/pagereader"
	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// TestDamage damages a sound database in one place each, and wants it refused
// with the number of the page at fault.
func TestDamage(t *testing.T) {
	f := sound(t)
	good := bytes.Clone(f.b)
	last := len(good) / 512
	at := func(page int, text string) string { return fmt.Sprintf("page %d %s", page, text) }
	firstCell := func(page int) []byte {
		p := f.page(page)
		return p[binary.BigEndian.Uint16(p[8:]):]
	}
	leaf, wLeaf := f.leaves[3], f.wLeaves[1]
	for _, c := range []struct {
		name, want string
		damage     func()
	}{
		{"child is its parent", at(f.root, "is used twice"), func() { put32(f.child(f.root, 1), f.root) }},
		{"right-most child is its parent", at(f.root, "is used twice"), func() { put32(f.page(f.root)[8:], f.root) }},
		{"child is page 1", "page 1 is", func() { put32(f.child(f.root, 0), 1) }},
		{"child 0", "page 0 does not exist", func() { put32(f.child(f.root, 0), 0) }},
		{"child beyond the end", at(last+1, "does not exist"), func() { put32(f.child(f.root, 0), last+1) }},
		{"child of the highest number", "page 4294967295 does not exist", func() { put32(f.child(f.root, 2), 0xffffffff) }},
		{"child twice", "is used twice", func() { copy(f.child(f.root, 1), f.child(f.root, 0)) }},
		{"child of another table", at(f.small, "has the rowid 1 out of order"), func() { put32(f.child(f.root, 2), f.small) }},
		{"child of another kind", at(f.wLeaves[0], "has the type 0x0a where a leaf is due"), func() { put32(f.child(f.root, 2), f.wLeaves[0]) }},
		{"first child of another kind", at(f.wLeaves[0], "has the type 0x0a, which does not belong"), func() { put32(f.child(f.root, 0), f.wLeaves[0]) }},
		{"child is an overflow page", at(f.overflow[0], "has the type 0x00"), func() { put32(f.child(f.root, 2), f.overflow[0]) }},
		{"child is free", at(f.free[2], "is used twice"), func() { put32(f.child(f.root, 2), f.free[2]) }},
		{"unknown page type", at(leaf, "has the type 0x0e"), func() { f.page(leaf)[0] = 0x0e }},
		{"page of zeros", at(leaf, "has the type 0x00"), func() { clear(f.page(leaf)) }},
		{"leaf of an index", at(leaf, "has the type 0x0a"), func() { f.page(leaf)[0] = 0x0a }},
		{"leaf that is an interior page", at(leaf, "has the type 0x05"), func() { f.page(leaf)[0] = 0x05 }},
		{"leaf too high", at(f.leaves[1], "is a leaf at depth 1 of a b-tree whose leaves are at depth 2"), func() { deepen(f) }},
		{"empty leaf", at(leaf, "is an empty leaf"), func() { put16(f.page(leaf)[3:], 0) }},
		{"empty interior page", at(f.root, "is an interior page without cells"), func() { put16(f.page(f.root)[3:], 0) }},
		{"more cells than fit", at(leaf, "has 65535 cells"), func() { put16(f.page(leaf)[3:], 0xffff) }},
		{"cell before the content", at(leaf, "has cell 0 at byte 9"), func() { put16(f.page(leaf)[8:], 9) }},
		{"cell at the end", at(leaf, "has cell 0 at byte 509"), func() { put16(f.page(leaf)[8:], 509) }},
		{"cell beyond the page", at(leaf, "has cell 1 at byte 5000"), func() { put16(f.page(leaf)[10:], 5000) }},
		{"interior cell beyond the page", at(f.root, "has cell 0 at byte 600"), func() { put16(f.page(f.root)[12:], 600) }},
		{"record runs off the page", at(leaf, "has a record in cell 0 that runs off"), func() { put16(f.page(leaf)[8:], 508); copy(f.page(leaf)[508:], "\x7f\x01xx") }},
		{"varint runs off the page", at(leaf, "has a cell 0 that runs off"), func() { put16(f.page(leaf)[8:], 508); copy(f.page(leaf)[508:], "\xff\xff\xff\xff") }},
		{"rowid runs off the page", at(leaf, "has a cell 0 that runs off"), func() { put16(f.page(leaf)[8:], 508); copy(f.page(leaf)[508:], "\x01\xff\xff\xff") }},
		{"record larger than the file", at(leaf, "has a record of 72057594037927935 bytes"), func() { copy(firstCell(leaf), "\xff\xff\xff\xff\xff\xff\xff\x7f") }},
		{"record of the largest length", at(leaf, "has a record of 18446744073709551615 bytes"), func() { copy(firstCell(leaf), "\xff\xff\xff\xff\xff\xff\xff\xff\xff") }},
		{"index record runs off the page", at(wLeaf, "has a record in cell 0 that runs off"), func() { put16(f.page(wLeaf)[8:], 508); copy(f.page(wLeaf)[508:], "\x55xxx") }},
		{"index cell runs off the page", at(wLeaf, "has a cell 0 that runs off"), func() { put16(f.page(wLeaf)[8:], 508); copy(f.page(wLeaf)[508:], "\xff\xff\xff\xff") }},
		{"rowids in another order", at(leaf, "has the rowid"), func() { p := f.page(leaf); p[8], p[9], p[10], p[11] = p[10], p[11], p[8], p[9] }},
		{"rowid twice", at(leaf, "has the rowid"), func() { copy(f.page(leaf)[10:12], f.page(leaf)[8:10]) }},
		{"leaves swapped", at(leaf, "has the rowid"), func() {
			a, b := bytes.Clone(f.page(leaf)), bytes.Clone(f.page(f.leaves[4]))
			copy(f.page(leaf), b)
			copy(f.page(f.leaves[4]), a)
		}},
		{"interior rowids in another order", at(f.root, "has the rowid"), func() {
			p := f.page(f.root)
			p[12], p[13], p[14], p[15] = p[14], p[15], p[12], p[13]
		}},
		{"overflow chain is a loop", at(f.overflow[1], "is used twice"), func() { put32(f.page(f.overflow[2]), f.overflow[1]) }},
		{"overflow page follows itself", at(f.overflow[2], "is used twice"), func() { put32(f.page(f.overflow[2]), f.overflow[2]) }},
		{"overflow chain is cut", at(f.overflow[2], "ends an overflow chain"), func() { put32(f.page(f.overflow[2]), 0) }},
		{"overflow chain is too long", at(f.free[1], "continues an overflow chain"), func() { put32(f.page(f.overflow[len(f.overflow)-1]), f.free[1]) }},
		{"overflow beyond the end", at(77777, "does not exist"), func() { put32(f.page(f.overflow[0]), 77777) }},
		{"overflow into a b-tree", at(f.leaves[0], "is used twice"), func() { put32(f.page(f.overflow[0]), f.leaves[0]) }},
		{"overflow into free pages", at(f.free[3], "is used twice"), func() { put32(f.page(f.overflow[0]), f.free[3]) }},
		{"b-tree without rowids is a loop", at(f.wRoot, "is used twice"), func() { put32(f.child(f.wRoot, 1), f.wRoot) }},
		{"b-tree without rowids has a table leaf", at(wLeaf, "has the type 0x0d"), func() { f.page(wLeaf)[0] = 0x0d }},
		{"b-tree without rowids has an empty leaf", at(wLeaf, "is an empty leaf"), func() { put16(f.page(wLeaf)[3:], 0) }},
		{"freelist is a loop", at(f.free[0], "is used twice"), func() { put32(f.page(f.free[0]), f.free[0]) }},
		{"freelist lists a page twice", at(f.free[1], "is used twice"), func() { put32(f.page(f.free[0])[12:], f.free[1]) }},
		{"freelist lists a page of a table", at(f.small, "is used twice"), func() { put32(f.page(f.free[0])[8:], f.small) }},
		{"freelist beyond the end", at(99999, "does not exist"), func() { put32(f.page(f.free[0]), 99999) }},
		{"freelist of page 0", "page 0 does not exist", func() { put32(f.page(f.free[0])[8:], 0) }},
		{"freelist trunk is too long", at(f.free[0], "lists 127 free pages"), func() { put32(f.page(f.free[0])[4:], 127) }},
		{"freelist trunk is much too long", at(f.free[0], "lists 4294967295 free pages"), func() { put32(f.page(f.free[0])[4:], -1) }},
		{"freelist count is wrong", "freelist: its length is off by 1", func() { put32(f.b[36:], len(f.free)+1) }},
		{"freelist without a trunk", "freelist: its length is off", func() { put32(f.b[32:], 0) }},
		{"last page is missing", fmt.Sprintf("it has %d pages of %d", last-1, last), func() { f.b = f.b[:len(f.b)-512] }},
		{"last byte is missing", fmt.Sprintf("it has %d pages of %d", last-1, last), func() { f.b = f.b[:len(f.b)-1] }},
		{"a page and no more", fmt.Sprintf("it has 1 pages of %d", last), func() { f.b = f.b[:512] }},
		{"header only", "truncated", func() { f.b = f.b[:100] }},
		{"half a header", "no database", func() { f.b = f.b[:99] }},
		{"nothing", "no database", func() { f.b = nil }},
		{"another page size", "page ", func() { put16(f.b[16:], 1024); put32(f.b[28:], last/2); put32(f.b[32:], 0); put32(f.b[36:], 0) }},
		{"schema is an index", "page 1 has the type 0x0a", func() { f.b[100] = 0x0a }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.b = bytes.Clone(good)
			c.damage()
			r := readAll(f.b)
			if !refused(r.err) || !strings.Contains(r.err.Error(), c.want) {
				t.Errorf("got %v, want %q", r.err, c.want)
			}
		})
	}
}

// deepen puts a level between the root of t and its first leaf.
func deepen(f *image) {
	copy(f.page(f.overflow[5]), f.page(f.leaves[0]))
	p := f.page(f.leaves[0])
	clear(p)
	copy(p, []byte{5, 0, 0, 0, 1, 1, 0xf0, 0})
	put32(p[8:], f.overflow[4]) // the right-most child
	put16(p[12:], 0x1f0)
	put32(p[0x1f0:], f.overflow[5])
	p[0x1f4] = 3 // the rowid
}

// sparse is a file of mostly zeros.
type sparse struct {
	size  int64
	parts map[int64][]byte
}

func (s *sparse) ReadAt(b []byte, off int64) (int, error) {
	if off+int64(len(b)) > s.size {
		return 0, io.EOF
	}
	clear(b)
	for at, part := range s.parts {
		if at >= off && at < off+int64(len(b)) {
			copy(b[at-off:], part)
		}
	}
	return len(b), nil
}

// page65536 is a table leaf or interior page with the given cells.
func page65536(kind byte, head int, right uint32, cells ...[]byte) []byte {
	p := make([]byte, 65536)
	base := head
	p[base] = kind
	put16(p[base+3:], len(cells))
	pointers := base + 8
	if kind == 5 {
		put32(p[base+8:], int(right))
		pointers += 4
	}
	top := len(p)
	for i, c := range cells {
		top -= len(c)
		copy(p[top:], c)
		put16(p[pointers+2*i:], top)
	}
	put16(p[base+5:], top)
	return p
}

// TestLockBytePage checks a file of more than 1 GiB: the page at the lock byte
// can be neither a page of a b-tree nor of an overflow chain, and the page after
// it can.
func TestLockBytePage(t *testing.T) {
	const size, lock = 65536, 16385
	header := sqlitefile.Header{PageSize: size, Pages: lock + 1, SchemaFormat: 4, Encoding: sqlitefile.UTF8}
	read := func(root *sparse) (rows int, err error) {
		f, err := pagereader.Open(root, root.size)
		if err != nil {
			return 0, err
		}
		cur := f.NewCursor()
		for b, err := range f.Table(2).Batches() {
			if err != nil {
				return rows, err
			}
			err := cur.Each(b, func(r *pagereader.Row) error {
				_, err := cur.Record(r)
				rows++
				return err
			})
			if err != nil {
				return rows, err
			}
		}
		return rows, nil
	}
	file := func(page2 []byte) *sparse {
		one := page65536(13, 100, 0)
		header.Put(one)
		row := page65536(13, 0, 0, []byte("\x02\x01\x02\x08"))
		return &sparse{size: (lock + 1) * size, parts: map[int64][]byte{0: one, size: page2, lock * size: row, (lock - 1) * size: row}}
	}
	child := func(n uint32) []byte {
		left := binary.BigEndian.AppendUint32(nil, lock+1)
		right := n
		return page65536(5, 0, right, append(left, 1))
	}
	if rows, err := read(file(child(3))); !refused(err) || rows > 1 {
		t.Errorf("a page of zeros is a leaf: %d rows, %v", rows, err)
	}
	if _, err := read(file(child(lock))); !refused(err) || !strings.Contains(err.Error(), "page 16385 is the lock-byte page") {
		t.Errorf("the lock-byte page is a leaf: %v", err)
	}
	spilled := func(n uint32) []byte {
		const payload = 70_000
		cell := sqlitefile.AppendVarint(nil, payload)
		cell = append(cell, 1)
		cell = append(cell, make([]byte, sqlitefile.LocalPayload(true, size, payload))...)
		return page65536(13, 0, 0, binary.BigEndian.AppendUint32(cell, n))
	}
	if _, err := read(file(spilled(lock))); !refused(err) || !strings.Contains(err.Error(), "page 16385 is the lock-byte page") {
		t.Errorf("the lock-byte page is an overflow page: %v", err)
	}
	f := file(spilled(lock + 1))
	f.parts[lock*size] = make([]byte, size)
	if rows, err := read(f); err != nil || rows != 1 {
		t.Errorf("the page after the lock-byte page is an overflow page: %d rows, %v", rows, err)
	}
}

// TestPointerMapPage checks that a pointer-map page of a file with auto_vacuum
// holds no content.
func TestPointerMapPage(t *testing.T) {
	b := create(t, t.TempDir()+"/a.db", nil, "PRAGMA page_size=512; PRAGMA auto_vacuum=1; CREATE TABLE t(x)",
		"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < 300) INSERT INTO t SELECT zeroblob(i) FROM n")
	if r := readAll(b); r.err != nil || r.rows != 301 {
		t.Fatal(r)
	}
	f := &image{b: b, size: 512}
	root := 3
	put32(f.child(root, 0), 2)
	if r := readAll(b); !refused(r.err) || !strings.Contains(r.err.Error(), "page 2 ") {
		t.Errorf("page 2 is a leaf: %v", r.err)
	}
	copy(f.page(2), f.page(root)) // it even looks like one
	put32(f.child(root, 0), 2)
	if r := readAll(b); !refused(r.err) || !strings.Contains(r.err.Error(), "page 2 is a pointer-map page") {
		t.Errorf("page 2 is an interior page: %v", r.err)
	}
}

// TestReadFault checks that a fault of the medium is not called damage.
func TestReadFault(t *testing.T) {
	f := sound(t)
	r, err := pagereader.Open(faulty{f.b, int64(f.root-1) * 512}, int64(len(f.b)))
	if err != nil {
		t.Fatal(err)
	}
	for _, err = range r.Table(uint32(f.root)).Batches() {
		if err != nil {
			break
		}
	}
	if !errors.Is(err, errFault) || refused(err) || !strings.Contains(err.Error(), fmt.Sprintf("read page %d", f.root)) {
		t.Errorf("got %v", err)
	}
	if _, err := pagereader.Open(faulty{nil, -1}, 1000); !errors.Is(err, io.EOF) || refused(err) {
		t.Errorf("open: got %v", err)
	}
}

var errFault = errors.New("the medium is worn out")

// faulty reads all of a file but one page.
type faulty struct {
	b   []byte
	bad int64 // where the page begins
}

func (f faulty) ReadAt(b []byte, off int64) (int, error) {
	if off == f.bad {
		return 0, errFault
	}
	return bytes.NewReader(f.b).ReadAt(b, off)
}

// TestIsTable checks what IsTable says of pages that are no roots.
func TestIsTable(t *testing.T) {
	f := sound(t)
	r, err := pagereader.Open(bytes.NewReader(f.b), int64(len(f.b)))
	if err != nil {
		t.Fatal(err)
	}
	for root, want := range map[int]bool{1: true, f.root: true, f.wRoot: false, f.small: true} {
		for range 2 { // nothing is claimed
			if got, err := r.IsTable(uint32(root)); err != nil || got != want {
				t.Errorf("page %d: %v, %v", root, got, err)
			}
		}
	}
	for _, root := range []int{0, int(r.Pages()) + 1, f.overflow[0]} {
		if got, err := r.IsTable(uint32(root)); !refused(err) {
			t.Errorf("page %d: %v, %v", root, got, err)
		}
	}
}
