package engine

import (
	"fmt"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// Carried tells which indexes of the database a restore could not rebuild, and
// why, by the rowid of their schema row: what SQLite cannot describe, or whose
// collation it does not know. Unsure are those of which only SQLite can tell
// what their entries must be, since they have an expression, a VIRTUAL generated
// column or a condition: whether it makes the entries that are stored shows when
// it rebuilds them. The entries of all others follow from the stored columns.
func (d *Description) Carried() (reasons map[int64]string, unsure []*Object) {
	reasons = map[int64]string{}
	tables := d.Tables()
	for i := range d.Objects {
		o := &d.Objects[i]
		if o.Type != "index" {
			continue
		}
		reason, sure := whyCarried(o, tables, d.Malformed)
		if reason != "" {
			reasons[o.SchemaRowID] = reason
		} else if !sure {
			unsure = append(unsure, o)
		}
	}
	return reasons, unsure
}

// Tables returns the tables that SQLite has loaded by their folded names.
func (d *Description) Tables() map[string]*Object {
	tables := map[string]*Object{}
	for i := range d.Objects {
		if o := &d.Objects[i]; o.Table != nil {
			tables[sqlitefile.FoldName(o.Name)] = o
		}
	}
	return tables
}

// LeaveToSQLite forgets the expressions of the indexes with these rowids in
// sqlite_schema, so that they are unsure: not of every row can they be evaluated here.
func (d *Description) LeaveToSQLite(rows map[int64]string) {
	for i := range d.Objects {
		o := &d.Objects[i]
		if _, ok := rows[o.SchemaRowID]; !ok || o.Index == nil {
			continue
		}
		o.Index.Where = nil
		for k := range o.Index.Columns {
			o.Index.Columns[k].Expr = nil
		}
	}
}

func whyCarried(o *Object, tables map[string]*Object, malformed string) (reason string, sure bool) {
	if o.Index == nil {
		return o.Problem, true
	}
	table := tables[sqlitefile.FoldName(o.Index.Table)]
	if table == nil {
		return fmt.Sprintf("its table %s cannot be described", o.Index.Table), true
	}
	for _, column := range o.Index.Columns {
		if !isBuiltInCollation(column.Collation) {
			return fmt.Sprintf("the collation %s is not known here", column.Collation), true
		}
	}
	_, sure = o.Index.Fields(table.Table)
	if !sure && malformed != "" {
		return "SQLite cannot rebuild it while the schema is malformed: " + malformed, true
	}
	return "", sure
}
