package document

import (
	"bytes"
	"encoding/base64"
	"testing"

	"pgregory.net/rapid"
)

// TestAppendBase64 compares with encoding/base64, over all lengths from nothing to
// beyond the one from which vectors are used, and looks at what stands around the
// text.
func TestAppendBase64(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.OneOf(rapid.IntRange(0, 64), rapid.IntRange(longBlob-64, longBlob+200), rapid.IntRange(0, 5000)).Draw(t, "length")
		x := rapid.Uint64().Draw(t, "seed")
		b := make([]byte, n)
		for i := range b {
			x = x*6364136223846793005 + 1442695040888963407
			b[i] = byte(x >> 56)
		}
		room := bytes.Repeat([]byte{0xaa}, 16+base64.StdEncoding.EncodedLen(n)+64)
		got := appendBase64(room[:16], b)
		want := base64.StdEncoding.EncodeToString(b)
		if string(got[16:]) != want {
			t.Fatalf("%x: %s, want %s", b, got[16:], want)
		}
		if &got[0] != &room[0] {
			t.Fatal("the room was not used")
		}
		for i, c := range room {
			if c != 0xaa && (i < 16 || i >= len(got)) {
				t.Fatalf("byte %d was written, outside the text of %d", i-16, len(want))
			}
		}
	})
}
