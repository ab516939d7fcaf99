package export

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/indexsort"
	"github.com/litekeep/litekeep/internal/pagereader"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// A Plan says what of a snapshot goes into its document, and how.
type Plan struct {
	Database document.Database
	Schema   []document.SchemaRow
	Tables   []*Table
	Indexes  []*Index   // carried as entries
	Rebuilt  []*Rebuilt // left out

	file *pagereader.File
	path string
}

// Table is a table that goes into the document.
type Table struct {
	document.Table
	Label string // the name as SQLite shows it
	Root  uint32

	object   *engine.Object
	byRowID  bool     // its b-tree has rowids
	columns  []column // nil if SQLite cannot describe the table
	direct   bool     // its rows can be written right from their records
	indexed  []bool   // which fields of the record indexes are made of
	defaults defaults
	key      []indexsort.Column // order of a WITHOUT ROWID table, if it can be checked
	final    []byte             // the last record of the batch before
	indexes  []*Rebuilt         // left out of the document
	tallies  []tally            // what the rows say that they hold
}

func (t *Table) addTallies(part []tally) {
	if t.tallies == nil {
		t.tallies = make([]tally, len(t.indexes))
	}
	for i := range part {
		t.tallies[i].add(part[i])
	}
}

// column is a stored column of a table, in the order of the document.
type column struct {
	field int  // position in the stored record; -1 for the rowid
	real  bool // the column has REAL affinity
}

// Index is an index whose entries go into the document.
type Index struct {
	document.Index
	Label  string
	Table  string // name of its table
	Root   uint32
	Reason string // why a restore could not rebuild it
}

// Choices are what a Plan cannot tell from the snapshot alone.
type Choices struct {
	// Carry says, for the rowid of an index in sqlite_schema, why its entries
	// must go into the document.
	Carry map[int64]string
	// WAL says that the source is in WAL mode, whatever the snapshot is in.
	WAL bool
}

// NewPlan reads the schema of the snapshot in r, which has size bytes and lies
// at path.
func NewPlan(ctx context.Context, r io.ReaderAt, size int64, path string, d *engine.Description, c Choices) (*Plan, error) {
	if size == 0 {
		return &Plan{Database: document.Database{
			PageSize: 4096, Encoding: sqlitefile.UTF8.String(), JournalMode: "delete", ZeroBytes: true,
		}}, nil
	}
	f, err := pagereader.Open(r, size)
	if err != nil {
		return nil, err
	}
	p := &Plan{file: f, path: path, Database: settings(f.Header())}
	if c.WAL {
		p.Database.JournalMode = "wal"
	}
	objects := make(map[int64]*engine.Object, len(d.Objects))
	for i := range d.Objects {
		objects[d.Objects[i].SchemaRowID] = &d.Objects[i]
	}
	cur := f.NewCursor()
	for b, err := range f.Table(1).Batches() {
		if err != nil {
			return nil, fmt.Errorf("sqlite_schema: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		err := cur.Each(b, func(row *pagereader.Row) error {
			rec, err := cur.Record(row)
			if err != nil {
				return err
			}
			return p.addSchemaRow(row.RowID, rec, objects[row.RowID], c.Carry)
		})
		if err != nil {
			return nil, fmt.Errorf("sqlite_schema: %w", err)
		}
	}
	p.link()
	return p, nil
}

func settings(h *sqlitefile.Header) document.Database {
	d := document.Database{
		PageSize: h.PageSize, Reserved: h.Reserved, Encoding: h.Encoding.String(),
		UserVersion: h.UserVersion, ApplicationID: h.ApplicationID, AutoVacuum: h.AutoVacuum(),
		JournalMode: "delete", SchemaFormat: int(h.SchemaFormat), DefaultCacheSize: h.DefaultCacheSize,
	}
	if h.WAL {
		d.JournalMode = "wal"
	}
	return d
}

// addSchemaRow takes in one row of sqlite_schema: type, name, tbl_name,
// rootpage and sql.
func (p *Plan) addSchemaRow(rowid int64, rec []byte, o *engine.Object, carry map[int64]string) error {
	fields, err := sqlitefile.DecodeRecord(rec, make([]value.Value, 0, 5))
	if err != nil {
		return fmt.Errorf("row %d: %w", rowid, err)
	}
	for len(fields) < 5 {
		fields = append(fields, value.Value{})
	}
	enc := p.file.Header().Encoding
	for i := range fields {
		fields[i] = ownText(fields[i], enc)
	}
	s := document.SchemaRow{RowID: rowid, Type: fields[0], Name: fields[1], TblName: fields[2], SQL: fields[4]}
	root := fields[3]
	kind := kindOf(&s, root, enc)
	if kind == ownsNothing || root.Kind != value.Integer || root.Int == 0 {
		if kind != ownsNothing {
			return fmt.Errorf("%s %q has no root page: %w", s.Type.Bytes, s.Name.Bytes, sqlitefile.ErrCorrupt)
		}
		s.RootPage = root
		p.Schema = append(p.Schema, s)
		return nil
	}
	if root.Int < 0 || root.Int > int64(p.file.Pages()) {
		return fmt.Errorf("%s %q has its root on page %d, which does not exist: %w",
			s.Type.Bytes, s.Name.Bytes, root.Int, sqlitefile.ErrCorrupt)
	}
	if kind == ownsTable {
		err = p.addTable(&s, uint32(root.Int), o)
	} else {
		err = p.addIndex(&s, uint32(root.Int), o, carry[rowid])
	}
	p.Schema = append(p.Schema, s)
	return err
}

// What kind of b-tree a schema row owns.
const (
	ownsNothing = iota
	ownsTable
	ownsIndex
)

