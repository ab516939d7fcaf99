package indexsort_test

import (
	"bytes"
	"math"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/indexsort"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// TestOrder sorts random records and has SQLite judge.
func TestOrder(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		c := drawContent(rt)
		s := indexsort.New(c.columns, c.enc, indexsort.Options{
			MemoryBytes: rapid.SampledFrom([]int{1, 1 << 20}).Draw(rt, "memory"), TempDir: dir,
		})
		fill(rt, s, c)
		c.check(rt, dir, sorted(rt, s))
		must(rt, s.Close())
	})
}

// TestSpill finds that many runs give the order that one run in memory does.
func TestSpill(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		c := drawContent(rt)
		if len(c.rows) == 0 {
			return
		}
		for len(c.rows) < 2500 {
			c.rows = append(c.rows, c.rows[:min(len(c.rows), 2500-len(c.rows))]...)
		}
		var orders [2][][]byte
		for i, memory := range []int{1, 1 << 30} {
			s := indexsort.New(c.columns, c.enc, indexsort.Options{MemoryBytes: memory, TempDir: dir})
			fill(rt, s, c)
			orders[i] = sorted(rt, s)
			must(rt, s.Close())
		}
		for i, want := range orders[1] {
			if !bytes.Equal(orders[0][i], want) {
				rt.Fatalf("record %d is %x with runs, %x without", i, orders[0][i], want)
			}
		}
	})
}

