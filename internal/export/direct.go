package export

import (
	"encoding/binary"
	"hash/maphash"
	"math"

	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// stored returns the columns that records have fields for.
func (t *Table) stored() []column {
	if t.RowID == document.RowIDImplicit {
		return t.columns[1:]
	}
	return t.columns
}

// inOrder says whether the fields of a record are the columns, in their order.
// What stands in field alias means nothing, since the column is the rowid.
func (t *Table) inOrder(alias int) bool {
	for i, c := range t.stored() {
		if c.field != i && (c.field >= 0 || i != alias) {
			return false
		}
	}
	return true
}

// direct appends the item of a row to text right from its record rec, and takes
// the words of its fields. It knows rows of the usual kind alone: in UTF-8, of a
// table whose fields are in order, with a field for each column. Of all others,
// and of what is damaged, it says false; what it has appended means nothing then.
func (e *encoder) direct(text []byte, t *Table, rowid int64, rec []byte) (_ []byte, ok bool) {
	if t == nil || !t.direct || len(rec) == 0 || rec[0] == 0 || rec[0] >= 0x80 || int(rec[0]) > len(rec) {
		return text, false
	}
	head, body := rec[1:rec[0]], rec[rec[0]:]
	columns := t.stored()
	text = append(text, '[')
	if len(columns) < len(t.columns) {
		text = append(document.AppendInt(text, rowid), ',')
	}
	if cap(e.words) < len(columns) {
		e.words = make([]word, len(columns))
	}
	words := e.words[:len(columns)]
	for i := range words {
		if len(head) == 0 { // a row from before the column was added
			return text, false
		}
		serial, n := uint64(head[0]), 1
		if serial >= 0x80 {
			if serial, n = sqlitefile.Varint(head); n == 0 {
				return text, false
			}
		}
		head = head[n:]
		size := sqlitefile.SerialLen(serial)
		if uint64(size) > uint64(len(body)) || serial == 10 || serial == 11 {
			return text, false
		}
		c := &columns[i]
		switch {
		case c.field < 0:
			words[i] = word{uint64(rowid), value.Integer}
			text = document.AppendInt(text, rowid)
		case serial-1 < 6 && len(body) >= 8 && !c.real: // an integer of any length at once
			x := int64(binary.BigEndian.Uint64(body)) >> (64 - 8*size)
			words[i] = word{uint64(x), value.Integer}
			text = document.AppendInt(text, x)
		default:
			text, words[i] = appendField(text, serial, body[:size:size], c.real, t.indexed[i])
		}
		text = append(text, ',')
		body = body[size:]
	}
	text[len(text)-1] = ']'
	e.words = words
	return text, len(head) == 0 && len(body) == 0
}

// appendField appends the value of a field, whose content is b, and returns its
// word; that of a text or blob only if an index asks for it. Real says that the
// column has REAL affinity.
func appendField(text []byte, serial uint64, b []byte, real, indexed bool) (_ []byte, w word) {
	switch {
	case serial >= 12:
		kind := value.Blob
		if serial&1 == 0 {
			text = document.AppendBlob(text, b)
		} else {
			kind, text = value.RawText, document.AppendStoredText(text, b)
		}
		if indexed {
			w = word{maphash.Bytes(seed, b), kind}
		}
		return text, w
	case serial == 7:
		v := value.OfFloat(math.Float64frombits(binary.BigEndian.Uint64(b))) // NULL for a NaN
		return document.AppendValue(text, &v), wordOf(&v)
	case serial == 0:
		return append(text, "null"...), w
	}
	x := sqlitefile.DecodeInt(serial, b)
	if real {
		return document.AppendFloat(text, float64(x)), word{math.Float64bits(float64(x)), value.Real}
	}
	return document.AppendInt(text, x), word{uint64(x), value.Integer}
}

// A word stands for a value in the hash of an entry. It goes by the value and not
// by its stored form, since one integer can be stored in several ways and nobody
// can see which.
type word struct {
	x    uint64
	kind value.Kind
}

func wordOf(v *value.Value) word {
	switch v.Kind {
	case value.Text, value.RawText, value.Blob:
		return word{maphash.Bytes(seed, v.Bytes), v.Kind}
	}
	return word{uint64(v.Int), v.Kind}
}
