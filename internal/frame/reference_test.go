package frame_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/manifest"
)

// reference cuts a document as docs/FORMAT.md section 3.1 says, line by line and
// with nothing in common with the package.
func reference(doc []byte) (frames [][]byte) {
	lines := bytes.SplitAfter(doc, []byte("\n"))
	lines = lines[:len(lines)-1] // what follows the last LF: nothing
	frames = append(frames, bytes.Join(lines[:2], nil))
	var cur []byte
	length := uint64(0) // of the frame, with a comma after every item line
	cut := func() {
		if len(cur) > 0 {
			frames = append(frames, cur)
		}
		cur, length = nil, 0
	}
	list := ""
	for _, line := range lines[2 : len(lines)-1] {
		cur = append(cur, line...)
		length += uint64(len(line))
		item := bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte(","))
		switch {
		case bytes.Equal(line, []byte("\"schema\":[\n")):
			list = "schema"
		case bytes.HasSuffix(line, []byte(":[\n")):
			list = "" // of tables or of indexes; or of rows, below
			if bytes.HasPrefix(line, []byte("{")) {
				list = "items"
			}
		case bytes.HasPrefix(line, []byte("]")):
			if list == "items" && length >= 65536 {
				cut()
			}
			list = ""
		case list != "":
			if !bytes.HasSuffix(line, []byte(",\n")) {
				length++
			}
			c := uint64(crc32.Checksum(item, crc32.MakeTable(crc32.Castagnoli)))
			if length >= 4194304 || length >= 262144 && c < 5461*uint64(len(item)) {
				cut()
			}
		}
	}
	cut()
	return append(frames, lines[len(lines)-1])
}

// tb is what *testing.T and *rapid.T have in common here.
type tb interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// script is a document as a writer makes it: what it gives to a Cutter.
type script struct {
	schema  [][]byte   // items
	tables  [][][]byte // items of each
	indexes [][][]byte
}

const (
	opening  = "{\"litekeep\":1,\n\"source\":{\"name\":\"x\"},\n"
	settings = "\"database\":{\"page_size\":4096},\n"
	ending   = "\"end\":{\"tables\":1,\"rows\":2}}\n"
)

// cut gives the document to a Cutter in pieces of so many items.
func (s *script) cut(t tb, pieces func() int) []*frame.Frame {
	var frames []*frame.Frame
	c := &frame.Cutter{Emit: func(f *frame.Frame) error { frames = append(frames, f); return nil }}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	items := func(list [][]byte, rows bool) {
		for len(list) > 0 {
			n := min(max(pieces(), 1), len(list))
			var text []byte
			var marks []int
			for _, item := range list[:n] {
				text = append(append(text, item...), ",\n"...)
				if frame.Mark(item) {
					marks = append(marks, len(text))
				}
			}
			if _, err := c.Items(text, marks, rows); err != nil {
				t.Fatal(err)
			}
			list = list[n:]
		}
	}
	lists := func(name, items_ string, all [][][]byte) {
		for i, list := range all {
			must(c.Line(fmt.Appendf(nil, "{\"name\":\"%s%d\",\"%s\":[\n", name, i, items_)))
			items(list, true)
			end := "]},\n"
			if i == len(all)-1 {
				end = "]}\n"
			}
			must(c.CloseList([]byte(end), len(list) > 0, true))
		}
	}
	must(c.Line([]byte(opening)))
	must(c.Cut())
	must(c.Line([]byte(settings + "\"schema\":[\n")))
	items(s.schema, false)
	must(c.CloseList([]byte("],\n\"tables\":[\n"), len(s.schema) > 0, false))
	lists("t", "rows", s.tables)
	must(c.Line([]byte("],\n\"indexes\":[\n")))
	lists("i", "entries", s.indexes)
	must(c.Line([]byte("],\n")))
	must(c.Cut())
	must(c.Line([]byte(ending)))
	must(c.Cut())
	return frames
}

// text is the document that the script describes.
func (s *script) text() []byte {
	var b bytes.Buffer
	b.WriteString(opening + settings + "\"schema\":[\n")
	items := func(list [][]byte) {
		b.Write(bytes.Join(list, []byte(",\n")))
		if len(list) > 0 {
			b.WriteByte('\n')
		}
	}
	lists := func(name, items_ string, all [][][]byte) {
		for i, list := range all {
			fmt.Fprintf(&b, "{\"name\":\"%s%d\",\"%s\":[\n", name, i, items_)
			items(list)
			b.WriteString("]}")
			if i < len(all)-1 {
				b.WriteByte(',')
			}
			b.WriteByte('\n')
		}
	}
	items(s.schema)
	b.WriteString("],\n\"tables\":[\n")
	lists("t", "rows", s.tables)
	b.WriteString("],\n\"indexes\":[\n")
	lists("i", "entries", s.indexes)
	b.WriteString("],\n" + ending)
	return b.Bytes()
}

func joined(f *frame.Frame) []byte { return bytes.Join(f.Parts, nil) }

