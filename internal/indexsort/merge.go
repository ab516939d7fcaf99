package indexsort

import (
	"errors"
	"io"
)

// source gives records in ascending order, and io.EOF after the last. A record
// is valid until the next call.
type source interface {
	next() ([]byte, error)
}

// memory is a source that reads a sorted run.
type memory struct {
	run *run
	at  int
}

func (m *memory) next() ([]byte, error) {
	if m.at == len(m.run.entries) {
		return nil, io.EOF
	}
	m.at++
	return m.run.record(m.run.entries[m.at-1]), nil
}

// merger merges sources. It is a tournament tree: node i has the loser of the
// match between its two halves, and the winner of all stands beside it, so that
// the next record takes one comparison for each level.
type merger struct {
	order  order
	depth  int    // bytes that the texts or blobs of all first columns share
	follow bool   // of records with equal first columns, the earlier source's comes first
	heads  []head // by source
	losers []int
	winner int
	begun  bool
}

// head is the next record of a source.
type head struct {
	source source
	record []byte // nil when there are no more
	word   uint64
	// second is the word that decides between records with the same word, once it
	// was asked for: the one at col and depth, which follow from the word.
	second     uint64
	col, depth int // of second; 0 and 0 when it was not asked for
}

func newMerger(o order, depth int, follow bool, sources []source) (*merger, error) {
	m := &merger{
		order: o, depth: depth, follow: follow,
		heads: make([]head, len(sources)), losers: make([]int, len(sources)),
	}
	for i, s := range sources {
		m.heads[i].source = s
		if err := m.advance(i); err != nil {
			return nil, err
		}
	}
	m.winner = m.play(1)
	return m, nil
}

// play lets the sources below a node play for the first time.
func (m *merger) play(node int) int {
	if n := len(m.heads); node >= n {
		return node - n // a leaf; with a single source also the root
	}
	a, b := m.play(2*node), m.play(2*node+1)
	if m.before(b, a) {
		a, b = b, a
	}
	m.losers[node] = b
	return a
}

// next returns the next record of all, which is valid until the next call, or
// io.EOF.
func (m *merger) next() ([]byte, error) {
	if m.begun {
		if err := m.advance(m.winner); err != nil {
			return nil, err
		}
		w := m.winner
		for node := (w + len(m.heads)) / 2; node > 0; node /= 2 {
			if m.before(m.losers[node], w) {
				m.losers[node], w = w, m.losers[node]
			}
		}
		m.winner = w
	}
	m.begun = true
	if r := m.heads[m.winner].record; r != nil {
		return r, nil
	}
	return nil, io.EOF
}

func (m *merger) advance(i int) error {
	h := &m.heads[i]
	record, err := h.source.next()
	if errors.Is(err, io.EOF) {
		h.record = nil
		return nil
	}
	if err != nil {
		return err
	}
	c := fieldsOf(record)
	h.record, h.word = record, m.order.word(&c, 0, m.depth)
	h.col, h.depth = 0, 0
	return nil
}

// secondWord returns the word of a head at a column and depth beyond its first
// word. Many an index begins with a column of few values.
func (m *merger) secondWord(h *head, col, depth int) uint64 {
	if h.col != col || h.depth != depth {
		c := fieldsOf(h.record)
		for range col {
			c.next()
		}
		h.second, h.col, h.depth = m.order.word(&c, col, depth), col, depth
	}
	return h.second
}

// before reports whether source a has its turn before b. Among equals the
// earlier source does.
func (m *merger) before(a, b int) bool {
	x, y := &m.heads[a], &m.heads[b]
	switch {
	case x.record == nil:
		return false
	case y.record == nil:
		return true
	case x.word != y.word:
		return x.word < y.word
	}
	if col, depth, ok := m.order.after(x.word, 0, m.depth); ok {
		if m.follow && col == 1 {
			return a < b
		}
		if v, w := m.secondWord(x, col, depth), m.secondWord(y, col, depth); v != w {
			return v < w
		}
	}
	c := m.order.compare(x.record, y.record)
	return c < 0 || c == 0 && a < b
}

// shared is what the first columns of some records have in common.
type shared struct {
	class  class
	prefix []byte // of text and blob; at most maxDepth bytes
}

// sharedBy returns what all records share that are not before first and not
// after last. Of text it is true only under the collation Binary; the words of
// others do not depend on the depth.
func (o *order) sharedBy(first, last []byte) shared {
	a, b := o.firstOf(first), o.firstOf(last)
	s := a.meet(b)
	s.prefix = append([]byte(nil), s.prefix...)
	return s
}

func (o *order) firstOf(record []byte) shared {
	c := fieldsOf(record)
	if len(c.head) == 0 {
		return shared{}
	}
	serial, content := c.next()
	s := shared{class: classOf(serial, content)}
	if s.class >= text {
		s.prefix = content[:min(len(content), maxDepth)]
	}
	return s
}

// meet returns what both share.
func (s shared) meet(t shared) shared {
	if s.class != t.class {
		return shared{}
	}
	n := 0
	for n < min(len(s.prefix), len(t.prefix)) && s.prefix[n] == t.prefix[n] {
		n++
	}
	return shared{class: s.class, prefix: s.prefix[:n]}
}

// depth returns the depth at which key words of these records differ.
func (s shared) depth() int {
	if n := len(s.prefix); n > lowNumber {
		return n
	}
	return 0
}
