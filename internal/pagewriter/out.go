package pagewriter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// ErrFull is wrapped when a file would need more pages than page numbers of
// SQLite can count.
var ErrFull = errors.New("database has too many pages")

const (
	maxPage   = 1<<32 - 2 // SQLite's largest page number
	bufferLen = 1 << 20   // what is collected before it is written
)

// out gives pages their numbers and writes them. It may be used by several
// goroutines.
type out struct {
	f        io.WriterAt
	pageSize int
	usable   int
	lockPage uint32

	mu    sync.Mutex
	err   error       // the first that happened; nothing is written after it
	next  uint32      // the lowest number that has not been passed
	first uint32      // the number of the first page in buf
	buf   []byte      // consecutive pages that are not written yet
	maps  *pointerMap // nil without auto_vacuum
	free  [][]byte    // buffers of one page
}

func newOut(f io.WriterAt, h *sqlitefile.Header) *out {
	o := &out{
		f: f, pageSize: h.PageSize, usable: h.Usable(), lockPage: sqlitefile.LockBytePage(h.PageSize),
		next: 2, first: 2, buf: make([]byte, 0, bufferLen),
	}
	if h.LargestRoot != 0 {
		o.maps = &pointerMap{o: o, groups: map[uint32]*mapGroup{}}
	}
	return o
}

// reserve gives out the number of a page that is written later, out of order.
func (o *out) reserve() (uint32, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	no, room, err := o.alloc()
	clear(room)
	return no, err
}

// put gives a sealed page the next number and writes it.
func (o *out) put(p *page) (uint32, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	no, room, err := o.alloc()
	if err != nil {
		return 0, err
	}
	copy(room, p.buf)
	return no, o.mapPage(no, p)
}

// putChain writes content to overflow pages and returns the first of them.
func (o *out) putChain(content *parts) (uint32, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var first, before uint32
	for {
		no, room, err := o.alloc()
		if err != nil {
			return 0, err
		}
		if before == 0 {
			first = no // the map entry is made with that of the b-tree page
		} else if err := o.mapEntry(no, sqlitefile.PointerOverflow2, before); err != nil {
			return 0, err
		}
		n := content.read(room[childLen:o.usable])
		clear(room[childLen+n:])
		if content.left == 0 {
			binary.BigEndian.PutUint32(room, 0)
			return first, nil
		}
		binary.BigEndian.PutUint32(room, o.peek())
		before = no
	}
}

// putAt writes a sealed page that has its number already.
func (o *out) putAt(no uint32, p *page) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	if err := o.writeAt(no, p.buf); err != nil {
		return err
	}
	return o.mapPage(no, p)
}

// alloc returns the next page number and its place in the buffer, whose content
// is undefined and which the caller fills before the next call.
func (o *out) alloc() (uint32, []byte, error) {
	for o.err == nil {
		no := o.next
		if no > maxPage {
			o.err = fmt.Errorf("page size %d: %w", o.pageSize, ErrFull)
			break
		}
		o.next++
		if no == o.lockPage {
			o.flush()
			o.first = no + 1
			continue
		}
		if len(o.buf)+o.pageSize > cap(o.buf) && !o.flush() {
			break
		}
		n := len(o.buf)
		o.buf = o.buf[:n+o.pageSize]
		if o.isMap(no) {
			continue // is written over when its entries are there
		}
		return no, o.buf[n:], nil
	}
	return 0, nil, o.err
}

// peek returns the number that alloc would give out.
func (o *out) peek() uint32 {
	no := o.next
	for no == o.lockPage || o.isMap(no) {
		no++
	}
	return no
}

// pages returns the number of the last page of the file. It is never one that
// alloc passes over, for alloc does not stop behind such a page.
func (o *out) pages() uint32 { return o.next - 1 }

func (o *out) isMap(no uint32) bool {
	return o.maps != nil && sqlitefile.PointerMapPage(no, o.pageSize, o.usable) == no
}

// flush writes the buffer and reports whether that succeeded.
func (o *out) flush() bool {
	if o.err == nil && len(o.buf) > 0 {
		o.err = o.write(o.first, o.buf)
	}
	o.first += uint32(len(o.buf) / o.pageSize)
	o.buf = o.buf[:0]
	return o.err == nil
}

// writeAt writes one page that stands in the buffer or anywhere before it.
func (o *out) writeAt(no uint32, b []byte) error {
	if no >= o.first {
		copy(o.buf[int(no-o.first)*o.pageSize:], b)
		return nil
	}
	o.err = o.write(no, b)
	return o.err
}

func (o *out) write(no uint32, b []byte) error {
	if _, err := o.f.WriteAt(b, int64(no-1)*int64(o.pageSize)); err != nil {
		return fmt.Errorf("write page %d: %w", no, err)
	}
	return nil
}

// finish writes all that is held, and page 1 after everything else.
func (o *out) finish(page1 []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.maps != nil && o.err == nil {
		if err := o.maps.finish(); err != nil {
			return err
		}
	}
	if !o.flush() {
		return o.err
	}
	return o.writeAt(1, page1)
}

// failed returns the error after which nothing was written.
func (o *out) failed() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.err
}

// page returns an empty page.
func (o *out) page(head int) *page {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := &page{usable: o.usable}
	if n := len(o.free); n > 0 {
		p.buf, o.free = o.free[n-1], o.free[:n-1]
		clear(p.buf[o.usable:])
	} else {
		p.buf = make([]byte, o.pageSize)
	}
	p.reset(head)
	return p
}

// release takes back the buffer of a page that is no longer used.
func (o *out) release(p *page) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.free = append(o.free, p.buf)
	p.buf = nil
}

// parts reads the pieces of a record one after another.
type parts struct {
	piece []byte // what is left of the current one
	rest  [][]byte
	left  int // bytes that are still to be read
}

// read fills b as far as there is content, and returns how far.
func (p *parts) read(b []byte) int {
	n := 0
	for n < len(b) && p.left > 0 {
		for len(p.piece) == 0 {
			p.piece, p.rest = p.rest[0], p.rest[1:]
		}
		c := copy(b[n:], p.piece)
		p.piece = p.piece[c:]
		p.left -= c
		n += c
	}
	return n
}
