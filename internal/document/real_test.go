package document

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// specReal writes a number as the specification says, digit by digit from the
// shortest digits that strconv finds.
func specReal(f float64) string {
	sign := ""
	if math.Signbit(f) {
		sign, f = "-", -f
	}
	if f == 0 {
		return sign + "0.0"
	}
	mantissa, exp, _ := strings.Cut(strconv.FormatFloat(f, 'e', -1, 64), "e")
	digits := strings.Replace(mantissa, ".", "", 1)
	e, _ := strconv.Atoi(exp)
	if f < 1e-5 || f >= 1e21 {
		return sign + mantissa + "e" + exp
	}
	if e < 0 {
		return sign + "0." + strings.Repeat("0", -e-1) + digits
	}
	if len(digits) <= e+1 {
		return sign + digits + strings.Repeat("0", e+1-len(digits)) + ".0"
	}
	return sign + digits[:e+1] + "." + digits[e+1:]
}

// checkRealForms checks one number through writer and readers.
func checkRealForms(t interface{ Fatalf(string, ...any) }, f float64) {
	text := string(appendReal(nil, f))
	if want := specReal(f); text != want {
		t.Fatalf("appendReal(%b) = %q, want %q", f, text, want)
	}
	got, end := readReal([]byte(text), 0)
	if end != len(text) || math.Float64bits(got) != math.Float64bits(f) {
		t.Fatalf("readReal(%q) = %b, %d, want %b", text, got, end, f)
	}
	if end := checkReal([]byte(text), 0); end != len(text) {
		t.Fatalf("checkReal(%q) = %d", text, end)
	}
}

func TestRealForms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := genFloat().Filter(func(f float64) bool { return !math.IsInf(f, 0) }).Draw(t, "f")
		checkRealForms(t, f)
	})
}

// TestRealFormsAtRandom draws the numbers that ordinary columns hold, and those
// beside them, in far greater number than rapid would.
func TestRealFormsAtRandom(t *testing.T) {
	n := 300000
	if testing.Short() {
		n = 30000
	}
	r := rand.New(rand.NewPCG(7, 7))
	for range n {
		f := math.Ldexp(1+r.Float64(), r.IntN(90)-20)
		checkRealForms(t, f)
		short := float64(r.Int64N(1e9)) / math.Pow10(r.IntN(8))
		checkRealForms(t, short)
		checkRealForms(t, math.Nextafter(short, math.Inf(1)))
		checkRealForms(t, math.Ldexp(1, r.IntN(2000)-1000))
	}
}

// TestReadRealIsStrict reads decimals that lie near a number: readReal must
// accept just the one that the encoder writes.
func TestReadRealIsStrict(t *testing.T) {
	n := 100000
	if testing.Short() {
		n = 10000
	}
	r := rand.New(rand.NewPCG(8, 8))
	accepted := 0
	for range n {
		f := math.Ldexp(1+r.Float64(), r.IntN(80)-16)
		text := strconv.FormatFloat(f, 'f', 12+r.IntN(8)-int(math.Log10(f)), 64)
		if r.IntN(2) == 0 { // shake the last digit
			text = text[:len(text)-1] + strconv.Itoa(1+r.IntN(9))
		}
		exact, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		got, end := readReal([]byte(text), 0)
		if want := specReal(exact) == text; want != (end == len(text)) {
			t.Fatalf("readReal(%q) = %v, %d; the canonical form is %q", text, got, end, specReal(exact))
		}
		if end == len(text) {
			accepted++
			if got != exact {
				t.Fatalf("readReal(%q) = %b, want %b", text, got, exact)
			}
		}
		if check := checkReal([]byte(text), 0); check != end {
			t.Fatalf("checkReal(%q) = %d, readReal %d", text, check, end)
		}
	}
	if accepted < n/100 || accepted > n*9/10 {
		t.Fatalf("%d of %d accepted: the draw is too one-sided to prove anything", accepted, n)
	}
}

func TestDivide(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for range 100000 {
		m := r.Uint64()>>r.IntN(63) | 1
		d := uintPow10[r.IntN(len(uintPow10))]
		want, _ := new(big.Rat).SetFrac(new(big.Int).SetUint64(m), new(big.Int).SetUint64(d)).Float64()
		if got := divide(m, d); got != want {
			t.Fatalf("divide(%d, %d) = %b, want %b", m, d, got, want)
		}
	}
}

func TestAppendInt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := genInt().Draw(t, "i")
		if got := string(AppendInt(nil, i)); got != strconv.FormatInt(i, 10) {
			t.Fatalf("AppendInt(%d) = %q", i, got)
		}
	})
}
