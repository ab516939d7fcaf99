package pagewriter

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// TestLockBytePage lays leaves and chains from every distance to the lock-byte
// page across it, and follows all links. Pages before the first are taken as
// written, which makes pages beyond 1 GiB cheap.
func TestLockBytePage(t *testing.T) {
	shifted := 0
	for _, h := range lockByteHeaders() {
		lock := sqlitefile.LockBytePage(h.PageSize)
		for before := range uint32(14) {
			w := &walker{t: t, h: &h, pages: map[uint32][]byte{}, entries: map[uint32]mapped{}}
			if w.isMap(lock + 1) {
				shifted++
			}
			w.lay(lock - before)
			w.walk(3-btoi(h.LargestRoot == 0), 0, sqlitefile.PointerRoot)
			if w.rows != layRows {
				t.Fatalf("%+v: %d rows, want %d", h, w.rows, layRows)
			}
			w.checkMaps()
			if w.pages[lock] != nil {
				t.Fatalf("%+v: the lock-byte page was written", h)
			}
			if w.last <= lock {
				t.Fatalf("%+v: page %d is the last, before the lock-byte page", h, w.last)
			}
		}
	}
	if shifted == 0 {
		t.Fatal("no pointer map had to leave the lock-byte page")
	}
}

func btoi(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// lockByteHeaders are settings with all page sizes. In a file with auto_vacuum
// and pages of 1024 bytes a pointer map would stand on the lock-byte page.
func lockByteHeaders() []sqlitefile.Header {
	var all []sqlitefile.Header
	for size := 512; size <= 65536; size *= 2 {
		for _, reserved := range []int{0, 32} {
			for _, largest := range []uint32{0, 1} {
				all = append(all, sqlitefile.Header{
					PageSize: size, Reserved: reserved, LargestRoot: largest,
					Encoding: sqlitefile.UTF8, SchemaFormat: 4,
				})
			}
		}
	}
	return all
}

// walker keeps the pages that are written, and reads them back.
type walker struct {
	t       *testing.T
	h       *sqlitefile.Header
	pages   map[uint32][]byte
	entries map[uint32]mapped // what the pointer maps must say
	last    uint32            // the highest page that was found
	rows    int
}

type mapped struct {
	kind   byte
	parent uint32
}

func (w *walker) WriteAt(b []byte, off int64) (int, error) {
	for i := 0; i < len(b); i += w.h.PageSize {
		no := uint32((off+int64(i))/int64(w.h.PageSize)) + 1
		w.pages[no] = append([]byte(nil), b[i:i+w.h.PageSize]...)
	}
	return len(b), nil
}

func (w *walker) isMap(no uint32) bool {
	return w.h.LargestRoot != 0 && sqlitefile.PointerMapPage(no, w.h.PageSize, w.h.Usable()) == no
}

const layRows = 12

// lay writes one b-tree whose pages but the root come from first on: by turns
// rows with chains, and rows that fill a leaf.
func (w *walker) lay(first uint32) {
	f, err := New(w, *w.h, 1)
	if err != nil {
		w.t.Fatal(err)
	}
	f.out.flush()
	f.out.next, f.out.first = first, first
	table := f.Table(0)
	for i := range layRows {
		size := w.h.Usable() - 40
		if i%2 == 0 {
			size = w.h.Usable() * 3
		}
		if err := table.Append(int64(i), make([]byte, size)); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, end := range []func() error{table.Close, f.Schema().Close, f.Close} {
		if err := end(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// found notes a page that a link leads to.
func (w *walker) found(no uint32, kind byte, parent uint32) []byte {
	w.t.Helper()
	p := w.pages[no]
	if _, twice := w.entries[no]; twice || p == nil || no == sqlitefile.LockBytePage(w.h.PageSize) || w.isMap(no) {
		w.t.Fatalf("%+v: a link leads to page %d (again: %v)", *w.h, no, twice)
	}
	w.entries[no] = mapped{kind, parent}
	w.last = max(w.last, no)
	return p
}

func (w *walker) walk(no, parent uint32, kind byte) {
	p := w.found(no, kind, parent)
	be := binary.BigEndian
	interior := sqlitefile.PageType(p[0]).Interior()
	head := sqlitefile.PageType(p[0]).HeaderLen()
	for i := range int(be.Uint16(p[3:])) {
		cell := p[be.Uint16(p[head+2*i:]):]
		if interior {
			w.walk(be.Uint32(cell), no, sqlitefile.PointerBTree)
			continue
		}
		w.rows++
		if chain := overflow(cell, true, w.h.Usable()); chain != 0 {
			w.chain(chain, no)
		}
	}
	if interior {
		w.walk(be.Uint32(p[8:]), no, sqlitefile.PointerBTree)
	}
}

func (w *walker) chain(no, parent uint32) {
	for kind := byte(sqlitefile.PointerOverflow1); no != 0; kind = sqlitefile.PointerOverflow2 {
		p := w.found(no, kind, parent)
		no, parent = binary.BigEndian.Uint32(p), no
	}
}

// checkMaps compares the pointer maps with what was found.
func (w *walker) checkMaps() {
	if w.h.LargestRoot == 0 {
		return
	}
	for no, want := range w.entries {
		at := sqlitefile.PointerMapPage(no, w.h.PageSize, w.h.Usable())
		if w.pages[at] == nil {
			w.t.Fatalf("%+v: page %d, the pointer map of page %d, was not written", *w.h, at, no)
		}
		e := w.pages[at][5*(no-at-1):]
		if got := (mapped{e[0], binary.BigEndian.Uint32(e[1:])}); got != want {
			w.t.Fatalf("%+v: the pointer map says of page %d %v, want %v", *w.h, no, got, want)
		}
	}
}

// TestCapacity counts the pages that the pointer maps near the lock-byte page
// describe.
func TestCapacity(t *testing.T) {
	for _, h := range lockByteHeaders() {
		if h.LargestRoot == 0 {
			continue
		}
		o := newOut(discard{}, &h)
		group := uint32(h.Usable()/5) + 1
		lock := sqlitefile.LockBytePage(h.PageSize)
		count := map[uint32]int{}
		from := (lock-2)/group*group + 2 - min(group, (lock-2)/group*group)
		for no := from; no < from+3*group; no++ {
			if no != lock && !o.isMap(no) {
				count[sqlitefile.PointerMapPage(no, h.PageSize, h.Usable())]++
			}
		}
		if len(count) != 3 {
			t.Fatalf("%+v: pointer maps %v", h, count)
		}
		for at, want := range count {
			if got := o.maps.capacity(at); got != want {
				t.Errorf("%+v: pointer map %d describes %d pages, want %d", h, at, got, want)
			}
		}
	}
}

// TestFull finds that page numbers end where SQLite's do.
func TestFull(t *testing.T) {
	h := sqlitefile.Header{PageSize: 512, Encoding: sqlitefile.UTF8}
	for free, want := range map[uint32]error{1: ErrFull, 2: nil} {
		w, err := New(discard{}, h, 1)
		if err != nil {
			t.Fatal(err)
		}
		w.out.flush()
		w.out.next = maxPage - free + 1
		w.out.first = w.out.next
		err = w.Table(0).Append(1, make([]byte, 470+2*508))
		if !errors.Is(err, want) {
			t.Fatalf("%d pages left: %v", free, err)
		}
	}
}

type discard struct{}

func (discard) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }

// TestMapsAreLetGo finds that the memory for pointer maps does not grow with
// the file.
func TestMapsAreLetGo(t *testing.T) {
	h := sqlitefile.Header{PageSize: 512, Encoding: sqlitefile.UTF8, LargestRoot: 1}
	w, err := New(discard{}, h, 1)
	if err != nil {
		t.Fatal(err)
	}
	table, most := w.Table(0), 0
	for i := range int64(200000) {
		if err := table.Append(i, make([]byte, 300)); err != nil {
			t.Fatal(err)
		}
		most = max(most, len(w.out.maps.groups))
	}
	groups := int(w.Pages()) / 103
	if most < 2 || most > 150 || groups < 1000 {
		t.Fatalf("up to %d of %d pointer maps were in memory", most, groups)
	}
}
