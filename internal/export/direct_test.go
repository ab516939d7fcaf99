package export

import (
	"bytes"
	"context"
	"testing"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// drawTable makes a table that rows can be written of directly.
func drawTable(t *rapid.T) *Table {
	n := rapid.IntRange(1, 9).Draw(t, "columns")
	table := &Table{direct: true, indexed: make([]bool, n), real: make([]bool, n)}
	table.RowID = rapid.IntRange(document.RowIDNone, n-1).Draw(t, "rowid")
	if table.RowID == document.RowIDImplicit {
		table.columns = []column{{field: -1}}
	}
	for i := range n {
		c := column{field: i, real: rapid.Bool().Draw(t, "real")}
		if i == table.RowID {
			c.field = -1
		}
		table.columns = append(table.columns, c)
		table.indexed[i], table.real[i] = rapid.Bool().Draw(t, "indexed"), c.real
	}
	return table
}

// drawRecord makes a record for it, not always a good one.
func drawRecord(t *rapid.T, fields int) []byte {
	var row []value.Value
	for range fields + rapid.SampledFrom([]int{0, 0, 0, 0, -1, 1}).Draw(t, "more fields") {
		v := rapid.OneOf(
			rapid.Just(value.Value{}),
			rapid.Map(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-300, 300), rapid.Just[int64](1<<53+1)), value.OfInt),
			rapid.Map(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, 1, -7, 1e300})), value.OfFloat),
			rapid.Map(rapid.String(), value.OfText),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) value.Value { return value.Value{Kind: value.RawText, Bytes: b} }),
			rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 90), value.OfBlob),
		).Draw(t, "value")
		row = append(row, v)
	}
	rec := sqlitefile.AppendRecord(nil, row, uint32(rapid.SampledFrom([]int{1, 4}).Draw(t, "schema format")))
	switch rapid.IntRange(0, 5).Draw(t, "damage") {
	case 0:
		rec = rec[:rapid.IntRange(0, len(rec)).Draw(t, "length")]
	case 2:
		if len(rec) > 1 { // a type that is reserved, a record that goes on or ends too early
			rec[rapid.IntRange(0, min(len(rec), fields+1)-1).Draw(t, "type")] = rapid.SampledFrom([]byte{0, 10, 11, 0x7f, 0x80}).Draw(t, "serial type")
		}
	case 1:
		if len(rec) > 0 {
			rec[rapid.IntRange(0, len(rec)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
	}
	return rec
}

// TestDirectIsGeneral compares the two ways to write a row, and what they take
// for its indexes. A row that the general way refuses is never written.
func TestDirectIsGeneral(t *testing.T) {
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		table := drawTable(t)
		rec := drawRecord(t, len(table.indexed))
		rowid := rapid.Int64().Draw(t, "rowid")
		e := &encoder{ctx: context.Background(), enc: sqlitefile.UTF8}
		table.indexes = []*Rebuilt{{}} // so that words are asked for
		got, ok := e.direct([]byte("before"), table, rowid, bytes.Clone(rec))
		if !ok {
			return
		}
		taken++
		words := append([]word(nil), e.words...)
		want, err := e.general([]byte("before"), table, rowid, rec)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("directly %s, else %s, %v", got, want, err)
		}
		if words[len(words)-1] != e.words[len(words)-1] {
			t.Fatal("the rowid has two words")
		}
		for i, w := range e.words[:len(words)-1] {
			c := table.stored()[i]
			if !table.indexed[i] || c.field < 0 { // the rowid is asked for as such
				continue
			}
			if newEntryHash().add(words[i], c.real) != newEntryHash().add(w, c.real) {
				t.Fatalf("field %d of %x has the word %v directly, else %v", i, rec, words[i], w)
			}
		}
	})
	if taken == 0 {
		t.Error("no row was written directly")
	}
}
