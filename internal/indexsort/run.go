package indexsort

import (
	"slices"
	"sort"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

const (
	chunkLen = 256 << 10
	entryLen = 16
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
	follow  bool // as [Batch.follow], until it is sorted
	inexact bool // as [order.inexact]
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
	size := len(b.data)
	if size > maxKept {
		r.takeOver(b) // and nothing is left to be copied
	}
	for from := len(r.entries) - was; from < len(b.entries); {
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
	r.size += size
	r.inexact = r.inexact || b.order.inexact
	if was == 0 {
		r.sorted, r.follow = b.sorted, b.follow
		return
	}
	last, next := r.entries[was-1], r.entries[was]
	r.sorted = r.sorted && b.sorted && r.compare(&b.order, last, next) <= 0
	r.follow = r.follow && b.follow && follows(&b.order, r.record(last), r.record(next))
}

// takeOver takes the records of a batch with its memory.
func (r *run) takeOver(b *Batch) {
	for _, e := range b.entries {
		r.entries = append(r.entries, entry{word: e.word, chunk: uint32(len(r.chunks)), off: e.off})
	}
	r.chunks = append(r.chunks, b.data[:len(b.data):len(b.data)])
	b.data = nil
}

// drop frees the memory of large records, which are not used again.
func (r *run) drop() {
	for i, c := range r.chunks {
		if cap(c) > chunkLen {
			r.chunks[i] = nil
		}
	}
}

// follows reports whether record y is not before x from the second field on.
func follows(o *order, x, y []byte) bool {
	a, b := fieldsOf(x), fieldsOf(y)
	if len(a.head) == 0 || len(b.head) == 0 {
		return false
	}
	a.next()
	b.next()
	return o.compareFrom(a, b, 1) <= 0
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
