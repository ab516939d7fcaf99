package pagereader

import (
	"context"
	"encoding/binary"
	"io"
	"slices"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// readAhead is how many bytes of neighbouring pages one read takes at most.
const readAhead = 256 << 10

// A Row is one row of a b-tree, valid until the Cursor goes on.
type Row struct {
	RowID int64 // of a table with rowids
	Size  int64 // length of the record in bytes
	p     payload
}

// Keep returns a copy of r that stays valid. The record itself is not read.
func (r *Row) Keep() *Row {
	k := *r
	k.p.local = slices.Clone(r.p.local)
	return &k
}

// A Cursor reads the rows of batches. One goroutine uses it.
type Cursor struct {
	f        *File
	usable   int    // bytes of a page
	maxLocal [2]int // see sqlitefile.MaxLocal, of indexes and of tables
	run      []byte // neighbouring pages that were read together
	runFirst uint32
	runPages uint32
	interior []byte // the interior page whose cells are being read
	number   uint32 // of interior, 0 if none
	record   []byte // assembled record

	over      []byte // overflow pages that were read together
	overFirst uint32
	overPages uint32
}

// NewCursor returns a Cursor on f.
func (f *File) NewCursor() *Cursor {
	u := f.header.Usable()
	return &Cursor{
		f: f, usable: u, maxLocal: [2]int{sqlitefile.MaxLocal(false, u), sqlitefile.MaxLocal(true, u)},
		interior: make([]byte, f.header.PageSize),
	}
}

// Each calls do for every row of b, in order.
func (c *Cursor) Each(b *Batch, do func(*Row) error) error {
	var row Row
	for i := range b.items {
		it := &b.items[i]
		var err error
		if it.cell >= 0 {
			err = c.interiorRow(it, &row, do)
		} else {
			err = c.leafRows(b, i, &row, do)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *Cursor) interiorRow(it *item, row *Row, do func(*Row) error) error {
	if c.number != it.page {
		c.number = 0
		if err := c.f.read(it.page, c.interior); err != nil {
			return err
		}
		c.number = it.page
	}
	n, err := c.f.parse(it.page, c.interior)
	if err != nil {
		return err
	}
	if row.p, err = c.f.indexCell(&n, int(it.cell)); err != nil {
		return err
	}
	row.Size = row.p.size
	return do(row)
}

func (c *Cursor) leafRows(b *Batch, i int, row *Row, do func(*Row) error) error {
	it := &b.items[i]
	n, err := c.leaf(b, i)
	if err != nil {
		return err
	}
	low, noLow := it.low, it.noLow
	for k := range n.cells {
		if !c.plainCell(&n, k, row) {
			if b.table {
				row.RowID, row.p, err = c.f.tableCell(&n, k)
			} else {
				row.p, err = c.f.indexCell(&n, k)
			}
			if err != nil {
				return err
			}
		}
		if b.table {
			if row.RowID > it.high || !noLow && row.RowID <= low {
				return c.f.corrupt(it.page, "has the rowid %d out of order", row.RowID)
			}
			low, noLow = row.RowID, false
		}
		row.Size = row.p.size
		if err := do(row); err != nil {
			return err
		}
	}
	return nil
}

// plainCell decodes cell k of a leaf page into row if it is of the usual kind:
// its record has less than 16384 bytes, all of them on the page. It leaves every
// other cell, and all that is wrong with one, to tableCell and indexCell.
func (c *Cursor) plainCell(n *node, k int, row *Row) bool {
	data, end := n.data[:c.usable], n.pointers()+2*n.cells
	p := n.pointers() + 2*k
	at := int(data[p])<<8 | int(data[p+1])
	if at < end || at+4 > len(data) {
		return false
	}
	size := int(data[at])
	if at++; size >= 0x80 {
		if data[at] >= 0x80 {
			return false
		}
		size = size&0x7f<<7 | int(data[at])
		at++
	}
	local := c.maxLocal[1]
	if !n.kind.Table() {
		local = c.maxLocal[0]
	} else {
		rowid, l := sqlitefile.Varint(data[at:])
		if l == 0 {
			return false
		}
		row.RowID = int64(rowid)
		at += l
	}
	if size > local || at+size > len(data) {
		return false
	}
	row.p = payload{local: data[at : at+size : at+size], size: int64(size)}
	return true
}

// leaf returns the leaf page of item i, reading it together with the pages of
// the items after it if they are neighbours in the file.
func (c *Cursor) leaf(b *Batch, i int) (node, error) {
	page, size := b.items[i].page, uint32(c.f.header.PageSize)
	if page < c.runFirst || page >= c.runFirst+c.runPages {
		n := uint32(1)
		for j := i + 1; j < len(b.items) && (n+1)*size <= readAhead; j++ {
			if b.items[j].cell >= 0 {
				continue
			}
			if b.items[j].page != page+n {
				break
			}
			n++
		}
		if c.run == nil {
			c.run = make([]byte, max(readAhead, size))
		}
		c.runPages = 0
		if err := c.f.read(page, c.run[:n*size]); err != nil {
			return node{}, err
		}
		c.runFirst, c.runPages = page, n
	}
	at := (page - c.runFirst) * size
	n, err := c.f.parse(page, c.run[at:at+size])
	if err == nil && (n.kind.Interior() || n.kind.Table() != b.table) {
		err = c.f.corrupt(page, "has the type %#02x where a leaf is due", byte(n.kind))
	}
	if err == nil && n.cells == 0 && page != b.root {
		err = c.f.corrupt(page, "is an empty leaf of a b-tree of several pages")
	}
	return n, err
}

// Record returns the whole record of r, which may come from another Cursor of
// the same File. The slice is valid until c goes on. A record with overflow
// pages can be had once, since that claims them.
func (c *Cursor) Record(r *Row) ([]byte, error) {
	if r.p.overflow == 0 {
		return r.p.local, nil
	}
	return c.assemble(&r.p)
}

// Release frees the memory of the last record, which must not be used again.
func (c *Cursor) Release() { c.record = nil }

// assemble joins the pieces of a record.
func (c *Cursor) assemble(p *payload) ([]byte, error) {
	if int64(cap(c.record)) < p.size || cap(c.record) > 1<<20 && p.size < 1<<20 {
		c.record = nil // do not keep the memory of one large row for good
		c.record = make([]byte, 0, p.size)
	}
	c.record = c.record[:0]
	s := newStream(c, p)
	for {
		piece, err := s.Next()
		if err == io.EOF {
			return c.record, nil
		}
		if err != nil {
			return nil, err
		}
		c.record = append(c.record, piece...)
	}
}

// A Stream reads a record in pieces, so that all of it is never in memory.
type Stream struct {
	c     *Cursor
	p     payload
	begun bool
	next  uint32 // the overflow page that comes next
	left  int64  // bytes of the record on it and after it
	// What left was, or will be, before the first page that nobody has claimed.
	unclaimed int64
}

// Stream returns a Stream of the record of r, which may come from another Cursor
// of the same File. Like Record it can be had once, and ends when c goes on.
func (c *Cursor) Stream(r *Row) *Stream {
	s := newStream(c, &r.p)
	return &s
}

func newStream(c *Cursor, p *payload) Stream {
	s := Stream{c: c, p: *p}
	s.Again()
	s.unclaimed = s.left
	return s
}

// Again goes back to the beginning of the record.
func (s *Stream) Again() {
	s.begun, s.next, s.left = false, s.p.overflow, s.p.size-int64(len(s.p.local))
}

// Next returns the next piece, and io.EOF after the last. It is valid until Next
// is called again.
func (s *Stream) Next() ([]byte, error) {
	f := s.c.f
	if !s.begun {
		s.begun = true
		return s.p.local, nil
	}
	if s.left <= 0 {
		if s.next != 0 {
			return nil, f.corrupt(s.next, "continues an overflow chain that should have ended")
		}
		return nil, io.EOF
	}
	if s.left <= s.unclaimed {
		if err := f.claim(s.next); err != nil {
			return nil, err
		}
	}
	chunk := int64(f.header.Usable() - 4)
	over, err := s.c.overflow(s.next, (s.left+chunk-1)/chunk)
	if err != nil {
		return nil, err
	}
	page, n := s.next, min(chunk, s.left)
	s.next = binary.BigEndian.Uint32(over)
	s.left -= n
	if s.unclaimed = min(s.unclaimed, s.left); s.next == 0 && s.left > 0 {
		return nil, f.corrupt(page, "ends an overflow chain %d bytes early", s.left)
	}
	return over[4 : 4+n], nil
}

// overflowAhead is how many bytes of an overflow chain one read takes at most.
const overflowAhead = 64 << 10

// overflow returns a page of an overflow chain of which as many pages are to come
// as more says. A chain that has gone from one page to its neighbour is taken to
// go on like that.
func (c *Cursor) overflow(page uint32, more int64) ([]byte, error) {
	size := uint32(c.f.header.PageSize)
	if page < c.overFirst || page >= c.overFirst+c.overPages {
		n := uint32(1)
		if c.overPages > 0 && page == c.overFirst+c.overPages {
			n = uint32(min(more, int64(max(overflowAhead/size, 1)), int64(c.f.pages-page)+1))
		}
		if c.over == nil {
			c.over = make([]byte, max(overflowAhead, size))
		}
		c.overPages = 0
		if err := c.f.read(page, c.over[:n*size]); err != nil {
			return nil, err
		}
		c.overFirst, c.overPages = page, n
	}
	at := (page - c.overFirst) * size
	return c.over[at : at+size], nil
}

// Count walks a whole b-tree without looking into its records and returns how
// many it has. It checks the structure of the pages and follows no overflow
// chains.
func (c *Cursor) Count(ctx context.Context, t *Tree) (int64, error) {
	var n int64
	for b, err := range t.Batches() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return n, err
		}
		for i := range b.items {
			if b.items[i].cell >= 0 {
				n++
				continue
			}
			leaf, err := c.leaf(b, i)
			if err != nil {
				return n, err
			}
			n += int64(leaf.cells)
		}
	}
	return n, nil
}
