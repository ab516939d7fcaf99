package document

import (
	"bytes"
	"math"
	"strings"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/value"
)

// genInt draws integers with the edges of every width in between.
func genInt() *rapid.Generator[int64] {
	return rapid.OneOf(
		rapid.Int64(),
		rapid.Int64Range(-1000, 1000),
		rapid.Map(rapid.IntRange(0, 63), func(n int) int64 { return 1 << n }),
		rapid.SampledFrom([]int64{math.MinInt64, math.MinInt64 + 1, math.MaxInt64, math.MaxInt64 - 1}),
	)
}

// genFloat draws every kind of number but NaN: any bits, short decimals, whole
// numbers, the neighbours of powers of ten.
func genFloat() *rapid.Generator[float64] {
	bits := rapid.Map(rapid.Uint64(), math.Float64frombits)
	short := rapid.Custom(func(t *rapid.T) float64 {
		m := rapid.Int64Range(-1e15, 1e15).Draw(t, "m")
		return float64(m) / math.Pow10(rapid.IntRange(0, 9).Draw(t, "places"))
	})
	near := rapid.Custom(func(t *rapid.T) float64 {
		f := math.Pow10(rapid.IntRange(-323, 308).Draw(t, "exponent"))
		b := math.Float64bits(f) + uint64(rapid.IntRange(-3, 3).Draw(t, "step"))
		return math.Float64frombits(b)
	})
	special := rapid.SampledFrom([]float64{
		0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64,
		math.SmallestNonzeroFloat64, 0x1p-1022, 0x1p-1022 - 0x1p-1074, 1e-5, 1e21, 0.1, 0.3, 1 << 53,
	})
	unit := rapid.Float64Range(-1000, 1000)
	return rapid.OneOf(bits, short, near, special, unit).Filter(func(f float64) bool { return f == f })
}

// genText draws valid UTF-8 of plain runs, escapes, controls, wide characters
// and, at times, great length.
func genText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for range rapid.IntRange(0, 4).Draw(t, "pieces") {
			switch rapid.IntRange(0, 5).Draw(t, "piece") {
			case 0:
				b.WriteString(rapid.String().Draw(t, "any"))
			case 1:
				b.WriteString(rapid.StringOf(rapid.RuneFrom([]rune("abcXYZ 0123456789,[]{}"))).Draw(t, "plain"))
			case 2:
				b.WriteByte(byte(rapid.IntRange(0, 0x7f).Draw(t, "ascii")))
			case 3:
				b.WriteString(rapid.StringOf(rapid.RuneFrom([]rune("\"\\\x00\x1f\x7f\b\t\n\f\r/"))).Draw(t, "escapes"))
			case 4:
				b.WriteString(rapid.StringOf(rapid.RuneFrom([]rune("é漢😀\ufeff\u2028\ufffd\U0010ffff"))).Draw(t, "wide"))
			case 5:
				b.WriteString(strings.Repeat("x", rapid.IntRange(0, 5000).Draw(t, "long")))
			}
		}
		return strings.ToValidUTF8(b.String(), "?")
	})
}

func genBytes() *rapid.Generator[[]byte] {
	return rapid.OneOf(rapid.SliceOf(rapid.Byte()), rapid.SliceOfN(rapid.Byte(), 0, 9))
}

// genValue draws values of every kind.
func genValue() *rapid.Generator[value.Value] {
	return rapid.OneOf(
		rapid.Just(value.Value{}),
		rapid.Map(genInt(), value.OfInt),
		rapid.Map(genFloat(), value.OfFloat),
		rapid.Map(genText(), value.OfText),
		rapid.Map(genBytes(), value.OfBlob),
		rapid.Map(genBytes(), func(b []byte) value.Value { return value.Value{Kind: value.RawText, Bytes: b} }),
	)
}

func genName() *rapid.Generator[value.Value] {
	return rapid.Map(genText(), value.OfText)
}

// sameValue compares kinds, numbers by their bits, and bytes.
func sameValue(a, b value.Value) bool {
	return a.Kind == b.Kind && a.Int == b.Int && bytes.Equal(a.Bytes, b.Bytes)
}

// sample is a whole document in the making.
type sample struct {
	source   Source
	database Database
	schema   []SchemaRow
	tables   []sampleList
	indexes  []sampleList
}

// sampleList is a table (or an index) with its rows (or entries).
type sampleList struct {
	table Table
	rows  [][]value.Value
}

