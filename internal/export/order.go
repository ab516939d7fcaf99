package export

import (
	"bytes"
	"fmt"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/indexsort"
	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// keyOrder checks that the rows of a WITHOUT ROWID table stand in the order of
// its primary key. It sees the rows of one batch; first and last let the outlet
// check that batches follow each other.
type keyOrder struct {
	order       *indexsort.Comparer
	table       *Table
	first, last []byte
}

// begin is called before each batch.
func (k *keyOrder) begin(t *Table, enc sqlitefile.Encoding) {
	k.first, k.last = nil, nil
	if t == nil || t.key == nil {
		k.order = nil
		return
	}
	if k.order == nil || k.table != t {
		k.order, k.table = indexsort.NewComparer(t.key, enc), t
	}
}

func (k *keyOrder) add(rec []byte) error {
	if k.order == nil {
		return nil
	}
	if err := k.order.Validate(rec); err != nil {
		return err
	}
	if k.first == nil {
		k.first = bytes.Clone(rec)
	} else if k.order.Compare(k.last, rec) >= 0 {
		return errKeyOrder
	}
	k.last = append(k.last[:0], rec...)
	return nil
}

// follows checks that a batch comes after the one before it.
func (t *Table) follows(first, final []byte, enc sqlitefile.Encoding) error {
	if first == nil {
		return nil
	}
	if t.final != nil && indexsort.NewComparer(t.key, enc).Compare(t.final, first) >= 0 {
		return errKeyOrder
	}
	t.final = final
	return nil
}

var errKeyOrder = fmt.Errorf("rows are not in the order of the primary key: %w", sqlitefile.ErrCorrupt)

// binaryKey returns how the rows of a WITHOUT ROWID table are ordered, nil if
// that is not by their bytes: a program may have put its own collation in the
// place of a built-in one.
func binaryKey(t *engine.TableInfo) []indexsort.Column {
	var key []indexsort.Column
	for _, c := range t.PrimaryKey {
		if collation, known := indexsort.ParseCollation(c.Collation); !known || collation != indexsort.Binary {
			return nil
		}
		key = append(key, indexsort.Column{Desc: c.Desc})
	}
	return key
}
