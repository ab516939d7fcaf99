package document

import (
	"encoding/base64"
	"encoding/binary"
	"slices"

	avx "github.com/segmentio/asm/base64"
)

// Base64 is decoded here and not by encoding/base64 because it is decoded in
// place, is checked without being decoded, and must have no line breaks.

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// pairs maps twelve bits to their two characters, the first in the lower byte.
var pairs = makePairs()

func makePairs() *[1 << 12]uint16 {
	var t [1 << 12]uint16
	for i := range t {
		t[i] = uint16(base64Alphabet[i>>6]) | uint16(base64Alphabet[i&63])<<8
	}
	return &t
}

// longBlob is the length from which vectors pay; there are some 200 ns before the
// first of them.
const longBlob = 512

// appendBase64 appends b in base64: what encoding/base64 appends, several times as
// fast.
func appendBase64(dst, b []byte) []byte {
	n := base64.StdEncoding.EncodedLen(len(b))
	dst = slices.Grow(dst, n)
	to := dst[len(dst) : len(dst)+n]
	dst = dst[:len(dst)+n]
	if len(b) >= longBlob {
		avx.StdEncoding.Encode(to, b)
		return dst
	}
	for len(b) >= 8 { // of which six are taken
		x := binary.BigEndian.Uint64(b)
		binary.LittleEndian.PutUint64(to, uint64(pairs[x>>52])|uint64(pairs[x>>40&0xfff])<<16|
			uint64(pairs[x>>28&0xfff])<<32|uint64(pairs[x>>16&0xfff])<<48)
		b, to = b[6:], to[8:]
	}
	base64.StdEncoding.Encode(to, b)
	return dst
}

// sextets maps a character of the standard alphabet to its six bits and every
// other one to 0xff.
var sextets = makeSextets()

func makeSextets() (t [256]uint8) {
	for i := range t {
		t[i] = 0xff
	}
	for i := range len(base64Alphabet) {
		t[base64Alphabet[i]] = uint8(i)
	}
	return t
}

// checkBase64 returns how many bytes the text decodes to, or -1 if it is not
// canonical base64.
func checkBase64(b []byte) int {
	if len(b)%4 != 0 {
		return -1
	}
	if len(b) == 0 {
		return 0
	}
	var bad uint8
	body := b[:len(b)-4]
	for len(body) >= 8 {
		bad |= sextets[body[0]] | sextets[body[1]] | sextets[body[2]] | sextets[body[3]] |
			sextets[body[4]] | sextets[body[5]] | sextets[body[6]] | sextets[body[7]]
		body = body[8:]
	}
	for _, c := range body {
		bad |= sextets[c]
	}
	_, n := lastQuad(b[len(b)-4:])
	if bad > 63 || n < 0 {
		return -1
	}
	return len(b)/4*3 - 3 + n
}

// lastQuad decodes the last four characters, which may be padded, and returns
// their bits, left-aligned in 24, and the number of their bytes or -1.
func lastQuad(q []byte) (bits uint32, n int) {
	n = 3
	s2, s3 := sextets[q[2]], sextets[q[3]]
	if q[3] == '=' {
		n, s3 = 2, 0
		if q[2] == '=' {
			n, s2 = 1, 0
		}
	}
	s0, s1 := sextets[q[0]], sextets[q[1]]
	if s0|s1|s2|s3 > 63 {
		return 0, -1
	}
	bits = uint32(s0)<<18 | uint32(s1)<<12 | uint32(s2)<<6 | uint32(s3)
	if bits<<(8*n)&0xffffff != 0 {
		return 0, -1
	}
	return bits, n
}

// decodeBase64 decodes b in place and returns the decoded bytes, or false if b
// is not canonical base64 (its content is then undefined).
func decodeBase64(b []byte) ([]byte, bool) {
	if len(b)%4 != 0 {
		return nil, false
	}
	if len(b) == 0 {
		return b[:0:0], true
	}
	var bad uint8
	w := 0
	for r := 0; r < len(b)-4; r += 4 {
		q := b[r : r+4 : r+4]
		s0, s1, s2, s3 := sextets[q[0]], sextets[q[1]], sextets[q[2]], sextets[q[3]]
		bad |= s0 | s1 | s2 | s3
		d := b[w : w+3 : w+3]
		d[0] = s0<<2 | s1>>4
		d[1] = s1<<4 | s2>>2
		d[2] = s2<<6 | s3
		w += 3
	}
	bits, n := lastQuad(b[len(b)-4:])
	if bad > 63 || n < 0 {
		return nil, false
	}
	for range n {
		b[w] = byte(bits >> 16)
		bits <<= 8
		w++
	}
	return b[:w:w], true
}
