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
