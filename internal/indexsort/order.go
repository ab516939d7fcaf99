package indexsort

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// Collation is a collating sequence that is part of SQLite.
type Collation uint8

// SQLite's collating sequences.
const (
	Binary Collation = iota // the stored bytes
	NoCase                  // A to Z are as a to z
	RTrim                   // without spaces at the end
)

// Column says how a column of an index is ordered.
type Column struct {
	Desc      bool
	Collation Collation
}

// order compares records. It is used by one goroutine.
type order struct {
	columns []Column
	enc     sqlitefile.Encoding
	scratch [2][]byte // the UTF-8 of two texts
	inexact bool      // a number was seen that its first key word does not tell exactly
}

// class is the first thing by which values are compared.
type class uint8

const (
	null class = iota
	number
	text
	blob
)

func classOf(serial uint64, content []byte) class {
	switch {
	case serial >= 12 && serial&1 == 0:
		return blob
	case serial >= 12:
		return text
	case serial == 0 || serial == 7 && math.IsNaN(realOf(content)):
		return null
	}
	return number
}

func realOf(content []byte) float64 {
	return math.Float64frombits(binary.BigEndian.Uint64(content))
}

// column returns how field i is ordered.
func (o *order) column(i int) Column {
	if i < len(o.columns) {
		return o.columns[i]
	}
	return Column{}
}

// cursor walks the fields of a record that was validated.
type cursor struct {
	head    []byte // serial types that are still to come
	content []byte // from the next field on
}

func fieldsOf(record []byte) cursor {
	n, l := uint64(record[0]), 1
	if n >= 0x80 {
		n, l = sqlitefile.Varint(record)
	}
	return cursor{head: record[l:n], content: record[n:]}
}

// next returns the next field; there must be one.
func (c *cursor) next() (serial uint64, content []byte) {
	t, l := uint64(c.head[0]), 1
	if t >= 0x80 {
		t, l = sqlitefile.Varint(c.head)
	}
	c.head = c.head[l:]
	n := sqlitefile.SerialLen(t)
	content = c.content[:n]
	c.content = c.content[n:]
	return t, content
}

// compare orders two records: less than 0 when x comes before y. Of records
// that differ in length only, the shorter comes first.
func (o *order) compare(x, y []byte) int {
	return o.compareFrom(fieldsOf(x), fieldsOf(y), 0)
}

// compareFrom compares what is left of two records from field i on.
func (o *order) compareFrom(a, b cursor, i int) int {
	for ; len(a.head) > 0 && len(b.head) > 0; i++ {
		s, v := a.next()
		t, w := b.next()
		if s == t && bytes.Equal(v, w) {
			continue
		}
		col := o.column(i)
		r := o.compareField(s, v, t, w, col.Collation)
		if r == 0 {
			continue
		}
		if col.Desc {
			return -r
		}
		return r
	}
	return cmp.Compare(len(a.head), len(b.head))
}

func (o *order) compareField(s uint64, v []byte, t uint64, w []byte, c Collation) int {
	k, l := classOf(s, v), classOf(t, w)
	switch {
	case k != l:
		return cmp.Compare(k, l)
	case k == null: // a NaN is one too
		return 0
	case k == number:
		return compareNumbers(s, v, t, w)
	case k == text && c != Binary:
		return o.compareText(v, w, c)
	}
	return bytes.Compare(v, w)
}

// compareText compares by another collation than BINARY.
func (o *order) compareText(v, w []byte, c Collation) int {
	if o.enc != sqlitefile.UTF8 {
		// Add has seen to it that the text can be converted.
		o.scratch[0], _ = sqlitefile.DecodeText(o.scratch[0][:0], v, o.enc)
		o.scratch[1], _ = sqlitefile.DecodeText(o.scratch[1][:0], w, o.enc)
		v, w = o.scratch[0], o.scratch[1]
	}
	if c == RTrim {
		return bytes.Compare(trim(v), trim(w))
	}
	return compareNoCase(v, w)
}

func compareNumbers(s uint64, v []byte, t uint64, w []byte) int {
	switch {
	case s == 7 && t == 7:
		return cmp.Compare(realOf(v), realOf(w))
	case s == 7:
		return -compareIntReal(sqlitefile.DecodeInt(t, w), realOf(v))
	case t == 7:
		return compareIntReal(sqlitefile.DecodeInt(s, v), realOf(w))
	}
	return cmp.Compare(sqlitefile.DecodeInt(s, v), sqlitefile.DecodeInt(t, w))
}

// compareIntReal compares exactly, also where a double has no room for i.
func compareIntReal(i int64, r float64) int {
	switch {
	case r < -1<<63:
		return 1
	case r >= 1<<63:
		return -1
	}
	if c := cmp.Compare(i, int64(r)); c != 0 {
		return c
	}
	return cmp.Compare(math.Trunc(r), r) // i is r without its fraction
}

// trim cuts spaces off the end.
func trim(b []byte) []byte {
	for len(b) > 0 && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}

// compareNoCase is SQLite's NOCASE, which sees nothing behind a U+0000 but the
// length.
func compareNoCase(v, w []byte) int {
	for i := range min(len(v), len(w)) {
		a, b := fold(v[i]), fold(w[i])
		if a != b {
			return cmp.Compare(a, b)
		}
		if a == 0 {
			break
		}
	}
	return cmp.Compare(len(v), len(w))
}

func fold(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + ('a' - 'A')
	}
	return c
}
