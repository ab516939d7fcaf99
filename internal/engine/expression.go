package engine

import (
	"strconv"
	"strings"
	"unsafe"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/litekeep/litekeep/internal/indexexpr"
	"github.com/litekeep/litekeep/internal/value"
)

// compiler turns what SQLite has parsed of an index's expressions into ours. It gives
// nil for everything that indexexpr does not know.
type compiler struct {
	table *sqlite3.TTable
	field map[int]int // by the position of a column: its field, for those that are stored
}

// newCompiler returns nil where no expression is known: text is compared and changed in
// UTF-8 alone.
func newCompiler(db *sqlite3.Tsqlite3, t *sqlite3.TTable) *compiler {
	if db.Fenc != sqlite3.SQLITE_UTF8 || t.FeTabType != sqlite3.TABTYP_NORM {
		return nil
	}
	info := tableInfo(t)
	c := &compiler{table: t, field: info.FieldOf()}
	if info.RowIDAlias >= 0 {
		c.field[info.RowIDAlias] = indexexpr.RowID
	}
	return c
}

// condition compiles an expression that is asked whether it holds.
func (c *compiler) condition(p uintptr) *indexexpr.Expr {
	if c == nil || p == 0 {
		return nil
	}
	e := at[sqlite3.TExpr](p)
	switch e.Fop {
	case sqlite3.TK_COLUMN:
		return with(indexexpr.Truth, c.column(p))
	case sqlite3.TK_ISNULL:
		return with(indexexpr.IsNull, c.column(e.FpLeft))
	case sqlite3.TK_NOTNULL:
		return with(indexexpr.Not, with(indexexpr.IsNull, c.column(e.FpLeft)))
	case sqlite3.TK_NOT:
		return with(indexexpr.Not, c.condition(e.FpLeft))
	case sqlite3.TK_AND:
		return both(indexexpr.And, c.condition(e.FpLeft), c.condition(e.FpRight))
	case sqlite3.TK_OR:
		return both(indexexpr.Or, c.condition(e.FpLeft), c.condition(e.FpRight))
	case sqlite3.TK_EQ:
		return c.compare(indexexpr.Equal, e.FpLeft, e.FpRight)
	case sqlite3.TK_NE:
		return with(indexexpr.Not, c.compare(indexexpr.Equal, e.FpLeft, e.FpRight))
	case sqlite3.TK_LT:
		return c.compare(indexexpr.Less, e.FpLeft, e.FpRight)
	case sqlite3.TK_GT:
		return c.compare(indexexpr.Greater, e.FpLeft, e.FpRight)
	case sqlite3.TK_LE:
		return with(indexexpr.Not, c.compare(indexexpr.Greater, e.FpLeft, e.FpRight))
	case sqlite3.TK_GE:
		return with(indexexpr.Not, c.compare(indexexpr.Less, e.FpLeft, e.FpRight))
	case sqlite3.TK_IN:
		return c.in(e)
	}
	return nil
}

// in compiles a column IN a list of literals.
func (c *compiler) in(e *sqlite3.TExpr) (all *indexexpr.Expr) {
	if e.Fflags&sqlite3.EP_xIsSelect != 0 {
		return nil
	}
	for i, item := range list(e.Fx.FpList) {
		x := c.compare(indexexpr.Equal, e.FpLeft, item)
		if i > 0 {
			x = both(indexexpr.Or, all, x)
		}
		if all = x; x == nil {
			return nil
		}
	}
	return all
}

// mirrored are the comparisons with their sides exchanged.
var mirrored = map[indexexpr.Op]indexexpr.Op{indexexpr.Equal: indexexpr.Equal, indexexpr.Less: indexexpr.Greater, indexexpr.Greater: indexexpr.Less}

// compare compiles the comparison of a column with a literal, in either order.
func (c *compiler) compare(op indexexpr.Op, left, right uintptr) *indexexpr.Expr {
	if c.column(left) == nil {
		op, left, right = mirrored[op], right, left
	}
	column, literal := c.column(left), literalOf(right)
	if column == nil || literal == nil || !indexexpr.CanCompare(&literal.Value) || !c.agree(left, &literal.Value) {
		return nil
	}
	return &indexexpr.Expr{Op: op, Left: column, Right: literal}
}

// agree reports whether a literal is compared with the values of a column as it stands:
// neither affinity nor collation change anything.
func (c *compiler) agree(column uintptr, literal *value.Value) bool {
	affinity, collation := byte(sqlite3.SQLITE_AFF_INTEGER), "BINARY"
	if i := at[sqlite3.TExpr](column).FiColumn; i >= 0 {
		info := at[sqlite3.TColumn](c.table.FaCol + uintptr(i)*unsafe.Sizeof(sqlite3.TColumn{}))
		affinity, collation = byte(info.Faffinity), collationOf(info)
	}
	if literal.Kind == value.Integer {
		return affinity != sqlite3.SQLITE_AFF_TEXT
	}
	return affinity <= sqlite3.SQLITE_AFF_TEXT && strings.EqualFold(collation, "BINARY")
}

