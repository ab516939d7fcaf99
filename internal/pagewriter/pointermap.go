package pagewriter

import (
	"encoding/binary"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

const mapEntryLen = 5 // a type and the number of the parent

// pointerMap collects the entries of pointer-map pages. A page's parent is
// known only when that is finished, so each map page is held until the last of
// its entries is there.
type pointerMap struct {
	o      *out
	groups map[uint32]*mapGroup // by the number of the map page
}

type mapGroup struct {
	buf     []byte
	missing int // entries
}

// mapEntry notes what page no is, and that parent refers to it. Every page but
// the first is noted once.
func (o *out) mapEntry(no uint32, kind byte, parent uint32) error {
	if o.maps == nil {
		return nil
	}
	at := sqlitefile.PointerMapPage(no, o.pageSize, o.usable)
	g := o.maps.groups[at]
	if g == nil {
		g = &mapGroup{buf: make([]byte, o.pageSize), missing: o.maps.capacity(at)}
		o.maps.groups[at] = g
	}
	e := g.buf[int(no-at-1)*mapEntryLen:]
	e[0] = kind
	binary.BigEndian.PutUint32(e[1:], parent)
	if g.missing--; g.missing > 0 {
		return nil
	}
	delete(o.maps.groups, at)
	return o.writeAt(at, g.buf)
}

// capacity returns how many pages the map page at describes.
func (m *pointerMap) capacity(at uint32) int {
	group := uint32(m.o.usable/mapEntryLen) + 1
	last := uint64(at-2)/uint64(group)*uint64(group) + 1 + uint64(group)
	n := int(last - uint64(at))
	if lock := m.o.lockPage; at < lock && uint64(lock) <= last {
		n--
	}
	return n
}

// finish writes the map pages that describe the end of the file.
func (m *pointerMap) finish() error {
	for at, g := range m.groups {
		if err := m.o.writeAt(at, g.buf); err != nil {
			return err
		}
	}
	return nil
}

// mapPage notes all pages that the sealed page p, which is page no, refers to.
func (o *out) mapPage(no uint32, p *page) error {
	if o.maps == nil {
		return nil
	}
	t := sqlitefile.PageType(p.buf[0])
	for i := range p.n {
		cell := p.buf[p.start(i):]
		if t.Interior() {
			if err := o.mapEntry(binary.BigEndian.Uint32(cell), sqlitefile.PointerBTree, no); err != nil {
				return err
			}
			cell = cell[childLen:]
		}
		if t == sqlitefile.TableInterior {
			continue
		}
		if chain := overflow(cell, t.Table(), o.usable); chain != 0 {
			if err := o.mapEntry(chain, sqlitefile.PointerOverflow1, no); err != nil {
				return err
			}
		}
	}
	if t.Interior() {
		right := binary.BigEndian.Uint32(p.buf[rightOffset:])
		return o.mapEntry(right, sqlitefile.PointerBTree, no)
	}
	return nil
}

// overflow returns the first overflow page of a cell with a payload, whose
// left child is cut off, or 0.
func overflow(cell []byte, table bool, usable int) uint32 {
	size, n := sqlitefile.Varint(cell)
	local := sqlitefile.LocalPayload(table, usable, int64(size))
	if int64(local) == int64(size) {
		return 0
	}
	if table {
		_, r := sqlitefile.Varint(cell[n:])
		n += r
	}
	return binary.BigEndian.Uint32(cell[n+local:])
}

// mapRoot notes that page no is a root.
func (o *out) mapRoot(no uint32) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.mapEntry(no, sqlitefile.PointerRoot, 0)
}

// mapChildren is mapPage for callers that do not hold the lock.
func (o *out) mapChildren(no uint32, p *page) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.mapPage(no, p)
}
