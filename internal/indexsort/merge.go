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
}

func newMerger(o order, sources []source) (*merger, error) {
	m := &merger{order: o, heads: make([]head, len(sources)), losers: make([]int, len(sources))}
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
	h.record, h.word = record, m.order.word(&c, 0, 0)
	return nil
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
	c := m.order.compare(x.record, y.record)
	return c < 0 || c == 0 && a < b
}