// genSample draws a whole document.
func genSample() *rapid.Generator[sample] {
	return rapid.Custom(func(t *rapid.T) sample {
		d := sample{
			source: Source{
				Name: genText().Draw(t, "name"), Path: genText().Draw(t, "path"),
				Created: "2026-11-22T02:00:00.123Z", SQLite: "3.54.1", Litekeep: "0.1.0",
				SchemaVersion: genInt().Draw(t, "cookie"),
			},
			database: Database{
				PageSize: 512 << rapid.IntRange(0, 7).Draw(t, "page"), Reserved: rapid.IntRange(0, 32).Draw(t, "reserved"),
				Encoding:    rapid.SampledFrom([]string{"UTF-8", "UTF-16le", "UTF-16be"}).Draw(t, "encoding"),
				UserVersion: rapid.Int32().Draw(t, "user"), ApplicationID: rapid.Int32().Draw(t, "app"),
				AutoVacuum:   rapid.IntRange(0, 2).Draw(t, "vacuum"),
				JournalMode:  rapid.SampledFrom([]string{"wal", "delete"}).Draw(t, "journal"),
				SchemaFormat: rapid.IntRange(0, 4).Draw(t, "format"), DefaultCacheSize: rapid.Int32().Draw(t, "cache"),
				ZeroBytes: rapid.Bool().Draw(t, "zero"),
			},
		}
		rowid := rapid.Int64Range(-3, 3).Draw(t, "first rowid")
		for range rapid.IntRange(0, 6).Draw(t, "schema rows") {
			r := genSchemaRow(rowid).Draw(t, "schema row")
			rowid += rapid.Int64Range(1, 3).Draw(t, "gap")
			d.schema = append(d.schema, r)
			switch r.BTree {
			case BTreeRows:
				d.tables = append(d.tables, genTable(r.Name).Draw(t, "table"))
			case BTreeEntries:
				d.indexes = append(d.indexes, sampleList{
					table: Table{Name: r.Name},
					rows:  rapid.SliceOfN(rapid.SliceOfN(genValue(), 0, 4), 0, 4).Draw(t, "entries"),
				})
			}
		}
		return d
	})
}

func genSchemaRow(rowid int64) *rapid.Generator[SchemaRow] {
	return rapid.Custom(func(t *rapid.T) SchemaRow {
		r := SchemaRow{
			RowID: rowid, Type: genValue().Draw(t, "type"), Name: genName().Draw(t, "name"),
			TblName: genValue().Draw(t, "tbl_name"), SQL: genValue().Draw(t, "sql"), RootPage: value.OfInt(0),
			BTree: rapid.SampledFrom([]BTree{BTreeNone, BTreeRows, BTreeRebuild, BTreeEntries}).Draw(t, "btree"),
		}
		if r.BTree == BTreeNone && rapid.Bool().Draw(t, "has rootpage") {
			r.RootPage = genValue().Draw(t, "rootpage")
		}
		return r
	})
}

func genTable(name value.Value) *rapid.Generator[sampleList] {
	return rapid.Custom(func(t *rapid.T) sampleList {
		l := sampleList{table: Table{Name: name, RowID: rapid.IntRange(-2, -1).Draw(t, "rowid")}}
		low, high := 0, 5
		if rapid.Bool().Draw(t, "described") {
			l.table.Columns = rapid.SliceOfN(genName(), 1, 5).Draw(t, "columns")
			high = len(l.table.Columns)
			l.table.RowID = rapid.IntRange(-2, high-1).Draw(t, "rowid column")
			l.table.Short = rapid.Bool().Draw(t, "short")
			low = min(l.table.Width().Least, high)
		}
		l.rows = rapid.SliceOfN(rapid.SliceOfN(genValue(), low, high), 0, 4).Draw(t, "rows")
		return l
	})
}

// end returns the last line's content.
func (d *sample) end() End {
	e := End{Tables: int64(len(d.tables)), Indexes: int64(len(d.indexes)), Digest: "sha256:" + strings.Repeat("0f", 32)}
	for _, l := range d.tables {
		e.Rows += int64(len(l.rows))
	}
	for _, l := range d.indexes {
		e.Entries += int64(len(l.rows))
	}
	return e
}

// encode writes the document as a backup does.
func (d *sample) encode() []byte {
	b := AppendOpening(nil, &d.source)
	b = AppendDatabase(b, &d.database)
	b = append(b, OpenSchema...)
	prev := int64(0)
	for i := range d.schema {
		b = AppendSchemaRow(b, &d.schema[i], prev)
		b = append(b, lineEnd(i, len(d.schema))...)
		prev = d.schema[i].RowID
	}
	b = append(b, CloseSchema+OpenTables...)
	for i := range d.tables {
		b = AppendTableOpen(b, &d.tables[i].table)
		b = append(appendRows(b, d.tables[i].rows), lineEnd(i, len(d.tables))...)
	}
	b = append(b, CloseTables+OpenIndexes...)
	for i := range d.indexes {
		b = AppendIndexOpen(b, &Index{Name: d.indexes[i].table.Name})
		b = append(appendRows(b, d.indexes[i].rows), lineEnd(i, len(d.indexes))...)
	}
	b = append(b, CloseIndexes...)
	e := d.end()
	return AppendEnd(b, &e)
}

// appendRows appends all item lines and the closing of their list.
func appendRows(b []byte, rows [][]value.Value) []byte {
	for i, row := range rows {
		b = AppendRow(b, row)
		b = append(b, lineEnd(i, len(rows))...)
	}
	return append(b, CloseList...)
}

func lineEnd(i, n int) string {
	if i == n-1 {
		return Last
	}
	return More
}
