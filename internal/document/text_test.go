package document

import (
	"bytes"
	"slices"
	"testing"
)

// TestPlainRunEverywhere puts each kind of byte at each place of texts of all
// lengths that words and blocks are made of, among ASCII and among what is not,
// and reads on behind it.
func TestPlainRunEverywhere(t *testing.T) {
	for length := range 140 {
		for _, fill := range []byte{'x', 0xc3} {
			b := bytes.Repeat([]byte{fill}, length)
			for at := range b {
				for _, c := range []byte{0, '\n', 0x1f, ' ', '!', '"', '#', '[', '\\', ']', '~', 0x7f, 0x80, 0xa2, 0xdc, 0xff} {
					b[at] = c
					for _, from := range []int{0, 1, at / 2, at, at + 1} {
						checkPlainRun(t, b, from)
					}
				}
				b[at] = fill
			}
		}
	}
}

func checkPlainRun(t *testing.T, b []byte, from int) {
	t.Helper()
	want := slices.IndexFunc(b[from:], isStop)
	if want < 0 {
		want = len(b) - from
	}
	beyond := slices.ContainsFunc(b[from:from+want], func(c byte) bool { return c >= 0x80 })
	if end, high := plainRun(b, from); end != from+want || high != 0 != beyond {
		t.Fatalf("from %d of %q: up to %d, not %d; not ASCII: %v, not %v", from, b, end, from+want, high != 0, beyond)
	}
}
