package export

import (
	"bytes"
	"cmp"
	"testing"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/indexsort"
	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// TestEntryIsRecord compares what an entry reads of its record with what
// DecodeRecord does.
func TestEntryIsRecord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := entry{record: drawRecord(t, rapid.IntRange(0, 5).Draw(t, "fields"))}
		err := e.read()
		values, want := sqlitefile.DecodeRecord(e.record, nil)
		if (err == nil) != (want == nil) {
			t.Fatalf("%x: %v, but DecodeRecord: %v", e.record, err, want)
		}
		if err != nil {
			return
		}
		if len(e.fields) != len(values) {
			t.Fatalf("%x has %d fields, but DecodeRecord finds %d", e.record, len(e.fields), len(values))
		}
		for i, f := range e.fields {
			v := &values[i]
			if f.word != wordOf(v) || len(v.Bytes) > 0 && !bytes.Equal(v.Bytes, e.record[f.at:f.end]) {
				t.Fatalf("%x: field %d is %+v, but DecodeRecord finds %+v", e.record, i, f, v)
			}
		}
	})
}

// TestCompareEntries compares the quick way with the Comparer.
func TestCompareEntries(t *testing.T) {
	columns := []indexsort.Column{{}, {Desc: true}, {Collation: indexsort.NoCase}, {Collation: indexsort.RTrim, Desc: true}}
	order := indexsort.NewComparer(columns, sqlitefile.UTF8)
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		x, y := entry{record: drawRecord(t, 5)}, entry{record: drawRecord(t, 5)}
		if rapid.Bool().Draw(t, "the same header") {
			y.record = bytes.Clone(x.record)
			at := rapid.IntRange(0, len(y.record)).Draw(t, "at")
			for i := at; i < len(y.record); i++ {
				y.record[i] ^= byte(rapid.IntRange(0, 3).Draw(t, "change"))
			}
		}
		if x.read() != nil || y.read() != nil {
			return
		}
		got, ok := compareEntries(&x, &y, columns)
		if !ok {
			return
		}
		taken++
		a, _ := sqlitefile.DecodeRecord(x.record, nil)
		b, _ := sqlitefile.DecodeRecord(y.record, nil)
		if want := order.CompareValues(a, b); cmp.Compare(got, 0) != cmp.Compare(want, 0) {
			t.Fatalf("%+v against %+v: %d, but the Comparer says %d", a, b, got, want)
		}
	})
	if taken == 0 {
		t.Error("no two entries were compared")
	}
}
