package pagewriter

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// ErrTooBig is wrapped when a record is longer than SQLite can read back.
var ErrTooBig = errors.New("record is longer than 2147483647 bytes")

// tree is what table and index b-trees share: all but what a leaf is.
type tree struct {
	w        *Writer
	root     uint32
	table    bool
	maxLocal int // longest payload without overflow pages
	leaf     *page
	levels   []*level // interior pages, lowest first
	cell     []byte   // scratch: a cell without its left child
	one      [1][]byte
	closed   bool
	err      error
}

// level is the edge of the b-tree at one height.
type level struct {
	page *page // is being filled; its right-most child is still to come
	// full is the page before, while page has no cell yet; nil otherwise.
	full    *page
	right   uint32 // right-most child of full
	divider []byte // parts full and page
}

func (t *tree) leafType() sqlitefile.PageType {
	if t.table {
		return sqlitefile.TableLeaf
	}
	return sqlitefile.IndexLeaf
}

func (t *tree) interiorType() sqlitefile.PageType {
	if t.table {
		return sqlitefile.TableInterior
	}
	return sqlitefile.IndexInterior
}

// check returns an error when nothing can be appended.
func (t *tree) check() error {
	if t.err == nil && t.closed {
		return fmt.Errorf("b-tree at page %d is closed", t.root)
	}
	return t.err
}

func (t *tree) fail(err error) error {
	if t.err == nil {
		t.err = err
	}
	return t.err
}

// spill makes t.cell of a key (in a table) and a record, and writes what is too
// long for a b-tree page to overflow pages.
func (t *tree) spill(rowid int64, pieces [][]byte) error {
	p := parts{rest: pieces}
	for _, b := range pieces {
		p.left += len(b)
	}
	total := p.left
	if total > math.MaxInt32 {
		return fmt.Errorf("%d bytes: %w", total, ErrTooBig)
	}
	c := sqlitefile.AppendVarint(t.cell[:0], uint64(total))
	if t.table {
		c = sqlitefile.AppendVarint(c, uint64(rowid))
	}
	local := sqlitefile.LocalPayload(t.table, t.w.out.usable, int64(total))
	at := len(c)
	c = append(c, make([]byte, local)...)
	p.read(c[at:])
	if p.left > 0 {
		chain, err := t.w.out.putChain(&p)
		if err != nil {
			return err
		}
		c = binary.BigEndian.AppendUint32(c, chain)
	}
	t.cell = c
	return nil
}

// endLeaf writes the leaf, which is not the last, and starts the next one. The
// divider stands between the two.
func (t *tree) endLeaf(divider []byte) error {
	t.leaf.seal(t.leafType(), 0)
	no, err := t.w.out.put(t.leaf)
	if err != nil {
		return err
	}
	t.leaf.reset(leafHead)
	return t.push(0, no, divider)
}

// push adds a finished page and the divider behind it to interior level l.
func (t *tree) push(l int, child uint32, divider []byte) error {
	if l == len(t.levels) {
		t.levels = append(t.levels, &level{page: t.w.out.page(intHead)})
	}
	lv := t.levels[l]
	if !lv.page.fits(childLen + len(divider)) {
		lv.full, lv.right = lv.page, child
		lv.divider = append(lv.divider[:0], divider...)
		lv.page = t.w.out.page(intHead)
		return nil
	}
	lv.page.addChild(child, divider)
	return t.endFull(l)
}

// endFull writes the full page of a level, if there is one.
func (t *tree) endFull(l int) error {
	lv := t.levels[l]
	if lv.full == nil {
		return nil
	}
	lv.full.seal(t.interiorType(), lv.right)
	no, err := t.w.out.put(lv.full)
	if err != nil {
		return err
	}
	t.w.out.release(lv.full)
	lv.full = nil
	return t.push(l+1, no, lv.divider)
}

// share moves the last child of the full page to the page after it, which has
// no cell.
func (lv *level) share() {
	lv.page.addChild(lv.right, lv.divider)
	c := lv.full.last()
	lv.right = binary.BigEndian.Uint32(c)
	lv.divider = append(lv.divider[:0], c[childLen:]...)
	lv.full.drop()
}

// finish writes all that is held, the root last. The leaf must not be empty
// unless the b-tree is.
func (t *tree) finish() error {
	top := t.leaf
	top.seal(t.leafType(), 0)
	for l := 0; l < len(t.levels); l++ {
		no, err := t.w.out.put(top)
		if err != nil {
			return err
		}
		lv := t.levels[l]
		if lv.page.n == 0 {
			lv.share()
		}
		if err := t.endFull(l); err != nil {
			return err
		}
		t.w.out.release(top)
		top = lv.page
		top.seal(t.interiorType(), no)
	}
	if err := t.putRoot(top); err != nil {
		return err
	}
	t.w.out.release(top)
	return nil
}

func (t *tree) putRoot(top *page) error {
	if t.root != 1 {
		return t.w.out.putAt(t.root, top)
	}
	if !top.fitsPage1() {
		no, err := t.w.out.put(top)
		if err != nil {
			return err
		}
		top.reset(intHead)
		top.seal(t.interiorType(), no)
	}
	return t.w.setPage1(top)
}

// close ends the b-tree with end, unless it has failed or was closed before.
func (t *tree) close(end func() error) error {
	if err := t.check(); err != nil {
		return err
	}
	t.closed = true
	if err := end(); err != nil {
		return t.fail(err)
	}
	t.leaf, t.levels = nil, nil
	t.w.done(t.root)
	return nil
}
