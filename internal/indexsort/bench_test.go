package indexsort

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

const benchRecords = 1_500_000

// benchShapes are first columns of index records.
var benchShapes = []struct {
	name string
	make func(r *rand.Rand, i int) value.Value
}{
	{"ascending", func(_ *rand.Rand, i int) value.Value { return value.OfInt(int64(i) * 3) }},
	{"random ints", func(r *rand.Rand, _ int) value.Value { return value.OfInt(r.Int64N(1 << 40)) }},
	{"few ints", func(r *rand.Rand, _ int) value.Value { return value.OfInt(r.Int64N(7)) }},
	{"foreign keys", func(r *rand.Rand, _ int) value.Value { return value.OfInt(r.Int64N(benchRecords / 10)) }},
	{"reals", func(r *rand.Rand, _ int) value.Value { return value.OfFloat(r.Float64() * 1000) }},
	{"names", func(r *rand.Rand, _ int) value.Value { return value.OfText(fmt.Sprintf("user%d@ex.org", r.IntN(1e7))) }},
	{"long prefix", func(r *rand.Rand, _ int) value.Value {
		return value.OfText(fmt.Sprintf("https://www.example.org/a/%08d", r.IntN(1e8)))
	}},
}

// BenchmarkSort sorts 1.5 million records in memory, and with runs of 8 MiB.
func BenchmarkSort(b *testing.B) {
	for _, shape := range benchShapes {
		var data []byte
		var ends []int
		r := rand.New(rand.NewPCG(1, 2))
		for i := range benchRecords {
			row := []value.Value{shape.make(r, i), value.OfInt(int64(i))}
			data = sqlitefile.AppendRecord(data, row, 4)
			ends = append(ends, len(data))
		}
		for _, memory := range []int{512 << 20, 16 << 20} {
			b.Run(fmt.Sprintf("%s/%dMiB", shape.name, memory>>20), func(b *testing.B) {
				b.SetBytes(int64(len(data)))
				for range b.N {
					benchSort(b, data, ends, memory)
				}
			})
		}
	}
}

func benchSort(b *testing.B, data []byte, ends []int, memory int) {
	s := New(nil, sqlitefile.UTF8, Options{MemoryBytes: memory, TempDir: b.TempDir()})
	from := 0
	for _, to := range ends {
		if err := s.Add(data[from:to]); err != nil {
			b.Fatal(err)
		}
		from = to
	}
	n := 0
	for _, err := range s.Sorted(b.Context()) {
		if err != nil {
			b.Fatal(err)
		}
		n++
	}
	if n != len(ends) {
		b.Fatalf("%d records", n)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}
