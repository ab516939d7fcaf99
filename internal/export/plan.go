package export

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"regexp"

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
	// Rootless are the names of triggers, views and virtual tables whose rows in
	// sqlite_schema name a page all the same, and go into the document with 0.
	Rootless []string

	file    *pagereader.File
	missing missing // what Run has found to be chosen wrongly
}

// Table is a table that goes into the document.
type Table struct {
	document.Table
	Label string // the name as SQLite shows it
	Root  uint32

	schemaRow int64
	object    *engine.Object
	byRowID   bool     // its b-tree has rowids
	columns   []column // nil if SQLite cannot describe the table
	direct    bool     // its rows can be written right from their records
	indexed   []bool   // which fields of the record indexes are made of
	real      []bool   // which fields are of columns of REAL affinity
	defaults  defaults
	copies    []keyCopy
	key       []indexsort.Column // order of a WITHOUT ROWID table, if it can be checked
	final     []byte             // the last record of the batch before
	indexes   []*Rebuilt         // left out of the document
	computed  bool               // some of them are not of stored fields alone, or not of all rows
	exprs     []expression       // of those indexes
	tallies   []tally            // what the rows say that they hold
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

// NewPlan reads the schema of the snapshot in r, which has size bytes and which d
// describes.
func NewPlan(ctx context.Context, r io.ReaderAt, size int64, d *engine.Description, c Choices) (*Plan, error) {
	if size == 0 {
		return &Plan{Database: document.Database{
			PageSize: 4096, Encoding: sqlitefile.UTF8.String(), JournalMode: "delete", ZeroBytes: true,
		}}, nil
	}
	f, err := pagereader.Open(r, size)
	if err != nil {
		return nil, err
	}
	p := &Plan{file: f, Database: settings(f.Header())}
	if c.WAL {
		p.Database.JournalMode = "wal"
	}
	objects := make(map[int64]*engine.Object, len(d.Objects))
	for i := range d.Objects {
		objects[d.Objects[i].SchemaRowID] = &d.Objects[i]
	}
	c.carryShort(d)
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
			return p.addSchemaRow(row.RowID, rec, objects[row.RowID], &c)
		})
		if err != nil {
			return nil, fmt.Errorf("sqlite_schema: %w", err)
		}
	}
	p.link()
	p.clearRoots()
	return p, nil
}

