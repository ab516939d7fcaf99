package document

import (
	"unicode/utf8"

	avx "github.com/segmentio/asm/utf8"
)

// longText is the length from which vectors pay; for less than that, the library
// looks at the text twice.
const longText = 32

// validUTF8 is utf8.Valid, several times as fast.
func validUTF8(b []byte) bool {
	if len(b) >= longText {
		return avx.Valid(b)
	}
	return validShort(b)
}

// validShort is validUTF8, quick on short text in which characters of two and
// three bytes stand among others. Sequences of four bytes, and the characters
// whose second byte is bound more tightly (those that begin with E0 or ED), go
// through package utf8.
func validShort(b []byte) bool {
	var due uint64 // lanes that must continue a sequence of the word before
	for i := 0; i < len(b); {
		x := word(b, i)
		high := x & lanes80
		if high|due == 0 {
			i += 8
			continue
		}
		lead := high & (x << 1)
		lead3 := lead & (x << 2)
		if due&^(high&^lead) != 0 {
			return false
		}
		if special := x<<3 | ^notZero(x&(0x0f*lanes)) | ^notZero(x&(0x0f*lanes)^0x0d*lanes); lead3&special != 0 {
			if i = skipRunes(b, sequenceStart(b, i), i+8); i < 0 {
				return false
			}
			due = 0
			continue
		}
		if high&^lead != due|lead<<8|lead3<<16 {
			return false
		}
		if lead&^lead3&^notZero(x&(0x1e*lanes)) != 0 { // C0 and C1 begin what is too long
			return false
		}
		due = lead>>56 | lead3>>48
		i += 8
	}
	return due == 0
}

// notZero sets the high bit of each lane of x that is not 0; lanes must be below
// 0x80.
func notZero(x uint64) uint64 { return x + lanes7f }

// sequenceStart returns where the sequence begins that byte i belongs to, if it
// is a well-formed one.
func sequenceStart(b []byte, i int) int {
	for k := range min(i, utf8.UTFMax-1) + 1 {
		if utf8.RuneStart(b[i-k]) {
			return i - k
		}
	}
	return i
}

// skipRunes returns the first index at or after limit, or the end of b, at which
// a character begins, -1 if one from i on is not well-formed.
func skipRunes(b []byte, i, limit int) int {
	for i < min(limit, len(b)) {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 {
			return -1
		}
		i += n
	}
	return i
}
