package export

import (
	"context"
	"fmt"
	"hash/maphash"
	"strings"
	"sync/atomic"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/indexsort"
	"github.com/litekeep/litekeep/internal/pagereader"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// A MismatchError says that indexes which were left out of a document do not
// have the entries that their tables' rows give them, in their order: they would
// not come back as they are. They must be carried as entries.
type MismatchError struct {
	Reasons map[int64]string // by the rowid in sqlite_schema
}

// Error names the indexes.
func (e *MismatchError) Error() string {
	var all []string
	for _, r := range e.Reasons {
		all = append(all, r)
	}
	return strings.Join(all, "; ")
}

// Rebuilt is an index that a restore rebuilds.
type Rebuilt struct {
	Label, Table string
	Root         uint32

	schemaRow int64
	object    *engine.Object
	made      *made // nil if SQLite alone can tell what the entries must be
}

// made says how the entries of an index are made of the rows of its table, and
// how they are ordered.
type made struct {
	from    []int // fields of the table's record, or engine.IndexRowID
	real    []bool
	columns []indexsort.Column
}

// tally is an order-free sum of entries: equal sets have equal tallies, and
// others practically never, since the hash has a secret seed.
type tally struct{ count, sum uint64 }

// seed is the seed of all tallies of this process.
var seed = maphash.MakeSeed()

func (t *tally) add(o tally) {
	t.count += o.count
	t.sum += o.sum
}

// link finds the table of each index that is left out, once the schema is read.
func (p *Plan) link() {
	tables := make(map[string]*Table, len(p.Tables))
	for _, t := range p.Tables {
		if t.columns != nil {
			tables[asciiLower(t.Label)] = t
		}
	}
	for _, x := range p.Rebuilt {
		t := tables[asciiLower(x.object.Index.Table)]
		if t == nil {
			continue
		}
		x.made = madeOf(x.object.Index, t.object.Table)
		t.indexes = append(t.indexes, x)
	}
}

func madeOf(x *engine.IndexInfo, t *engine.TableInfo) *made {
	from, ok := x.Fields(t)
	if !ok {
		return nil
	}
	m := &made{from: from, real: make([]bool, len(from))}
	for i, c := range x.Columns {
		collation, known := indexsort.ParseCollation(c.Collation)
		if !known && c.Column != engine.IndexRowID {
			return nil
		}
		m.real[i] = c.Column >= 0 && t.Columns[c.Column].RealAffinity
		m.columns = append(m.columns, indexsort.Column{Desc: c.Desc, Collation: collation})
	}
	return m
}

// normalize makes entries equal that differ only in what nobody can see: a REAL
// column may store a whole number as an integer in one place and not in another.
func (m *made) normalize(entry []value.Value) {
	for i := range min(len(entry), len(m.real)) {
		if m.real[i] && entry[i].Kind == value.Integer {
			entry[i] = value.OfFloat(float64(entry[i].Int))
		}
	}
}

// tallyRow adds the entries that the indexes of t must have for the row whose
// stored fields are e.fields, as SQLite would store them.
func (e *encoder) tallyRow(t *Table, rowid int64) error {
	if len(e.tallies) < len(t.indexes) {
		e.tallies = make([]tally, len(t.indexes))
	}
	for i, x := range t.indexes {
		if x.made == nil {
			continue
		}
		if err := e.entryOf(t, x.made, rowid); err != nil {
			return err
		}
		e.scratch = sqlitefile.AppendRecord(e.scratch[:0], e.entry, e.format)
		e.tallies[i].add(tally{1, maphash.Bytes(seed, e.scratch)})
	}
	return nil
}

// entryOf sets e.entry to the index entry of a row.
func (e *encoder) entryOf(t *Table, m *made, rowid int64) error {
	e.entry = e.entry[:0]
	for _, from := range m.from {
		switch {
		case from == engine.IndexRowID:
			e.entry = append(e.entry, value.OfInt(rowid))
		case from < len(e.fields):
			e.entry = append(e.entry, e.fields[from])
		default:
			d, err := t.defaults.get(e.ctx, e.plan.path, t, from)
			if err != nil {
				return err
			}
			e.entry = append(e.entry, e.stored(d))
		}
	}
	return nil
}

// stored returns a default as a record would have it.
func (e *encoder) stored(v value.Value) value.Value {
	if v.Kind == value.Text && e.enc != sqlitefile.UTF8 {
		v.Bytes = sqlitefile.EncodeText(nil, v.Bytes, e.enc)
	}
	return v
}

// indexCheck reads the indexes that are left out, beside the export, and sums
// up their entries.
type indexCheck struct {
	found  []found
	err    error
	cancel atomic.Bool
	done   chan struct{}
}

// found is what an index holds.
type found struct {
	tally
	order string // what is wrong with the order, "" if nothing is
}

func (p *Plan) startCheck(ctx context.Context) *indexCheck {
	c := &indexCheck{found: make([]found, len(p.Rebuilt)), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		if p.file == nil {
			return
		}
		w := &indexWalker{cur: p.file.NewCursor(), enc: p.file.Header().Encoding}
		for i, x := range p.Rebuilt {
			var err error
			if c.found[i], err = w.walk(ctx, p.file.Index(x.Root), x.made, &c.cancel); err != nil {
				c.err = fmt.Errorf("index %q: %w", x.Label, err)
				return
			}
		}
	}()
	return c
}

// indexWalker reads indexes. One goroutine uses it.
type indexWalker struct {
	cur  *pagereader.Cursor
	enc  sqlitefile.Encoding
	last []byte
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
		err = w.cur.Each(b, func(row *pagereader.Row) error {
			rec, err := w.cur.Record(row)
			if err != nil {
				return err
			}
			if err := order.Validate(rec); err != nil {
				f.order = err.Error()
			} else if f.order == "" && f.count > 0 && order.Compare(w.last, rec) >= 0 {
				f.order = fmt.Sprintf("entry %d is out of order", f.count)
			}
			w.last = append(w.last[:0], rec...)
			f.add(tally{1, maphash.Bytes(seed, rec)})
			return nil
		})
		if err != nil {
			return f, err
		}
	}
	return f, nil
}

