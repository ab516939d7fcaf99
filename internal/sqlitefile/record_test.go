package sqlitefile_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// TestIntSerial checks the serial type at each border, from the table of serial
// types in "Record Format".
func TestIntSerial(t *testing.T) {
	for _, c := range []struct {
		i      int64
		serial uint64
		bytes  string
	}{
		{0, 8, ""},
		{1, 9, ""},
		{2, 1, "\x02"},
		{-1, 1, "\xff"},
		{127, 1, "\x7f"},
		{-128, 1, "\x80"},
		{128, 2, "\x00\x80"},
		{-129, 2, "\xff\x7f"},
		{32767, 2, "\x7f\xff"},
		{-32768, 2, "\x80\x00"},
		{32768, 3, "\x00\x80\x00"},
		{-32769, 3, "\xff\x7f\xff"},
		{8388607, 3, "\x7f\xff\xff"},
		{-8388608, 3, "\x80\x00\x00"},
		{8388608, 4, "\x00\x80\x00\x00"},
		{-8388609, 4, "\xff\x7f\xff\xff"},
		{2147483647, 4, "\x7f\xff\xff\xff"},
		{-2147483648, 4, "\x80\x00\x00\x00"},
		{2147483648, 5, "\x00\x00\x80\x00\x00\x00"},
		{-2147483649, 5, "\xff\xff\x7f\xff\xff\xff"},
		{1<<47 - 1, 5, "\x7f\xff\xff\xff\xff\xff"},
		{-1 << 47, 5, "\x80\x00\x00\x00\x00\x00"},
		{1 << 47, 6, "\x00\x00\x80\x00\x00\x00\x00\x00"},
		{math.MaxInt64, 6, "\x7f\xff\xff\xff\xff\xff\xff\xff"},
		{math.MinInt64, 6, "\x80\x00\x00\x00\x00\x00\x00\x00"},
	} {
		serial := sqlitefile.IntSerial(c.i, 4)
		b := sqlitefile.AppendInt(nil, serial, c.i)
		if serial != c.serial || string(b) != c.bytes || sqlitefile.SerialLen(serial) != int64(len(c.bytes)) {
			t.Errorf("%d is type %d, %x, want %d, %x", c.i, serial, b, c.serial, c.bytes)
		}
		if got := sqlitefile.DecodeInt(serial, []byte(c.bytes)); got != c.i {
			t.Errorf("DecodeInt(%d, %x) = %d, want %d", serial, c.bytes, got, c.i)
		}
	}
	for i := range int64(2) {
		if got := sqlitefile.IntSerial(i, 3); got != 1 {
			t.Errorf("in schema format 3, %d is type %d, want 1", i, got)
		}
	}
}

func TestSerialLen(t *testing.T) {
	for serial, want := range map[uint64]int64{
		0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8, 7: 8, 8: 0, 9: 0, 10: 0, 11: 0,
		12: 0, 13: 0, 14: 1, 15: 1, 1000: 494, math.MaxUint64: math.MaxInt64 - 6,
	} {
		if got := sqlitefile.SerialLen(serial); got != want {
			t.Errorf("SerialLen(%d) = %d, want %d", serial, got, want)
		}
	}
}

// values draws stored values: TEXT is RawText, as DecodeRecord gives it.
func values() *rapid.Generator[value.Value] {
	return rapid.Custom(func(t *rapid.T) value.Value {
		content := func() []byte {
			if rapid.IntRange(0, 19).Draw(t, "long") == 0 {
				return bytes.Repeat([]byte{'x'}, rapid.IntRange(50, 20000).Draw(t, "length"))
			}
			return rapid.SliceOfN(rapid.Byte(), 0, 70).Draw(t, "bytes")
		}
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			return value.OfInt(int64(uints().Draw(t, "int")))
		case 1:
			return value.OfFloat(rapid.Float64().Draw(t, "real"))
		case 2:
			return value.Value{Kind: value.RawText, Bytes: content()}
		case 3:
			return value.OfBlob(content())
		}
		return value.Value{}
	})
}

func TestRecordRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Many columns, so that the header's own length grows to three bytes.
		row := rapid.SliceOfN(values(), 0, rapid.SampledFrom([]int{3, 140, 300}).Draw(t, "columns")).Draw(t, "row")
		if rapid.IntRange(0, 9).Draw(t, "wide") == 0 {
			row = append(row, make([]value.Value, rapid.IntRange(100, 17000).Draw(t, "nulls"))...)
		}
		format := rapid.SampledFrom([]uint32{1, 3, 4}).Draw(t, "format")
		rec := sqlitefile.AppendRecord([]byte("before"), row, format)[6:]
		if parts := bytes.Join(sqlitefile.RecordParts(row, format), nil); !bytes.Equal(parts, rec) {
			t.Fatalf("RecordParts gives %x, AppendRecord %x", parts, rec)
		}
		var apart []*value.Value
		for i := range row {
			apart = append(apart, &row[i])
		}
		if of := sqlitefile.AppendRecordOf([]byte("before"), apart, format)[6:]; !bytes.Equal(of, rec) {
			t.Fatalf("AppendRecordOf gives %x, AppendRecord %x", of, rec)
		}
		if head := sqlitefile.AppendRecordHeader(nil, row, format); !bytes.HasPrefix(rec, head) {
			t.Fatalf("the header is %x, the record %x", head, rec)
		}
		got, err := sqlitefile.DecodeRecord(rec, make([]value.Value, 3))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(row, got, cmp.Comparer(func(a, b value.Value) bool {
			return a.Kind == b.Kind && a.Int == b.Int && bytes.Equal(a.Bytes, b.Bytes)
		})); d != "" {
			t.Fatal(d)
		}
	})
}

// TestHeaderLength checks the length of a record's header, which counts its own
// bytes, where it grows by one.
func TestHeaderLength(t *testing.T) {
	for _, c := range []struct{ columns, header int }{
		{0, 1}, {126, 127}, {127, 129}, {16381, 16383}, {16382, 16385}, {20000, 20003},
	} {
		rec := sqlitefile.AppendRecord(nil, make([]value.Value, c.columns), 4)
		got, _ := sqlitefile.Varint(rec)
		if len(rec) != c.header || got != uint64(c.header) {
			t.Errorf("%d NULLs: header of %d bytes says %d, want %d", c.columns, len(rec), got, c.header)
		}
		if row, err := sqlitefile.DecodeRecord(rec, nil); err != nil || len(row) != c.columns {
			t.Errorf("%d NULLs: %d come back, %v", c.columns, len(row), err)
		}
	}
}

func TestDecodeRecordRefuses(t *testing.T) {
	for name, rec := range map[string]string{
		"nothing":                    "",
		"header of length 0":         "\x00",
		"header longer than payload": "\x03\x01",
		"header shorter than itself": "\x81\x00",
		"header length cut off":      "\x81",
		"header length huge":         "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00",
		"serial type cut off":        "\x02\x81",
		"field longer than payload":  "\x02\x02\x00",
		"field of 2^63 bytes":        "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"serial type 10":             "\x02\x0a",
		"serial type 11":             "\x02\x0b",
		"bytes after the last field": "\x02\x01\x05\x06",
		"bytes but no field":         "\x01\x05",
	} {
		if row, err := sqlitefile.DecodeRecord([]byte(rec), nil); !errors.Is(err, sqlitefile.ErrCorrupt) {
			t.Errorf("%s: got %v, %v", name, row, err)
		}
	}
}

func TestNaNIsNull(t *testing.T) {
	nan := "\x02\x07\x7f\xf8\x00\x00\x00\x00\x00\x01"
	got, err := sqlitefile.DecodeRecord([]byte(nan), nil)
	if err != nil || len(got) != 1 || got[0].Kind != value.Null {
		t.Errorf("a NaN is %v, %v; SQLite reads NULL", got, err)
	}
}

// FuzzDecodeRecord checks that what is accepted is the same record when it is
// encoded and decoded again, and that it never panics.
func FuzzDecodeRecord(f *testing.F) {
	f.Add([]byte("\x03\x15\x02mark\x01\x2c"))
	f.Add([]byte("\x01"))
	f.Add([]byte("\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Add(sqlitefile.AppendRecord(nil, make([]value.Value, 130), 4))
	f.Fuzz(func(t *testing.T, rec []byte) {
		row, err := sqlitefile.DecodeRecord(rec, nil)
		if err != nil {
			if !errors.Is(err, sqlitefile.ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		again, err := sqlitefile.DecodeRecord(sqlitefile.AppendRecord(nil, row, 4), nil)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(row, again, func(a, b value.Value) bool {
			return a.Kind == b.Kind && a.Int == b.Int && bytes.Equal(a.Bytes, b.Bytes)
		}) {
			t.Fatalf("%x: %v, then %v", rec, row, again)
		}
	})
}
