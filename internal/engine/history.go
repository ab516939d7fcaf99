package engine

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// change is what transactions have changed in a database.
type change struct {
	pages []uint32
	grown int64 // the number of pages beyond which all have changed, too
}

func newChange() *change { return &change{grown: math.MaxUint32} }

func (c *change) none() bool { return len(c.pages) == 0 && c.grown == math.MaxUint32 }

// history tells what a database was before each of some transactions: what it is
// now, but for the pages that their journals have saved.
type history struct {
	f            *follower
	transactions []*transaction
	then         map[uint32]savedPage // pages of the state that was reached
}

// transaction is one whose journal was read.
type transaction struct {
	file    *os.File
	journal *sqlitefile.Journal
	counter uint32 // change counter of the database before it
	pages   uint32 // its size
}

// savedPage is where a page of an earlier state is.
type savedPage struct {
	file *os.File
	off  int64
}

// read reads the journals of transactions that have ended.
func (h *history) read(journals []*os.File) error {
	left := int64(followBytes)
	for _, file := range journals {
		info, err := file.Stat()
		if err != nil {
			return fmt.Errorf("%w: %w", errUnknown, err)
		}
		if left -= info.Size(); left < 0 {
			return fmt.Errorf("%w: too many", errUnknown)
		}
		j, err := sqlitefile.ReadJournal(file, info.Size())
		if err != nil {
			return fmt.Errorf("%w: %w", errUnknown, err)
		}
		t := &transaction{file: file, journal: j, pages: j.OrigPages}
		if err := t.readHeader(); err != nil {
			return err
		}
		h.transactions = append(h.transactions, t)
	}
	return nil
}

// readHeader finds page 1, which every transaction that commits has changed.
func (t *transaction) readHeader() error {
	for _, saved := range t.journal.Saved {
		if saved.Page != 1 {
			continue
		}
		header := make([]byte, headerSize)
		if _, err := t.file.ReadAt(header, saved.Offset); err != nil {
			return fmt.Errorf("%w: %w", errUnknown, err)
		}
		t.counter = binary.BigEndian.Uint32(header[offsetChangeCounter:])
		// SQLite may use pages within the file, but beyond this, as if they were new.
		if n := pageCountOf(header); n > 0 {
			t.pages = min(t.pages, uint32(n))
		}
		return nil
	}
	return fmt.Errorf("%w: a journal without page 1", errUnknown)
}

// since returns what the transactions have changed that took the change counter
// from one number to another.
func (h *history) since(from, to uint32) (*change, error) {
	leaves, err := h.leaves()
	if err != nil {
		return nil, err
	}
	free := make(map[uint32]bool, len(leaves))
	for _, leaf := range leaves {
		free[leaf] = true
	}
	c := newChange()
	for to != from {
		to-- // a wrap to 0 is as good
		if !h.undo(to, c) {
			return nil, fmt.Errorf("%w: no journal of change %d", errUnknown, to)
		}
		if leaves, err = h.leaves(); err != nil {
			return nil, err
		}
		for _, leaf := range leaves { // the content of those that are still free is not used
			if !free[leaf] {
				c.pages = append(c.pages, leaf)
			}
		}
	}
	return c, nil
}

// undo goes back to the state before the transaction that found the change counter
// at this number, and adds what it has saved to c. More than one can have begun
// there, if all but one were rolled back.
func (h *history) undo(counter uint32, c *change) (found bool) {
	for _, t := range h.transactions {
		if t.counter != counter || int64(t.journal.PageSize) != h.f.pageSize {
			continue
		}
		found = true
		c.grown = min(c.grown, int64(t.pages))
		for _, saved := range t.journal.Saved {
			c.pages = append(c.pages, saved.Page)
			h.then[saved.Page] = savedPage{t.file, saved.Offset}
		}
	}
	return found
}

// page returns a page of the state that was reached, until the next call.
func (h *history) page(number uint32) ([]byte, error) {
	b := bytesAt(h.f.page, int(h.f.pageSize))
	saved, ok := h.then[number]
	if !ok {
		return b, h.f.s.file.readAt(h.f.page, len(b), int64(number-1)*h.f.pageSize)
	}
	if _, err := saved.file.ReadAt(b, saved.off); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnknown, err)
	}
	return b, nil
}

// leaves returns the leaves of the freelist of the state that was reached. A
// transaction may write to them without saving them first, since they hold
// nothing.
func (h *history) leaves() (leaves []uint32, err error) {
	header, err := h.page(1)
	if err != nil {
		return nil, err
	}
	if pageSizeOf(header) != h.f.pageSize {
		return nil, fmt.Errorf("%w: the page size has changed", errUnknown)
	}
	usable := int(h.f.pageSize) - int(header[offsetReserved])
	trunk := binary.BigEndian.Uint32(header[offsetFreelist:])
	free := int(binary.BigEndian.Uint32(header[offsetFreelist+4:]))
	for trunks := 1; trunk != 0; trunks++ {
		page, err := h.page(trunk)
		if err != nil {
			return nil, err
		}
		if trunk, leaves, err = sqlitefile.FreelistTrunk(page, usable, leaves); err != nil {
			return nil, fmt.Errorf("%w: %w", errUnknown, err)
		}
		if trunks+len(leaves) > free {
			return nil, fmt.Errorf("%w: the freelist is damaged", errUnknown)
		}
	}
	return leaves, nil
}
