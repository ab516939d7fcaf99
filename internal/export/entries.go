package export

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"io"
	"math"
	"runtime/debug"
	"sync/atomic"

	"github.com/litekeep/litekeep/internal/indexsort"
	"github.com/litekeep/litekeep/internal/pagereader"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// indexWalker reads indexes. One goroutine uses it.
type indexWalker struct {
	cur *pagereader.Cursor
	enc sqlitefile.Encoding
	// The entry before and the one that is read, in turns.
	entries [2]entry
	values  [2][]value.Value // of both, where they are needed

	alone func() // if not nil, is called before the first large entry of an index is read
	large bool   // it was called
}

// entry is an entry of an index.
type entry struct {
	record []byte
	fields []field
}

// field is a field of an entry.
type field struct {
	word
	at, end int // its content in the record
}

func (w *indexWalker) walk(ctx context.Context, tree *pagereader.Tree, m *made, cancel *atomic.Bool) (found, error) {
	var f found
	if m == nil {
		n, err := w.cur.Count(ctx, tree)
		f.count = uint64(n)
		return f, err
	}
	order := indexsort.NewComparer(m.columns, w.enc)
	for b, err := range tree.Batches() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || cancel.Load() {
			return f, err
		}
		err = w.cur.Each(b, func(row *pagereader.Row) error { return w.entry(row, m, order, &f) })
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

// entry adds an entry to f.
func (w *indexWalker) entry(row *pagereader.Row, m *made, order *indexsort.Comparer, f *found) error {
	now := &w.entries[f.count&1]
	if err := w.record(now, row); err != nil {
		return err
	}
	if err := now.read(); err != nil {
		return err
	}
	if f.order == "" {
		if err := w.checkOrder(m, order, f.count); err != nil {
			f.order = err.Error()
		} else if m.unique > 0 && f.count > 0 && w.alike(m, order) {
			f.order = fmt.Sprintf("entry %d is not unique", f.count)
		}
	}
	h := newEntryHash()
	for i := range now.fields {
		h = h.add(now.fields[i].word, i < len(m.real) && m.real[i])
	}
	f.add(tally{1, h.sum()})
	return nil
}

// record reads the record of an entry, to memory of its own because the page goes before
// the next one is compared.
func (w *indexWalker) record(now *entry, row *pagereader.Row) error {
	if row.Size < largeRow {
		rec, err := w.cur.Record(row)
		now.record = append(now.record[:0], rec...)
		return err
	}
	if w.alone != nil && !w.large {
		w.alone()
		w.large = true
	}
	if int64(cap(now.record)) < row.Size {
		now.record = nil
		if row.Size >= hugeRow {
			debug.FreeOSMemory()
		}
		now.record = make([]byte, 0, row.Size)
	}
	now.record = now.record[:0]
	for s := w.cur.Stream(row); ; {
		piece, err := s.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		now.record = append(now.record, piece...)
	}
}

// read finds the fields of the record. An error wraps sqlitefile.ErrCorrupt.
func (e *entry) read() error {
	e.fields = e.fields[:0]
	rec := e.record
	header, n := sqlitefile.Varint(rec)
	if n == 0 || header < uint64(n) || header > uint64(len(rec)) {
		return e.damage()
	}
	head, at := rec[n:header], int(header)
	for len(head) > 0 {
		serial, n := uint64(head[0]), 1
		if serial >= 0x80 {
			if serial, n = sqlitefile.Varint(head); n == 0 {
				return e.damage()
			}
		}
		head = head[n:]
		size := sqlitefile.SerialLen(serial)
		if uint64(size) > uint64(len(rec)-at) || serial == 10 || serial == 11 {
			return e.damage()
		}
		f := field{at: at, end: at + int(size)}
		if serial-1 < 6 && f.end >= 4 {
			f.word = word{uint64(integerBefore(rec, f.end, size)), value.Integer}
		} else {
			f.word = fieldWord(serial, rec[f.at:f.end])
		}
		e.fields = append(e.fields, f)
		at = f.end
	}
	if at != len(rec) {
		return e.damage()
	}
	return nil
}

// damage says what is wrong with the record.
func (e *entry) damage() error {
	if _, err := sqlitefile.DecodeRecord(e.record, nil); err != nil {
		return err
	}
	return sqlitefile.ErrCorrupt
}

// fieldWord returns the word of a field with the content b.
func fieldWord(serial uint64, b []byte) word {
	switch {
	case serial >= 12 && serial&1 == 1:
		return word{maphash.Bytes(seed, b), value.RawText}
	case serial >= 12:
		return word{maphash.Bytes(seed, b), value.Blob}
	case serial == 7:
		v := value.OfFloat(math.Float64frombits(binary.BigEndian.Uint64(b))) // NULL for a NaN
		return wordOf(&v)
	case serial == 0:
		return word{}
	}
	return word{uint64(sqlitefile.DecodeInt(serial, b)), value.Integer}
}

// checkOrder says what is wrong with the order of two neighbours.
func (w *indexWalker) checkOrder(m *made, order *indexsort.Comparer, count uint64) error {
	now, before := count&1, 1-count&1
	if w.enc == sqlitefile.UTF8 {
		if count == 0 {
			return nil
		}
		if r, ok := compareEntries(&w.entries[before], &w.entries[now], m.columns); ok {
			return outOfOrder(r, count)
		}
	}
	for i := range w.entries {
		if i == int(before) && count == 0 {
			continue
		}
		var err error
		if w.values[i], err = sqlitefile.DecodeRecord(w.entries[i].record, w.values[i]); err != nil {
			return err
		}
	}
	if err := order.ValidateValues(w.values[now]); err != nil || count == 0 {
		return err
	}
	return outOfOrder(order.CompareValues(w.values[before], w.values[now]), count)
}

// alike reports whether the entry before and the one that is read break a UNIQUE index.
func (w *indexWalker) alike(m *made, order *indexsort.Comparer) bool {
	for i := range w.entries {
		var err error
		w.values[i], err = sqlitefile.DecodeRecord(w.entries[i].record, w.values[i])
		if err != nil || len(w.values[i]) < m.unique {
			return false // which shows in the tally
		}
	}
	for i := range m.unique {
		if w.values[0][i].Kind == value.Null {
			return false
		}
	}
	return order.CompareValues(w.values[0][:m.unique], w.values[1][:m.unique]) == 0
}

func outOfOrder(r int, count uint64) error {
	if r < 0 {
		return nil
	}
	return fmt.Errorf("entry %d is out of order", count)
}

// compareEntries is Comparer.CompareValues for entries whose fields, up to the
// first that differs, are of the usual kinds: two integers, two reals, or text or
// blobs that are compared by their bytes. Of others it says false.
func compareEntries(x, y *entry, columns []indexsort.Column) (r int, ok bool) {
	for i := range min(len(x.fields), len(y.fields)) {
		var how indexsort.Column
		if i < len(columns) {
			how = columns[i]
		}
		a, b := &x.fields[i], &y.fields[i]
		switch {
		case a.kind != b.kind:
			return 0, false
		case a.kind == value.Integer:
			r = cmp.Compare(int64(a.x), int64(b.x))
		case a.kind == value.Real:
			r = cmp.Compare(math.Float64frombits(a.x), math.Float64frombits(b.x))
		case a.kind == value.Blob, a.kind == value.RawText && how.Collation == indexsort.Binary:
			r = bytes.Compare(x.record[a.at:a.end], y.record[b.at:b.end])
		case a.kind != value.Null:
			return 0, false
		}
		switch {
		case r == 0:
		case how.Desc:
			return -r, true
		default:
			return r, true
		}
	}
	return cmp.Compare(len(x.fields), len(y.fields)), true
}
