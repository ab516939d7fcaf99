package document

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// TestValidUTF8Everywhere moves every kind of sequence, whole and broken, over
// all places in the words that are looked at.
func TestValidUTF8Everywhere(t *testing.T) {
	sequences := []string{
		"", "a", "\x7f", "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2\x80", "\xdf\xbf", "\xc2", "\xc2\xc2\x80", "\xc2\x80\x80",
		"\xe0\xa0\x80", "\xe0\x9f\xbf", "\xe1\x80\x80", "\xe1\x80", "\xe1", "\xe1\x80\x80\x80", "\xed\x9f\xbf", "\xed\xa0\x80", "\xee\x80\x80",
		"\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf0\x8f\xbf\xbf", "\xf0\x90", "\xf0", "\xf1\x80\x80\x80", "\xf4\x8f\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xff", "é", "日本", "日é", "한글", "ไทย", "😀", "😀é日",
	}
	for before := range 70 {
		for _, first := range sequences {
			for _, second := range sequences {
				for _, after := range []int{0, 1, 7, 9} {
					b := []byte(strings.Repeat("x", before) + first + second + strings.Repeat("y", after))
					if got, short := validUTF8(b), validShort(b); got != utf8.Valid(b) || short != got {
						t.Fatalf("%q: valid %v, as a short text %v", b, got, short)
					}
				}
			}
		}
	}
}

func FuzzValidUTF8(f *testing.F) {
	f.Add([]byte("Grüße aus 東京 \xed\xa0\x80"))
	f.Add([]byte("\xf0\x9f\x98\x80\xe0\xb8\x97\xe0"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, short := validUTF8(b), validShort(b); got != utf8.Valid(b) || short != got {
			t.Fatalf("%q: valid %v, as a short text %v", b, got, short)
		}
	})
}

// TestStoredRowSaysWhatValuesSay compares the two ways to write text.
func TestStoredRowSaysWhatValuesSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := []byte(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"\xff", "a\"é\x00\xc3", "\xe6\x97", "x\ny"})).Draw(t, "text"))
		if rapid.Bool().Draw(t, "cut") && len(b) > 0 {
			b = b[:len(b)-1]
		}
		got := AppendStoredText([]byte("before"), b)
		want := []byte("before")
		if utf8.Valid(b) {
			want = appendString(want, b)
		} else {
			want = appendWrapped(want, openText, b)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("%q is %s, not %s", b, got, want)
		}
	})
}