// kindOf goes by the text of the declaration, as SQLite does, and by the type
// where the text says nothing.
func kindOf(s *document.SchemaRow, root value.Value, e sqlitefile.Encoding) int {
	m := declaration.FindSubmatch(beginning(s.SQL, e))
	what := strings.ToLower(string(beginning(s.Type, e)))
	if m != nil {
		what = strings.ToLower(string(m[1]))
	}
	hasRoot := root.Kind == value.Integer && root.Int > 0
	switch what {
	case "table":
		if m != nil || hasRoot {
			return ownsTable
		}
	case "index", "unique":
		return ownsIndex
	case "view", "trigger", "virtual":
	default:
		if hasRoot {
			return ownsTable // its pages tell whether it is
		}
	}
	return ownsNothing
}

var declaration = regexp.MustCompile(`(?i)^CREATE\s+(TABLE|INDEX|UNIQUE|VIEW|TRIGGER|VIRTUAL)\b`)

// beginning returns the first characters of a text, whether or not the rest is
// well-formed.
func beginning(v value.Value, e sqlitefile.Encoding) []byte {
	b := v.Bytes[:min(len(v.Bytes), 128)]
	if v.Kind != value.RawText || e == sqlitefile.UTF8 {
		return b
	}
	for n := len(b) &^ 1; n > 0; n -= 2 {
		if text, ok := sqlitefile.DecodeText(nil, b[:n], e); ok {
			return text
		}
	}
	return nil
}

// ownText makes a decoded field independent of its record, and Text where it is
// well-formed.
func ownText(v value.Value, e sqlitefile.Encoding) value.Value {
	if v.Kind == value.RawText {
		if b, ok := sqlitefile.DecodeText(nil, v.Bytes, e); ok {
			return value.Value{Kind: value.Text, Bytes: b}
		}
	}
	v.Bytes = append([]byte(nil), v.Bytes...)
	return v
}

func (p *Plan) addTable(s *document.SchemaRow, root uint32, o *engine.Object) error {
	s.BTree = document.BTreeRows
	byRowID, err := p.file.IsTable(root)
	if err != nil {
		return fmt.Errorf("table %q: %w", s.Name.Bytes, err)
	}
	t := &Table{Label: string(s.Name.Bytes), Root: root, object: o, byRowID: byRowID}
	t.Name = s.Name
	t.RowID = document.RowIDNone
	if byRowID {
		t.RowID = document.RowIDImplicit
	}
	p.Tables = append(p.Tables, t)
	if o == nil || o.Table == nil || o.Problem != "" {
		return nil // undescribed: the fields of its records as they are
	}
	t.Label = o.Name
	if o.Table.WithoutRowID == byRowID {
		return fmt.Errorf("table %q: page %d is no root of such a table: %w", t.Label, root, sqlitefile.ErrCorrupt)
	}
	t.key = binaryKey(o.Table)
	return t.describe(o.Table, p.file.Header().Encoding == sqlitefile.UTF8)
}

// describe sets the columns of the document: the stored ones in the order of
// the declaration. Utf8 says that this is the encoding of the database.
func (t *Table) describe(info *engine.TableInfo, utf8 bool) error {
	field := make(map[int]int, len(info.StorageOrder))
	for pos, col := range info.StorageOrder {
		field[col] = pos
	}
	taken := map[string]bool{}
	for i := range info.Columns {
		c := &info.Columns[i]
		taken[asciiLower(c.Name)] = true
		pos, stored := field[i]
		if !stored {
			continue
		}
		if i == info.RowIDAlias {
			pos = -1
			t.RowID = len(t.Columns)
		}
		t.columns = append(t.columns, column{field: pos, real: c.RealAffinity})
		t.Columns = append(t.Columns, nameOf(c.Name))
	}
	if t.RowID == document.RowIDImplicit {
		t.columns = append([]column{{field: -1}}, t.columns...)
		t.Columns = append([]value.Value{value.OfText(rowIDLabel(taken))}, t.Columns...)
	}
	t.direct = utf8 && t.inOrder(field[info.RowIDAlias])
	t.indexed = make([]bool, len(info.StorageOrder))
	if len(t.Columns) > document.MaxColumns {
		return fmt.Errorf("table %q has %d columns: %w", t.Label, len(t.Columns), ErrRefused)
	}
	return nil
}

// nameOf returns a name that SQLite gave, in UTF-8, as a value.
func nameOf(s string) value.Value {
	return ownText(value.Value{Kind: value.RawText, Bytes: []byte(s)}, sqlitefile.UTF8)
}

// rowIDLabel returns the first of SQLite's names for the rowid that no column
// has taken.
func rowIDLabel(taken map[string]bool) string {
	for _, n := range []string{"rowid", "_rowid_", "oid"} {
		if !taken[n] {
			return n
		}
	}
	return "(rowid)"
}

// asciiLower folds a name as SQLite does: A to Z only.
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func (p *Plan) addIndex(s *document.SchemaRow, root uint32, o *engine.Object, reason string) error {
	label, table := string(s.Name.Bytes), string(s.TblName.Bytes)
	if reason == "" && (o == nil || o.Index == nil) {
		reason = "SQLite cannot describe it"
	}
	if reason != "" {
		s.BTree = document.BTreeEntries
		x := &Index{Label: label, Table: table, Root: root, Reason: reason}
		x.Name = s.Name
		p.Indexes = append(p.Indexes, x)
		return nil
	}
	s.BTree = document.BTreeRebuild
	p.Rebuilt = append(p.Rebuilt, &Rebuilt{Label: label, Table: table, Root: root, schemaRow: s.RowID, object: o})
	return nil
}
