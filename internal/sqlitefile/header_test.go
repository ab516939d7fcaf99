package sqlitefile_test

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// headers draws headers that are possible.
func headers() *rapid.Generator[sqlitefile.Header] {
	return rapid.Custom(func(t *rapid.T) sqlitefile.Header {
		h := sqlitefile.Header{
			PageSize:         1 << rapid.IntRange(9, 16).Draw(t, "page size"),
			WAL:              rapid.Bool().Draw(t, "wal"),
			Pages:            rapid.Uint32().Draw(t, "pages"),
			SchemaVersion:    rapid.Uint32().Draw(t, "schema version"),
			SchemaFormat:     rapid.Uint32Range(0, 4).Draw(t, "schema format"),
			DefaultCacheSize: rapid.Int32().Draw(t, "cache size"),
			LargestRoot:      rapid.Uint32().Draw(t, "largest root"),
			Encoding:         rapid.SampledFrom(encodings).Draw(t, "encoding"),
			UserVersion:      rapid.Int32().Draw(t, "user version"),
			Incremental:      rapid.Bool().Draw(t, "incremental"),
			ApplicationID:    rapid.Int32().Draw(t, "application id"),
			SQLiteVersion:    rapid.Uint32().Draw(t, "sqlite version"),
		}
		h.Reserved = rapid.IntRange(0, min(255, h.PageSize-480)).Draw(t, "reserved")
		return h
	})
}

func TestHeaderRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := headers().Draw(t, "header")
		page := make([]byte, sqlitefile.HeaderSize+4)
		for i := range page {
			page[i] = 0xaa
		}
		h.Put(page)
		if string(page[sqlitefile.HeaderSize:]) != "\xaa\xaa\xaa\xaa" {
			t.Fatal("Put wrote beyond the header")
		}
		got, err := sqlitefile.ParseHeader(page)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(&h, got); d != "" {
			t.Fatal(d)
		}
	})
}

// good returns a header with a value of its own in each field.
func good() []byte {
	h := sqlitefile.Header{PageSize: 4096, Pages: 7, SchemaVersion: 3, SchemaFormat: 4, Encoding: sqlitefile.UTF8}
	b := make([]byte, sqlitefile.HeaderSize)
	h.Put(b)
	return b
}

func TestHeaderRefused(t *testing.T) {
	for _, c := range []struct {
		name string
		at   int
		to   string
	}{
		{"magic", 15, "\x01"},
		{"page size 0", 16, "\x00\x00"},
		{"page size 2", 16, "\x00\x02"},
		{"page size 256", 16, "\x01\x00"},
		{"page size 4097", 16, "\x10\x01"},
		{"page size 513", 16, "\x02\x01"},
		{"no write version", 18, "\x00\x00"},
		{"versions of the future", 18, "\x03\x03"},
		{"versions that disagree", 18, "\x02\x01"},
		{"read version alone", 18, "\x01\x02"},
		{"payload fractions", 21, "\x41"},
		{"leaf payload fraction", 23, "\x21"},
		{"schema format 5", 44, "\x00\x00\x00\x05"},
		{"schema format -1", 44, "\xff\xff\xff\xff"},
		{"encoding 4", 56, "\x00\x00\x00\x04"},
	} {
		b := good()
		copy(b[c.at:], c.to)
		if h, err := sqlitefile.ParseHeader(b); !errors.Is(err, sqlitefile.ErrCorrupt) {
			t.Errorf("%s: got %+v, %v", c.name, h, err)
		}
	}
	small := good()
	copy(small[16:], "\x02\x00") // pages of 512, of which 480 must be usable
	for reserved, ok := range map[byte]bool{0: true, 32: true, 33: false, 255: false} {
		small[20] = reserved
		if _, err := sqlitefile.ParseHeader(small); (err == nil) != ok {
			t.Errorf("pages of 512 with %d reserved: %v", reserved, err)
		}
	}
	for n := range sqlitefile.HeaderSize {
		if _, err := sqlitefile.ParseHeader(good()[:n]); !errors.Is(err, sqlitefile.ErrCorrupt) {
			t.Fatalf("a header of %d bytes: %v", n, err)
		}
	}
}

func TestHeaderSpecialCases(t *testing.T) {
	b := good()
	binary.BigEndian.PutUint32(b[92:], 99) // another program changed the file, and left the count alone
	if h, err := sqlitefile.ParseHeader(b); err != nil || h.Pages != 0 {
		t.Errorf("a page count that does not hold: %+v, %v", h, err)
	}
	b = good()
	binary.BigEndian.PutUint32(b[56:], 0)
	if h, err := sqlitefile.ParseHeader(b); err != nil || h.Encoding != sqlitefile.UTF8 {
		t.Errorf("a file without an encoding: %+v, %v", h, err)
	}
	b = good()
	copy(b[16:], "\x00\x01")
	if h, err := sqlitefile.ParseHeader(b); err != nil || h.PageSize != 65536 {
		t.Errorf("page size 1 in the file: %+v, %v", h, err)
	}
}

func TestHeaderCheck(t *testing.T) {
	for _, h := range []sqlitefile.Header{
		{PageSize: 131072},
		{PageSize: 512, Reserved: -1},
		{PageSize: 4096, Reserved: 256},
		{PageSize: 4096, SchemaFormat: 5},
		{PageSize: 4096, Encoding: 9},
	} {
		if h.Encoding == 0 {
			h.Encoding = sqlitefile.UTF8
		}
		if err := h.Check(); !errors.Is(err, sqlitefile.ErrCorrupt) {
			t.Errorf("%+v passes: %v", h, err)
		}
	}
}

func TestAutoVacuum(t *testing.T) {
	for _, c := range []struct {
		h    sqlitefile.Header
		want int
	}{
		{sqlitefile.Header{}, 0},
		{sqlitefile.Header{Incremental: true}, 0},
		{sqlitefile.Header{LargestRoot: 3}, 1},
		{sqlitefile.Header{LargestRoot: math.MaxUint32, Incremental: true}, 2},
	} {
		if got := c.h.AutoVacuum(); got != c.want {
			t.Errorf("%+v: %d, want %d", c.h, got, c.want)
		}
	}
}

func TestEncodingNames(t *testing.T) {
	for _, e := range encodings {
		if got, err := sqlitefile.ParseEncoding(e.String()); err != nil || got != e {
			t.Errorf("%v comes back as %v, %v", e, got, err)
		}
	}
	for _, name := range []string{"", "utf-8", "UTF-16", "encoding 4"} {
		if e, err := sqlitefile.ParseEncoding(name); err == nil || !strings.Contains(err.Error(), "unknown") {
			t.Errorf("%q is %v, %v", name, e, err)
		}
	}
}
