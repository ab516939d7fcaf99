package rebuild

import (
	"bytes"
	"fmt"
	"runtime/debug"

	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/indexsort"
	"github.com/litekeep/litekeep/internal/pagewriter"
	"github.com/litekeep/litekeep/internal/pipeline"
	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// largeItem is the length from which an item is laid by itself, without being
// copied: no two of them are in memory at once.
const largeItem = 4 << 20

// hugeItem is the length from which the memory of what was made of an item is given
// back at once.
const hugeItem = 16 << 20

// runBytes is how much text one worker parses at a time.
const runBytes = 256 << 10

// content fills one b-tree from the items of the document.
type content struct {
	b     *builder
	tree  *bTree
	plan  *rowPlan
	table *pagewriter.Table // one of the two
	index *pagewriter.Index
	pipe  *pipeline.Pipeline[[]byte, *records]
	large *recorder
	spare chan *records
	texts chan []byte
}

// records are rows as a worker has encoded them.
type records struct {
	text   []byte // the items they were made of
	data   []byte // the records, one after another
	ends   []int32
	rowids []int64
	// Entries of the indexes that we build ourselves.
	batches []*indexsort.Batch
}

func newContent(b *builder, tree *bTree, plan *rowPlan) *content {
	c := &content{b: b, tree: tree, plan: plan}
	tree.done = true
	if plan.byRowID {
		c.table = b.writer.Table(tree.number)
	} else {
		c.index = b.writer.Index(tree.number)
	}
	return c
}

func (c *content) newRecorder() *recorder {
	h := &c.b.layout.header
	return &recorder{enc: h.Encoding, format: h.SchemaFormat, entries: make([]entries, len(c.plan.indexes))}
}

// start starts the workers, when the first items come.
func (c *content) start() {
	n := c.b.o.Workers
	c.spare, c.texts = make(chan *records, n+2), make(chan []byte, n+2)
	c.large = c.newRecorder()
	worker := func() func([]byte) (*records, error) {
		r := c.newRecorder()
		return func(text []byte) (*records, error) {
			var out *records
			select {
			case out = <-c.spare:
			default:
				out = &records{batches: newBatches(c.plan.indexes)}
			}
			return out, c.encode(r, text, out)
		}
	}
	c.pipe = pipeline.New(c.b.ctx, n, n+1, worker, func(r *records) error {
		err := c.lay(r)
		c.recycle(r)
		return err
	})
}

func (c *content) recycle(r *records) {
	select {
	case c.texts <- r.text:
	default:
	}
	select {
	case c.spare <- r:
	default:
	}
}

// add takes a run of item lines, which are the caller's again when it returns.
func (c *content) add(items []byte) error {
	if c.pipe == nil {
		c.start()
	}
	for len(items) > 0 {
		run := cutRun(items)
		items = items[len(run):]
		if len(run) >= largeItem {
			if err := c.layLarge(run); err != nil {
				return err
			}
			continue
		}
		var text []byte
		select {
		case text = <-c.texts:
		default:
		}
		if err := c.pipe.Add(append(text[:0], run...)); err != nil {
			return err
		}
	}
	return nil
}

// cutRun returns the first lines of items: about runBytes of them, or one that
// is longer.
func cutRun(items []byte) []byte {
	if len(items) <= runBytes {
		return items
	}
	if i := bytes.LastIndexByte(items[:runBytes], '\n'); i >= 0 {
		return items[:i+1]
	}
	return items[:bytes.IndexByte(items, '\n')+1]
}

// encode is the workers' part: text to records.
func (c *content) encode(r *recorder, text []byte, out *records) error {
	out.text, out.data = text, out.data[:0]
	out.ends, out.rowids = out.ends[:0], out.rowids[:0]
	for len(text) > 0 {
		item, rest, err := document.NextItem(text)
		if err != nil {
			return fmt.Errorf("%s: %w", c.tree.label(), err)
		}
		text = rest
		rowid, fields, err := r.parse(c.plan, item)
		if err != nil {
			return fmt.Errorf("%s: %w", c.tree.label(), err)
		}
		out.data = sqlitefile.AppendRecord(out.data, fields, r.format)
		out.ends = append(out.ends, int32(len(out.data)))
		out.rowids = append(out.rowids, rowid)
		for i, x := range c.plan.indexes {
			if err := r.entries[i].add(x, out.batches[i], fields, rowid, r.format); err != nil {
				return err
			}
		}
	}
	return nil
}

// lay is the ordered part: records to pages.
func (c *content) lay(r *records) error {
	start := int32(0)
	for i, end := range r.ends {
		var err error
		if c.table != nil {
			err = c.table.Append(r.rowids[i], r.data[start:end])
		} else {
			err = c.index.Append(r.data[start:end])
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.tree.label(), err)
		}
		start = end
	}
	return put(c.plan.indexes, r.batches)
}

// layLarge lays one large item without copying its values.
func (c *content) layLarge(line []byte) error {
	if err := c.pipe.Flush(); err != nil {
		return err
	}
	item, _, err := document.NextItem(line)
	if err != nil {
		return fmt.Errorf("%s: %w", c.tree.label(), err)
	}
	r := c.large
	rowid, fields, err := r.parse(c.plan, item)
	if err != nil {
		return fmt.Errorf("%s: %w", c.tree.label(), err)
	}
	parts := sqlitefile.RecordParts(fields, r.format)
	if c.table != nil {
		err = c.table.AppendParts(rowid, parts...)
	} else {
		err = c.index.AppendParts(parts...)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.tree.label(), err)
	}
	for i, x := range c.plan.indexes {
		if i > 0 && len(line) >= hugeItem {
			debug.FreeOSMemory() // of the entry before
		}
		batch := x.sorter.NewBatch()
		err := r.entries[i].add(x, batch, fields, rowid, r.format)
		if err == nil {
			err = put([]*ownIndex{x}, []*indexsort.Batch{batch})
		}
		if err != nil {
			return err
		}
	}
	r.utf16 = nil
	clear(r.row[:cap(r.row)]) // they share the memory of the line
	clear(r.fields[:cap(r.fields)])
	return nil
}

func (c *content) close() error {
	if c.pipe != nil {
		if err := c.pipe.Close(); err != nil {
			return err
		}
	}
	var err error
	if c.table != nil {
		err = c.table.Close()
	} else {
		err = c.index.Close()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.tree.label(), err)
	}
	return c.b.closing.start(c.plan.indexes)
}

func (c *content) stop() {
	if c.pipe != nil {
		c.pipe.Stop()
	}
	for _, x := range c.plan.indexes {
		_ = x.sorter.Close() // a failed build is thrown away
	}
}
