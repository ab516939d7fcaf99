package document

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Bytes are looked at eight at a time, as lanes of a word.
const (
	lanes   = 0x0101010101010101
	lanes7f = 0x7f * lanes
	lanes80 = 0x80 * lanes
)

// stops marks, in the high bit of each lane of x, the characters that end a run
// of plain text: those below U+0020, U+007F, the quote and the backslash. No
// lane disturbs another, since each sum stays within its seven bits and carry.
func stops(x uint64) uint64 {
	y := x & lanes7f
	plain := (y + 0x60*lanes) & ((y ^ 0x22*lanes) + lanes7f) & ((y ^ 0x5c*lanes) + lanes7f)
	return (^plain | (y + lanes)) &^ x & lanes80
}

// isStop says of one byte what stops says of eight.
func isStop(c byte) bool { return c < 0x20 || c == '"' || c == '\\' || c == 0x7f }

// plainRun returns the index of the first byte at or after i that ends a run of
// plain text, or len(b). high is not 0 if a byte before it is not ASCII.
func plainRun(b []byte, i int) (end int, high uint64) {
	// The first word tells of short texts, and of those that are full of quotes.
	if hasBlocks && len(b)-i >= 8+32 && stops(binary.LittleEndian.Uint64(b[i:])) == 0 {
		n := (len(b) - i) &^ 31
		end, high = plainBlocks(&b[i], n)
		if i += end; end < n {
			return i, high
		}
	}
	for {
		x := word(b, i)
		if s := stops(x); s != 0 {
			return i + bits.TrailingZeros64(s)>>3, high | x&lanes80&(s-1)&^s
		}
		high |= x & lanes80
		i += 8
	}
}

// word returns the eight bytes at b[i:], the first in the lowest lane. Lanes
// beyond the end of b are 0, which ends a run of text and a number as well.
func word(b []byte, i int) uint64 {
	if i+8 <= len(b) {
		return binary.LittleEndian.Uint64(b[i:])
	}
	return lastWord(b, i)
}

// lastWord is word for less than eight bytes.
func lastWord(b []byte, i int) uint64 {
	n := len(b) - i
	if len(b) >= 8 {
		return binary.LittleEndian.Uint64(b[len(b)-8:]) >> (64 - 8*n)
	}
	b = b[i:]
	switch {
	case n >= 4:
		low, high := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[n-4:])
		return uint64(low) | uint64(high)<<(8*(n-4))
	case n > 0:
		return uint64(b[0]) | uint64(b[n/2])<<(8*(n/2)) | uint64(b[n-1])<<(8*(n-1))
	}
	return 0
}

const hexDigits = "0123456789abcdef"

// shortEscapes[c] is the letter of c's two-character escape, or 0.
var shortEscapes = [128]byte{
	'\b': 'b', '\t': 't', '\n': 'n', '\f': 'f', '\r': 'r', '"': '"', '\\': '\\',
}

// appendString appends s, which must be valid UTF-8, as a JSON string.
func appendString(dst, s []byte) []byte {
	dst, _ = appendEscaped(append(dst, '"'), s)
	return append(dst, '"')
}

// AppendStoredText appends text as a database in UTF-8 stores it: a string, or
// its bytes where they are not valid.
func AppendStoredText(dst, s []byte) []byte {
	start := len(dst)
	dst, high := appendEscaped(append(dst, '"'), s)
	if high != 0 && !validUTF8(s) {
		return appendWrapped(dst[:start], openText, s)
	}
	return append(dst, '"')
}

// appendEscaped appends what stands between the quotes of a string. high is not 0
// if s is not all ASCII.
func appendEscaped(dst, s []byte) (_ []byte, high uint64) {
	for {
		n, h := plainRun(s, 0)
		high |= h
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return dst, high
		}
		if s = s[n:]; n < shortRun && len(s) >= 2*shortRun && hasBlocks {
			dst, s, h = appendBlocks(dst, s)
			high |= h
			continue
		}
		dst = appendEscape(dst, s[0])
		s = s[1:]
	}
}

// escapedLen returns how many bytes appendEscaped appends.
func escapedLen(s []byte) int {
	n := len(s)
	for i := 0; ; i++ {
		if i, _ = plainRun(s, i); i == len(s) {
			return n
		}
		if n++; shortEscapes[s[i]] == 0 {
			n += 4
		}
	}
}

const (
	block     = 64 // bytes that stopMask looks at
	shortRun  = 16 // bytes that are copied without asking whether they are fewer
	blockRoom = 6*block + shortRun
)

// appendBlocks is appendEscaped for text with characters to escape, by blocks, until one
// has none or the text ends; it returns what is left. Where they are many, as in JSON
// within a text, each run of the others is short, and to find its end and to copy it would
// be guessed wrongly by the processor each time.
func appendBlocks(dst, s []byte) (_, rest []byte, high uint64) {
	var last [block + shortRun]byte
	for more := true; more && len(s) > 0; {
		b, n := s, block
		if len(s) < len(last) {
			n = min(n, copy(last[:], s))
			b = last[:]
		}
		if cap(dst)-len(dst) < blockRoom {
			dst = slices.Grow(dst, len(s)+len(s)/4+blockRoom)
		}
		d, at, from := dst[:cap(dst)], len(dst), 0
		found, h := stopMask(&b[0])
		within := ^uint64(0) >> (block - n)
		high |= h & within
		found &= within
		more = found != 0
		for ; found != 0; found &= found - 1 {
			end := bits.TrailingZeros64(found)
			copyRun(d[at:], b[from:], end-from)
			at += end - from
			if e := shortEscapes[b[end]]; e != 0 {
				d[at], d[at+1] = '\\', e
				at += 2
			} else {
				at = len(appendEscape(d[:at], b[end]))
			}
			from = end + 1
		}
		copyRun(d[at:], b[from:], n-from)
		dst, s = d[:at+n-from], s[n:]
	}
	return dst, s, high
}

// copyRun copies n bytes and what stands behind them, to a multiple of shortRun that is
// not 0.
func copyRun(dst, src []byte, n int) {
	for i := 0; ; i += shortRun {
		*(*[shortRun]byte)(dst[i:]) = *(*[shortRun]byte)(src[i:])
		if i+shortRun >= n {
			return
		}
	}
}

// appendEscape appends the escape of a character that stops marks.
func appendEscape(dst []byte, c byte) []byte {
	if e := shortEscapes[c]; e != 0 {
		return append(dst, '\\', e)
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// readEscape decodes the canonical escape at the start of b and returns its
// character and its length, which is 0 if there is none.
func readEscape(b []byte) (c byte, n int) {
	if len(b) < 2 {
		return 0, 0
	}
	switch b[1] {
	case '"', '\\':
		return b[1], 2
	case 'b':
		return '\b', 2
	case 't':
		return '\t', 2
	case 'n':
		return '\n', 2
	case 'f':
		return '\f', 2
	case 'r':
		return '\r', 2
	case 'u':
		return readHexEscape(b)
	}
	return 0, 0
}

// readHexEscape decodes \u00xx for the characters that have no shorter escape.
func readHexEscape(b []byte) (c byte, n int) {
	if len(b) < 6 || b[2] != '0' || b[3] != '0' {
		return 0, 0
	}
	for _, h := range b[4:6] {
		switch {
		case h >= '0' && h <= '9':
			c = c<<4 | (h - '0')
		case h >= 'a' && h <= 'f':
			c = c<<4 | (h - 'a' + 10)
		default:
			return 0, 0
		}
	}
	if c < 0x20 && shortEscapes[c] == 0 || c == 0x7f {
		return c, 6
	}
	return 0, 0
}
