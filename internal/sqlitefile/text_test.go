package sqlitefile_test

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

var encodings = []sqlitefile.Encoding{sqlitefile.UTF8, sqlitefile.UTF16LE, sqlitefile.UTF16BE}

func TestText(t *testing.T) {
	for _, c := range []struct{ text, le, be string }{
		{"", "", ""},
		{"aé\x00", "a\x00\xe9\x00\x00\x00", "\x00a\x00\xe9\x00\x00"},
		{"\ufeff\ufffe", "\xff\xfe\xfe\xff", "\xfe\xff\xff\xfe"},
		{"\ufffd\uffff", "\xfd\xff\xff\xff", "\xff\xfd\xff\xff"},
		{"\U00010000\U0010ffff", "\x00\xd8\x00\xdc\xff\xdb\xff\xdf", "\xd8\x00\xdc\x00\xdb\xff\xdf\xff"},
		{"\ud7ff\ue000", "\xff\xd7\x00\xe0", "\xd7\xff\xe0\x00"},
	} {
		for i, stored := range []string{c.text, c.le, c.be} {
			e := encodings[i]
			if got := sqlitefile.EncodeText([]byte("x"), []byte(c.text), e); string(got) != "x"+stored {
				t.Errorf("%v: %q is %x, want %x", e, c.text, got[1:], stored)
			}
			if got, ok := sqlitefile.DecodeText([]byte("x"), []byte(stored), e); !ok || string(got) != "x"+c.text {
				t.Errorf("%v: %x is %q, %v, want %q", e, stored, got, ok, c.text)
			}
		}
	}
}

func TestTextNotWellFormed(t *testing.T) {
	for _, c := range []struct {
		e      sqlitefile.Encoding
		name   string
		stored string
	}{
		{sqlitefile.UTF8, "a byte that begins nothing", "a\xff"},
		{sqlitefile.UTF8, "a sequence cut off", "a\xe2\x82"},
		{sqlitefile.UTF8, "an overlong form", "\xc0\x80"},
		{sqlitefile.UTF8, "a surrogate", "\xed\xa0\x80"},
		{sqlitefile.UTF8, "beyond U+10FFFF", "\xf4\x90\x80\x80"},
		{sqlitefile.UTF16LE, "an odd number of bytes", "a\x00b"},
		{sqlitefile.UTF16LE, "a high surrogate at the end", "a\x00\x00\xd8"},
		{sqlitefile.UTF16LE, "a low surrogate alone", "\x00\xdc\x00\xd8"},
		{sqlitefile.UTF16LE, "two high surrogates", "\x00\xd8\x00\xd8"},
		{sqlitefile.UTF16LE, "a high surrogate before a letter", "\x00\xd8a\x00"},
		{sqlitefile.UTF16BE, "a high surrogate at the end", "\x00a\xd8\x00"},
		{sqlitefile.UTF16BE, "a low surrogate first", "\xdc\x00\xd8\x00"},
		{sqlitefile.UTF16BE, "one byte", "a"},
	} {
		if got, ok := sqlitefile.DecodeText([]byte("kept"), []byte(c.stored), c.e); ok || string(got) != "kept" {
			t.Errorf("%v, %s: %q, %v", c.e, c.name, got, ok)
		}
	}
}

func TestTextRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := bytes.ToValidUTF8([]byte(rapid.String().Draw(t, "text")), nil)
		e := rapid.SampledFrom(encodings).Draw(t, "encoding")
		stored := sqlitefile.EncodeText(nil, text, e)
		if n, m := sqlitefile.EncodedLen(text, e), sqlitefile.DecodedRoom(stored, e); n != len(stored) || m != len(text) {
			t.Fatalf("%q in %v takes %d bytes, not %d, and comes back as %d", text, e, len(stored), n, m)
		}
		if got, ok := sqlitefile.DecodeText(nil, stored, e); !ok || !bytes.Equal(got, text) {
			t.Fatalf("%v: %q, %v, want %q", e, got, ok, text)
		}
	})
}

// TestStoredTextRoundTrip checks that text is well-formed only if it encodes to
// the very bytes that were stored, whatever these are.
func TestStoredTextRoundTrip(t *testing.T) {
	units := rapid.OneOf(rapid.Uint16(), rapid.Uint16Range(0xd7fe, 0xe001))
	rapid.Check(t, func(t *rapid.T) {
		var stored []byte
		for _, u := range rapid.SliceOfN(units, 0, 8).Draw(t, "units") {
			stored = append(stored, byte(u>>8), byte(u))
		}
		if rapid.IntRange(0, 9).Draw(t, "odd") == 0 {
			stored = append(stored, 'x')
		}
		e := rapid.SampledFrom(encodings).Draw(t, "encoding")
		text, ok := sqlitefile.DecodeText(nil, stored, e)
		if !ok {
			return
		}
		if !utf8.Valid(text) {
			t.Fatalf("%v: %x gives %x, which is not UTF-8", e, stored, text)
		}
		if again := sqlitefile.EncodeText(nil, text, e); !bytes.Equal(again, stored) {
			t.Fatalf("%v: %x gives %q, which is stored as %x", e, stored, text, again)
		}
	})
}
