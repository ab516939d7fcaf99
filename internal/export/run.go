package export

import (
	"bytes"
	"context"
	"fmt"

	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/pagereader"
	"github.com/litekeep/litekeep/internal/pipeline"
)

// A Sink takes the frames of a document. archive.Writer is one.
type Sink interface {
	Add(*frame.Frame) error
	// Digest returns the content digest of the frames so far.
	Digest() (string, error)
}

// Options are the choices of Run.
type Options struct {
	Workers int
	// Spare is where a Sink may return the memory of frames.
	Spare chan []byte
	// Progress, if not nil, is called from one goroutine with the rows and the
	// bytes of text so far.
	Progress func(rows, bytes int64)
}

// Counted is what Run found.
type Counted struct {
	Tables  []Extent // as Plan.Tables
	Indexes []Extent // as Plan.Indexes
	End     document.End
}

// Extent says how many rows a table has and in which frames they are.
type Extent struct {
	Rows        int64
	First, Last int // frames
}

// runner is the state of one Run.
type runner struct {
	plan   *Plan
	source *document.Source
	cut    frame.Cutter
	sink   Sink
	large  *encoder // for large rows, used by the outlet
	pieces chan []byte
	o      Options

	counted     Counted
	rows, bytes int64
}

// job is a piece of work for the pipeline: a batch, or the opening or closing
// of a table or an index.
type job struct {
	label   string // for errors
	table   *Table // nil for an index
	batch   *pagereader.Batch
	open    []byte
	close   bool
	last    bool // no other table or index follows
	pieces  []piece
	tallies []tally
	// The first and the final record, where the order is checked.
	first, final []byte
}

// Run writes the document of p to sink. A Plan is run once. The error is a
// *ChoicesError where the plan has to be made again with other choices.
func (p *Plan) Run(ctx context.Context, source *document.Source, sink Sink, o Options) (*Counted, error) {
	r := &runner{plan: p, source: source, sink: sink, o: o, pieces: make(chan []byte, 2*o.Workers+4)}
	r.cut = frame.Cutter{Emit: sink.Add, Spare: o.Spare}
	if err := r.head(); err != nil {
		return nil, err
	}
	p.Schema = nil // its text is written
	check := p.startCheck(ctx, o.Workers)
	defer check.stop()
	if err := r.bTrees(ctx); err != nil {
		return nil, err
	}
	if err := p.missing.check(); err != nil {
		return nil, err
	}
	if err := check.compare(p, &r.counted); err != nil {
		return nil, err
	}
	return &r.counted, r.end()
}

func (r *runner) head() error {
	if err := r.cut.Line(document.AppendOpening(nil, r.source)); err != nil {
		return err
	}
	if err := r.cut.Cut(); err != nil {
		return err
	}
	line := document.AppendDatabase(nil, &r.plan.Database)
	if err := r.cut.Line(append(line, document.OpenSchema...)); err != nil {
		return err
	}
	prev := int64(0)
	for i := range r.plan.Schema {
		s := &r.plan.Schema[i]
		item := document.AppendSchemaRow(nil, s, prev)
		prev = s.RowID
		var marks []int
		if frame.Mark(item) {
			marks = append(marks, len(item)+len(document.More))
		}
		if _, err := r.cut.Items(append(item, document.More...), 1, marks, false); err != nil {
			return err
		}
	}
	return r.cut.CloseList([]byte(document.CloseSchema+document.OpenTables), len(r.plan.Schema) > 0, false)
}

