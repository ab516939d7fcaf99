package indexsort

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// ErrUnsupported is wrapped when a record cannot be compared as SQLite does:
// its text is not well-formed UTF-16, and its collation works on UTF-8.
var ErrUnsupported = errors.New("text has no order under its collation")

// A key word has the class of a value in its highest 2 bits, then 62 bits whose
// meaning depends on the class. The words of a DESC column are complemented. A
// field that the record does not have is 0, below all others.
const (
	valueBits = 62

	textStep  = 7  // bytes of text or blob in a word
	moreText  = 8  // in the low bits: there are more bytes behind those
	lenMask   = 63 // the low bits: how many bytes there are, or moreText
	nullWord  = 1  // not 0: that is no field at all
	lowNumber = 1  // the depth at which a word has the low bits of a number
)

// word returns the key word of field col of a record, the next serial type and
// content of c, from depth on: the number of bytes to pass over in a text or
// blob; in a number 0 for its highest bits or lowNumber for all of them.
func (o *order) word(c *cursor, col, depth int) uint64 {
	if len(c.head) == 0 {
		return 0
	}
	serial, content := c.next()
	how := o.column(col)
	k := classOf(serial, content)
	var w uint64
	switch k {
	case null:
		w = nullWord
	case number:
		w = orderedReal(serial, content)
		if depth == 0 {
			o.inexact = o.inexact || !tells(w)
			w >>= 64 - valueBits
		}
	case text:
		w = o.textWord(content, depth, how.Collation)
	case blob:
		w = bytesWord(content, depth)
	}
	if k != number || depth == 0 {
		w |= uint64(k) << valueBits
	}
	if how.Desc {
		w = ^w
	}
	return w
}

// orderedReal returns the bits of a number as a double such that they are in
// the order of the numbers. Integers are rounded.
func orderedReal(serial uint64, content []byte) uint64 {
	var r float64
	if serial == 7 {
		r = realOf(content)
	} else {
		r = float64(sqlitefile.DecodeInt(serial, content))
	}
	if r == 0 {
		r = 0 // also for -0.0
	}
	bits := math.Float64bits(r)
	if bits>>63 != 0 {
		return ^bits
	}
	return bits | 1<<63
}

// tells reports whether the highest bits of an ordered real are all there is to
// its number: an integer that was not rounded, or a real like one.
func tells(ordered uint64) bool {
	const exact = 0x4340_0000_0000_0000 // 2^53; integers up to there are not rounded
	if ordered>>63 == 0 {
		ordered = ^ordered
	}
	ordered &^= 1 << 63
	return ordered&3 == 0 && ordered < exact
}

func bytesWord(b []byte, depth int) uint64 {
	b = b[min(depth, len(b)):]
	var w uint64
	if len(b) >= 8 {
		return binary.BigEndian.Uint64(b)>>8<<6 | moreText
	}
	for _, c := range b {
		w = w<<8 | uint64(c)
	}
	return w<<(8*(textStep-len(b)))<<6 | uint64(len(b))
}

// textWord says nothing of the length when the collation is not Binary: texts
// of different length may be equal.
func (o *order) textWord(b []byte, depth int, c Collation) uint64 {
	if c == Binary {
		return bytesWord(b, depth)
	}
	if o.enc != sqlitefile.UTF8 {
		return 0
	}
	if c == RTrim {
		return bytesWord(trim(b), 0) &^ lenMask
	}
	var w uint64
	for i := range textStep {
		w <<= 8
		if i < len(b) && b[i] != 0 {
			w |= uint64(fold(b[i]))
		} else {
			b = nil // only the length counts from here on
		}
	}
	return w << 6
}

// after says what to compare next among records whose words at col and depth
// are all w: the next col and depth; or, if not ok, whole records.
func (o *order) after(w uint64, col, depth int) (nextCol, nextDepth int, ok bool) {
	if w == 0 {
		return 0, 0, false // no field: all records end here
	}
	how := o.column(col)
	if how.Desc {
		w = ^w
	}
	if depth == lowNumber { // no text is looked at from its second byte on
		const exact = 1 << 53 // integers up to here are not rounded
		r := math.Abs(orderedFloat(w))
		return col + 1, 0, r < exact
	}
	switch class(w >> valueBits) {
	case number:
		if !o.inexact {
			return col + 1, 0, true
		}
		return col, lowNumber, true
	case null:
		return col + 1, 0, true
	case text:
		if how.Collation != Binary {
			return 0, 0, false
		}
	}
	if w&lenMask == moreText {
		return col, depth + textStep, true
	}
	return col + 1, 0, true
}

// orderedFloat is the inverse of orderedReal.
func orderedFloat(w uint64) float64 {
	if w>>63 != 0 {
		return math.Float64frombits(w &^ (1 << 63))
	}
	return math.Float64frombits(^w)
}

// validate returns an error when a record cannot be walked or compared.
func (o *order) validate(record []byte) error {
	n, l := sqlitefile.Varint(record)
	if l == 0 || n < uint64(l) || n > uint64(len(record)) {
		return fmt.Errorf("record header of %d bytes in a record of %d: %w", n, len(record), sqlitefile.ErrCorrupt)
	}
	content := record[n:]
	head := record[l:n]
	for i := 0; len(head) > 0; i++ {
		t, l := uint64(head[0]), 1
		if t >= 0x80 {
			t, l = sqlitefile.Varint(head)
		}
		if l == 0 || t == 10 || t == 11 {
			return fmt.Errorf("field %d has no serial type: %w", i, sqlitefile.ErrCorrupt)
		}
		head = head[l:]
		size := sqlitefile.SerialLen(t)
		if size > int64(len(content)) {
			return fmt.Errorf("field %d runs past the end of its record: %w", i, sqlitefile.ErrCorrupt)
		}
		if o.enc != sqlitefile.UTF8 && t >= 12 && t&1 == 1 && o.column(i).Collation != Binary {
			var ok bool
			if o.scratch[0], ok = sqlitefile.DecodeText(o.scratch[0][:0], content[:size], o.enc); !ok {
				return fmt.Errorf("field %d: %w", i, ErrUnsupported)
			}
		}
		content = content[size:]
	}
	return nil
}
