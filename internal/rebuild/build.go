package rebuild

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/pagewriter"
)

// Options are the choices of Build.
type Options struct {
	Workers int
	TempDir string // for sorting; "" is the folder of the new file
}

// Built is what Build made.
type Built struct {
	Source   *document.Source
	Database *document.Database
	End      *document.End
	Carried  []*document.SchemaRow // of the indexes whose entries the document has
	Short    []int64               // rowids in sqlite_schema of the tables whose rows may lack columns
	Reindex  []string              // indexes that SQLite built
}

// Texts calls each with the text of a document in its canonical form, in pieces
// of whole lines. The text is each's until it returns.
type Texts func(each func(text []byte) error) error

// Build writes the database that texts describe to a new file at path. On an
// error the file may be left; it is no database then, or an unproven one.
func Build(ctx context.Context, path string, texts Texts, o Options) (*Built, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	b := &builder{ctx: ctx, path: path, file: f, o: o}
	defer b.stop()
	err = texts(func(text []byte) error { return b.scanner.Feed(text, b.event) })
	if err == nil {
		err = b.scanner.Close()
	}
	if err == nil {
		err = b.finish()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if len(b.built.Reindex) > 0 {
		if err := engine.Reindex(ctx, path, b.built.Reindex); err != nil {
			return nil, fmt.Errorf("rebuild indexes: %w", err)
		}
	}
	built := b.built // alone: the builder knows all that SQLite has said of the schema
	return &built, nil
}

// behind is the new file, which the system stores while it grows.
type behind struct {
	*os.File
	durable.WriteBehind
}

func (f *behind) WriteAt(b []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(b, off)
	f.Written(f.File, off+int64(n))
	return n, err
}

type builder struct {
	ctx     context.Context
	path    string
	file    *os.File
	o       Options
	scanner document.Scanner
	schema  []*document.SchemaRow
	built   Built
	layout  *layout
	writer  *pagewriter.Writer
	content *content // the table or index that is being filled
	closing closing
	tables  int // tables and carried indexes that were opened
	carried int
}

func (b *builder) event(e document.Event) error {
	switch e.Kind {
	case document.EventSource:
		b.built.Source = e.Source
	case document.EventDatabase:
		b.built.Database = e.Database
	case document.EventSchemaRow:
		b.schema = append(b.schema, e.SchemaRow)
	case document.EventSchemaEnd:
		return b.begin()
	case document.EventTableOpen:
		return b.openTable(e.Table)
	case document.EventIndexOpen:
		return b.openIndex(e.Index)
	case document.EventItems:
		return b.content.add(e.Items)
	case document.EventTableClose, document.EventIndexClose:
		return b.closeContent()
	case document.EventEnd:
		b.built.End = e.End
	}
	return nil
}

// begin starts the file, once the schema is known.
func (b *builder) begin() error {
	d := b.built.Database
	if d.ZeroBytes {
		if len(b.schema) > 0 {
			return fmt.Errorf("a database of 0 bytes has a schema: %w", ErrDocument)
		}
		return nil
	}
	var err error
	if b.layout, err = newLayout(d, b.built.Source.SchemaVersion, b.schema); err != nil {
		return err
	}
	if err := b.layout.describe(b.ctx, b.path+".schema"); err != nil {
		return fmt.Errorf("read schema: %w", err)
	}
	if b.writer, err = pagewriter.New(&behind{File: b.file}, b.layout.header, len(b.layout.trees)); err != nil {
		return err
	}
	b.closing.ctx, b.closing.cancel = context.WithCancel(b.ctx)
	b.closing.writer, b.closing.workers = b.writer, b.o.Workers
	return b.layout.writeSchema(b.writer)
}

func (b *builder) openTable(t *document.Table) error {
	if b.layout == nil || b.tables >= len(b.layout.tables) {
		return fmt.Errorf("table %q is not in the schema: %w", t.Name.Bytes, ErrDocument)
	}
	tree := b.layout.tables[b.tables]
	b.tables++
	plan, err := newRowPlan(t, tree.object)
	if err != nil {
		return fmt.Errorf("%s: %w", tree.label(), err)
	}
	if t.Short {
		b.built.Short = append(b.built.Short, tree.row.RowID)
	} else {
		plan.indexes = b.ownIndexes(tree)
	}
	b.content = newContent(b, tree, plan)
	return nil
}

func (b *builder) openIndex(x *document.Index) error {
	if b.layout == nil || b.carried >= len(b.layout.carried) {
		return fmt.Errorf("index %q is not in the schema: %w", x.Name.Bytes, ErrDocument)
	}
	tree := b.layout.carried[b.carried]
	b.carried++
	b.built.Carried = append(b.built.Carried, tree.row)
	b.content = newContent(b, tree, &rowPlan{width: document.AnyWidth, rowid: -1})
	return nil
}

func (b *builder) closeContent() error {
	err := b.content.close()
	if err == nil {
		b.content = nil
	}
	return err
}

// finish closes the file; the indexes that nobody has built yet get empty roots.
func (b *builder) finish() error {
	if b.layout == nil {
		return b.file.Sync()
	}
	if err := b.closing.wait(); err != nil {
		return err
	}
	for _, t := range b.layout.trees {
		if t.done {
			continue
		}
		if t.row.BTree != document.BTreeRebuild {
			return fmt.Errorf("%s has no content in the document: %w", t.label(), ErrDocument)
		}
		if err := b.writer.Index(t.number).Close(); err != nil {
			return err
		}
		if t.object == nil || t.object.Index == nil {
			return fmt.Errorf("%s: SQLite %s cannot read its declaration: %w", t.label(), engine.Version(), ErrDocument)
		}
		b.built.Reindex = append(b.built.Reindex, t.object.Name)
	}
	return b.writer.Close()
}

func (b *builder) stop() {
	if b.closing.cancel != nil {
		b.closing.cancel()
	}
	_ = b.closing.wait() // a failed build is thrown away
	if b.content != nil {
		b.content.stop()
	}
}
