package indexsort

import (
	"fmt"
	"math"
	"slices"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// maxKept is the largest buffer that a Batch keeps for its next records. What is larger
// is taken over instead of copied, and gone as soon as it is spilled.
const maxKept = 4 << 20

// Batch collects records for a [Sorter]. Each goroutine that fills one has its
// own; [Sorter.Put] hands the records over, and the Batch can be used again.
type Batch struct {
	order   order
	data    []byte  // length and record, one after another
	entries []entry // chunk is not used
	sorted  bool
	follow  bool // from the second field on, the records are in order as they came
}

// NewBatch returns an empty Batch for records of this Sorter.
func (s *Sorter) NewBatch() *Batch {
	return &Batch{order: order{columns: s.columns, enc: s.enc}, sorted: true, follow: true}
}

// Size returns how many bytes the records in the batch take. A batch should be
// put before it is larger than a fraction of the Sorter's memory.
func (b *Batch) Size() int { return len(b.data) + entryLen*len(b.entries) }

// Add copies a whole record into the batch. The error wraps
// [sqlitefile.ErrCorrupt] when it is no record, [ErrUnsupported] when it cannot
// be compared.
func (b *Batch) Add(record []byte) error {
	if err := b.order.validate(record); err != nil {
		return err
	}
	return b.add(record, record)
}

// AddParts is Add for a large record in parts. All of it is copied, even if it is refused,
// which spares the caller to put it together.
func (b *Batch) AddParts(parts ...[]byte) error {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	var head [sqlitefile.MaxVarint]byte
	length := sqlitefile.AppendVarint(head[:0], uint64(n))
	b.data = append(slices.Grow(b.data, len(length)+n), length...)
	at := len(b.data)
	for _, p := range parts {
		b.data = append(b.data, p...)
	}
	record := b.data[at:]
	b.data = b.data[:at-len(length)]
	if err := b.order.validate(record); err != nil {
		return err
	}
	return b.add(record, nil)
}

// add adds a record, of which data is to be copied; a record without data stands where it
// belongs.
func (b *Batch) add(record, data []byte) error {
	off := len(b.data)
	if off > math.MaxUint32-sqlitefile.MaxVarint {
		return fmt.Errorf("batch of %d bytes is too large", off)
	}
	b.data = sqlitefile.AppendVarint(b.data, uint64(len(record)))
	if b.data = append(b.data, data...); data == nil {
		b.data = b.data[:len(b.data)+len(record)]
	}
	c := fieldsOf(record)
	e := entry{word: b.order.word(&c, 0, 0), off: uint32(off)}
	if n := len(b.entries); n > 0 && (b.sorted || b.follow) {
		b.compareLast(b.entries[n-1], e, c)
	}
	b.entries = append(b.entries, e)
	return nil
}

// compareLast notes how the next record, of which c is the rest behind the
// first field, stands to the last one.
func (b *Batch) compareLast(last, next entry, c cursor) {
	l := fieldsOf(b.record(last))
	if b.follow && len(l.head) > 0 {
		rest := l
		rest.next()
		b.follow = b.order.compareFrom(rest, c, 1) <= 0
	}
	if b.sorted && last.word >= next.word {
		b.sorted = last.word == next.word && b.order.compareFrom(l, fieldsOf(b.record(next)), 0) <= 0
	}
}

func (b *Batch) record(e entry) []byte {
	n, l := sqlitefile.Varint(b.data[e.off:])
	at := uint64(e.off) + uint64(l)
	return b.data[at : at+n]
}

func (b *Batch) reset() {
	if cap(b.data) > maxKept {
		b.data = nil // one large record does not stay for ever
	}
	b.data, b.entries, b.sorted, b.follow = b.data[:0], b.entries[:0], true, true
	b.order.inexact = false
}