// collationOf returns the collation of a column, which lies behind its name and its
// type.
func collationOf(c *sqlite3.TColumn) string {
	if c.FcolFlags&sqlite3.COLFLAG_HASCOLL == 0 {
		return "BINARY"
	}
	p := c.FzCnName + uintptr(len(cText(c.FzCnName))) + 1
	if c.FcolFlags&sqlite3.COLFLAG_HASTYPE != 0 {
		p += uintptr(len(cText(p))) + 1
	}
	return cText(p)
}

// value compiles an expression that an entry holds.
func (c *compiler) value(p uintptr) *indexexpr.Expr {
	if c == nil || p == 0 {
		return nil
	}
	e := at[sqlite3.TExpr](p)
	if e.Fop != sqlite3.TK_FUNCTION {
		return nil
	}
	arguments := list(e.Fx.FpList)
	if len(arguments) != 1 {
		return nil
	}
	column := c.column(arguments[0])
	if column == nil || c.isReal(arguments[0]) {
		return nil // the text of a REAL is SQLite's to write
	}
	switch strings.ToLower(cText(e.Fu.FzToken)) {
	case "lower":
		return with(indexexpr.Lower, column)
	case "upper":
		return with(indexexpr.Upper, column)
	}
	return nil
}

func (c *compiler) isReal(column uintptr) bool {
	i := at[sqlite3.TExpr](column).FiColumn
	return i >= 0 && byte(at[sqlite3.TColumn](c.table.FaCol+uintptr(i)*unsafe.Sizeof(sqlite3.TColumn{})).Faffinity) == sqlite3.SQLITE_AFF_REAL
}

// column compiles a column that is stored, or the rowid.
func (c *compiler) column(p uintptr) *indexexpr.Expr {
	if p == 0 {
		return nil
	}
	e := at[sqlite3.TExpr](p)
	if e.Fop != sqlite3.TK_COLUMN {
		return nil
	}
	if e.FiColumn < 0 {
		return &indexexpr.Expr{Op: indexexpr.Column, Field: indexexpr.RowID}
	}
	field, stored := c.field[int(e.FiColumn)]
	if !stored {
		return nil
	}
	return &indexexpr.Expr{Op: indexexpr.Column, Field: field}
}

// literalOf returns an integer or a text.
func literalOf(p uintptr) *indexexpr.Expr {
	if p == 0 {
		return nil
	}
	e := at[sqlite3.TExpr](p)
	switch e.Fop {
	case sqlite3.TK_STRING:
		return literal(value.OfText(cText(e.Fu.FzToken)))
	case sqlite3.TK_TRUEFALSE:
		if strings.EqualFold(cText(e.Fu.FzToken), "true") {
			return literal(value.OfInt(1))
		}
		return literal(value.OfInt(0))
	case sqlite3.TK_INTEGER:
		if e.Fflags&sqlite3.EP_IntValue != 0 {
			return literal(value.OfInt(int64(*(*int32)(unsafe.Pointer(&e.Fu)))))
		}
		if n, err := strconv.ParseInt(cText(e.Fu.FzToken), 10, 64); err == nil {
			return literal(value.OfInt(n))
		}
	case sqlite3.TK_UMINUS:
		if x := literalOf(e.FpLeft); x != nil && x.Value.Kind == value.Integer && at[sqlite3.TExpr](e.FpLeft).Fop == sqlite3.TK_INTEGER {
			return literal(value.OfInt(-x.Value.Int))
		}
	}
	return nil
}

func literal(v value.Value) *indexexpr.Expr {
	return &indexexpr.Expr{Op: indexexpr.Literal, Value: v}
}

// with returns op of x, nil if that is nil.
func with(op indexexpr.Op, x *indexexpr.Expr) *indexexpr.Expr {
	if x == nil {
		return nil
	}
	return &indexexpr.Expr{Op: op, Left: x}
}

// both returns op of two expressions, nil if one is nil.
func both(op indexexpr.Op, left, right *indexexpr.Expr) *indexexpr.Expr {
	if left == nil || right == nil {
		return nil
	}
	return &indexexpr.Expr{Op: op, Left: left, Right: right}
}

// list returns the expressions of an ExprList, which lie behind its head.
func list(p uintptr) []uintptr {
	if p == 0 {
		return nil
	}
	all := make([]uintptr, at[sqlite3.TExprList](p).FnExpr)
	for i := range all {
		item := p + unsafe.Sizeof(sqlite3.TExprList{}) + uintptr(i)*unsafe.Sizeof(sqlite3.TExprList_item{})
		all[i] = at[sqlite3.TExprList_item](item).FpExpr
	}
	return all
}
