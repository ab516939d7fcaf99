package rebuild

import (
	"fmt"
	"math"
	"slices"

	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// rowPlan says how the values of a row in the document become a record.
type rowPlan struct {
	width   document.Width
	rowid   int  // which value is the rowid, -1 for none
	byRowID bool // the b-tree has rowids
	fields  []field
	inOrder bool // the fields stand as the values of the row do, the implicit rowid before them
	indexes []*ownIndex
}

// field is one field of a stored record.
type field struct {
	from int  // position in the row of the document, -1 for NULL
	real bool // REAL affinity: whole numbers are stored as integers
}

// newRowPlan matches the opening line of a table with what SQLite makes of its
// schema.
func newRowPlan(t *document.Table, o *engine.Object) (*rowPlan, error) {
	p := &rowPlan{width: t.Width(), rowid: t.RowID, byRowID: t.RowID != document.RowIDNone}
	if t.RowID == document.RowIDImplicit {
		p.rowid = 0
	}
	if t.Columns == nil {
		return p, nil
	}
	if o == nil || o.Table == nil {
		return nil, fmt.Errorf("SQLite %s cannot read its declaration: %w", engine.Version(), ErrDocument)
	}
	info := o.Table
	if info.WithoutRowID == p.byRowID {
		return nil, fmt.Errorf("its rows and its declaration disagree on WITHOUT ROWID: %w", ErrDocument)
	}
	// The document has the stored columns in the order of the declaration.
	from := make([]int, len(info.Columns))
	stored := make([]bool, len(info.Columns))
	for _, c := range info.StorageOrder {
		stored[c] = true
	}
	first := 0
	if t.RowID == document.RowIDImplicit {
		first = 1
	}
	next := first
	for c := range info.Columns {
		from[c] = -1
		if stored[c] {
			from[c] = next
			next++
		}
	}
	if next != len(t.Columns) {
		return nil, fmt.Errorf("it has %d columns, its declaration %d: %w", len(t.Columns), next, ErrDocument)
	}
	p.inOrder = true
	for _, c := range info.StorageOrder {
		f := field{from: from[c], real: info.Columns[c].RealAffinity}
		p.inOrder = p.inOrder && f.from == first+len(p.fields)
		if c == info.RowIDAlias {
			if f.from != t.RowID {
				return nil, fmt.Errorf("its rowid is not where its declaration has it: %w", ErrDocument)
			}
			f.from = -1
		}
		p.fields = append(p.fields, f)
	}
	return p, nil
}

// The whole numbers that SQLite stores as integers in a column of REAL affinity:
// those of six bytes.
const minCompact, maxCompact = -1 << 47, 1<<47 - 1

// compact makes a real what a column of REAL affinity stores.
func compact(v *value.Value) {
	f := v.Float()
	if f != math.Trunc(f) || f < minCompact || f > maxCompact || f == 0 && math.Signbit(f) {
		return
	}
	*v = value.OfInt(int64(f))
}

// A recorder turns items of the document into records. One goroutine uses it.
type recorder struct {
	enc     sqlitefile.Encoding
	format  uint32
	row     []value.Value
	fields  []value.Value
	utf16   []byte
	entries []entries // of the table's own indexes
}

// parse parses item and returns the rowid, if the table has them, and the
// stored fields. They alias item until the next call.
func (r *recorder) parse(p *rowPlan, item []byte) (rowid int64, fields []value.Value, err error) {
	if r.row, err = document.ParseRow(item, r.row); err != nil {
		return 0, nil, err
	}
	if !p.width.Has(len(r.row)) {
		return 0, nil, fmt.Errorf("row has %d values, not %d to %d: %w", len(r.row), p.width.Least, p.width.Most, ErrDocument)
	}
	if p.byRowID {
		if p.rowid >= len(r.row) || r.row[p.rowid].Kind != value.Integer {
			return 0, nil, fmt.Errorf("row has no integer rowid: %w", ErrDocument)
		}
		rowid = r.row[p.rowid].Int
	}
	r.utf16 = r.utf16[:0]
	if p.fields == nil {
		fields = r.row
		if p.byRowID {
			fields = fields[1:]
		}
		for i := range fields {
			r.store(&fields[i])
		}
		return rowid, fields, nil
	}
	n := len(p.fields) - (p.width.Most - len(r.row)) // a short row lacks the last ones
	if p.inOrder {
		fields = r.row[len(r.row)-n:]
	} else {
		r.fields = slices.Grow(r.fields[:0], n)[:n]
		for i := range n {
			f := &p.fields[i]
			if f.from >= len(r.row) {
				return 0, nil, fmt.Errorf("row lacks field %d of %d: %w", i, n, ErrDocument)
			}
			if f.from >= 0 {
				r.fields[i] = r.row[f.from]
			}
		}
		fields = r.fields
	}
	for i := range n {
		switch f, v := &p.fields[i], &fields[i]; {
		case f.from < 0:
			*v = value.Value{}
		case f.real && v.Kind == value.Real:
			compact(v)
		default:
			r.store(v)
		}
	}
	return rowid, fields, nil
}

// store puts the text of v into the encoding of the database.
func (r *recorder) store(v *value.Value) {
	if v.Kind == value.Text && r.enc != sqlitefile.UTF8 {
		if len(v.Bytes) >= largeItem {
			v.Bytes = sqlitefile.EncodeText(make([]byte, 0, sqlitefile.EncodedLen(v.Bytes, r.enc)), v.Bytes, r.enc)
			return
		}
		start := len(r.utf16)
		r.utf16 = sqlitefile.EncodeText(r.utf16, v.Bytes, r.enc)
		v.Bytes = r.utf16[start:len(r.utf16):len(r.utf16)]
	}
}