func (c *indexCheck) stop() {
	c.cancel.Store(true)
	<-c.done
}

// compare compares what the indexes hold with what their tables' rows give.
func (c *indexCheck) compare(ctx context.Context, p *Plan, counted *Counted) error {
	<-c.done
	if c.err != nil {
		return c.err
	}
	number := make(map[*Rebuilt]int, len(p.Rebuilt))
	for i, x := range p.Rebuilt {
		number[x] = i
	}
	wrong := map[int64]string{}
	for ti, t := range p.Tables {
		for i, x := range t.indexes {
			f, rows := c.found[number[x]], uint64(counted.Tables[ti].Rows)
			switch {
			case x.object.Index.Partial:
			case f.count != rows:
				wrong[x.schemaRow] = fmt.Sprintf("index %q has %d entries for %d rows", x.Label, f.count, rows)
			case x.made != nil && rows > 0 && f.tally != t.tallies[i]:
				same, err := p.sameButForm(ctx, t, x)
				if err != nil {
					return err
				}
				if !same {
					wrong[x.schemaRow] = fmt.Sprintf("index %q has entries that are not those of the rows", x.Label)
				}
			case f.order != "":
				wrong[x.schemaRow] = fmt.Sprintf("index %q: %s", x.Label, f.order)
			}
		}
	}
	if len(wrong) > 0 {
		return &MismatchError{wrong}
	}
	return nil
}

// sameButForm reports whether an index has the entries of its table's rows after
// all, stored in another form than SQLite gives them today. It reads both again.
func (p *Plan) sameButForm(ctx context.Context, t *Table, x *Rebuilt) (bool, error) {
	f, err := p.file.Again()
	if err != nil {
		return false, err
	}
	e := p.newEncoder(ctx, nil)
	e.cur = f.NewCursor()
	rows, entries := f.Index(t.Root), f.Index(x.Root)
	if t.byRowID {
		rows = f.Table(t.Root)
	}
	want, err := e.sum(rows, x.made, func(row *pagereader.Row) error { return e.entryOf(t, x.made, row.RowID) })
	if err != nil {
		return false, err
	}
	have, err := e.sum(entries, x.made, func(*pagereader.Row) error {
		e.entry = append(e.entry[:0], e.fields...)
		return nil
	})
	return want == have, err
}

// sum adds up the normalized entries that entry makes of the records of a b-tree.
func (e *encoder) sum(tree *pagereader.Tree, m *made, entry func(*pagereader.Row) error) (tally, error) {
	var sum tally
	for b, err := range tree.Batches() {
		if err == nil {
			err = e.ctx.Err()
		}
		if err != nil {
			return sum, err
		}
		err = e.cur.Each(b, func(row *pagereader.Row) error {
			rec, err := e.cur.Record(row)
			if err == nil {
				e.fields, err = sqlitefile.DecodeRecord(rec, e.fields)
			}
			if err == nil {
				err = entry(row)
			}
			if err != nil {
				return err
			}
			m.normalize(e.entry)
			e.scratch = sqlitefile.AppendRecord(e.scratch[:0], e.entry, 4)
			sum.add(tally{1, maphash.Bytes(seed, e.scratch)})
			return nil
		})
		if err != nil {
			return sum, err
		}
	}
	return sum, nil
}
