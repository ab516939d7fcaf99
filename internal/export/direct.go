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

// openRow appends what stands before the first stored column: the rowid, where that
// is none of them.
func (t *Table) openRow(text []byte, rowid int64) []byte {
	text = append(text, '[')
	if t.RowID == document.RowIDImplicit {
		text = append(document.AppendInt(text, rowid), ',')
	}
	return text
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
	columns := t.stored()
	text = t.openRow(text, rowid)
	words := e.takeWords(t, rowid)
	head, body := rec[1:rec[0]], int(rec[0]) // where the content of the next field begins
	for i := range columns {
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
		if uint64(size) > uint64(len(rec)-body) || serial == 10 || serial == 11 {
			return text, false
		}
		end := body + int(size)
		c := &columns[i]
		switch {
		case c.field < 0:
			text = document.AppendInt(text, rowid)
		case serial-1 < 6 && end >= 4 && !c.real:
			x := integerBefore(rec, end, size)
			words[i] = word{uint64(x), value.Integer}
			text = document.AppendInt(text, x)
		default:
			text, words[i] = appendField(text, serial, rec[body:end:end], c.real, t.indexed[i])
		}
		text = append(text, ',')
		body = end
	}
	text[len(text)-1] = ']'
	return text, len(head) == 0 && body == len(rec)
}

// integerBefore returns the integer whose content are the size bytes of rec before
// end, which is 4 or more. It reads as many bytes for any size, since sizes that
// change from row to row are slow to tell apart. Six or eight never end before the
// eighth byte, because a header comes first.
func integerBefore(rec []byte, end int, size int64) int64 {
	if end >= 8 {
		return int64(binary.BigEndian.Uint64(rec[end-8:end])<<(64-8*size)) >> (64 - 8*size)
	}
	return int64(int32(binary.BigEndian.Uint32(rec[end-4:end])<<(32-8*size)) >> (32 - 8*size))
}

// appendField appends the value of a field, whose content is b, and returns its
// word; that of a text or blob only if an index asks for it. Real says that the
// column has REAL affinity.
func appendField(text []byte, serial uint64, b []byte, real, indexed bool) (_ []byte, w word) {
	switch {
	case serial >= 12:
		if indexed {
			w = fieldWord(serial, b)
		}
		if serial&1 == 0 {
			return document.AppendBlob(text, b), w
		}
		return document.AppendStoredText(text, b), w
	case serial == 7:
		return document.AppendFloat(text, math.Float64frombits(binary.BigEndian.Uint64(b))), fieldWord(serial, b)
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

// takeWords makes room for the words of a row of t, one for each field, one for the
// rowid, which is set, and one for each expression of its indexes.
func (e *encoder) takeWords(t *Table, rowid int64) []word {
	n := len(t.indexed)
	if len(e.words) != n+1+len(t.exprs) {
		e.words = make([]word, n+1+len(t.exprs))
	}
	e.words[n] = word{uint64(rowid), value.Integer}
	return e.words[:n]
}
