package rebuild

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/pagewriter"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// bTree is one b-tree of the new file besides sqlite_schema.
type bTree struct {
	row    *document.SchemaRow
	number int // among the roots of the file
	object *engine.Object
	done   bool
}

// layout is what the schema says of the new file.
type layout struct {
	header sqlitefile.Header
	schema []*document.SchemaRow
	trees  []*bTree
	// tables and carried are the b-trees whose content the document has, in
	// the order in which it comes.
	tables, carried []*bTree
	// indexes are those that a restore rebuilds and SQLite can read, by the folded
	// names of their tables.
	indexes map[string][]*bTree
}

func newLayout(d *document.Database, schemaVersion int64, schema []*document.SchemaRow) (*layout, error) {
	enc, err := sqlitefile.ParseEncoding(d.Encoding)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrDocument)
	}
	l := &layout{schema: schema, header: sqlitefile.Header{
		PageSize: d.PageSize, Reserved: d.Reserved, Encoding: enc, UserVersion: d.UserVersion,
		ApplicationID: d.ApplicationID, WAL: d.JournalMode == "wal", SchemaFormat: uint32(d.SchemaFormat),
		DefaultCacheSize: d.DefaultCacheSize, Incremental: d.AutoVacuum == 2,
		SchemaVersion: uint32(schemaVersion), SQLiteVersion: engine.VersionNumber(),
	}}
	if d.AutoVacuum != 0 {
		l.header.LargestRoot = 1 // the page writer sets the right one
	}
	if err := l.header.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrDocument)
	}
	for _, r := range schema {
		if r.BTree == document.BTreeNone {
			continue
		}
		t := &bTree{row: r, number: len(l.trees)}
		l.trees = append(l.trees, t)
		switch r.BTree {
		case document.BTreeRows:
			l.tables = append(l.tables, t)
		case document.BTreeEntries:
			l.carried = append(l.carried, t)
		}
	}
	return l, nil
}

// writeSchema lays sqlite_schema.
func (l *layout) writeSchema(w *pagewriter.Writer) error {
	t := w.Schema()
	var rec []byte
	next := 0
	for _, r := range l.schema {
		root := r.RootPage
		if r.BTree != document.BTreeNone {
			root = value.OfInt(int64(w.Root(l.trees[next].number)))
			next++
		}
		row := []value.Value{r.Type, r.Name, r.TblName, root, r.SQL}
		for i := range row {
			if row[i].Kind == value.Text {
				row[i].Bytes = sqlitefile.EncodeText(nil, row[i].Bytes, l.header.Encoding)
			}
		}
		rec = sqlitefile.AppendRecord(rec[:0], row, l.header.SchemaFormat)
		if err := t.Append(r.RowID, rec); err != nil {
			return fmt.Errorf("sqlite_schema: %w", err)
		}
	}
	return t.Close()
}

// describe asks SQLite what the schema means, by means of a file at path that
// has nothing but the schema. The file is removed again.
func (l *layout) describe(ctx context.Context, path string) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(path)) }()
	if err := errors.Join(l.writeEmpty(f), f.Close()); err != nil {
		return err
	}
	d, err := engine.Describe(ctx, path)
	if err != nil {
		return err
	}
	objects := make(map[int64]*engine.Object, len(d.Objects))
	for i := range d.Objects {
		objects[d.Objects[i].SchemaRowID] = &d.Objects[i]
	}
	l.indexes = map[string][]*bTree{}
	for _, t := range l.trees {
		t.object = objects[t.row.RowID]
		if t.row.BTree == document.BTreeRebuild && t.object != nil && t.object.Index != nil {
			table := sqlitefile.FoldName(t.object.Index.Table)
			l.indexes[table] = append(l.indexes[table], t)
		}
	}
	return nil
}

func (l *layout) writeEmpty(f *os.File) error {
	w, err := pagewriter.New(f, l.header, len(l.trees))
	if err != nil {
		return err
	}
	if err := l.writeSchema(w); err != nil {
		return err
	}
	for _, t := range l.trees {
		if t.row.BTree == document.BTreeRows {
			err = w.Table(t.number).Close()
		} else {
			err = w.Index(t.number).Close()
		}
		if err != nil {
			return err
		}
	}
	return w.Close()
}

// label names the b-tree in errors.
func (t *bTree) label() string {
	return fmt.Sprintf("%s %q", t.row.Type.Bytes, t.row.Name.Bytes)
}
