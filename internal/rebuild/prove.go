package rebuild

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"github.com/litekeep/litekeep/internal/indexsort"
	"github.com/litekeep/litekeep/internal/pagereader"
	"github.com/litekeep/litekeep/internal/pipeline"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// ErrIndex is wrapped by the error that says an index does not match its table.
var ErrIndex = errors.New("index does not match its table")

// sortedTable is a table whose indexes were built by our own sort.
type sortedTable struct {
	label   string
	root    uint32
	byRowID bool
	indexes []sortedIndex
}

type sortedIndex struct {
	label   string
	root    uint32
	from    []int // fields of the table's record; -1 for the rowid
	columns []indexsort.Column
}

// tally is an order-free sum of records: equal sets of records have equal
// tallies, and others practically never, since the hash has a secret seed.
type tally struct{ count, sum uint64 }

func (t *tally) add(seed maphash.Seed, record []byte) {
	t.count++
	t.sum += maphash.Bytes(seed, record)
}

// CheckIndexes proves the indexes that our own sort has built in the file r of
// size bytes: each holds exactly one entry for each row, made of that row, and
// the entries stand in order. It is what SQLite's integrity_check finds out by
// looking every row up in every index, at a fraction of the time. The indexes
// that SQLite has built are not looked at.
func (b *Built) CheckIndexes(ctx context.Context, r io.ReaderAt, size int64, workers int) error {
	if len(b.sorted) == 0 {
		return nil
	}
	f, err := pagereader.Open(r, size)
	if err != nil {
		return err
	}
	for i := range b.sorted {
		t := &b.sorted[i]
		if err := checkTable(ctx, f, t, workers); err != nil {
			return fmt.Errorf("%s: %w", t.label, err)
		}
	}
	return nil
}

func checkTable(ctx context.Context, f *pagereader.File, t *sortedTable, workers int) error {
	seed := maphash.MakeSeed()
	want := make([]tally, len(t.indexes))
	worker := func() func(*pagereader.Batch) ([]tally, error) {
		e := &expected{table: t, cur: f.NewCursor(), seed: seed, format: f.Header().SchemaFormat}
		return e.batch
	}
	p := pipeline.New(ctx, workers, 2*workers, worker, func(part []tally) error {
		for i := range part {
			want[i].count += part[i].count
			want[i].sum += part[i].sum
		}
		return nil
	})
	defer p.Stop()
	tree := f.Index(t.root)
	if t.byRowID {
		tree = f.Table(t.root)
	}
	for batch, err := range tree.Batches() {
		if err == nil {
			err = p.Add(batch)
		}
		if err != nil {
			return err
		}
	}
	if err := p.Close(); err != nil {
		return err
	}
	return checkStored(ctx, f, t, seed, want, workers)
}

// expected makes the entries that the indexes of a table must have.
type expected struct {
	table  *sortedTable
	cur    *pagereader.Cursor
	seed   maphash.Seed
	format uint32
	fields []value.Value
	entry  []value.Value
	rec    []byte
}

func (e *expected) batch(b *pagereader.Batch) ([]tally, error) {
	part := make([]tally, len(e.table.indexes))
	err := e.cur.Each(b, func(row *pagereader.Row) error {
		rec, err := e.cur.Record(row)
		if err != nil {
			return err
		}
		if e.fields, err = sqlitefile.DecodeRecord(rec, e.fields); err != nil {
			return err
		}
		for i := range e.table.indexes {
			e.entry = e.entry[:0]
			for _, from := range e.table.indexes[i].from {
				if from < 0 {
					e.entry = append(e.entry, value.OfInt(row.RowID))
				} else {
					e.entry = append(e.entry, e.fields[from])
				}
			}
			e.rec = sqlitefile.AppendRecord(e.rec[:0], e.entry, e.format)
			part[i].add(e.seed, e.rec)
		}
		return nil
	})
	return part, err
}

// checkStored walks the indexes themselves, several at a time.
func checkStored(ctx context.Context, f *pagereader.File, t *sortedTable, seed maphash.Seed, want []tally, workers int) error {
	worker := func() func(int) (int, error) {
		return func(i int) (int, error) {
			got, err := walkIndex(ctx, f, &t.indexes[i], seed)
			if err == nil && got != want[i] {
				err = fmt.Errorf("it has %d entries, which are not those of the %d rows: %w", got.count, want[i].count, ErrIndex)
			}
			if err != nil {
				err = fmt.Errorf("%s: %w", t.indexes[i].label, err)
			}
			return i, err
		}
	}
	p := pipeline.New(ctx, workers, workers, worker, func(int) error { return nil })
	defer p.Stop()
	for i := range t.indexes {
		if err := p.Add(i); err != nil {
			return err
		}
	}
	return p.Close()
}

func walkIndex(ctx context.Context, f *pagereader.File, x *sortedIndex, seed maphash.Seed) (got tally, err error) {
	cur := f.NewCursor()
	order := indexsort.NewComparer(x.columns, f.Header().Encoding)
	var last []byte
	for b, err := range f.Index(x.root).Batches() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return got, err
		}
		err = cur.Each(b, func(row *pagereader.Row) error {
			rec, err := cur.Record(row)
			if err == nil {
				err = order.Validate(rec)
			}
			if err != nil {
				return err
			}
			if got.count > 0 && order.Compare(last, rec) >= 0 {
				return fmt.Errorf("entry %d is out of order: %w", got.count, ErrIndex)
			}
			got.add(seed, rec)
			last = append(last[:0], rec...)
			return nil
		})
		if err != nil {
			return got, err
		}
	}
	return got, nil
}
