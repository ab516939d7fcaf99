package indexsort

import (
	"bytes"
	"cmp"
	"fmt"

	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// A Comparer compares records in the order of a Sorter. One goroutine uses it.
type Comparer struct{ order order }

// NewComparer returns a Comparer of records whose first fields are ordered as
// columns say, in a database with encoding enc.
func NewComparer(columns []Column, enc sqlitefile.Encoding) *Comparer {
	return &Comparer{order{columns: columns, enc: enc}}
}

// Compare is negative if x comes before y, positive if it comes after y, and 0
// if neither does. Both must be whole records: Validate says whether they are.
func (c *Comparer) Compare(x, y []byte) int { return c.order.compare(x, y) }

// Validate returns an error that wraps sqlitefile.ErrCorrupt when record is no
// record, and ErrUnsupported when it cannot be compared.
func (c *Comparer) Validate(record []byte) error { return c.order.validate(record) }

// CompareValues is Compare for records whose fields were decoded, with text as
// stored. ValidateValues says whether they can be compared.
func (c *Comparer) CompareValues(x, y []value.Value) int {
	for i := range min(len(x), len(y)) {
		a, b := &x[i], &y[i]
		col := c.order.column(i)
		var r int
		if a.Kind == value.Integer && b.Kind == value.Integer {
			r = cmp.Compare(a.Int, b.Int)
		} else {
			r = c.order.compareValues(a, b, col.Collation)
		}
		switch {
		case r == 0:
		case col.Desc:
			return -r
		default:
			return r
		}
	}
	return cmp.Compare(len(x), len(y))
}

// ValidateValues returns ErrUnsupported when a field cannot be compared: text
// that no collation but BINARY can read.
func (c *Comparer) ValidateValues(record []value.Value) error {
	o := &c.order
	if o.enc == sqlitefile.UTF8 {
		return nil
	}
	for i := range record {
		if record[i].Kind == value.RawText && o.column(i).Collation != Binary {
			var ok bool
			if o.scratch[0], ok = sqlitefile.DecodeText(o.scratch[0][:0], record[i].Bytes, o.enc); !ok {
				return fmt.Errorf("field %d: %w", i, ErrUnsupported)
			}
		}
	}
	return nil
}

func (o *order) compareValues(a, b *value.Value, c Collation) int {
	k, l := classOfKind(a.Kind), classOfKind(b.Kind)
	switch {
	case k != l:
		return cmp.Compare(k, l)
	case k == text && c != Binary:
		return o.compareText(a.Bytes, b.Bytes, c)
	case k == text || k == blob:
		return bytes.Compare(a.Bytes, b.Bytes)
	case k == null:
		return 0
	case a.Kind == value.Integer && b.Kind == value.Integer:
		return cmp.Compare(a.Int, b.Int)
	case a.Kind == value.Integer:
		return compareIntReal(a.Int, b.Float())
	case b.Kind == value.Integer:
		return -compareIntReal(b.Int, a.Float())
	}
	return cmp.Compare(a.Float(), b.Float())
}

func classOfKind(k value.Kind) class {
	switch k {
	case value.Null:
		return null
	case value.Integer, value.Real:
		return number
	case value.Blob:
		return blob
	}
	return text
}
