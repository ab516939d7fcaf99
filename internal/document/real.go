package document

import (
	"bytes"
	"math"
	"math/bits"
	"strconv"
)

// maxRealLen is the length of the longest canonical REAL, with some room.
const maxRealLen = 32

// Powers of ten that a float64 and a uint64 hold exactly.
var (
	floatPow10 = [...]float64{
		1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
	}
	uintPow10 = [...]uint64{
		1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
		1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
	}
)

// plain is a decimal in plain form, taken apart: its absolute value is
// mantissa / 10^places, and its mantissa has digits digits.
type plain struct {
	mantissa       uint64
	digits, places int
	neg            bool
}

// scanPlain takes the number at b[i:] apart, if it is in plain form and simple
// enough (at most 19 digits, a fraction without trailing zeros, no zeros that
// lead to the scientific form). It returns the index after it, or -1.
func scanPlain(b []byte, i int) (p plain, end int) {
	if i < len(b) && b[i] == '-' {
		p.neg = true
		i++
	}
	whole, point := readDigits(b, i)
	if point == i || point >= len(b) || b[point] != '.' {
		return p, -1
	}
	if p.digits = point - i; b[i] == '0' {
		p.digits--
	}
	fraction, end := readDigits(b, point+1)
	p.places = end - point - 1
	p.digits += p.places
	if p.places == 0 || p.places > 19 || p.digits > 19 || end < len(b) && b[end]|0x20 == 'e' {
		return p, -1
	}
	if b[end-1] == '0' {
		if p.places > 1 {
			return p, -1
		}
		p.places = 0
		p.digits--
	}
	p.mantissa = whole*uintPow10[p.places] + fraction
	if b[i] == '0' {
		return p.belowOne(b[i:end], end)
	}
	return p, end
}

// belowOne finishes scanPlain for a number whose text begins with a zero.
func (p plain) belowOne(text []byte, end int) (plain, int) {
	if text[1] != '.' {
		return p, -1
	}
	zeros := 0
	for ; zeros < p.places && text[2+zeros] == '0'; zeros++ {
	}
	if zeros > 4 {
		return p, -1
	}
	p.digits -= zeros
	return p, end
}

// readReal reads the REAL at b[i:]. It returns the index after it, or -1 if it
// is not one in canonical form.
func readReal(b []byte, i int) (f float64, end int) {
	p, end := scanPlain(b, i)
	if end < 0 {
		return readRealSlowly(b, i)
	}
	if p.digits <= 15 {
		f = float64(p.mantissa) / floatPow10[p.places]
	} else if f, end = p.longReal(b, i, end); end < 0 {
		return 0, -1
	}
	if p.neg {
		f = -f
	}
	return f, end
}

// checkReal does what readReal does without the number, which up to 15 digits
// need not be computed.
func checkReal(b []byte, i int) int {
	p, end := scanPlain(b, i)
	switch {
	case end < 0:
		_, end = readRealSlowly(b, i)
	case p.digits > 15:
		_, end = p.longReal(b, i, end)
	}
	return end
}

// longReal finishes readReal for more than 15 digits: it returns the absolute
// value of p, which was read from b[i:end], and end, or -1.
func (p plain) longReal(b []byte, i, end int) (float64, int) {
	if p.places > 0 {
		f := divide(p.mantissa, uintPow10[p.places])
		if shortest, known := p.isShortest(f); known {
			if !shortest {
				end = -1
			}
			return f, end
		}
	}
	f, end := readRealSlowly(b, i)
	return math.Abs(f), end
}

// readRealSlowly reads any REAL and compares it with what the encoder writes.
func readRealSlowly(b []byte, i int) (f float64, end int) {
	end = i
	for end < len(b) && end-i <= maxRealLen && isNumberByte(b[end]) {
		end++
	}
	f, err := strconv.ParseFloat(string(b[i:end]), 64)
	if err != nil {
		return 0, -1
	}
	var buf [maxRealLen]byte
	if !bytes.Equal(appendReal(buf[:0], f), b[i:end]) {
		return 0, -1
	}
	return f, end
}

func isNumberByte(c byte) bool {
	return c-'0' <= 9 || c == '.' || c == '-' || c == '+' || c == 'e'
}

// divide returns m/d correctly rounded, for m and d that are not 0 and a
// quotient in the normal range of float64.
func divide(m, d uint64) float64 {
	lm, ld := bits.LeadingZeros64(m), bits.LeadingZeros64(d)
	m, d = m<<lm, d<<ld
	// The quotient of the two, each in [2^63, 2^64), times 2^63: it has 63 or 64
	// bits, so that the remainder can stick to the lowest one and the conversion
	// rounds as if it saw every bit.
	q, r := bits.Div64(m>>1, m<<63, d)
	if r != 0 {
		q |= 1
	}
	return float64(q) * math.Float64frombits(uint64(1023-63+ld-lm)<<52)
}

// isShortest says whether p is the shortest decimal that rounds to f, and of
// those the closest: that no shorter one lies between the neighbours' halfway
// points, and that no other one of the same length is nearer to f. All in
// integers: f is m/2^s, so f×10^places is x/2^s with x = m×10^places. Where one
// of the comparisons is a draw, or the numbers are too large, known is false.
func (p plain) isShortest(f float64) (shortest, known bool) {
	b := math.Float64bits(f)
	m := b&(1<<52-1) | 1<<52
	s := uint(1075 - b>>52)
	// The bounds of s keep all that follows within 128 bits. Powers of two, whose
	// neighbours lie at two distances, have at most 16 digits within them, all
	// before the last of p: p is not the closest decimal to one.
	if s < 2 || s > 70 {
		return false, false
	}
	scale := uintPow10[p.places]
	hi, lo := bits.Mul64(m, scale)
	whole, frac := shiftRight(hi, lo, s)
	half := uint128{0, 1}.shiftLeft(s - 1)
	switch {
	case frac == half:
		return false, false
	case half.less(frac):
		whole++
	}
	if whole != p.mantissa {
		return false, true
	}
	// Twice x, against twice the multiples of ten on either side: the halfway
	// points lie 10^places away.
	x := uint128{hi, lo}.shiftLeft(1)
	below := uint128{0, whole - whole%10}.shiftLeft(s + 1)
	above := uint128{0, whole - whole%10 + 10}.shiftLeft(s + 1)
	down, up := x.minus(below), above.minus(x)
	reach := uint128{0, scale}
	if down == reach || up == reach {
		return false, false
	}
	return reach.less(down) && reach.less(up), true
}

// uint128 is an unsigned integer of 128 bits.
type uint128 struct{ hi, lo uint64 }

func (a uint128) less(b uint128) bool {
	return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo
}

func (a uint128) minus(b uint128) uint128 {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, _ := bits.Sub64(a.hi, b.hi, borrow)
	return uint128{hi, lo}
}

func (a uint128) shiftLeft(n uint) uint128 {
	return uint128{a.hi<<n | a.lo>>(64-n) | a.lo<<(n-64), a.lo << n}
}

// shiftRight divides by 2^n, for a quotient below 2^64 and n from 1 to 127.
func shiftRight(hi, lo uint64, n uint) (quotient uint64, rest uint128) {
	quotient = lo>>n | hi<<(64-n) | hi>>(n-64)
	if n >= 64 {
		return quotient, uint128{hi & (1<<(n-64) - 1), lo}
	}
	return quotient, uint128{0, lo & (1<<n - 1)}
}
