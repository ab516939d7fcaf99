package indexsort

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

func intRecord(i, size int) []byte {
	return sqlitefile.AppendRecord(nil, []value.Value{value.OfInt(int64(i)), value.OfBlob(make([]byte, size))}, 4)
}

// fields checks the whole output: n records, one for each integer from 0, with
// blobs of the sizes that size gives.
func expect(t *testing.T, s *Sorter, n int, size func(int) int) {
	t.Helper()
	at := 0
	for record, err := range s.Sorted(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(record, intRecord(at, size(at))) {
			t.Fatalf("record %d is wrong", at)
		}
		at++
	}
	if at != n {
		t.Fatalf("%d records, want %d", at, n)
	}
}

// scatter visits 0 to n-1 in an order without pattern; n must be a power of two.
func scatter(n int, visit func(i int)) {
	for i := range n {
		visit(i * 40503 & (n - 1))
	}
}

// TestSeveralPasses has more runs than are merged at once, and records that are
// larger than the buffers.
func TestSeveralPasses(t *testing.T) {
	s := New(nil, sqlitefile.UTF8, Options{MemoryBytes: 1, TempDir: t.TempDir()})
	size := func(i int) int {
		if i%8000 == 0 {
			return 70000
		}
		return i % 5
	}
	const n = 1 << 18
	scatter(n, func(i int) {
		if err := s.Add(intRecord(i, size(i))); err != nil {
			t.Fatal(err)
		}
		if len(s.own.entries) > 400 { // sooner than Add would
			if err := s.Put(s.own); err != nil {
				t.Fatal(err)
			}
		}
	})
	settle(s)
	if len(s.stretches) <= 2*maxFanIn {
		t.Fatalf("%d runs do not need several passes", len(s.stretches))
	}
	expect(t, s, n, size)
	if len(s.stretches) >= maxFanIn {
		t.Fatalf("%d runs were merged at once", len(s.stretches))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestInOrder finds that runs in ascending order become one, also where the
// last record of a run is too long to be remembered.
func TestInOrder(t *testing.T) {
	for _, last := range []int{5, maxLast + 1} {
		t.Run(fmt.Sprint(last), func(t *testing.T) {
			s := New(nil, sqlitefile.UTF8, Options{MemoryBytes: 1, TempDir: t.TempDir()})
			const n = 20000
			size := func(i int) int {
				if i%1000 == 999 {
					return last
				}
				return 40
			}
			b := s.NewBatch()
			for i := range n {
				if err := b.Add(intRecord(i, size(i))); err != nil {
					t.Fatal(err)
				}
				if i%1000 == 999 {
					if err := s.Put(b); err != nil {
						t.Fatal(err)
					}
				}
			}
			settle(s)
			if runs := len(s.stretches); last < maxLast && runs != 1 || last > maxLast && runs < 2 {
				t.Fatalf("%d runs", runs)
			}
			expect(t, s, n, size)
		})
	}
}

// TestNotQuiteInOrder has runs that are sorted but overlap.
func TestNotQuiteInOrder(t *testing.T) {
	s := New(nil, sqlitefile.UTF8, Options{MemoryBytes: 1, TempDir: t.TempDir()})
	const n = 1 << 14
	for _, odd := range []int{0, 1} {
		for i := odd; i < n; i += 2 {
			if err := s.Add(intRecord(i, 3)); err != nil {
				t.Fatal(err)
			}
		}
	}
	settle(s)
	if len(s.stretches) < 2 {
		t.Fatalf("%d runs", len(s.stretches))
	}
	expect(t, s, n, func(int) int { return 3 })
}

// TestForgottenLast has a run that follows what is remembered of the run before
// it, but not its last record, which was too long to remember.
func TestForgottenLast(t *testing.T) {
	s := New(nil, sqlitefile.UTF8, Options{MemoryBytes: 1, TempDir: t.TempDir()})
	size := func(i int) int {
		if i == 2999 {
			return maxLast + 1
		}
		return 40
	}
	for _, run := range [][2]int{{0, 1000}, {2000, 3000}, {1000, 2000}} {
		for i := run[0]; i < run[1]; i++ {
			if err := s.own.Add(intRecord(i, size(i))); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Put(s.own); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, s, 3000, size)
}

// TestRuns merges runs that share nothing, a little or much of their first
// columns, and whose other columns follow each other or not.
func TestRuns(t *testing.T) {
	texts := func(prefix string) func(int) value.Value {
		return func(i int) value.Value { return value.OfText(prefix + string(rune('a'+i%7))) }
	}
	blobs := func(i int) value.Value { return value.OfBlob([]byte("12345" + string(rune('a'+i%7)))) }
	numbers := func(i int) value.Value { return value.OfInt(int64(i % 7)) }
	mixed := func(i int) value.Value {
		return []value.Value{value.OfText("12345"), value.OfText("9"), value.OfBlob([]byte("12345"))}[i%3]
	}
	behind := func(i int) value.Value {
		return value.OfText("1" + string(rune('a'+i%7)) + "345678" + string(rune('a'+i%11)))
	}
	for name, runs := range map[string][]func(int) value.Value{
		"numbers":        {numbers, numbers, numbers},
		"much":           {texts("12345"), texts("12345"), texts("123456")},
		"one byte":       {texts("1"), texts("1"), texts("1")},
		"behind a byte":  {behind, behind, behind},
		"mixed":          {mixed, mixed, mixed},
		"extended":       {texts("12345"), texts("92345"), texts("12345"), texts("12345")},
		"text and blob":  {texts("12345"), blobs, texts("12345")},
		"blob in memory": {texts("12345"), texts("12345"), blobs},
		"another":        {texts("12345"), texts("02345"), texts("92345")},
		"last another":   {texts("12345"), texts("12345"), texts("02345")},
		"number":         {texts("12345"), texts("12345"), numbers},
		"following":      {numbers, texts("02345"), texts("12345"), texts("92345")},
	} {
		for _, turned := range []bool{false, true} {
			for _, desc := range []bool{false, true} {
				t.Run(fmt.Sprint(name, turned, desc), func(t *testing.T) { checkRuns(t, runs, turned, desc) })
			}
		}
	}
}

// checkRuns sorts runs of 3000 records, the last of which stays in memory. If
// turned is set, the rowids of each run are below those of the run before.
func checkRuns(t *testing.T, runs []func(int) value.Value, turned, desc bool) {
	t.Helper()
	s := New([]Column{{Desc: desc}}, sqlitefile.UTF8, Options{MemoryBytes: 100 << 10, TempDir: t.TempDir()})
	var want [][]byte
	for r, first := range runs {
		n := 3000
		if r == len(runs)-1 {
			n = 300
		}
		for i := range n {
			rowid := int64(r*10000 + i)
			if turned {
				rowid -= int64(r * 20000)
			}
			record := sqlitefile.AppendRecord(nil, []value.Value{first(i * 5), value.OfInt(rowid)}, 4)
			want = append(want, record)
			if err := s.own.Add(record); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Put(s.own); err != nil {
			t.Fatal(err)
		}
	}
	settle(s)
	if s.file == nil || len(s.run.entries) != 300 {
		t.Fatalf("%d records in memory", len(s.run.entries))
	}
	slices.SortFunc(want, s.own.order.compare)
	i := 0
	for record, err := range s.Sorted(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(record, want[i]) {
			t.Fatalf("record %d is %x, want %x", i, record, want[i])
		}
		i++
	}
	if i != len(want) {
		t.Fatalf("%d records, want %d", i, len(want))
	}
}

// settle waits until nothing is being spilled.
func settle(s *Sorter) { s.idle <- <-s.idle }

// TestMemory finds that the runs keep to their share.
func TestMemory(t *testing.T) {
	const limit = 4 << 20
	s := New(nil, sqlitefile.UTF8, Options{MemoryBytes: limit, TempDir: t.TempDir()})
	scatter(1<<18, func(i int) {
		if err := s.Add(intRecord(i, 20)); err != nil {
			t.Fatal(err)
		}
		if got := s.run.footprint(); got > limit/2+putSize*3 {
			t.Fatalf("a run takes %d bytes", got)
		}
	})
	spent := <-s.idle
	defer func() { s.idle <- spent }()
	if len(s.stretches) < 3 || spent == nil || len(s.spare) != 0 {
		t.Fatalf("%d runs spilled, %d buffers besides the two", len(s.stretches), len(s.spare))
	}
}

func TestNoNameIsLeft(t *testing.T) {
	dir := t.TempDir()
	s := New(nil, sqlitefile.UTF8, Options{MemoryBytes: 1, TempDir: dir})
	scatter(1<<12, func(i int) {
		if err := s.Add(intRecord(i, 20)); err != nil {
			t.Fatal(err)
		}
	})
	settle(s)
	if s.file == nil {
		t.Fatal("nothing was spilled")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Fatalf("left: %v", left)
	}
	if err := s.Add(intRecord(1, 1)); !errors.Is(err, errClosed) {
		t.Fatalf("a closed sorter takes a record: %v", err)
	}
	for _, err := range s.Sorted(t.Context()) {
		if !errors.Is(err, errClosed) {
			t.Fatalf("a closed sorter gives: %v", err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRefused(t *testing.T) {
	text := func(b ...byte) []byte {
		return sqlitefile.AppendRecord(nil, []value.Value{{Kind: value.RawText, Bytes: b}}, 4)
	}
	for name, test := range map[string]struct {
		record []byte
		enc    sqlitefile.Encoding
		want   error
	}{
		"empty":            {nil, sqlitefile.UTF8, sqlitefile.ErrCorrupt},
		"header of 0":      {[]byte{0}, sqlitefile.UTF8, sqlitefile.ErrCorrupt},
		"long header":      {[]byte{3, 1}, sqlitefile.UTF8, sqlitefile.ErrCorrupt},
		"cut varint":       {[]byte{2, 0x81, 1}, sqlitefile.UTF8, sqlitefile.ErrCorrupt},
		"cut content":      {[]byte{2, 2, 1}, sqlitefile.UTF8, sqlitefile.ErrCorrupt},
		"huge content":     {[]byte{10, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, sqlitefile.UTF8, sqlitefile.ErrCorrupt},
		"reserved serial":  {[]byte{2, 10}, sqlitefile.UTF8, sqlitefile.ErrCorrupt},
		"odd UTF-16":       {text('a'), sqlitefile.UTF16LE, ErrUnsupported},
		"half a surrogate": {text(0xd8, 0), sqlitefile.UTF16BE, ErrUnsupported},
		"UTF-16":           {text(0, 0xd8), sqlitefile.UTF16BE, nil},
		"ill-formed UTF-8": {text(0xff), sqlitefile.UTF8, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := New([]Column{{Collation: NoCase}}, test.enc, Options{})
			if err := s.Add(test.record); !errors.Is(err, test.want) {
				t.Fatalf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestTempDirFails(t *testing.T) {
	s := New(nil, sqlitefile.UTF8, Options{MemoryBytes: 1, TempDir: filepath.Join(t.TempDir(), "none")})
	var failed error
	scatter(1<<12, func(i int) {
		if err := s.Add(intRecord(i, 20)); err != nil {
			failed = err
		}
	})
	if !errors.Is(failed, os.ErrNotExist) {
		t.Fatalf("got %v", failed)
	}
	for _, err := range s.Sorted(t.Context()) {
		if !errors.Is(err, os.ErrNotExist) {
			t.Fatalf("after a failure: %v", err)
		}
	}
}

func TestCancel(t *testing.T) {
	s := New(nil, sqlitefile.UTF8, Options{TempDir: t.TempDir()})
	for i := range 3 * checkEvery {
		if err := s.Add(intRecord(i, 1)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for _, err := range s.Sorted(ctx) {
		cancel()
		n++
		last = err
	}
	if n > checkEvery+1 || !errors.Is(last, context.Canceled) {
		t.Fatalf("%d records, then %v", n, last)
	}
}
