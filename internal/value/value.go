// Package value holds the one type that every part of litekeep passes around:
// a value as SQLite stores it.
//
// A Value is a small struct without pointers of its own except Bytes, which
// usually points into a buffer of whoever produced the value. A consumer that
// keeps a Value beyond the call that handed it out MUST copy Bytes.
package value

import "math"

// Kind is the storage class of a Value.
type Kind uint8

// The storage classes of SQLite, and RawText for TEXT whose stored bytes are
// not well-formed in the encoding of their database.
const (
	Null Kind = iota
	Integer
	Real
	Text    // Bytes is valid UTF-8, whatever the encoding of the database
	Blob    // Bytes is the blob
	RawText // Bytes is the stored bytes in the encoding of the database
)

// String returns the name that SQLite's typeof() gives the storage class.
func (k Kind) String() string {
	switch k {
	case Null:
		return "null"
	case Integer:
		return "integer"
	case Real:
		return "real"
	case Text, RawText:
		return "text"
	case Blob:
		return "blob"
	}
	return "invalid"
}

// Value is one value. The zero Value is NULL.
type Value struct {
	Bytes []byte // Text, RawText and Blob
	Int   int64  // Integer; for Real the IEEE 754 bits
	Kind  Kind
}

// Float returns the number of a Real value.
func (v *Value) Float() float64 { return math.Float64frombits(uint64(v.Int)) }

// OfInt returns an INTEGER.
func OfInt(i int64) Value { return Value{Kind: Integer, Int: i} }

// OfFloat returns a REAL. A NaN becomes NULL, as it does in SQLite.
func OfFloat(f float64) Value {
	if math.IsNaN(f) {
		return Value{}
	}
	return Value{Kind: Real, Int: int64(math.Float64bits(f))}
}

// OfText returns a TEXT; s must be valid UTF-8.
func OfText(s string) Value { return Value{Kind: Text, Bytes: []byte(s)} }

// OfBlob returns a BLOB that shares b.
func OfBlob(b []byte) Value { return Value{Kind: Blob, Bytes: b} }
