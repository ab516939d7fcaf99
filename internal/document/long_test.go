package document

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// pieces cuts b at random places.
func pieces(t *rapid.T, b []byte) (list [][]byte) {
	for len(b) > 0 {
		n := rapid.IntRange(1, min(len(b), 9)).Draw(t, "length of a piece")
		list, b = append(list, b[:n:n]), b[n:]
	}
	return list
}

// TestLongValues compares values that are written piece by piece with the same
// written at once.
func TestLongValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(rapid.OneOf(
			rapid.String(),
			rapid.StringOf(rapid.RuneFrom([]rune("a\"\n\\\u007fé日😀"))),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.SampledFrom([]string{"é\xc3", "\xe6\x97", "\x80", "日\xf0\x9f\x98", "\xed\xa0\x80", "\xc3\xc3\xa9"}),
		).Draw(t, "bytes"))
		list := pieces(t, b)
		var text LongText
		got := []byte("before")
		for _, p := range list {
			got = text.Append(got, p)
		}
		got, valid := text.End(got)
		if valid != utf8.Valid(b) {
			t.Fatalf("%q in %q: valid %v", b, list, valid)
		}
		if want := AppendStoredText([]byte("before"), b); valid && !bytes.Equal(got, want) {
			t.Fatalf("%q in %q is %s, not %s", b, list, got, want)
		}
		for _, open := range []string{openText, openBlob} {
			long := LongBytes{Text: open == openText}
			got := []byte("before")
			for _, p := range list {
				got = long.Append(got, p)
			}
			if got, want := long.End(got), appendWrapped([]byte("before"), open, b); !bytes.Equal(got, want) {
				t.Fatalf("%q in %q is %s, not %s", b, list, got, want)
			}
		}
	})
}
