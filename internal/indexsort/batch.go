package indexsort

import (
	"fmt"
	"math"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// maxKept is the largest buffer that a Batch keeps for its next records.
const maxKept = 4 << 20

// Batch collects records for a [Sorter]. Each goroutine that fills one has its
// own; [Sorter.Put] hands the records over, and the Batch can be used again.
type Batch struct {
	order   order
	data    []byte  // length and record, one after another
	entries []entry // chunk is not used
	sorted  bool
}

// NewBatch returns an empty Batch for records of this Sorter.
func (s *Sorter) NewBatch() *Batch {
	return &Batch{order: order{columns: s.columns, enc: s.enc}, sorted: true}
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
	off := len(b.data)
	if off > math.MaxUint32-sqlitefile.MaxVarint {
		return fmt.Errorf("batch of %d bytes is too large", off)
	}
	b.data = append(sqlitefile.AppendVarint(b.data, uint64(len(record))), record...)
	c := fieldsOf(record)
	e := entry{word: b.order.word(&c, 0, 0), off: uint32(off)}
	if b.sorted && len(b.entries) > 0 {
		last := b.entries[len(b.entries)-1]
		b.sorted = last.word < e.word || last.word == e.word && b.order.compare(b.record(last), record) <= 0
	}
	b.entries = append(b.entries, e)
	return nil
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
	b.data, b.entries, b.sorted = b.data[:0], b.entries[:0], true
}
