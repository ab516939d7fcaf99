package rebuild

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/indexexpr"
	"github.com/litekeep/litekeep/internal/indexsort"
	"github.com/litekeep/litekeep/internal/pagewriter"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// sortMemory is what the sorters of one table may use together.
const sortMemory = 16 << 20

// ownIndex is an index that is built by our own sort, from the records of its
// table.
type ownIndex struct {
	tree    *bTree
	from    []int             // fields of the table's record, engine.IndexRowID or engine.IndexExpression
	exprs   []*indexexpr.Expr // for each column its expression, if it has one
	where   *indexexpr.Expr   // nil for an index of all rows
	columns []indexsort.Column
	sorter  *indexsort.Sorter
	// leave is set when an entry has no order that we know: SQLite builds the
	// index then.
	leave atomic.Bool
}

// entries makes the entries of one index.
type entries struct {
	row   []*value.Value
	rowid value.Value
	made  []value.Value // by expressions
	rec   []byte
}

// errUnknown says that only SQLite can evaluate an expression for a row.
var errUnknown = errors.New("an expression that only SQLite can evaluate")

// add adds the entry of one row of the table to a batch.
func (e *entries) add(x *ownIndex, batch *indexsort.Batch, fields []value.Value, rowid int64, format uint32) error {
	if x.leave.Load() {
		return nil
	}
	e.row, e.rowid = e.row[:0], value.OfInt(rowid)
	row := indexexpr.Row{Fields: fields, RowID: e.rowid}
	if x.where != nil {
		a, ok := x.where.Holds(&row)
		if !ok {
			return x.checked(errUnknown)
		}
		if a != indexexpr.Yes {
			return nil
		}
	}
	if len(e.made) != len(x.from) {
		e.made = make([]value.Value, len(x.from))
	}
	for i, f := range x.from {
		switch f {
		case engine.IndexRowID:
			e.row = append(e.row, &e.rowid)
		case engine.IndexExpression:
			var ok bool
			if e.made[i], ok = x.exprs[i].Eval(&row, e.made[i].Bytes[:0]); !ok {
				return x.checked(errUnknown)
			}
			e.row = append(e.row, &e.made[i])
		default:
			e.row = append(e.row, &fields[f])
		}
	}
	size := 0
	for _, v := range e.row {
		size += len(v.Bytes)
	}
	if size >= largeItem {
		values := make([]value.Value, len(e.row))
		for i, v := range e.row {
			values[i] = *v
		}
		return x.checked(batch.AddParts(sqlitefile.RecordParts(values, format)...))
	}
	e.rec = sqlitefile.AppendRecordOf(e.rec[:0], e.row, format)
	return x.checked(batch.Add(e.rec))
}

// newBatches returns an empty batch for each index.
func newBatches(own []*ownIndex) []*indexsort.Batch {
	batches := make([]*indexsort.Batch, len(own))
	for i, x := range own {
		batches[i] = x.sorter.NewBatch()
	}
	return batches
}

// put hands batches to the sorters of their indexes, in the order of the table.
func put(own []*ownIndex, batches []*indexsort.Batch) error {
	for i, x := range own {
		if x.leave.Load() {
			continue
		}
		if err := x.checked(x.sorter.Put(batches[i])); err != nil {
			return err
		}
	}
	return nil
}

// checked turns the error that an entry has no known order into a mark.
func (x *ownIndex) checked(err error) error {
	if errors.Is(err, indexsort.ErrUnsupported) || errors.Is(err, errUnknown) {
		x.leave.Store(true)
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", x.tree.label(), err)
	}
	return nil
}

// ownIndexes returns the indexes of the table that need no SQLite: those of
// stored columns under collations that we know.
func (b *builder) ownIndexes(table *bTree) []*ownIndex {
	if table.object == nil || table.object.Table == nil {
		return nil
	}
	var own []*ownIndex
	for _, t := range b.layout.indexes[sqlitefile.FoldName(table.object.Name)] {
		if x := newOwnIndex(t, table.object.Table); x != nil {
			own = append(own, x)
		}
	}
	temp := b.o.TempDir
	if temp == "" {
		temp = filepath.Dir(b.path)
	}
	for _, x := range own {
		x.sorter = indexsort.New(x.columns, b.layout.header.Encoding, indexsort.Options{
			MemoryBytes: sortMemory / len(own), TempDir: temp,
		})
	}
	return own
}

// newOwnIndex returns nil if the index has to be left to SQLite: text in expressions is
// UTF-8 here, which engine sees to.
func newOwnIndex(t *bTree, table *engine.TableInfo) *ownIndex {
	from, ok := t.object.Index.Fields(table)
	if !ok {
		return nil
	}
	x := &ownIndex{tree: t, from: from, where: t.object.Index.Where}
	for _, c := range t.object.Index.Columns {
		x.exprs = append(x.exprs, c.Expr)
		collation, known := indexsort.ParseCollation(c.Collation)
		if !known && c.Column != engine.IndexRowID {
			return nil
		}
		x.columns = append(x.columns, indexsort.Column{Desc: c.Desc, Collation: collation})
	}
	return x
}

// closing lays the indexes of tables that were filled, while the next table is
// being filled. It has those of one table at a time, for the memory of their
// sorters.
type closing struct {
	ctx     context.Context
	cancel  context.CancelFunc
	writer  *pagewriter.Writer
	workers int
	done    chan struct{} // closed when the last ones are laid; nil at first
	err     error
}

// wait waits for the last indexes and returns the first error of all.
func (c *closing) wait() error {
	if c.done != nil {
		<-c.done
	}
	return c.err
}

// start lays the indexes of a table.
func (c *closing) start(own []*ownIndex) error {
	if err := c.wait(); err != nil || len(own) == 0 {
		return err
	}
	large := slices.ContainsFunc(own, func(x *ownIndex) bool { return x.sorter.Large() })
	workers := max(c.workers, 1)
	if large {
		workers = 1
		debug.FreeOSMemory() // of the rows
	}
	c.done = make(chan struct{})
	go func() {
		defer close(c.done)
		g, ctx := errgroup.WithContext(c.ctx)
		g.SetLimit(workers)
		for _, x := range own {
			g.Go(func() error {
				if err := errors.Join(x.lay(ctx, c.writer), x.sorter.Close()); err != nil {
					return fmt.Errorf("%s: %w", x.tree.label(), err)
				}
				return nil
			})
		}
		c.err = g.Wait()
	}()
	if large { // no large row of the next table is to lie beside theirs
		return c.wait()
	}
	return nil
}

// lay writes the sorted entries.
func (x *ownIndex) lay(ctx context.Context, w *pagewriter.Writer) error {
	if x.leave.Load() {
		return nil
	}
	x.tree.done = true
	out := w.Index(x.tree.number)
	for rec, err := range x.sorter.Sorted(ctx) {
		if err == nil {
			err = out.Append(rec)
		}
		if err != nil {
			return err
		}
	}
	return out.Close()
}
