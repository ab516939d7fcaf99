package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/litekeep/litekeep/internal/indexexpr"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// Description says what SQLite makes of a schema.
type Description struct {
	Objects []Object // one for each row of sqlite_schema, in rowid order
	// Malformed is SQLite's complaint about the schema as a whole, "" when
	// it has none. The objects that did not load have a Problem.
	Malformed string
	// Lost are the indexes that a UNIQUE or PRIMARY KEY demands and that have
	// no row in sqlite_schema: damage, which SQLite tells late or never.
	Lost []string
}

// Object is one row of sqlite_schema and what SQLite makes of it.
type Object struct {
	SchemaRowID int64
	// Type, Name and TblName are the row's columns as SQLite renders them
	// in UTF-8 (not always valid); "" where the column holds no text.
	Type, Name, TblName string
	RootPage            int64      // 0 where the column holds no integer
	Table               *TableInfo // for a table that SQLite has loaded, virtual ones included
	Index               *IndexInfo // for an index that SQLite has loaded
	// SQL is the declaration of a table with rows, as Conn.Query has it.
	SQL value.Value
	// Problem says why SQLite cannot describe the object; "" when it can.
	Problem string
}

// TableInfo describes one table.
type TableInfo struct {
	WithoutRowID bool
	Strict       bool
	Virtual      bool     // a virtual table; nothing below is known of it
	Columns      []Column // in the order of the declaration, generated ones included
	// RowIDAlias is the position in Columns of the INTEGER PRIMARY KEY that
	// is another name of the rowid, -1 when there is none.
	RowIDAlias int
	// StorageOrder holds positions in Columns in the order of the fields of
	// a stored record. VIRTUAL generated columns are not stored. In a
	// WITHOUT ROWID table the columns of the primary key come first, and one
	// that is in it in two collations comes twice.
	StorageOrder []int
	// PrimaryKey says how the rows of a WITHOUT ROWID table are ordered: the
	// fields of its records, those of the key first. nil for other tables.
	PrimaryKey     []IndexColumn
	HasForeignKeys bool // the table references others
	Autoincrement  bool
}

// Column describes one column of a table.
type Column struct {
	Name string // as SQLite renders it in UTF-8
	Type string // the declared type, "" when there is none
	// Hidden is as PRAGMA table_xinfo tells it: 0 ordinary, 2 a VIRTUAL and
	// 3 a STORED generated column.
	Hidden int
	// RealAffinity is set where SQLite stores whole numbers as integers and
	// reads them as REAL.
	RealAffinity bool
	NotNull      bool
	HasDefault   bool // the column has a DEFAULT clause

	affinity byte // SQLite's letter for it
}

// The values of Column.Hidden.
const (
	HiddenNone    = 0
	HiddenVirtual = 2
	HiddenStored  = 3
)

// IndexInfo describes one index.
type IndexInfo struct {
	Table      string // name of its table, as the table's declaration writes it
	Unique     bool
	Partial    bool // it has a WHERE clause
	Expression bool // it has a column that is an expression
	// Where is the condition of a partial index, nil if only SQLite can evaluate it.
	Where *indexexpr.Expr
	// Columns are all columns of a stored entry: those of the declaration
	// (Key) and the rowid or primary key that makes it point to a row.
	Columns []IndexColumn
}

// IndexColumn is one field of the entries of an index.
type IndexColumn struct {
	Column    int    // position in the table's Columns, or IndexRowID, or IndexExpression
	Desc      bool   // descending
	Key       bool   // part of the index's declaration
	Collation string // name of the collation, as SQLite writes it
	// Expr is the expression, nil if there is none or only SQLite can evaluate it.
	Expr *indexexpr.Expr
}

// What IndexColumn.Column says of a field that is no column of the table.
const (
	IndexRowID      = -1
	IndexExpression = -2
)

// largeSchema is the number of objects from which a schema counts as large. SQLite
// takes 1 to 2 KiB for each of them in each connection.
const largeSchema = 4096

// Large reports whether a schema takes so much memory that no two connections
// should have loaded it at once.
func (d *Description) Large() bool { return len(d.Objects) > largeSchema }

// Describe describes the schema of the private database file path, which is
// opened as immutable. A malformed schema is no error: the objects that
// SQLite could not load are marked. The error is ErrNotADatabase or
// ErrCorrupt where the rows of sqlite_schema themselves cannot be read.
func Describe(ctx context.Context, path string) (*Description, error) {
	c, complaint, err := openTolerant(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("describe: %w", err)
	}
	d, err := c.describe(ctx, complaint)
	if err = errors.Join(err, c.Close()); err != nil {
		return nil, fmt.Errorf("describe: %w", err)
	}
	return d, nil
}

