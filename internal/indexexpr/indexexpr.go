// Package indexexpr evaluates the conditions and expressions of indexes that are the
// usual ones: `deleted_at IS NULL`, `active`, `status IN ('new', 'sent')`,
// `lower(email)`. Of all others, and of values for which SQLite's rules are more than a
// line, it says that it cannot tell; SQLite does then.
//
// Nobody has to trust it: a backup compares what it makes of the rows with what the
// index holds, and carries the entries of an index that differs.
package indexexpr

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"

	"github.com/litekeep/litekeep/internal/value"
)

// Op says what an Expr does.
type Op uint8

// The operations. Those up to Upper give values, the others say yes, no or unknown.
const (
	Column  Op = iota + 1 // Field
	Literal               // Value
	Lower                 // of Left, which is a Column
	Upper
	IsNull // Left
	Truth  // Left as a condition
	Not    // Left
	And    // Left and Right
	Or
	Equal // Left, a Column, and Right, a Literal
	Less
	Greater
)

// RowID is the Field that stands for the rowid.
const RowID = -1

// Expr is an expression of one row. It does not change, and may be shared.
type Expr struct {
	Op          Op
	Left, Right *Expr
	Field       int // of the record, or RowID
	Value       value.Value
}

// A Row is what an expression is evaluated for: the fields of its record, in which text
// is UTF-8, and its rowid. Whole numbers in columns of REAL affinity may be integers.
type Row struct {
	Fields []value.Value
	RowID  value.Value
}

func (r *Row) get(x *Expr) *value.Value {
	if x.Field == RowID {
		return &r.RowID
	}
	return &r.Fields[x.Field]
}

// Eval returns the value of Lower and Upper, which may use the memory of buf. It says
// false if it cannot tell.
func (x *Expr) Eval(r *Row, buf []byte) (value.Value, bool) {
	v := r.get(x.Left)
	switch v.Kind {
	case value.Null:
		return value.Value{}, true
	case value.Integer:
		return value.Value{Kind: value.Text, Bytes: strconv.AppendInt(buf, v.Int, 10)}, true
	case value.Text, value.RawText:
		low, high, change := byte('A'), byte('Z'), byte('a'-'A')
		if x.Op == Upper {
			low, high = 'a', 'z'
		}
		buf = append(buf, v.Bytes...)
		for i, c := range buf {
			if low <= c && c <= high {
				buf[i] = c ^ change
			}
		}
		return value.Value{Kind: v.Kind, Bytes: buf}, true
	}
	return value.Value{}, false // the text of a REAL, the encoding of a BLOB
}

// Answer is what a condition says of a row.
type Answer uint8

// The answers. A row is in an index whose condition says Yes.
const (
	Unknown Answer = iota // NULL
	No
	Yes
)

func answer(yes bool) Answer {
	if yes {
		return Yes
	}
	return No
}

// Holds evaluates a condition. It says false if it cannot tell.
func (x *Expr) Holds(r *Row) (a Answer, ok bool) {
	switch x.Op {
	case IsNull:
		return answer(r.get(x.Left).Kind == value.Null), true
	case Truth:
		return truth(r.get(x.Left))
	case Not:
		a, ok = x.Left.Holds(r)
		if a != Unknown {
			a = answer(a == No)
		}
		return a, ok
	case And, Or:
		return x.both(r)
	case Equal, Less, Greater:
		return x.compare(r.get(x.Left))
	}
	return Unknown, false
}

// both evaluates both sides, so that whether it can tell does not depend on one.
func (x *Expr) both(r *Row) (Answer, bool) {
	left, ok := x.Left.Holds(r)
	right, rightOK := x.Right.Holds(r)
	decides := No
	if x.Op == Or {
		decides = Yes
	}
	switch {
	case left == decides || right == decides:
		return decides, ok && rightOK
	case left == Unknown || right == Unknown:
		return Unknown, ok && rightOK
	}
	return left, ok && rightOK
}

func truth(v *value.Value) (Answer, bool) {
	switch v.Kind {
	case value.Null:
		return Unknown, true
	case value.Integer:
		return answer(v.Int != 0), true
	case value.Real:
		return answer(v.Float() != 0), true
	}
	return Unknown, false
}

// exact bounds the integers that a float64 has.
const exact = 1 << 53

// compare compares a value with the literal on the right, which is an integer that a
// float64 has, or a text.
func (x *Expr) compare(v *value.Value) (Answer, bool) {
	literal := &x.Right.Value
	var order int
	switch {
	case v.Kind == value.Null:
		return Unknown, true
	case literal.Kind == value.Integer && v.Kind == value.Integer:
		order = cmp.Compare(v.Int, literal.Int)
	case literal.Kind == value.Integer && v.Kind == value.Real:
		f, l := v.Float(), float64(literal.Int)
		order = cmp.Compare(f, l)
	case literal.Kind == value.Text && isText(v):
		order = bytes.Compare(v.Bytes, literal.Bytes)
	default:
		return Unknown, false // affinities have a say
	}
	switch x.Op {
	case Less:
		return answer(order < 0), true
	case Greater:
		return answer(order > 0), true
	}
	return answer(order == 0), true
}

func isText(v *value.Value) bool { return v.Kind == value.Text || v.Kind == value.RawText }

// CanCompare reports whether a literal is one that values are compared with.
func CanCompare(literal *value.Value) bool {
	return literal.Kind == value.Text || literal.Kind == value.Integer && -exact <= literal.Int && literal.Int <= exact
}

// Fields returns the fields that the expression reads, each once, in ascending order.
func (x *Expr) Fields() []int {
	if x == nil {
		return nil
	}
	var all []int
	if x.Op == Column && x.Field != RowID {
		all = append(all, x.Field)
	}
	all = slices.Concat(all, x.Left.Fields(), x.Right.Fields())
	slices.Sort(all)
	return slices.Compact(all)
}
