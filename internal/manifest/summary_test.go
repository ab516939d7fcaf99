package manifest_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/manifest"
)

// TestSummary is the property that DecodeSummary gives the summary of what Decode
// gives, and without its help.
func TestSummary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := draw(t)
		if rapid.Bool().Draw(t, "no indexes") {
			m.Indexes, m.Totals.Indexes, m.Totals.Entries = nil, 0, 0
			m.Frames[1].Rows -= 7
		}
		text, err := manifest.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(m.Summary(), manifest.ReadSummary(text)); diff != "" {
			t.Fatal(diff)
		}
		got, err := manifest.DecodeSummary(text)
		if diff := cmp.Diff(m.Summary(), got); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
	})
}

// TestSummaryOfAFlippedBit has every change found, also in the frames.
func TestSummaryOfAFlippedBit(t *testing.T) {
	text := mustEncode(t, build(1))
	for i := range text {
		for bit := range 8 {
			text[i] ^= 1 << bit
			if _, err := manifest.DecodeSummary(text); err == nil {
				t.Errorf("bit %d of byte %d", bit, i)
			}
			text[i] ^= 1 << bit
		}
	}
}

// TestSummaryRefused holds texts with a right checksum whose summary makes no
// sense; each is refused as Decode does.
func TestSummaryRefused(t *testing.T) {
	text := mustEncode(t, build(1))
	for _, tt := range []struct{ old, new string }{
		{`"database":"app"`, `"database":".."`},
		{`"database":"app",` + "\n", ``},
		{`"database"`, `"Database"`},
		{`"object":"2`, `"object":"../2`},
		{`.json.zst",`, `.json.gz",`},
		{`.json.zst",`, `.json.zst.sealed",`},
		{`"codec":"zstd"`, `"codec":"lz4"`},
		{`"created":"2026-11-22T02:00:00.123Z"`, `"created":null`},
		{`"created":"2026-11-22T02:00:00.123Z"`, `"created":"2026-11-22T02:00:00.124Z"`},
		{`"level":1`, `"level":1,"x":0`},
		{`"total":2.01`, `"total":-2.01`},
		{`"writer":"litekeep`, `"writer":"keeplite`},
		{`"tables":[`, `"table":[`},
		{`"tables":[`, `"tables":{`},
		{"],\n\"verified\"", "]\n\"verified\""},
		{"],\n\"writer\"", "],\n\"more\":1,\n\"writer\""},
	} {
		if !bytes.Contains(text, []byte(tt.old)) {
			t.Fatalf("the text has no %s", tt.old)
		}
		changed := reseal(bytes.Replace(text, []byte(tt.old), []byte(tt.new), 1))
		_, want := manifest.Decode(changed)
		if _, err := manifest.DecodeSummary(changed); err == nil || want == nil || err.Error() != want.Error() {
			t.Errorf("%s: got %v, want %v", tt.new, err, want)
		}
	}
	unknown := reseal(bytes.Replace(text, []byte(`_manifest":1`), []byte(`_manifest":7`), 1))
	if _, err := manifest.DecodeSummary(unknown); !errors.Is(err, manifest.ErrVersion) {
		t.Errorf("unknown version: %v", err)
	}
}

func BenchmarkSummary(b *testing.B) {
	m := build(2)
	m.Source.Path = strings.Repeat("x", 50)
	text := mustEncode(b, m)
	for b.Loop() {
		if _, err := manifest.DecodeSummary(text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	text := mustEncode(b, build(2))
	for b.Loop() {
		if _, err := manifest.Decode(text); err != nil {
			b.Fatal(err)
		}
	}
}
