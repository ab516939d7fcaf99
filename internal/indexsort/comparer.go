package indexsort

import "github.com/litekeep/litekeep/internal/sqlitefile"

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
