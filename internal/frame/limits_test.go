package frame_test

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/frame"
)

// itemOf returns an item of n bytes that has a mark, or has none.
func itemOf(t *testing.T, n int, marked bool) []byte {
	t.Helper()
	for i := range 10_000_000 {
		item := fmt.Appendf(nil, `[%d,"`, i)
		item = append(item, strings.Repeat("x", n-len(item)-2)...)
		if item = append(item, `"]`...); frame.Mark(item) == marked {
			return item
		}
	}
	t.Fatalf("no item of %d bytes has mark %v", n, marked)
	return nil
}

// TestLimits checks each limit of the rule at its last byte and one before. The
// last item of the frame has a comma in one case and none in the other, which
// must make no difference.
func TestLimits(t *testing.T) {
	// What stands in the frame before the first row.
	head := len(settings + "\"schema\":[\n],\n\"tables\":[\n" + "{\"name\":\"t0\",\"rows\":[\n")
	for _, c := range []struct {
		limit  int // length of the frame where its last item ends, comma included
		marked bool
	}{{262144, true}, {4194304, false}} {
		for off := -1; off <= 1; off++ {
			for _, more := range []int{0, 3} {
				var items [][]byte
				length := head
				for rest := c.limit + off - length; rest > 3000; rest = c.limit + off - length {
					n := min(rest-1000, 1000)
					items = append(items, itemOf(t, n-2, false))
					length += n
				}
				items = append(items, itemOf(t, c.limit+off-length-2, c.marked))
				for range more {
					items = append(items, itemOf(t, 50, false))
				}
				s := &script{tables: [][][]byte{items, nil}}
				doc := s.text()
				want := reference(doc)
				text := c.limit + off // of the frame, if it ends with the item
				if more == 0 {
					text-- // there is no comma
				}
				if ends := len(want[1]) == text; ends != (off >= 0) {
					t.Errorf("limit %d%+d: the reference makes a frame of %d bytes", c.limit, off, len(want[1]))
				}
				for _, piece := range []int{1, 1 << 30} {
					same(t, "Cutter", s.cut(t, func() int { return piece }), want)
				}
				same(t, "Recutter", recut(t, doc, func() int { return 1 << 20 }), want)
			}
		}
	}
	// The closing line of a table that another one follows.
	for off := -1; off <= 1; off++ {
		item := itemOf(t, 524288+off-head-len(",\n]},\n"), false)
		s := &script{tables: [][][]byte{{item}, {[]byte("[1]")}}}
		want := reference(s.text())
		if ends := len(want[1]) == 524288+off-1; ends != (off >= 0) {
			t.Errorf("limit 524288%+d: the reference makes a frame of %d bytes", off, len(want[1]))
		}
		same(t, "Cutter", s.cut(t, func() int { return 1 }), want)
		same(t, "Recutter", recut(t, s.text(), func() int { return 1000 }), want)
	}
}

// TestMarkThreshold checks the factor of the rule: it has items whose checksums
// are just below and just above it.
func TestMarkThreshold(t *testing.T) {
	const n = 500_000
	table := crc32.MakeTable(crc32.Castagnoli)
	item := bytes.Repeat([]byte{'y'}, n)
	before := crc32.Checksum(item[:n-8], table)
	below, above := false, false
	for i := 0; i < 1_000_000 && !(below && above); i++ {
		copy(item[n-8:], fmt.Sprintf("%08d", i))
		c := uint64(crc32.Update(before, table, item[n-8:]))
		switch {
		case c >= 5460*n && c < 5461*n:
			below = true
			if !frame.Mark(item) {
				t.Fatalf("checksum %d of %d bytes is no mark", c, n)
			}
		case c >= 5461*n && c < 5462*n:
			above = true
			if frame.Mark(item) {
				t.Fatalf("checksum %d of %d bytes is a mark", c, n)
			}
		}
	}
	if !below || !above {
		t.Error("no item is near the threshold")
	}
}
