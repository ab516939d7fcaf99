package indexsort

import (
	"slices"
	"sort"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

const (
	chunkLen = 256 << 10
	entryLen = 16

	// Below these sizes comparing whole records, or words, is faster than
	// radix passes.
	fewRecords = 12
	fewWords   = 400

	maxDepth = 32 * textStep // beyond it texts are compared as a whole
)

// entry is a record in a run.
type entry struct {
	word  uint64 // the key word by which it is being sorted
	chunk uint32
	off   uint32 // in the chunk: the length as a varint, then the record
}

// run is a set of records in memory.
type run struct {
	chunks  [][]byte
	entries []entry
	size    int  // bytes in chunks
	sorted  bool // entries are in order
}

// record returns a record of the run. It aliases a chunk.
func (r *run) record(e entry) []byte {
	b := r.chunks[e.chunk][e.off:]
	n, l := uint64(b[0]), 1
	if n >= 0x80 {
		n, l = sqlitefile.Varint(b)
	}
	return b[l : uint64(l)+n]
}

// raw returns a record with its length in front.
func (r *run) raw(e entry) []byte {
	b := r.chunks[e.chunk][e.off:]
	n, l := sqlitefile.Varint(b)
	return b[:uint64(l)+n]
}

func (r *run) compare(o *order, a, b entry) int {
	if a.word != b.word {
		if a.word < b.word {
			return -1
		}
		return 1
	}
	return o.compare(r.record(a), r.record(b))
}

// footprint is the memory that the run needs until it has been sorted.
func (r *run) footprint() int { return r.size + 2*entryLen*len(r.entries) }

// take copies the records of a batch.
func (r *run) take(b *Batch, spare func() []byte) {
	if len(b.entries) == 0 {
		return
	}
	was := len(r.entries)
	for from := 0; from < len(b.entries); {
		start := int(b.entries[from].off)
		room := 0
		if n := len(r.chunks); n > 0 {
			room = cap(r.chunks[n-1]) - len(r.chunks[n-1])
		}
		to := b.upTo(from, start+room)
		if to == from {
			r.chunks = append(r.chunks, r.newChunk(len(b.data)-start, b.start(from+1)-start, spare))
			continue
		}
		last := len(r.chunks) - 1
		shift := len(r.chunks[last]) - start
		r.chunks[last] = append(r.chunks[last], b.data[start:b.start(to)]...)
		if need := len(r.entries) + to - from; need > cap(r.entries) {
			r.entries = slices.Grow(r.entries, max(to-from, len(r.entries))) // at least double
		}
		for _, e := range b.entries[from:to] {
			r.entries = append(r.entries, entry{word: e.word, chunk: uint32(last), off: uint32(int(e.off) + shift)})
		}
		from = to
	}
	r.size += len(b.data)
	r.sorted = b.sorted && (was == 0 || r.sorted && r.compare(&b.order, r.entries[was-1], r.entries[was]) <= 0)
}

// newChunk returns a chunk with room for need bytes. There are want bytes.
func (r *run) newChunk(want, need int, spare func() []byte) []byte {
	switch {
	case need > chunkLen:
		return make([]byte, 0, need)
	case len(r.chunks) == 0 && want < chunkLen:
		return make([]byte, 0, want) // all there is, perhaps: many indexes are small
	}
	return spare()
}

// upTo returns the first of the entries from on that does not end before
// offset end.
func (b *Batch) upTo(from, end int) int {
	return from + sort.Search(len(b.entries)-from, func(i int) bool { return b.start(from+i+1) > end })
}

// start returns where entry i starts in the data, or where the data ends.
func (b *Batch) start(i int) int {
	if i == len(b.entries) {
		return len(b.data)
	}
	return int(b.entries[i].off)
}

// runSorter sorts runs. It is used by one goroutine.
type runSorter struct {
	order order
	tmp   []entry
	count [8][256]uint32
}

// sort puts the entries of a run into order. Their words are not those of the
// first column afterwards.
func (s *runSorter) sort(r *run) {
	if r.sorted {
		return
	}
	if cap(s.tmp) < len(r.entries) {
		s.tmp = make([]entry, len(r.entries), cap(r.entries))
	}
	s.sortAt(r, r.entries, 0, 0)
	r.sorted = true
}

// sortAt sorts entries whose words are those at col and depth, and that are
// equal in all that comes before.
func (s *runSorter) sortAt(r *run, e []entry, col, depth int) {
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

// sortEqual sorts entries whose words at col and depth are equal.
func (s *runSorter) sortEqual(r *run, e []entry, col, depth int) {
	nextCol, nextDepth, ok := s.order.after(e[0].word, col, depth)
	if !ok || len(e) <= fewRecords || nextDepth > maxDepth {
		compare := func(a, b entry) int { return s.order.compare(r.record(a), r.record(b)) }
		if !slices.IsSortedFunc(e, compare) {
			slices.SortFunc(e, compare)
		}
		return
	}
	for i := range e {
		c := fieldsOf(r.record(e[i]))
		for range nextCol {
			c.next()
		}
		e[i].word = s.order.word(&c, nextCol, nextDepth)
	}
	s.sortAt(r, e, nextCol, nextDepth)
}

// sortWords sorts by word alone and keeps the order of equals.
func (s *runSorter) sortWords(e []entry) {
	byWord := func(a, b entry) int {
		switch {
		case a.word < b.word:
			return -1
		case a.word > b.word:
			return 1
		}
		return 0
	}
	if slices.IsSortedFunc(e, byWord) {
		return
	}
	if len(e) < fewWords {
		slices.SortStableFunc(e, byWord)
		return
	}
	s.radix(e)
}

// radix sorts by each byte of the words, the lowest first.
func (s *runSorter) radix(e []entry) {
	clear(s.count[:])
	for i := range e {
		w := e[i].word
		for b := range s.count {
			s.count[b][byte(w>>(8*b))]++
		}
	}
	from, to := e, s.tmp[:len(e)]
	for b := range s.count {
		count := &s.count[b]
		shift := 8 * b
		if int(count[byte(from[0].word>>shift)]) == len(e) {
			continue // all have the same byte
		}
		at := uint32(0)
		for i, n := range count {
			count[i] = at
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
}
