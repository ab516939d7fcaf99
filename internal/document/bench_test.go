package document

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/value"
)

// mixedRow is a row of an ordinary application table.
func mixedRow(i int) []value.Value {
	return []value.Value{
		value.OfInt(int64(i)), value.OfText(fmt.Sprintf("user-%d@example.com", i)),
		value.OfText("Ada Löwe \"the " + fmt.Sprint(i) + "th\""), value.OfFloat(float64(i%10000) / 100),
		value.OfFloat(rand.New(rand.NewPCG(1, uint64(i))).Float64()),
		value.OfText("2026-11-22T02:00:00Z"),
		{},
		value.OfBlob([]byte("0123456789abcdef" + fmt.Sprint(i))),
		value.OfInt(1700000000000 + int64(i)*977), value.OfText(strings.Repeat("lorem ipsum dolor ", i%8)),
	}
}

func narrowRow(i int) []value.Value {
	return []value.Value{value.OfInt(int64(i)), value.OfInt(int64(i) * 7919 % 100000), value.OfInt(int64(i % 7))}
}

func textRow(i int) []value.Value {
	return []value.Value{value.OfInt(int64(i)), value.OfText(strings.Repeat("The quick brown fox jumps over the lazy dog. ", 12+i%9) + "\n")}
}

func realRow(i int) []value.Value {
	r := rand.New(rand.NewPCG(2, uint64(i)))
	return []value.Value{value.OfFloat(r.Float64() * 1000), value.OfFloat(r.Float64()), value.OfFloat(r.NormFloat64())}
}

func blobRow(i int) []value.Value {
	return []value.Value{value.OfInt(int64(i)), value.OfBlob([]byte(strings.Repeat("\x01\x80\xfe", 100+i%50)))}
}

func wideTextRow(i int) []value.Value {
	return []value.Value{value.OfInt(int64(i)), value.OfText(strings.Repeat("Съешь ещё этих мягких французских булок ", 1+i%5)), value.OfText("漢字かな交じり文")}
}

func jsonRow(i int) []value.Value {
	return []value.Value{value.OfInt(int64(i)), value.OfText(`{"id":17,"kind":"click","tags":["a","b"],"path":"C:\\x"}`)}
}

// shapes are the tables that are measured.
var shapes = []struct {
	name string
	row  func(int) []value.Value
}{
	{"mixed", mixedRow},
	{"narrow", narrowRow},
	{"text", textRow},
	{"real", realRow},
	{"blob", blobRow},
	{"wide", wideTextRow},
	{"json", jsonRow},
}

const benchRows = 1000

// benchRun returns rows of one shape and their item lines.
func benchRun(row func(int) []value.Value) (rows [][]value.Value, run []byte) {
	for i := range benchRows {
		rows = append(rows, row(i))
		run = append(AppendRow(run, rows[i]), More...)
	}
	return rows, run
}

func BenchmarkAppendRow(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			rows, run := benchRun(s.row)
			b.SetBytes(int64(len(run)))
			b.ReportAllocs()
			for b.Loop() {
				run = run[:0]
				for _, row := range rows {
					run = append(AppendRow(run, row), More...)
				}
			}
		})
	}
}

// BenchmarkParseRow includes the copy of the text, which parsing destroys.
func BenchmarkParseRow(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			_, run := benchRun(s.row)
			work := make([]byte, len(run))
			var row []value.Value
			b.SetBytes(int64(len(run)))
			b.ReportAllocs()
			for b.Loop() {
				copy(work, run)
				for rest := work; len(rest) > 0; {
					item, next, err := NextItem(rest)
					if err != nil {
						b.Fatal(err)
					}
					if row, err = ParseRow(item, row); err != nil {
						b.Fatal(err)
					}
					rest = next
				}
			}
		})
	}
}

func BenchmarkCheckItems(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			_, run := benchRun(s.row)
			b.SetBytes(int64(len(run)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := CheckItems(run, AnyWidth); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkScanner(b *testing.B) {
	_, run := benchRun(mixedRow)
	s := Scanner{state: inRows}
	b.SetBytes(int64(len(run)))
	for b.Loop() {
		if err := s.Feed(run, func(Event) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAppendStoredRow has texts as they are stored, whose UTF-8 is checked.
func BenchmarkAppendStoredRow(b *testing.B) {
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			rows, run := benchRun(s.row)
			for _, row := range rows {
				for i := range row {
					if row[i].Kind == value.Text {
						row[i].Kind = value.RawText
					}
				}
			}
			b.SetBytes(int64(len(run)))
			for b.Loop() {
				run = run[:0]
				for _, row := range rows {
					run = append(AppendStoredRow(run, row), More...)
				}
			}
		})
	}
}
