package export

import (
	"bytes"
	"fmt"

	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// keyCopy is a column that the primary key of a WITHOUT ROWID table has again, in
// another collation. SQL shows its first field alone, and so does the document.
type keyCopy struct {
	first, again int // fields of the record
	column       string
}

// checkCopies returns an error if a record has two values for one column, of which a
// restore could write only one.
func (t *Table) checkCopies(fields []value.Value, enc sqlitefile.Encoding) error {
	for _, c := range t.copies {
		a, b := t.fieldAt(fields, c.first), t.fieldAt(fields, c.again)
		if a.Kind != b.Kind || a.Int != b.Int || !bytes.Equal(a.Bytes, b.Bytes) {
			return fmt.Errorf("the primary key has column %q twice, and a row has %s in the first place and %s in the second: %w",
				c.column, excerpt(a, enc), excerpt(b, enc), ErrRefused)
		}
	}
	return nil
}

// fieldAt returns a field as SQL shows it, NULL where the record ends before it.
func (t *Table) fieldAt(fields []value.Value, i int) value.Value {
	switch {
	case i >= len(fields):
		return value.Value{}
	case t.real[i] && fields[i].Kind == value.Integer:
		return value.OfFloat(float64(fields[i].Int))
	}
	return fields[i]
}

// excerpt returns a value for a message, the beginning of one that is long.
func excerpt(v value.Value, enc sqlitefile.Encoding) []byte {
	const most = 40
	v = ownText(v, enc)
	if len(v.Bytes) <= most {
		return document.AppendValue(nil, &v)
	}
	v.Bytes = bytes.ToValidUTF8(v.Bytes[:most], nil)
	return append(document.AppendValue(nil, &v), "…"...)
}
