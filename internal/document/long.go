package document

import (
	"unicode/utf8"
)

// LongText appends a text piece by piece, as AppendStoredText does at once, as far
// as the text is valid. The zero value begins a text.
type LongText struct {
	begun   bool
	tail    []byte // of the pieces so far: the beginning of a character
	joined  []byte
	invalid bool
}

// Append appends the next piece.
func (l *LongText) Append(dst, piece []byte) []byte {
	if !l.begun {
		l.begun = true
		dst = append(dst, '"')
	}
	dst, high := appendEscaped(dst, piece)
	if high != 0 || len(l.tail) > 0 {
		l.joined = append(append(l.joined[:0], l.tail...), piece...)
		n := wholeRunes(l.joined)
		l.invalid = l.invalid || !validUTF8(l.joined[:n])
		l.tail = append(l.tail[:0], l.joined[n:]...)
	}
	return dst
}

// End appends what closes the text. It says false if the text is not valid: then
// it has to be written as LongBytes.
func (l *LongText) End(dst []byte) (_ []byte, valid bool) {
	if !l.begun {
		dst = append(dst, '"')
	}
	return append(dst, '"'), !l.invalid && len(l.tail) == 0
}

// wholeRunes returns the length of b without a character that may go on behind it.
func wholeRunes(b []byte) int {
	for n := len(b) - 1; n >= 0 && n > len(b)-utf8.UTFMax; n-- {
		if utf8.RuneStart(b[n]) {
			if utf8.FullRune(b[n:]) {
				return len(b)
			}
			return n
		}
	}
	return len(b)
}

// LongBytes appends a BLOB, or a TEXT that is not valid, piece by piece. The zero
// value begins one.
type LongBytes struct {
	Text  bool // a TEXT
	begun bool
	rest  []byte // of the pieces so far: less than three bytes
}

// Append appends the next piece.
func (l *LongBytes) Append(dst, piece []byte) []byte {
	dst = l.begin(dst)
	if len(l.rest) > 0 {
		n := min(3-len(l.rest), len(piece))
		l.rest = append(l.rest, piece[:n]...)
		piece = piece[n:]
		if len(l.rest) < 3 {
			return dst
		}
		dst = appendBase64(dst, l.rest)
	}
	n := len(piece) / 3 * 3
	l.rest = append(l.rest[:0], piece[n:]...)
	return appendBase64(dst, piece[:n])
}

// End appends what is left and closes the value.
func (l *LongBytes) End(dst []byte) []byte {
	return append(appendBase64(l.begin(dst), l.rest), `"}`...)
}

func (l *LongBytes) begin(dst []byte) []byte {
	switch {
	case l.begun:
		return dst
	case l.Text:
		dst = append(dst, openText...)
	default:
		dst = append(dst, openBlob...)
	}
	l.begun = true
	return dst
}
