package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// A Computed is an index whose entries SQLite is asked for.
type Computed struct {
	Index, Table *Object
	// Each takes the entries in the order of the table's rows, fields as Index.Columns. The
	// bytes are valid during the call only. TEXT is Text or RawText, as Conn.Query has it.
	Each func(entry []value.Value) error
	// Err says why not all entries are known: an error of Each, or SQLite's.
	Err error
}

// ComputeEntries has SQLite make the entries that indexes must have of the rows of their
// tables, as a query of the private database path, which d describes; it says nothing of
// the entries that are there. What cannot be asked, or fails, is an index's Err; the error
// is ctx's, or that of opening the file.
func ComputeEntries(ctx context.Context, path string, d *Description, indexes []*Computed) error {
	if len(indexes) == 0 {
		return nil
	}
	var tasks []task
	for _, x := range indexes {
		tasks = append(tasks, task{run: func(ctx context.Context, c *Conn) error {
			x.Err = c.computeEntries(ctx, x)
			return ctx.Err()
		}})
	}
	if err := onWorkers(ctx, path, d, func(*Conn) {}, tasks); err != nil {
		return fmt.Errorf("compute index entries: %w", err)
	}
	return nil
}

func (c *Conn) computeEntries(ctx context.Context, x *Computed) error {
	var sql string
	err := c.Query(ctx, "SELECT sql FROM sqlite_schema WHERE rowid = ?", []value.Value{value.OfInt(x.Index.SchemaRowID)},
		func(row []value.Value) error {
			sql = textOf(&row[0])
			return nil
		})
	if err != nil {
		return err
	}
	from, err := c.tableItself(ctx, x.Table)
	if err != nil {
		return err
	}
	query, err := entriesQuery(sql, from, x)
	if err != nil {
		return err
	}
	return c.Query(ctx, query, nil, x.Each)
}

// tableItself returns what stands behind FROM to read the rows of a table and no index. Of a
// table without rowids NOT INDEXED does not keep SQLite from reading an index that has all that
// is asked for, not even the one whose entries are asked for; to name its primary key does.
func (c *Conn) tableItself(ctx context.Context, table *Object) (string, error) {
	name := "main." + quoteName(table.Name)
	if !table.Table.WithoutRowID {
		return name + " NOT INDEXED", nil
	}
	key := ""
	err := c.Query(ctx, "SELECT name FROM pragma_index_list(?, 'main') WHERE origin = 'pk'", []value.Value{value.OfText(table.Name)},
		func(row []value.Value) error {
			key = textOf(&row[0])
			return nil
		})
	if err == nil && key == "" {
		err = errNoQuery
	}
	return name + " INDEXED BY " + quoteName(key), err
}

// errNoQuery says that the text of an index was not understood, or that the rowids of its
// table have no name.
var errNoQuery = errors.New("its entries cannot be asked for")

// entriesQuery returns a query for the entries of the index with the text sql, whose rows
// stand in from.
func entriesQuery(sql, from string, x *Computed) (string, error) {
	text, ok := parseIndexText(sql)
	if !ok {
		return "", errNoQuery
	}
	var fields []string
	for i, column := range x.Index.Index.Columns {
		field := ""
		switch {
		case column.Column >= 0:
			field = quoteName(x.Table.Table.Columns[column.Column].Name)
		case column.Column == IndexRowID:
			field = x.Table.Table.RowIDName()
		case i < len(text.terms):
			field = "(" + text.terms[i] + ")"
		}
		if field == "" {
			return "", errNoQuery
		}
		fields = append(fields, field)
	}
	query := "SELECT " + strings.Join(fields, ", ") + " FROM " + from
	if text.where != "" {
		query += " WHERE (" + text.where + ")"
	}
	return query, nil
}

// RowIDName returns the first of SQLite's names for the rowid that no column has taken, ""
// if there is none.
func (t *TableInfo) RowIDName() string {
	taken := map[string]bool{}
	for i := range t.Columns {
		taken[sqlitefile.FoldName(t.Columns[i].Name)] = true
	}
	for _, name := range []string{"rowid", "_rowid_", "oid"} {
		if !taken[name] {
			return name
		}
	}
	return ""
}