// same checks that frames are those of the reference, and count their items.
func same(t tb, who string, frames []*frame.Frame, want [][]byte) {
	t.Helper()
	for i := range min(len(frames), len(want)) {
		got := joined(frames[i])
		if !bytes.Equal(got, want[i]) {
			t.Fatalf("%s: frame %d has %d bytes, ending in %q; want %d, ending in %q", who, i, len(got), tail(got), len(want[i]), tail(want[i]))
		}
		if frames[i].Len() != int64(len(got)) {
			t.Fatalf("%s: frame %d says that it has %d bytes, not %d", who, i, frames[i].Len(), len(got))
		}
		var items, rows int64
		for line := range bytes.Lines(got) {
			isRow := line[0] == '['
			if isRow {
				rows++
			}
			if isRow || bytes.HasPrefix(line, []byte(`{"type"`)) {
				items++
			}
		}
		if frames[i].Items != items || frames[i].Rows != rows {
			t.Fatalf("%s: frame %d says %d items and %d rows, not %d and %d", who, i, frames[i].Items, frames[i].Rows, items, rows)
		}
	}
	if len(frames) != len(want) {
		t.Fatalf("%s: %d frames, want %d", who, len(frames), len(want))
	}
}

func tail(b []byte) []byte { return b[max(0, len(b)-60):] }

// recut gives a document to a Recutter in pieces of so many bytes.
func recut(t tb, doc []byte, piece func() int) []*frame.Frame {
	var frames []*frame.Frame
	r := &frame.Recutter{}
	r.Emit = func(f *frame.Frame) error { frames = append(frames, f); return nil }
	for len(doc) > 0 {
		n := min(max(piece(), 1), len(doc))
		text := bytes.Clone(doc[:n])
		if err := r.Add(text); err != nil {
			t.Fatal(err)
		}
		clear(text) // it is the caller's again
		doc = doc[n:]
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return frames
}

// scripts draws documents. Most of what is in them follows from a seed, since
// megabytes are needed.
func scripts(t *rapid.T) *script {
	rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	lists := func(label string, most int) (all [][][]byte) {
		for range rapid.IntRange(0, most).Draw(t, label) {
			var list [][]byte
			longest := rapid.SampledFrom([]int{20, 500, 30_000, 1 << 20}).Draw(t, "longest item")
			total := rng.IntN(rapid.SampledFrom([]int{1, 1000, 70_000, 400_000, 3 << 20, 6 << 20}).Draw(t, "bytes"))
			for n := 0; n < total; {
				item := randomItem(rng, 1+rng.IntN(longest))
				n += len(item)
				list = append(list, item)
			}
			all = append(all, list)
		}
		return all
	}
	s := &script{}
	for range rng.IntN(rapid.SampledFrom([]int{1, 3, 4000}).Draw(t, "schema")) {
		s.schema = append(s.schema, fmt.Appendf(nil, `{"type":"table","name":"%x"}`, rng.Uint64()))
	}
	s.tables, s.indexes = lists("tables", 4), lists("indexes", 2)
	return s
}

func randomItem(rng *rand.Rand, n int) []byte {
	b := make([]byte, 0, n+20)
	b = fmt.Appendf(b, `[%d,"`, rng.Uint64())
	b = append(b, bytes.Repeat([]byte{"abcdefgh"[rng.IntN(8)]}, n)...)
	return append(b, `"]`...)
}

func TestCutterIsTheReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := scripts(t)
		doc := s.text()
		want := reference(doc)
		if all := bytes.Join(want, nil); !bytes.Equal(all, doc) {
			t.Fatal("the reference does not cut the document but changes it")
		}
		most := rapid.SampledFrom([]int{1, 7, 1000}).Draw(t, "items in a piece")
		rng := rand.New(rand.NewPCG(uint64(most), 2))
		same(t, "Cutter", s.cut(t, func() int { return rng.IntN(most) + 1 }), want)
		longest := rapid.SampledFrom([]int{100, 5000, 1 << 20, 1 << 30}).Draw(t, "bytes in a piece")
		same(t, "Recutter", recut(t, doc, func() int { return rng.IntN(longest) + 1 }), want)
	})
}

// TestSmallDocuments cuts documents whose every list has so many items, with
// pieces of every size, down to single bytes.
func TestSmallDocuments(t *testing.T) {
	item := func(n int) (list [][]byte) {
		for i := range n {
			list = append(list, fmt.Appendf(nil, `[%d]`, i))
		}
		return list
	}
	for _, tables := range [][]int{nil, {0}, {1}, {0, 0}, {2, 0, 3}, {0, 1}} {
		for _, indexes := range [][]int{nil, {0}, {2, 1}} {
			s := &script{}
			for i, n := range tables {
				s.schema = append(s.schema, fmt.Appendf(nil, `{"type":"table","name":"%d"}`, i))
				s.tables = append(s.tables, item(n))
			}
			for _, n := range indexes {
				s.indexes = append(s.indexes, item(n))
			}
			doc := s.text()
			want := reference(doc)
			for _, n := range []int{1, 2, 3, 5, 11, 40} {
				same(t, "Cutter", s.cut(t, func() int { return n }), want)
				same(t, "Recutter", recut(t, doc, func() int { return n }), want)
			}
		}
	}
}

