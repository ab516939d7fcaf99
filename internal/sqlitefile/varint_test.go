package sqlitefile_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// TestVarint checks the examples of the format: seven bits a byte, most
// significant first, eight bits in the ninth.
func TestVarint(t *testing.T) {
	for _, c := range []struct {
		v uint64
		b string
	}{
		{0, "\x00"},
		{1, "\x01"},
		{127, "\x7f"},
		{128, "\x81\x00"},
		{16383, "\xff\x7f"},
		{16384, "\x81\x80\x00"},
		{1<<28 - 1, "\xff\xff\xff\x7f"},
		{1 << 28, "\x81\x80\x80\x80\x00"},
		{1<<56 - 1, "\xff\xff\xff\xff\xff\xff\xff\x7f"},
		{1 << 56, "\x80\xc0\x80\x80\x80\x80\x80\x80\x00"},
		{1<<63 - 1, "\xbf\xff\xff\xff\xff\xff\xff\xff\xff"},
		{math.MaxUint64, "\xff\xff\xff\xff\xff\xff\xff\xff\xff"},
	} {
		if got := sqlitefile.AppendVarint(nil, c.v); string(got) != c.b {
			t.Errorf("AppendVarint(%d) = %x, want %x", c.v, got, c.b)
		}
		if got, n := sqlitefile.Varint([]byte(c.b + "\xff")); got != c.v || n != len(c.b) {
			t.Errorf("Varint(%x) = %d, %d, want %d, %d", c.b, got, n, c.v, len(c.b))
		}
		if got := sqlitefile.VarintLen(c.v); got != len(c.b) {
			t.Errorf("VarintLen(%d) = %d, want %d", c.v, got, len(c.b))
		}
		for n := range len(c.b) {
			if _, got := sqlitefile.Varint([]byte(c.b[:n])); got != 0 {
				t.Errorf("Varint(%x), cut off, has length %d", c.b[:n], got)
			}
		}
	}
	// Longer than need be, as other writers may have it.
	if v, n := sqlitefile.Varint([]byte{0x80, 0x80, 0x05}); v != 5 || n != 3 {
		t.Errorf("Varint(808005) = %d, %d", v, n)
	}
}

// uints draws numbers of every length.
func uints() *rapid.Generator[uint64] {
	return rapid.Custom(func(t *rapid.T) uint64 {
		return rapid.Uint64().Draw(t, "bits") >> rapid.IntRange(0, 63).Draw(t, "shift")
	})
}

func TestVarintRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := uints().Draw(t, "v")
		b := sqlitefile.AppendVarint([]byte("before"), v)
		if string(b[:6]) != "before" || len(b)-6 != sqlitefile.VarintLen(v) {
			t.Fatalf("AppendVarint(%d) = %x", v, b)
		}
		if got, n := sqlitefile.Varint(append(b[6:len(b):len(b)], 0xaa)); got != v || n != len(b)-6 {
			t.Fatalf("Varint(%x) = %d, %d, want %d", b[6:], got, n, v)
		}
	})
}
