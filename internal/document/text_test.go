package document

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
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

// TestEscapedEverywhere compares what is written of a text, in one of any room and
// before it, with its escapes one by one.
func TestEscapedEverywhere(t *testing.T) {
	alphabets := []*rapid.Generator[byte]{
		rapid.Byte(), rapid.SampledFrom([]byte(`{"a":"b\"c","`)), rapid.SampledFrom([]byte("xyz éä\n\"")), rapid.SampledFrom([]byte{0, 1, 0x1f, 0x7f}), rapid.Just[byte]('x'),
	}
	rapid.Check(t, func(t *rapid.T) {
		var s []byte
		for range rapid.IntRange(0, 4).Draw(t, "parts") {
			of := alphabets[rapid.IntRange(0, len(alphabets)-1).Draw(t, "alphabet")]
			s = append(s, rapid.SliceOfN(of, 0, 150).Draw(t, "part")...)
		}
		var want []byte
		beyond := false
		for _, c := range s {
			if isStop(c) {
				want = appendEscape(want, c)
			} else {
				want = append(want, c)
			}
			beyond = beyond || c >= 0x80
		}
		dst := append(make([]byte, 0, rapid.IntRange(6, 2000).Draw(t, "room")), "before"...)
		kept := bytes.Clone(s)
		got, high := appendEscaped(dst, s)
		if n := escapedLen(s); n != len(want) {
			t.Fatalf("%q takes %d bytes, not %d", s, len(want), n)
		}
		if string(got) != "before"+string(want) || high != 0 != beyond || !bytes.Equal(s, kept) {
			t.Fatalf("%q is written as %q, not ASCII: %v", s, got, high != 0)
		}
	})
}
