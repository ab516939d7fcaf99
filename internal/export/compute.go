package export

import (
	"github.com/litekeep/litekeep/internal/indexexpr"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// expression is one of an index that is left out.
type expression struct {
	*indexexpr.Expr
	index *Rebuilt
}

// compute takes the words of the expressions of t's indexes for a row, and finds out
// which indexes it is not in.
func (e *encoder) compute(t *Table, rowid int64, rec []byte) (err error) {
	if e.fields, err = sqlitefile.DecodeRecord(rec, e.fields); err != nil {
		return err
	}
	for i := len(e.fields); i < len(t.indexed); i++ {
		d, err := e.defaultOf(t, i)
		if err != nil {
			return err
		}
		e.fields = append(e.fields, d)
	}
	row := indexexpr.Row{Fields: e.fields, RowID: value.OfInt(rowid)}
	if len(e.left) != len(t.indexes) {
		e.left = make([]bool, len(t.indexes))
	}
	for i, x := range t.indexes {
		e.left[i] = false
		if x.made == nil || x.made.where == nil {
			continue
		}
		a, ok := x.made.where.Holds(&row)
		if !ok {
			e.plan.missing.ask(x)
		}
		e.left[i] = a != indexexpr.Yes
	}
	for i, x := range t.exprs {
		v, ok := x.Eval(&row, e.lower[:0])
		if !ok {
			e.plan.missing.ask(x.index)
		}
		e.words[len(t.indexed)+1+i] = wordOf(&v)
		if v.Bytes != nil {
			e.lower = v.Bytes
		}
	}
	return nil
}