// TestVeryLongItems has items that a Cutter takes over instead of copying them,
// alone, first, last and with many short ones in the same piece.
func TestVeryLongItems(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	short := func(n int) (list [][]byte) {
		for range n {
			list = append(list, randomItem(rng, 2000))
		}
		return list
	}
	long := func(n int) [][]byte { return [][]byte{randomItem(rng, n)} }
	join := func(lists ...[][]byte) (all [][]byte) {
		for _, l := range lists {
			all = append(all, l...)
		}
		return all
	}
	for name, items := range map[string][][]byte{
		"alone":                      long(8 << 20),
		"just copied":                long(8<<20 - 60),
		"between":                    join(short(100), long(9<<20), short(100)),
		"first":                      join(long(9<<20), short(3)),
		"last":                       join(short(3), long(9<<20)),
		"last after a mark":          join(short(700), long(9<<20)),
		"two":                        join(long(8<<20), long(10<<20)),
		"just under the longest":     join(long(4<<20-100), long(4<<20-100), long(4<<20)),
		"many short ones in a piece": short(6000),
	} {
		t.Run(name, func(t *testing.T) {
			s := &script{tables: [][][]byte{items, short(1)}}
			doc := s.text()
			want := reference(doc)
			for _, piece := range []int{1, 1 << 30} {
				same(t, "Cutter", s.cut(t, func() int { return piece }), want)
			}
			same(t, "Recutter", recut(t, doc, func() int { return 1 << 20 }), want)
		})
	}
}

// TestPartsDoNotOverlap checks that whoever uses the memory of one part of a
// frame again, up to its capacity, spoils no other part.
func TestPartsDoNotOverlap(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	var items [][]byte
	for range 9000 {
		items = append(items, randomItem(rng, 2000))
	}
	s := &script{tables: [][][]byte{items}}
	frames := s.cut(t, func() int { return 1 << 30 })
	var want [][]byte
	for _, f := range frames {
		want = append(want, bytes.Clone(joined(f)))
	}
	for i, f := range frames {
		if got := joined(f); !bytes.Equal(got, want[i]) {
			t.Fatalf("frame %d has changed", i)
		}
		for _, p := range f.Parts {
			clear(p[:cap(p)])
		}
	}
}

// TestMark checks the rule for one item against its definition.
func TestMark(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	marked, bytesOf := 0, 0
	for range 200_000 {
		item := randomItem(rng, rng.IntN(300))
		want := uint64(crc32.Checksum(item, crc32.MakeTable(crc32.Castagnoli))) < 5461*uint64(len(item))
		if got := frame.Mark(item); got != want {
			t.Fatalf("Mark(%q) = %v", item, got)
		}
		if want {
			marked++
		}
		bytesOf += len(item)
	}
	if per := bytesOf / max(marked, 1); per < 500<<10 || per > 1200<<10 {
		t.Errorf("one mark in %d bytes", per)
	}
	if !frame.Mark([]byte(strings.Repeat("x", 1<<20))) {
		t.Error("an item of 1 MiB has no mark, though each does from 768 KiB on")
	}
}

// hashes returns the manifest's frames, as far as the content digest needs them.
func hashes(frames []*frame.Frame) (list []manifest.Frame) {
	for _, f := range frames {
		list = append(list, manifest.Frame{Bytes: f.Len(), SHA256: sha256.Sum256(joined(f))})
	}
	return list
}

// TestLocality checks that an insert, an update or a delete changes few frames,
// wherever it is.
func TestLocality(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	var items [][]byte
	for i := range 40_000 {
		items = append(items, fmt.Appendf(nil, `[%d,"%0*x"]`, 2*i, 100+rng.IntN(400), rng.Uint64()))
	}
	s := &script{tables: [][][]byte{items}}
	before := map[manifest.Hash]bool{}
	list := hashes(s.cut(t, func() int { return 1000 }))
	for _, f := range list {
		before[f.SHA256] = true
	}
	var total, worst int
	const edits = 9
	for i := range edits {
		at := (i*2 + 1) * len(items) / (2 * edits)
		changed := append([][]byte{}, items[:at]...)
		switch i % 3 {
		case 0: // insert
			changed = append(append(changed, fmt.Appendf(nil, `[%d,"a new row"]`, 2*at+1)), items[at:]...)
		case 1: // update
			changed = append(append(changed, fmt.Appendf(nil, `[%d,"changed"]`, 2*at)), items[at+1:]...)
		case 2:
			changed = append(changed, items[at+1:]...)
		}
		fresh := 0
		for _, f := range hashes((&script{tables: [][][]byte{changed}}).cut(t, func() int { return 1000 })) {
			if !before[f.SHA256] {
				fresh++
			}
		}
		total += fresh
		worst = max(worst, fresh)
	}
	t.Logf("of %d frames, an edit changes %.2f on average, %d at worst", len(list), float64(total)/edits, worst)
	if worst > 3 || total > 2*edits {
		t.Errorf("an edit changes %d frames at worst, %d in %d edits", worst, total, edits)
	}
}
