package pagewriter_test

import (
	"fmt"
	"testing"

	"github.com/litekeep/litekeep/internal/pagewriter"
	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// nowhere takes writes as fast as it can be done.
type nowhere struct{}

func (nowhere) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }

func BenchmarkTable(b *testing.B) {
	for _, size := range []int{30, 160, 1000, 20000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			record := make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			w, err := pagewriter.New(nowhere{}, sqlitefile.Header{PageSize: 4096, Encoding: sqlitefile.UTF8}, 1)
			must(b, err)
			t := w.Table(0)
			for i := range b.N {
				if err := t.Append(int64(i), record); err != nil {
					b.Fatal(err)
				}
			}
			must(b, t.Close())
		})
	}
}

func BenchmarkIndex(b *testing.B) {
	record := make([]byte, 25)
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	w, err := pagewriter.New(nowhere{}, sqlitefile.Header{PageSize: 4096, Encoding: sqlitefile.UTF8}, 1)
	must(b, err)
	x := w.Index(0)
	for range b.N {
		if err := x.Append(record); err != nil {
			b.Fatal(err)
		}
	}
	must(b, x.Close())
}
