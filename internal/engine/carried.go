package engine

import "fmt"

// Carried tells which indexes of the database a restore could not rebuild, and
// why, by the rowid of their schema row: what SQLite cannot describe, or whose
// collation it does not know. Unsure are those of which only SQLite can tell
// what their entries must be, since they have an expression, a VIRTUAL generated
// column or a condition: whether it makes the entries that are stored shows when
// it rebuilds them. The entries of all others follow from the stored columns.
func (d *Description) Carried() (reasons map[int64]string, unsure []*Object) {
	reasons = map[int64]string{}
	tables := map[string]*Object{}
	for i := range d.Objects {
		if o := &d.Objects[i]; o.Table != nil {
			tables[foldName(o.Name)] = o
		}
	}
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

func whyCarried(o *Object, tables map[string]*Object, malformed string) (reason string, sure bool) {
	if o.Index == nil {
		return o.Problem, true
	}
	table := tables[foldName(o.Index.Table)]
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
