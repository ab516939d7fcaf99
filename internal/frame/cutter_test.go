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
		"many short ones in a piece": short(4500),
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
	for range 5000 {
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
	for range 80_000 {
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
	for i := range 25_000 {
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
