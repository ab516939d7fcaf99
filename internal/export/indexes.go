package export

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/indexexpr"
	"github.com/litekeep/litekeep/internal/indexsort"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

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
	from    []int // words of a row: those of its fields, of the rowid, and of its expressions
	real    []bool
	columns []indexsort.Column
	where   *indexexpr.Expr // nil for an index of all rows
	unique  int             // how many columns make an entry unique; 0 where it need not be
}

// computes reports whether rows have to be evaluated for the index.
func (m *made) computes(t *Table) bool {
	return m.where != nil || slices.ContainsFunc(m.from, func(f int) bool { return f > len(t.indexed) })
}

// link finds the table of each index that is left out, once the schema is read.
func (p *Plan) link() {
	tables := make(map[string]*Table, len(p.Tables))
	for _, t := range p.Tables {
		if t.columns != nil {
			tables[sqlitefile.FoldName(t.Label)] = t
		}
	}
	for _, x := range p.Rebuilt {
		t := tables[sqlitefile.FoldName(x.object.Index.Table)]
		if t == nil {
			continue
		}
		x.made = t.madeOf(x)
		t.indexes = append(t.indexes, x)
		if x.made == nil {
			continue
		}
		if x.made.computes(t) {
			t.computed = true
		}
		for _, f := range x.made.from {
			if f < len(t.indexed) {
				t.indexed[f] = true
			}
		}
	}
}

func (t *Table) madeOf(x *Rebuilt) *made {
	info, index := t.object.Table, x.object.Index
	from, ok := index.Fields(info)
	if !ok {
		return nil
	}
	m := &made{from: from, real: make([]bool, len(from)), where: index.Where}
	for i, c := range index.Columns {
		switch from[i] {
		case engine.IndexRowID:
			from[i] = len(info.StorageOrder)
		case engine.IndexExpression:
			t.exprs = append(t.exprs, expression{c.Expr, x})
			from[i] = len(t.indexed) + len(t.exprs)
		}
		collation, known := indexsort.ParseCollation(c.Collation)
		if !known && c.Column != engine.IndexRowID {
			return nil
		}
		m.real[i] = c.Column >= 0 && info.Columns[c.Column].RealAffinity
		m.columns = append(m.columns, indexsort.Column{Desc: c.Desc, Collation: collation})
	}
	return m
}

// tallyRow adds the entries that the indexes of t must have for the row whose
// words were taken.
func (e *encoder) tallyRow(t *Table) {
	if len(e.tallies) < len(t.indexes) {
		e.tallies = make([]tally, len(t.indexes))
	}
	for i, x := range t.indexes {
		if x.made == nil || t.computed && e.left[i] {
			continue
		}
		h := newEntryHash()
		for k, f := range x.made.from {
			h = h.add(e.words[f], x.made.real[k])
		}
		e.tallies[i].add(tally{1, h.sum()})
	}
}

// fieldWords takes the words of e.fields, and of the defaults of columns that the
// row is older than.
func (e *encoder) fieldWords(t *Table, rowid int64) error {
	words := e.takeWords(t, rowid)
	for i := range words {
		if !t.indexed[i] {
			continue
		}
		if i < len(e.fields) {
			v := e.fields[i]
			if t.real[i] && v.Kind == value.Integer {
				v = value.OfFloat(float64(v.Int))
			}
			words[i] = wordOf(&v)
			continue
		}
		d, err := e.defaultOf(t, i)
		if err != nil {
			return err
		}
		d = e.stored(d)
		words[i] = wordOf(&d)
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

	// Large entries are read when no large row is in memory any more, and those of one
	// index at a time.
	exported chan struct{} // closed when the rows are exported, or will not be
	release  func()        // closes it
	large    sync.Mutex
}

// found is what an index holds.
type found struct {
	tally
	order string // what is wrong with the order, "" if nothing is
}

// startCheck reads indexes side by side with as many workers, so that a table with
// many of them does not leave one core to read them while the others have nothing
// to do.
func (p *Plan) startCheck(ctx context.Context, workers int) *indexCheck {
	c := &indexCheck{found: make([]found, len(p.Rebuilt)), done: make(chan struct{}), exported: make(chan struct{})}
	c.release = sync.OnceFunc(func() { close(c.exported) })
	errs := make([]error, min(max(workers, 1), len(p.Rebuilt)))
	var next atomic.Int64
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() { errs[i] = p.checkIndexes(ctx, c, &next) })
	}
	go func() {
		defer close(c.done)
		group.Wait()
		if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
			c.err = errs[i]
		}
	}()
	return c
}

// checkIndexes reads the indexes that nobody else has begun, until there is none.
func (p *Plan) checkIndexes(ctx context.Context, c *indexCheck, next *atomic.Int64) error {
	w := &indexWalker{cur: p.file.NewCursor(), enc: p.file.Header().Encoding, alone: func() {
		<-c.exported
		c.large.Lock()
	}}
	for {
		i := int(next.Add(1) - 1)
		if i >= len(p.Rebuilt) || c.cancel.Load() {
			return nil
		}
		x := p.Rebuilt[i]
		var err error
		if c.found[i], err = w.walk(ctx, p.file.Index(x.Root), x.made, &c.cancel); w.large {
			w.entries, w.values, w.large = [2]entry{}, [2][]value.Value{}, false
			c.large.Unlock()
		}
		if err != nil {
			c.cancel.Store(true)
			return fmt.Errorf("index %q: %w", x.Label, err)
		}
	}
}

func (c *indexCheck) stop() {
	c.cancel.Store(true)
	c.release()
	<-c.done
}

// compare compares what the indexes hold with what their tables' rows give. One that
// differs would not come back as it is, and must be carried.
func (c *indexCheck) compare(p *Plan, counted *Counted) error {
	c.release()
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
		if t.tallies == nil { // no rows
			t.tallies = make([]tally, len(t.indexes))
		}
		for i, x := range t.indexes {
			f, rows := c.found[number[x]], uint64(counted.Tables[ti].Rows)
			switch {
			case x.object.Index.Partial && x.made == nil:
			case !x.object.Index.Partial && f.count != rows:
				wrong[x.schemaRow] = fmt.Sprintf("index %q has %d entries for %d rows (REINDEX mends it)", x.Label, f.count, rows)
			case x.made != nil && f.tally != t.tallies[i]:
				wrong[x.schemaRow] = fmt.Sprintf("index %q has entries that are not those of the rows (REINDEX mends it)", x.Label)
			case f.order != "":
				wrong[x.schemaRow] = fmt.Sprintf("index %q: %s (REINDEX mends it)", x.Label, f.order)
			}
		}
	}
	if len(wrong) > 0 {
		return &ChoicesError{Choices{Carry: wrong}}
	}
	return nil
}
