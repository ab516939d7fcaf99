package sqlitefile

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// DecodeText appends to dst the UTF-8 form of stored text in encoding e. It
// reports false, and returns dst as it was, when the text is not well-formed:
// an odd number of bytes or a surrogate without its partner in UTF-16, anything
// that RFC 3629 forbids in UTF-8.
func DecodeText(dst, stored []byte, e Encoding) ([]byte, bool) {
	if e == UTF8 {
		if !utf8.Valid(stored) {
			return dst, false
		}
		return append(dst, stored...), true
	}
	if len(stored)%2 != 0 {
		return dst, false
	}
	start := len(dst)
	order := byteOrder(e)
	for i := 0; i < len(stored); i += 2 {
		r := rune(order.Uint16(stored[i:]))
		if utf16.IsSurrogate(r) {
			if i += 2; i >= len(stored) {
				return dst[:start], false
			}
			r = utf16.DecodeRune(r, rune(order.Uint16(stored[i:])))
			if r == utf8.RuneError {
				return dst[:start], false
			}
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, true
}

// DecodedRoom returns how many bytes DecodeText appends, or more where it says false.
func DecodedRoom(stored []byte, e Encoding) int {
	if e == UTF8 {
		return len(stored)
	}
	order, n := byteOrder(e), 0
	for i := 0; i+1 < len(stored); i += 2 {
		switch u := order.Uint16(stored[i:]); {
		case u < 0x80:
			n++
		case u < 0x800 || utf16.IsSurrogate(rune(u)): // four for two of these
			n += 2
		default:
			n += 3
		}
	}
	return n
}

// EncodedLen returns how many bytes EncodeText appends.
func EncodedLen(text []byte, e Encoding) int {
	if e == UTF8 {
		return len(text)
	}
	n := 0
	for _, c := range text {
		switch {
		case c >= 0xf0:
			n += 4
		case c < 0x80 || c >= 0xc0: // no continuation
			n += 2
		}
	}
	return n
}

// EncodeText appends to dst valid UTF-8 text as encoding e stores it.
func EncodeText(dst, text []byte, e Encoding) []byte {
	if e == UTF8 {
		return append(dst, text...)
	}
	order := byteOrder(e)
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		text = text[n:]
		if r >= 0x10000 {
			hi, lo := utf16.EncodeRune(r)
			dst = order.AppendUint16(dst, uint16(hi))
			r = lo
		}
		dst = order.AppendUint16(dst, uint16(r))
	}
	return dst
}

type appendOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

func byteOrder(e Encoding) appendOrder {
	if e == UTF16BE {
		return binary.BigEndian
	}
	return binary.LittleEndian
}
