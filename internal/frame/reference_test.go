package frame_test

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"math/rand/v2"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/frame"
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
			if list == "items" && length >= 524288 {
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
			if rows && n == 1 && len(text) > 8 {
				third := len(text) / 3
				parts := [][]byte{text[:third:third], text[third : 2*third : 2*third], text[2*third:]}
				must(c.Long(parts, frame.MarkLong([][]byte{parts[0], list[0][third:]})))
			} else if _, err := c.Items(text, int64(n), marks, rows); err != nil {
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
			total := rng.IntN(rapid.SampledFrom([]int{1, 1000, 70_000, 400_000, 2 << 20, 5 << 20}).Draw(t, "bytes"))
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
