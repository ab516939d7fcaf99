package document

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
)

// AppendInt appends an INTEGER.
func AppendInt(dst []byte, i int64) []byte {
	u := uint64(i)
	if i < 0 {
		dst = append(dst, '-')
		u = -u
	}
	if u >= 1e8 {
		return appendUint(dst, u)
	}
	x := toDigits(u)
	n := 8 - bits.TrailingZeros64(x|1<<56)>>3 // at least one digit
	dst = binary.LittleEndian.AppendUint64(dst, (x^asciiZeros)>>(64-8*n))
	return dst[:len(dst)-8+n]
}

// appendUint appends the decimal digits of u.
func appendUint(dst []byte, u uint64) []byte {
	if u < 1e8 {
		return AppendInt(dst, int64(u))
	}
	dst = appendUint(dst, u/1e8)
	return binary.LittleEndian.AppendUint64(dst, toDigits(u%1e8)^asciiZeros)
}

// toDigits returns the eight decimal digits of a number below 1e8 as values in
// the lanes of a word, the first in the lowest. It divides in two, four and eight
// lanes at once, by multiplication.
func toDigits(u uint64) uint64 {
	u = u/1e4 | u%1e4<<32
	q := u * 10486 >> 20 & (0x7f<<32 | 0x7f)
	u = q | (u-q*100)<<16
	q = u * 103 >> 10 & 0x000f_000f_000f_000f
	return q | (u-q*10)<<8
}

// asciiZeros turns, by exclusive or, digits into their values.
const asciiZeros = '0' * lanes

// readDigits reads the decimal digits at b[i:] and returns the index after them.
// n is right for up to 19 digits.
func readDigits(b []byte, i int) (n uint64, end int) {
	for {
		x := word(b, i) ^ asciiZeros
		k := digitLanes(x)
		if k < 8 {
			return n*uintPow10[k] + eightDigits(x<<(64-8*k)), i + k
		}
		n = n*1e8 + eightDigits(x)
		i += 8
	}
}

// skipDigits returns the index after the decimal digits at b[i:].
func skipDigits(b []byte, i int) int {
	for {
		k := digitLanes(word(b, i) ^ asciiZeros)
		if i += k; k < 8 {
			return i
		}
	}
}

// digitLanes returns how many lanes of x, from the lowest, are below ten.
func digitLanes(x uint64) int {
	others := (x&lanes7f + 0x76*lanes | x) & lanes80
	return bits.TrailingZeros64(others) >> 3 & 15
}

// eightDigits returns the number whose digits are the lanes of x, the first in
// the lowest: pairs of neighbours are joined first, then the four pairs.
func eightDigits(x uint64) uint64 {
	const pairs = 0x000000ff_000000ff
	x = x*10 + x>>8
	return (x&pairs*(1e6<<32+1e2) + x>>16&pairs*(1e4<<32+1)) >> 32
}

// appendReal appends the canonical form of a finite number.
func appendReal(dst []byte, f float64) []byte {
	if math.Signbit(f) {
		dst = append(dst, '-')
		f = -f
	}
	switch {
	case f == 0:
		return append(dst, "0.0"...)
	case f < 1e-5 || f >= 1e21:
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	case f < 1e12:
		if m := shortDecimal(f, 1e3); m != 0 {
			return appendDecimal(dst, m, 3)
		}
		if m := shortDecimal(f, 1e6); m != 0 {
			return appendDecimal(dst, m, 6)
		}
	}
	n := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	if bytes.IndexByte(dst[n:], '.') < 0 {
		dst = append(dst, ".0"...)
	}
	return dst
}

// shortDecimal returns m, of at most 15 digits, such that m/scale rounds to f,
// or 0 if there is none. No two decimals of at most 15 digits round to the same
// number (in the normal range), so m/scale without its trailing zeros is the
// shortest form of f. The division of two exactly represented integers rounds
// correctly, so the test is exact.
func shortDecimal(f, scale float64) uint64 {
	m := uint64(f*scale + 0.5)
	if m < 1e15 && float64(m)/scale == f {
		return m
	}
	return 0
}

// appendDecimal appends m / 10^places in plain form without trailing zeros.
func appendDecimal(dst []byte, m uint64, places int) []byte {
	whole, fraction := m/1e3, m%1e3
	if places == 6 {
		whole, fraction = m/1e6, m%1e6
	}
	dst = append(appendUint(dst, whole), '.')
	x := toDigits(fraction) >> (64 - 8*places)
	n := max(8-bits.LeadingZeros64(x)>>3, 1) // up to the last digit that is not 0
	dst = binary.LittleEndian.AppendUint64(dst, x^asciiZeros)
	return dst[:len(dst)-8+n]
}
