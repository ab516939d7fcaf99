package document

import (
	"bytes"
	"math"
	"math/bits"
	"strconv"
)

// digitPairs holds the two digits of each number from 0 to 99.
const digitPairs = "00010203040506070809" +
	"10111213141516171819" +
	"20212223242526272829" +
	"30313233343536373839" +
	"40414243444546474849" +
	"50515253545556575859" +
	"60616263646566676869" +
	"70717273747576777879" +
	"80818283848586878889" +
	"90919293949596979899"

// appendInt appends i in decimal.
func appendInt(dst []byte, i int64) []byte {
	u := uint64(i)
	if i < 0 {
		dst = append(dst, '-')
		u = -u
	}
	return appendUint(dst, u)
}

func appendUint(dst []byte, u uint64) []byte {
	if u < 10 {
		return append(dst, byte('0'+u))
	}
	var buf [20]byte
	i := len(buf)
	for u >= 100 {
		q := u / 100
		r := (u - q*100) * 2
		i -= 2
		buf[i], buf[i+1] = digitPairs[r], digitPairs[r+1]
		u = q
	}
	if u >= 10 {
		i -= 2
		buf[i], buf[i+1] = digitPairs[u*2], digitPairs[u*2+1]
	} else {
		i--
		buf[i] = byte('0' + u)
	}
	return append(dst, buf[i:]...)
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
	scale := uint64(1000)
	if places == 6 {
		scale = 1000000
	}
	dst = appendUint(dst, m/scale)
	dst = append(dst, '.')
	frac := m % scale
	for {
		scale /= 10
		dst = append(dst, byte('0'+frac/scale))
		frac %= scale
		if frac == 0 {
			return dst
		}
	}
}
