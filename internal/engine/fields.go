package engine

// Fields tells of what the entries of the index are made: for each of Columns
// the field of a stored record of its table, or IndexRowID. It reports false
// when an entry is not made of stored fields alone, or not of every row: the
// index has an expression, a VIRTUAL generated column or a condition.
func (x *IndexInfo) Fields(table *TableInfo) ([]int, bool) {
	if x.Partial || x.Expression {
		return nil, false
	}
	position := make(map[int]int, len(table.StorageOrder))
	for pos, column := range table.StorageOrder {
		position[column] = pos
	}
	fields := make([]int, 0, len(x.Columns))
	for _, c := range x.Columns {
		pos, stored := position[c.Column]
		switch {
		case c.Column == IndexRowID, !table.WithoutRowID && c.Column == table.RowIDAlias:
			pos = IndexRowID
		case !stored:
			return nil, false
		}
		fields = append(fields, pos)
	}
	return fields, true
}