// bTrees writes the tables and the carried indexes.
func (r *runner) bTrees(ctx context.Context) error {
	if r.plan.file == nil { // a file of 0 bytes
		return r.cut.Line([]byte(document.CloseTables + document.OpenIndexes + document.CloseIndexes))
	}
	r.large = r.plan.newEncoder(ctx, nil)
	worker := func() func(*job) (*job, error) {
		e := r.plan.newEncoder(ctx, r.pieces)
		return func(j *job) (*job, error) {
			var err error
			if j.batch != nil {
				j.pieces, err = e.batch(j.table, j.batch)
				j.tallies, e.tallies = e.tallies, nil
				j.first, j.final = e.order.first, bytes.Clone(e.order.last)
			}
			if err != nil {
				err = fmt.Errorf("%s: %w", j.label, err)
			}
			return j, err
		}
	}
	pipe := pipeline.New(ctx, r.o.Workers, 2*r.o.Workers, worker, r.outlet)
	defer pipe.Stop()
	for i, t := range r.plan.Tables {
		tree := r.plan.file.Index(t.Root)
		if t.byRowID {
			tree = r.plan.file.Table(t.Root)
		}
		j := job{label: fmt.Sprintf("table %q", t.Label), table: t, last: i == len(r.plan.Tables)-1}
		if err := feed(pipe, tree, j, document.AppendTableOpen(nil, &t.Table)); err != nil {
			return err
		}
	}
	if err := pipe.Flush(); err != nil {
		return err
	}
	if err := r.cut.Line([]byte(document.CloseTables + document.OpenIndexes)); err != nil {
		return err
	}
	for i, x := range r.plan.Indexes {
		tree := r.plan.file.Index(x.Root)
		j := job{label: fmt.Sprintf("index %q", x.Label), last: i == len(r.plan.Indexes)-1}
		if err := feed(pipe, tree, j, document.AppendIndexOpen(nil, &x.Index)); err != nil {
			return err
		}
	}
	if err := pipe.Close(); err != nil {
		return err
	}
	return r.cut.Line([]byte(document.CloseIndexes))
}

// feed hands a b-tree to the pipeline in jobs like j.
func feed(p *pipeline.Pipeline[*job, *job], tree *pagereader.Tree, j job, open []byte) error {
	first := j
	first.open = open
	if err := p.Add(&first); err != nil {
		return err
	}
	for b, err := range tree.Batches() {
		if err != nil {
			return fmt.Errorf("%s: %w", j.label, err)
		}
		next := j
		next.batch = b
		if err := p.Add(&next); err != nil {
			return err
		}
	}
	j.close = true
	return p.Add(&j)
}

// outlet takes the jobs in order.
func (r *runner) outlet(j *job) error {
	list := &r.counted.Tables
	if j.table == nil {
		list = &r.counted.Indexes
	}
	if j.open != nil {
		*list = append(*list, Extent{First: r.cut.Index()})
		return r.cut.Line(j.open)
	}
	x := &(*list)[len(*list)-1]
	if j.close {
		return r.closeList(x, j.last)
	}
	if j.table != nil {
		j.table.addTallies(j.tallies)
		if err := j.table.follows(j.first, j.final, r.large.enc); err != nil {
			return fmt.Errorf("%s: %w", j.label, err)
		}
	}
	for i := range j.pieces {
		if err := r.piece(&j.pieces[i], j.table, j.label, x); err != nil {
			return err
		}
		j.pieces[i] = piece{} // or the large rows of a batch would all stay in memory
	}
	if r.o.Progress != nil {
		r.o.Progress(r.rows, r.bytes)
	}
	return nil
}

func (r *runner) closeList(x *Extent, last bool) error {
	end := document.CloseList + document.More
	if last {
		end = document.CloseList + document.Last
	}
	x.Last = r.cut.Index()
	return r.cut.CloseList([]byte(end), x.Rows > 0, true)
}

func (r *runner) piece(p *piece, t *Table, label string, x *Extent) error {
	if p.large != nil {
		if x.Rows > 0 {
			if err := r.cut.More(); err != nil {
				return err
			}
		}
		var err error
		if *p, err = r.large.large(t, p.large); err != nil {
			return fmt.Errorf("%s: %w", label, err)
		}
		if t != nil {
			t.addTallies(r.large.tallies)
			r.large.tallies = nil
		}
	}
	x.Rows += p.rows
	r.rows += p.rows
	r.bytes += int64(p.size())
	if len(p.full) > 0 {
		return r.cut.Long(p.parts(), len(p.marks) > 0)
	}
	kept, err := r.cut.Items(p.text, p.rows, p.marks, true)
	if !kept && cap(p.text) < 2*pieceText {
		select {
		case r.pieces <- p.text:
		default:
		}
	}
	return err
}

func (r *runner) end() error {
	if err := r.cut.Cut(); err != nil {
		return err
	}
	digest, err := r.sink.Digest()
	if err != nil {
		return err
	}
	e := &r.counted.End
	e.Tables, e.Indexes, e.Digest = int64(len(r.counted.Tables)), int64(len(r.counted.Indexes)), digest
	for i := range r.counted.Tables {
		e.Rows += r.counted.Tables[i].Rows
	}
	for i := range r.counted.Indexes {
		e.Entries += r.counted.Indexes[i].Rows
	}
	if err := r.cut.Line(document.AppendEnd(nil, e)); err != nil {
		return err
	}
	return r.cut.Cut()
}
