package rebuild

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/indexsort"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// sortMemory is what the sorters of one table may use together.
const sortMemory = 24 << 20

// batchBytes is how much a worker collects before it hands it to the sorter.
const batchBytes = 256 << 10

// ownIndex is an index that is built by our own sort, from the records of its
// table.
type ownIndex struct {
	tree    *bTree
	from    []int // fields of the table's record, or engine.IndexRowID
	columns []indexsort.Column
	sorter  *indexsort.Sorter
	// leave is set when an entry has no order that we know: SQLite builds the
	// index then.
	leave atomic.Bool
}

// entries makes a worker's index entries.
type entries struct {
	x     *ownIndex
	batch *indexsort.Batch
	row   []value.Value
	rec   []byte
}

func newEntries(own []*ownIndex) []entries {
	e := make([]entries, len(own))
	for i, x := range own {
		e[i] = entries{x: x, batch: x.sorter.NewBatch()}
	}
	return e
}

// add adds the entry of one row of the table.
func (e *entries) add(fields []value.Value, rowid int64, format uint32) error {
	if e.x.leave.Load() {
		return nil
	}
	e.row = e.row[:0]
	for _, f := range e.x.from {
		if f < 0 {
			e.row = append(e.row, value.OfInt(rowid))
		} else {
			e.row = append(e.row, fields[f])
		}
	}
	e.rec = sqlitefile.AppendRecord(e.rec[:0], e.row, format)
	err := e.batch.Add(e.rec)
	if cap(e.rec) > largeItem {
		e.rec = nil
	}
	if err == nil && e.batch.Size() >= batchBytes {
		err = e.x.sorter.Put(e.batch)
	}
	return e.x.checked(err)
}

// flush hands over what add has collected.
func (e *entries) flush() error {
	if e.x.leave.Load() {
		return nil
	}
	return e.x.checked(e.x.sorter.Put(e.batch))
}

// checked turns the error that an entry has no known order into a mark.
func (x *ownIndex) checked(err error) error {
	if errors.Is(err, indexsort.ErrUnsupported) {
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
	for _, t := range b.layout.trees {
		if t.row.BTree != document.BTreeRebuild || t.object == nil || t.object.Index == nil ||
			!strings.EqualFold(t.object.Index.Table, table.object.Name) {
			continue
		}
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

// newOwnIndex returns nil if the index has to be left to SQLite.
func newOwnIndex(t *bTree, table *engine.TableInfo) *ownIndex {
	from, ok := t.object.Index.Fields(table)
	if !ok {
		return nil
	}
	x := &ownIndex{tree: t, from: from}
	for _, c := range t.object.Index.Columns {
		collation, known := indexsort.ParseCollation(c.Collation)
		if !known && c.Column != engine.IndexRowID {
			return nil
		}
		x.columns = append(x.columns, indexsort.Column{Desc: c.Desc, Collation: collation})
	}
	return x
}

// closeIndexes lays the indexes of the table that has just been filled.
func (c *content) closeIndexes() error {
	for _, x := range c.plan.indexes {
		if x.leave.Load() {
			if err := x.sorter.Close(); err != nil {
				return fmt.Errorf("%s: %w", x.tree.label(), err)
			}
			continue
		}
		x.tree.done = true
		out := c.b.writer.Index(x.tree.number)
		for rec, err := range x.sorter.Sorted(c.b.ctx) {
			if err == nil {
				err = out.Append(rec)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", x.tree.label(), err)
			}
		}
		if err := errors.Join(out.Close(), x.sorter.Close()); err != nil {
			return fmt.Errorf("%s: %w", x.tree.label(), err)
		}
	}
	return nil
}