// loadSchema is a statement that makes SQLite parse the schema and does
// nothing else.
const loadSchema = "SELECT 1 FROM sqlite_schema LIMIT 0"

// openTolerant opens a private database as immutable, with its schema loaded
// as far as it can be; complaint is what SQLite says of a malformed one.
func openTolerant(ctx context.Context, path string) (c *Conn, complaint string, err error) {
	return openLoaded(ctx, path, func(*Conn) {})
}

// openLoaded is openTolerant that calls prepare before the schema is loaded.
func openLoaded(ctx context.Context, path string, prepare func(*Conn)) (c *Conn, complaint string, err error) {
	c, err = Open(ctx, path, OpenOptions{Immutable: true})
	if err != nil {
		return nil, "", err
	}
	prepare(c)
	err = c.Exec(ctx, loadSchema)
	if err == nil {
		return c, "", nil
	}
	var sqliteError *Error
	if !errors.As(err, &sqliteError) || isAny(err, ErrNotADatabase, ErrIO) {
		return nil, "", errors.Join(err, c.Close())
	}
	complaint = sqliteError.Msg
	if err = c.Close(); err != nil {
		return nil, "", err
	}
	c, err = Open(ctx, path, OpenOptions{Immutable: true, WritableSchema: true})
	if err != nil {
		return nil, "", err
	}
	prepare(c)
	if err = c.loadAnySchema(ctx); err != nil {
		return nil, "", errors.Join(err, c.Close())
	}
	return c, complaint, nil
}

// loadAnySchema loads what can be loaded of a schema, for a connection that
// was opened with WritableSchema.
func (c *Conn) loadAnySchema(ctx context.Context) error {
	err := c.Exec(ctx, loadSchema)
	if err == nil || errors.Is(err, ErrBusy) || ctx.Err() != nil {
		return err
	}
	// The first statement fails, but leaves loaded what was good.
	return c.Exec(ctx, loadSchema)
}

func (c *Conn) describe(ctx context.Context, complaint string) (*Description, error) {
	d := &Description{Malformed: complaint}
	const sql = "SELECT rowid, type, name, tbl_name, rootpage, iif(type = 'table', sql, NULL) FROM sqlite_schema ORDER BY rowid"
	err := c.Query(ctx, sql, nil, func(row []value.Value) error {
		row[5].Bytes = bytes.Clone(row[5].Bytes)
		d.Objects = append(d.Objects, Object{
			SchemaRowID: row[0].Int,
			Type:        textOf(&row[1]),
			Name:        textOf(&row[2]),
			TblName:     textOf(&row[3]),
			RootPage:    integerOf(&row[4]),
			SQL:         row[5],
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	loaded := c.loadedSchema()
	d.Lost = loaded.lost()
	for i := range d.Objects {
		d.Objects[i].describe(loaded, complaint)
	}
	return d, nil
}

// describe fills in what SQLite has loaded for the object's row.
func (o *Object) describe(loaded *schema, complaint string) {
	switch o.Type {
	case "table":
		t := loaded.table(o.Name)
		if t == nil || t.root != o.RootPage || t.view {
			o.Problem = notLoaded(o, complaint)
			return
		}
		o.Table = t.info
	case "index":
		x := loaded.index(o.Name)
		if x == nil || x.root != o.RootPage {
			o.Problem = notLoaded(o, complaint)
			return
		}
		o.Index = x.info
	case "view":
		if t := loaded.table(o.Name); t == nil || !t.view {
			o.Problem = notLoaded(o, complaint)
		}
	case "trigger":
		if !loaded.triggers[sqlitefile.FoldName(o.Name)] {
			o.Problem = notLoaded(o, complaint)
		}
	default:
		o.Problem = fmt.Sprintf("its type is %q", o.Type)
	}
}

// notLoaded says why an object is not known to SQLite under its name and root
// page. SQLite tells the reason of the first object that it stumbles over only.
func notLoaded(o *Object, complaint string) string {
	if o.Name != "" && strings.Contains(complaint, "("+o.Name+")") {
		return complaint
	}
	return "SQLite cannot load its declaration"
}

func textOf(v *value.Value) string {
	if v.Kind == value.Text || v.Kind == value.RawText {
		return string(v.Bytes)
	}
	return ""
}

func integerOf(v *value.Value) int64 {
	if v.Kind == value.Integer {
		return v.Int
	}
	return 0
}
