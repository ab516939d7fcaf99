package sqlitefile

import "math/bits"

// MaxVarint is the length in bytes of the longest varint.
const MaxVarint = 9

// Varint decodes the varint at the start of b. It returns its value and its
// length, or a length of 0 when b ends before the varint does.
func Varint(b []byte) (v uint64, n int) {
	if len(b) > 0 && b[0] < 0x80 {
		return uint64(b[0]), 1
	}
	for i, c := range b {
		if i == MaxVarint-1 {
			return v<<8 | uint64(c), MaxVarint
		}
		v = v<<7 | uint64(c&0x7f)
		if c < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

// AppendVarint appends the shortest varint of v.
func AppendVarint(dst []byte, v uint64) []byte {
	switch {
	case v < 1<<7:
		return append(dst, byte(v))
	case v < 1<<14:
		return append(dst, byte(v>>7)|0x80, byte(v&0x7f))
	case v >= 1<<56:
		return append(dst, byte(v>>57)|0x80, byte(v>>50)|0x80, byte(v>>43)|0x80, byte(v>>36)|0x80,
			byte(v>>29)|0x80, byte(v>>22)|0x80, byte(v>>15)|0x80, byte(v>>8)|0x80, byte(v))
	}
	for shift := (VarintLen(v) - 1) * 7; shift > 0; shift -= 7 {
		dst = append(dst, byte(v>>shift)|0x80)
	}
	return append(dst, byte(v&0x7f))
}

// VarintLen returns the length in bytes of the shortest varint of v.
func VarintLen(v uint64) int {
	if v >= 1<<56 {
		return MaxVarint
	}
	return (bits.Len64(v|1) + 6) / 7
}
