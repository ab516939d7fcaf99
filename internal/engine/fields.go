package engine

// FieldOf returns, by the position of each stored column in Columns, the field of a
// stored record that SQL reads: the first, where the primary key of a WITHOUT ROWID
// table has the column twice, in two collations.
func (t *TableInfo) FieldOf() map[int]int {
	field := make(map[int]int, len(t.StorageOrder))
	for pos, column := range t.StorageOrder {
		if _, again := field[column]; !again {
			field[column] = pos
		}
	}
	return field
}

// Fields tells of what the entries of the index are made: for each of Columns
// the field of a stored record of its table, IndexRowID, or IndexExpression where
// Expr makes it. It reports false when that is for SQLite to say: the index has a
// VIRTUAL generated column, or an expression or a condition that only SQLite can evaluate.
func (x *IndexInfo) Fields(table *TableInfo) ([]int, bool) {
	if x.Partial && x.Where == nil {
		return nil, false
	}
	position := table.FieldOf()
	fields := make([]int, 0, len(x.Columns))
	for _, c := range x.Columns {
		pos, stored := position[c.Column]
		switch {
		case c.Column == IndexExpression && c.Expr != nil:
			pos = IndexExpression
		case c.Column == IndexRowID, !table.WithoutRowID && c.Column == table.RowIDAlias:
			pos = IndexRowID
		case !stored:
			return nil, false
		}
		fields = append(fields, pos)
	}
	return fields, true
}