// clearRoots writes 0 for the root page of what has no b-tree, where the column
// names a page that the restored file may not have: it has one for each b-tree,
// and whether there are more is not known here. SQLite would not open it.
func (p *Plan) clearRoots() {
	sure := 1
	for i := range p.Schema {
		if p.Schema[i].BTree != document.BTreeNone {
			sure++
		}
	}
	for i := range p.Schema {
		s := &p.Schema[i]
		if s.BTree != document.BTreeNone || namesPage(s.RootPage, int64(sure)) || !namesPage(s.RootPage, int64(p.file.Pages())) {
			continue
		}
		s.RootPage = value.OfInt(0)
		p.Rootless = append(p.Rootless, string(s.Name.Bytes))
	}
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
func (p *Plan) addSchemaRow(rowid int64, rec []byte, o *engine.Object, c *Choices) error {
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
	if s.Name.Kind != value.Text && s.Name.Kind != value.RawText {
		return fmt.Errorf("row %d of sqlite_schema has a %s for a name: %w", rowid, s.Name.Kind, ErrRefused)
	}
	if root.Int < 0 || root.Int > int64(p.file.Pages()) {
		return fmt.Errorf("%s %q has its root on page %d, which does not exist: %w",
			s.Type.Bytes, s.Name.Bytes, root.Int, sqlitefile.ErrCorrupt)
	}
	if kind == ownsTable {
		err = p.addTable(&s, uint32(root.Int), o, c.Short[rowid] != "")
	} else {
		p.addIndex(&s, uint32(root.Int), o, c.Carry[rowid])
	}
	p.Schema = append(p.Schema, s)
	return err
}

// namesPage reports whether v is the number of one of so many pages.
func namesPage(v value.Value, pages int64) bool {
	return v.Kind == value.Integer && v.Int > 0 && v.Int <= pages
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
	what := sqlitefile.FoldName(string(beginning(s.Type, e)))
	if m != nil {
		what = sqlitefile.FoldName(string(m[1]))
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

// declaration finds what is declared. Between the words may be all that SQLite's
// tokenizer takes for white space: comments too.
var declaration = regexp.MustCompile(`(?i)^CREATE(?:[\s\v\x{feff}]|--[^\n]*\n|(?s:/\*.*?\*/))+(TABLE|INDEX|UNIQUE|VIEW|TRIGGER|VIRTUAL)\b`)

// beginning returns a text, or the first characters of one that is not
// well-formed UTF-16.
func beginning(v value.Value, e sqlitefile.Encoding) []byte {
	if v.Kind != value.RawText || e == sqlitefile.UTF8 {
		return v.Bytes
	}
	b := v.Bytes[:min(len(v.Bytes), 128)]
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

func (p *Plan) addTable(s *document.SchemaRow, root uint32, o *engine.Object, short bool) error {
	s.BTree = document.BTreeRows
	byRowID, err := p.file.IsTable(root)
	if err != nil {
		return fmt.Errorf("table %q: %w", s.Name.Bytes, err)
	}
	t := &Table{Label: string(s.Name.Bytes), Root: root, schemaRow: s.RowID, object: o, byRowID: byRowID}
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
	if o.Table.WithoutRowID && len(o.Table.StorageOrder) == 0 {
		// A row of sqlite_schema gives the key a b-tree of its own, in which SQLite
		// looks for the rows.
		return fmt.Errorf("table %q is WITHOUT ROWID, but its primary key is not the b-tree on page %d: %w", t.Label, root, ErrRefused)
	}
	t.Short = short
	t.key = binaryKey(o.Table)
	return t.describe(o.Table, p.file.Header().Encoding == sqlitefile.UTF8)
}

// describe sets the columns of the document: the stored ones in the order of
// the declaration. Utf8 says that this is the encoding of the database.
func (t *Table) describe(info *engine.TableInfo, utf8 bool) error {
	field := info.FieldOf()
	for pos, col := range info.StorageOrder {
		if first := field[col]; first != pos {
			t.copies = append(t.copies, keyCopy{first, pos, info.Columns[col].Name})
		}
	}
	for i := range info.Columns {
		c := &info.Columns[i]
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
		t.Columns = append([]value.Value{value.OfText(cmp.Or(info.RowIDName(), "(rowid)"))}, t.Columns...)
	}
	t.direct = utf8 && t.copies == nil && t.inOrder(field[info.RowIDAlias])
	t.indexed = make([]bool, len(info.StorageOrder))
	for _, col := range info.StorageOrder {
		t.real = append(t.real, info.Columns[col].RealAffinity)
	}
	if len(t.Columns) > document.MaxColumns {
		return fmt.Errorf("table %q has %d columns: %w", t.Label, len(t.Columns), ErrRefused)
	}
	return nil
}

// nameOf returns a name that SQLite gave, in UTF-8, as a value.
func nameOf(s string) value.Value {
	return ownText(value.Value{Kind: value.RawText, Bytes: []byte(s)}, sqlitefile.UTF8)
}

func (p *Plan) addIndex(s *document.SchemaRow, root uint32, o *engine.Object, reason string) {
	label, table := string(s.Name.Bytes), string(s.TblName.Bytes)
	if reason == "" && (o == nil || o.Index == nil) {
		reason = "SQLite cannot describe it"
	}
	if reason != "" {
		s.BTree = document.BTreeEntries
		x := &Index{Label: label, Table: table, Root: root, Reason: reason}
		x.Name = s.Name
		p.Indexes = append(p.Indexes, x)
		return
	}
	s.BTree = document.BTreeRebuild
	p.Rebuilt = append(p.Rebuilt, &Rebuilt{Label: label, Table: table, Root: root, schemaRow: s.RowID, object: o})
}
