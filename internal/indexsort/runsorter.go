package indexsort

import (
	"math/bits"
	"slices"
)

const (
	// Below these sizes comparing whole records, or words, is faster than
	// radix passes.
	fewRecords = 12
	fewWords   = 200

	maxDepth = 32 * textStep // beyond it texts are compared as a whole
)

// runSorter sorts runs. It is used by one goroutine.
type runSorter struct {
	order  order
	follow bool // that of the run which is being sorted
	tmp    []entry
	count  [8][256]uint32
}

// sort puts the entries of a run into order. Their words are not those of the
// first column afterwards.
func (s *runSorter) sort(r *run) {
	if r.sorted || len(r.entries) == 0 {
		return
	}
	if cap(s.tmp) < len(r.entries) {
		s.tmp = make([]entry, len(r.entries), cap(r.entries))
	}
	s.order.inexact = r.inexact
	s.follow = r.follow
	s.sortAt(r, r.entries, 0, 0)
	r.sorted = true
}

// sortAt sorts entries whose words are those at col and depth, that are equal
// in all that comes before, and that stand as they came.
func (s *runSorter) sortAt(r *run, e []entry, col, depth int) {
	if n := s.order.common(e, col); n > 1 && len(e) > fewWords {
		depth += n // what is the same in all of them wastes the words
		s.setWords(r, e, col, depth)
	}
	s.sortWords(e)
	for from := 0; from < len(e); {
		to := from + 1
		for to < len(e) && e[to].word == e[from].word {
			to++
		}
		if to-from > 1 {
			s.sortEqual(r, e[from:to], col, depth)
		}
		from = to
	}
}

// common returns with how many bytes all of the texts or blobs begin whose
// words at col are those of e, 7 at most. It is 0 for words that are equal.
func (o *order) common(e []entry, col int) int {
	first, differ, short := e[0].word, uint64(0), false
	var mask uint64
	if o.column(col).Desc {
		mask = ^mask
	}
	for i := range e {
		w := e[i].word
		differ |= w ^ first
		short = short || (w^mask)&lenMask != moreText // also if the collation is not Binary
	}
	if k := class((first ^ mask) >> valueBits); short || differ == 0 || k < text {
		return 0
	}
	return max(0, bits.LeadingZeros64(differ)-(64-valueBits)) / 8
}

// sortEqual sorts entries whose words at col and depth are equal.
func (s *runSorter) sortEqual(r *run, e []entry, col, depth int) {
	nextCol, nextDepth, ok := s.order.after(e[0].word, col, depth)
	if ok && s.follow && nextCol == 1 {
		return // the rest is in order as it came
	}
	if !ok || len(e) <= fewRecords || nextDepth > maxDepth {
		compare := func(a, b entry) int { return s.order.compare(r.record(a), r.record(b)) }
		if !slices.IsSortedFunc(e, compare) {
			slices.SortFunc(e, compare)
		}
		return
	}
	s.setWords(r, e, nextCol, nextDepth)
	s.sortAt(r, e, nextCol, nextDepth)
}

// setWords makes the words of entries those at col and depth.
func (s *runSorter) setWords(r *run, e []entry, col, depth int) {
	for i := range e {
		c := fieldsOf(r.record(e[i]))
		for range col {
			c.next()
		}
		e[i].word = s.order.word(&c, col, depth)
	}
}

// sortWords sorts by word alone and keeps the order of equals.
func (s *runSorter) sortWords(e []entry) {
	sorted := true
	for i := 1; i < len(e) && sorted; i++ {
		sorted = e[i-1].word <= e[i].word
	}
	switch {
	case sorted:
	case len(e) <= fewRecords:
		insertionSort(e)
	case len(e) < fewWords:
		slices.SortStableFunc(e, func(a, b entry) int {
			switch {
			case a.word < b.word:
				return -1
			case a.word > b.word:
				return 1
			}
			return 0
		})
	default:
		s.radix(e)
	}
}

func insertionSort(e []entry) {
	for i := 1; i < len(e); i++ {
		x := e[i]
		j := i
		for ; j > 0 && e[j-1].word > x.word; j-- {
			e[j] = e[j-1]
		}
		e[j] = x
	}
}

// radix sorts by the highest bytes in which words differ, as many as nearly
// tell them apart, the lowest of these first; then what is still equal.
func (s *runSorter) radix(e []entry) {
	shifts := s.histogram(e)
	from, to := e, s.tmp[:len(e)]
	for i := len(shifts) - 1; i >= 0; i-- {
		shift := shifts[i]
		count := &s.count[shift/8]
		at := uint32(0)
		for b, n := range count {
			count[b] = at
			at += n
		}
		for i := range from {
			c := &count[byte(from[i].word>>shift)]
			to[*c] = from[i]
			*c++
		}
		from, to = to, from
	}
	if &from[0] != &e[0] {
		copy(e, from)
	}
	if lowest := shifts[len(shifts)-1]; lowest > 0 {
		s.sortBelow(e, lowest)
	}
}

// histogram counts the bytes of the words and returns by how much to shift
// those that radix sorts by, the highest first.
func (s *runSorter) histogram(e []entry) []uint {
	clear(s.count[:])
	for i := range e {
		w := e[i].word
		for b := range s.count {
			s.count[b][byte(w>>(8*b))]++
		}
	}
	// Two more bits than it takes to number the entries leave few of them
	// equal, if their words are spread.
	enough := (bits.Len(uint(len(e))) + 2 + 7) / 8
	var shifts []uint
	for b := len(s.count) - 1; b >= 0 && len(shifts) < enough; b-- {
		if int(s.count[b][byte(e[0].word>>(8*b))]) < len(e) {
			shifts = append(shifts, uint(8*b))
		}
	}
	return shifts
}

// sortBelow sorts entries that are in order down to a bit of their words.
func (s *runSorter) sortBelow(e []entry, bit uint) {
	for from := 0; from < len(e); {
		to := from + 1
		for to < len(e) && e[to].word>>bit == e[from].word>>bit {
			to++
		}
		if to-from > 1 {
			s.sortWords(e[from:to])
		}
		from = to
	}
}
