package pagewriter

import (
	"fmt"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// OrderError says that a rowid does not follow the one before it.
type OrderError struct {
	Rowid, Previous int64
}

// Error names both rowids.
func (e *OrderError) Error() string {
	return fmt.Sprintf("rowid %d comes after rowid %d", e.Rowid, e.Previous)
}

// Table is a b-tree with rowids.
type Table struct {
	tree
	last  int64 // rowid
	begun bool
}

// Append adds a row. The payload is its whole record in SQLite's record format
// and may be reused after the call. Rowids must be strictly ascending; the
// error is an [*OrderError] if not. After any other error the Writer is of no
// more use.
func (t *Table) Append(rowid int64, payload []byte) error {
	if len(payload) > t.maxLocal {
		t.one[0] = payload
		return t.AppendParts(rowid, t.one[:]...)
	}
	if err := t.next(rowid); err != nil {
		return err
	}
	head := sqlitefile.VarintLen(uint64(len(payload))) + sqlitefile.VarintLen(uint64(rowid))
	cell, err := t.room(head + len(payload))
	if err != nil {
		return t.fail(err)
	}
	c := sqlitefile.AppendVarint(cell[:0], uint64(len(payload)))
	sqlitefile.AppendVarint(c, uint64(rowid))
	copy(cell[head:], payload)
	t.last = rowid
	return nil
}

// AppendParts adds a row like Append. The pieces, one after another, are its
// record.
func (t *Table) AppendParts(rowid int64, pieces ...[]byte) error {
	if err := t.next(rowid); err != nil {
		return err
	}
	if err := t.spill(rowid, pieces); err != nil {
		return t.fail(err)
	}
	cell, err := t.room(len(t.cell))
	if err != nil {
		return t.fail(err)
	}
	copy(cell, t.cell)
	t.last = rowid
	return nil
}

// next checks that a row can be added and that rowid follows the last one.
func (t *Table) next(rowid int64) error {
	if err := t.check(); err != nil {
		return err
	}
	if t.begun && rowid <= t.last {
		return &OrderError{Rowid: rowid, Previous: t.last}
	}
	t.begun = true
	return nil
}

// room returns the place of the next cell, on a new leaf if need be.
func (t *Table) room(size int) ([]byte, error) {
	if !t.leaf.fits(max(size, minCellLen)) {
		var key [sqlitefile.MaxVarint]byte
		if err := t.endLeaf(sqlitefile.AppendVarint(key[:0], uint64(t.last))); err != nil {
			return nil, err
		}
	}
	return t.leaf.take(size), nil
}

// Close writes the last pages of the b-tree and its root. A table without rows
// is an empty leaf. Close is called once.
func (t *Table) Close() error { return t.close(t.finish) }
