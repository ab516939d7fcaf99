package pagewriter

import (
	"encoding/binary"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

const (
	pointerLen  = 2 // an entry of the cell pointer array
	childLen    = 4 // a page number
	minCellLen  = 4 // so that a freed cell has room for the head of a free block
	leafHead    = 8
	intHead     = 12
	rightOffset = 8 // of the right-most child in the header of an interior page
)

// page is a b-tree page that is being filled. Cells are laid from the end of
// the usable space towards the front, so the last cell starts at top.
type page struct {
	buf    []byte
	usable int
	head   int // length of the page header
	n      int // cells
	top    int // where cell content starts
}

func (p *page) reset(head int) {
	p.head, p.n, p.top = head, 0, p.usable
}

// fits reports whether a cell of size bytes has room.
func (p *page) fits(size int) bool {
	return p.head+(p.n+1)*pointerLen+size <= p.top
}

// take makes room for a cell, which must fit, and returns where it goes. A cell
// shorter than the smallest that the format allows gets zeros behind it.
func (p *page) take(size int) []byte {
	end := p.top
	if size < minCellLen {
		clear(p.buf[end-minCellLen : end])
		p.top -= minCellLen
	} else {
		p.top -= size
	}
	at := p.head + p.n*pointerLen
	p.buf[at], p.buf[at+1] = byte(p.top>>8), byte(p.top)
	p.n++
	return p.buf[p.top:end:end]
}

// addChild adds a cell of an interior page.
func (p *page) addChild(child uint32, divider []byte) {
	c := p.take(childLen + len(divider))
	binary.BigEndian.PutUint32(c, child)
	copy(c[childLen:], divider)
}

// last returns the last cell. It aliases the page.
func (p *page) last() []byte {
	return p.buf[p.top:p.start(p.n-2)]
}

// drop takes the last cell back.
func (p *page) drop() {
	p.top = p.start(p.n - 2)
	p.n--
}

// start returns where cell i starts, or the end of all content for -1.
func (p *page) start(i int) int {
	if i < 0 {
		return p.usable
	}
	return int(binary.BigEndian.Uint16(p.buf[p.head+i*pointerLen:]))
}

// seal makes the page ready to be written. right is ignored for leaves.
func (p *page) seal(t sqlitefile.PageType, right uint32) {
	clear(p.buf[p.head+p.n*pointerLen : p.top]) // no bytes of another page, or of memory
	be := binary.BigEndian
	p.buf[0] = byte(t)
	be.PutUint16(p.buf[1:], 0)
	be.PutUint16(p.buf[3:], uint16(p.n))
	be.PutUint16(p.buf[5:], uint16(p.top)) // 65536 is written as 0
	p.buf[7] = 0
	if t.Interior() {
		be.PutUint32(p.buf[rightOffset:], right)
	}
}

// fitsPage1 reports whether the page has room for the file header in front.
func (p *page) fitsPage1() bool {
	return sqlitefile.HeaderSize+p.head+p.n*pointerLen <= p.top
}

// toPage1 moves the header and the pointers of a sealed page behind the room
// for the file header.
func (p *page) toPage1() {
	copy(p.buf[sqlitefile.HeaderSize:], p.buf[:p.head+p.n*pointerLen])
	clear(p.buf[:sqlitefile.HeaderSize])
}
