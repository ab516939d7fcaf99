package pagewriter

import (
	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// Index is a b-tree whose keys are records: an index, or a table WITHOUT ROWID.
type Index struct {
	tree
	// divider is a cell that came when the leaf was full. Whether it becomes
	// the divider is known only when another follows.
	divider []byte
	waiting bool // divider is set
}

// Append adds an entry, a whole record in SQLite's record format, which may be
// reused after the call. The order is the caller's: it is taken as it is. After
// an error the Writer is of no more use.
func (x *Index) Append(record []byte) error {
	if len(record) > x.maxLocal {
		x.one[0] = record
		return x.AppendParts(x.one[:]...)
	}
	if err := x.ready(); err != nil {
		return err
	}
	head := sqlitefile.VarintLen(uint64(len(record)))
	size := head + len(record)
	if !x.leaf.fits(max(size, minCellLen)) {
		x.divider = append(sqlitefile.AppendVarint(x.divider[:0], uint64(len(record))), record...)
		x.waiting = true
		return nil
	}
	cell := x.leaf.take(size)
	sqlitefile.AppendVarint(cell[:0], uint64(len(record)))
	copy(cell[head:], record)
	return nil
}

// AppendParts adds an entry like Append. The pieces, one after another, are the
// record.
func (x *Index) AppendParts(pieces ...[]byte) error {
	if err := x.ready(); err != nil {
		return err
	}
	if err := x.spill(0, pieces); err != nil {
		return x.fail(err)
	}
	if x.leaf.fits(max(len(x.cell), minCellLen)) {
		copy(x.leaf.take(len(x.cell)), x.cell)
		return nil
	}
	x.divider, x.cell = x.cell, x.divider
	x.waiting = true
	return nil
}

// ready makes room for an entry: the one that waits becomes a divider.
func (x *Index) ready() error {
	if err := x.check(); err != nil {
		return err
	}
	if !x.waiting {
		return nil
	}
	x.waiting = false
	if err := x.endLeaf(x.divider); err != nil {
		return x.fail(err)
	}
	return nil
}

// Close writes the last pages of the b-tree and its root. An index without
// entries is an empty leaf. Close is called once.
func (x *Index) Close() error { return x.close(x.end) }

func (x *Index) end() error {
	if x.waiting {
		// Nothing follows: the last entry of the leaf is the divider instead,
		// and the one that waits has a leaf for itself.
		x.waiting = false
		last := x.leaf.last()
		last = append([]byte(nil), last[:x.cellLen(last)]...)
		x.leaf.drop()
		if err := x.endLeaf(last); err != nil {
			return err
		}
		copy(x.leaf.take(len(x.divider)), x.divider)
	}
	return x.finish()
}

// cellLen returns the length of a leaf's cell without zeros behind it.
func (x *Index) cellLen(cell []byte) int {
	size, n := sqlitefile.Varint(cell)
	local := sqlitefile.LocalPayload(false, x.w.out.usable, int64(size))
	if int64(local) < int64(size) {
		n += childLen
	}
	return n + local
}