// TestLargeRecords sorts records that are taken over instead of copied, whole and in
// parts, of which not all can be merged at once.
func TestLargeRecords(t *testing.T) {
	const count, size = 30, 5 << 20
	record := func(i int) []byte {
		n := size * (i % 2) // every other is small
		return sqlitefile.AppendRecord(nil, []value.Value{value.OfBlob(make([]byte, n)), value.OfInt(int64(i))}, 4)
	}
	s := indexsort.New(nil, sqlitefile.UTF8, indexsort.Options{MemoryBytes: 1, TempDir: t.TempDir()})
	for i := range count {
		r, b := record(i*7%count), s.NewBatch()
		var err error
		if i%3 > 0 {
			err = b.AddParts(r[:2], r[2:len(r)/2], nil, r[len(r)/2:])
		} else {
			err = b.Add(r)
		}
		if err == nil {
			err = s.Put(b)
		}
		if err == nil { // and the batch can be used again
			if err = b.Add(record(0)); err == nil && i == 0 {
				err = s.Put(b)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !s.Large() {
		t.Error("it does not know that there are large records")
	}
	if err := s.NewBatch().AddParts([]byte{9}, []byte{1}); err == nil {
		t.Error("what is no record is taken")
	}
	n := 0
	for r, err := range s.Sorted(t.Context()) {
		want := max(n-1, 0) * 2
		if n > count/2 {
			want = (n-count/2-1)*2 + 1
		}
		if err != nil || !bytes.Equal(r, record(want)) {
			t.Fatalf("record %d is not %d, %v", n, want, err)
		}
		n++
	}
	if n != count+1 {
		t.Errorf("%d records come back", n)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestNumbers has SQLite judge the order of numbers where integers and doubles
// meet, each of them several times.
func TestNumbers(t *testing.T) {
	for _, base := range []float64{0, 3, 1 << 50, 1 << 51, 1 << 52, 1 << 53, 1 << 54, 1 << 62, 1 << 63} {
		var reals, ints, coarse []value.Value
		for i := range int64(12) {
			for _, sign := range []float64{1, -1} {
				real := math.Float64frombits(math.Float64bits(base) + uint64(i))
				reals = append(reals, value.OfFloat(sign*real))
				whole := max(-1<<63, min(sign*base, 1<<63-1024))
				ints = append(ints, value.OfInt(int64(whole)+i), value.OfInt(int64(whole)+i*512/11))
				step := int64(max(base/(1<<50), 1)) // four doubles
				coarse = append(coarse, value.OfInt(int64(whole)-i*step), value.OfInt(int64(whole)-i*step+1))
			}
		}
		for _, values := range [][]value.Value{reals, ints, coarse, append(reals, ints...)} {
			for _, desc := range []bool{false, true} {
				sortNumbers(t, values, desc)
			}
		}
	}
}

func sortNumbers(t *testing.T, values []value.Value, desc bool) {
	t.Helper()
	c := content{columns: []indexsort.Column{{Desc: desc}}, enc: sqlitefile.UTF8}
	for i := range 30 * len(values) {
		c.rows = append(c.rows, []value.Value{values[i*7919%len(values)]})
	}
	dir := t.TempDir()
	for _, memory := range []int{1, 1 << 30} {
		s := indexsort.New(c.columns, c.enc, indexsort.Options{MemoryBytes: memory, TempDir: dir})
		for i := range c.rows {
			must(t, s.Add(c.record(i)))
		}
		c.check(t, dir, sorted(t, s))
		must(t, s.Close())
	}
}

// fill adds all records: by Add, by batches of one goroutine, or of several.
func fill(t *rapid.T, s *indexsort.Sorter, c content) {
	way := rapid.SampledFrom([]int{0, 1, 3}).Draw(t, "goroutines")
	if way == 0 {
		for i := range c.rows {
			must(t, s.Add(c.record(i)))
		}
		return
	}
	putEvery := rapid.IntRange(1, 300).Draw(t, "batch")
	errs := make([]error, way)
	var wg sync.WaitGroup
	for g := range way {
		wg.Go(func() { errs[g] = fillPart(s, c, g, way, putEvery) })
	}
	wg.Wait()
	for _, err := range errs {
		must(t, err)
	}
}

func fillPart(s *indexsort.Sorter, c content, from, step, putEvery int) error {
	b := s.NewBatch()
	for i := from; i < len(c.rows); i += step {
		if err := b.Add(c.record(i)); err != nil {
			return err
		}
		if i%putEvery == 0 {
			if err := s.Put(b); err != nil {
				return err
			}
		}
	}
	return s.Put(b)
}

func drawContent(t *rapid.T) content {
	c := content{enc: rapid.SampledFrom([]sqlitefile.Encoding{
		sqlitefile.UTF8, sqlitefile.UTF8, sqlitefile.UTF16LE, sqlitefile.UTF16BE,
	}).Draw(t, "encoding")}
	for range rapid.IntRange(1, 3).Draw(t, "columns") {
		c.columns = append(c.columns, indexsort.Column{
			Desc:      rapid.Bool().Draw(t, "desc"),
			Collation: indexsort.Collation(rapid.IntRange(0, 2).Draw(t, "collation")),
		})
	}
	// A few values, so that many are equal; then rows made of them.
	pools := make([][]value.Value, len(c.columns))
	for i, col := range c.columns {
		long := rapid.SampledFrom([]int{0, 0, 1, 6, 20, 300}).Draw(t, "common prefix")
		kinds := rapid.SampledFrom([]string{"nirtb", "i", "ir", "t", "b", "tn"}).Draw(t, "kinds")
		for range rapid.SampledFrom([]int{1, 3, 40, 200}).Draw(t, "values") {
			pools[i] = append(pools[i], drawValue(t, kinds, c.enc, col, long))
		}
	}
	n := rapid.SampledFrom([]int{0, 1, 2, 30, 500, 3000}).Draw(t, "rows")
	seed := rapid.Uint64().Draw(t, "seed")
	clustered := rapid.Bool().Draw(t, "clustered") // equal values stand together
	for j := range n {
		row := make([]value.Value, len(pools))
		for i, pool := range pools {
			seed = seed*6364136223846793005 + 1442695040888963407
			row[i] = pool[int(seed>>33)%len(pool)]
			if clustered && i == 0 {
				row[i] = pool[j*len(pool)/n]
			}
		}
		c.rows = append(c.rows, row)
	}
	return c
}

func drawValue(t *rapid.T, kinds string, enc sqlitefile.Encoding, col indexsort.Column, long int) value.Value {
	switch kinds[rapid.IntRange(0, len(kinds)-1).Draw(t, "kind")] {
	case 'i':
		return value.OfInt(drawInt(t))
	case 'r':
		return value.OfFloat(drawReal(t))
	case 'b':
		return value.OfBlob(append(bytes.Repeat([]byte{9}, long), rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "blob")...))
	case 't':
		return drawText(t, enc, col, long)
	}
	return value.Value{}
}

func drawInt(t *rapid.T) int64 {
	near := rapid.SampledFrom([]int64{0, 127, 1 << 50, 1 << 51, 1 << 52, 1 << 53, 1 << 62, math.MaxInt64 - 1100}).Draw(t, "near")
	far := rapid.SampledFrom([]int64{2, 1100}).Draw(t, "far")
	i := near + rapid.Int64Range(-far, far).Draw(t, "off")
	if rapid.Bool().Draw(t, "negative") {
		i = -i
	}
	return i
}

func drawReal(t *rapid.T) float64 {
	switch rapid.IntRange(0, 3).Draw(t, "real") {
	case 0:
		return rapid.SampledFrom([]float64{
			0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), 1 << 63, -1 << 63, 5e-324, 0.5, math.MaxFloat64,
		}).Draw(t, "special")
	case 1:
		return float64(drawInt(t))
	case 2:
		return math.Float64frombits(math.Float64bits(float64(drawInt(t))) + rapid.Uint64Range(0, 9).Draw(t, "ulps"))
	}
	return rapid.Float64().Draw(t, "float")
}

func drawText(t *rapid.T, enc sqlitefile.Encoding, col indexsort.Column, long int) value.Value {
	alphabet := []string{"a", "A", "b", "z", "Z", "[", "@", "`", "{", " ", " ", "\x00", "é", "É", "\U0001F600", "\uffff", "\u0131"}
	if rapid.Bool().Draw(t, "few letters") {
		alphabet = []string{"a", "A", " ", "\x00"}
	}
	letter := rapid.SampledFrom(alphabet)
	s := bytes.Repeat([]byte("x"), long)
	for range rapid.SampledFrom([]int{0, 1, 2, 3, 4, 7, 8, 12}).Draw(t, "letters") {
		s = append(s, letter.Draw(t, "letter")...)
	}
	s = sqlitefile.EncodeText(nil, s, enc)
	if enc == sqlitefile.UTF8 || col.Collation == indexsort.Binary {
		s = append(s, rapid.SliceOfN(rapid.Byte(), 0, 2).Draw(t, "ill-formed")...)
	}
	return value.Value{Kind: value.RawText, Bytes: s}
}
