package engine

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/litekeep/litekeep/internal/indexexpr"
	"github.com/litekeep/litekeep/internal/value"
)

const exprTable = `CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT, c, d REAL, e TEXT COLLATE NOCASE, v AS (b+1));
	WITH x(n) AS (VALUES (NULL), (0), (1), (3), (-1), (9007199254740993), (0.0), (1.5), (2.0), (''), ('x'), ('Mixed ÜÄ z'), ('new'), ('5'),
		(x'426c'), (x''), (CAST(x'42ff61' AS TEXT)), ('a' || char(0) || 'B'))
	INSERT INTO t(a, b, c, d, e) SELECT p.n, q.n, p.n, q.n, p.n FROM x AS p, x AS q`

// TestConditions compares what conditions of indexes say of rows with what SQLite says,
// and says of which all rows can be told.
func TestConditions(t *testing.T) {
	for condition, known := range map[string]string{
		"a IS NULL": "all", "a NOTNULL": "all", "NOT c IS NULL": "all", "b": "some", "NOT b": "some", "d AND id": "some",
		"b > 1": "some", "b >= 1 OR a IS NULL": "some", "1 < b": "some", "1 <= b": "some", "b <> 3": "some", "b = TRUE": "some", "b < -1": "some", "b <= FALSE": "some",
		"b IN (1, 3, -1)": "some", "b NOT IN (0, 1)": "some", "d = 2": "some", "d > 1": "some", "c < 5": "some", "id > 17": "all", "17 >= id": "all",
		"a = 'x'": "some", "a >= 'new'": "some", "a IN ('x', '5')": "some", "c = 'x'": "some", "c > 'a' AND c < 'z'": "some",
		"a > 5": "none", "b = '5'": "none", "e = 'x'": "none", "a = 'x' COLLATE NOCASE": "none", "b + 0 > 1": "none", "b BETWEEN 1 AND 3": "none",
		"b = 9007199254740993": "none", "d = 1.5": "none", "c = x'426c'": "none", "v": "none", "v > 1 AND b": "none", "length(a) > 2": "none", "c IS 5": "none", "a LIKE 'x%'": "none",
	} {
		c, x := indexOn(t, exprTable, "(a) WHERE "+condition)
		if (x.Where == nil) != (known == "none") {
			t.Errorf("%s: compiled is %v", condition, x.Where)
			continue
		}
		if x.Where == nil {
			continue
		}
		told, of := 0, 0
		eachRow(t, c, "CAST(("+condition+") IS TRUE AS INT)", func(r *indexexpr.Row, want value.Value) {
			of++
			got, ok := x.Where.Holds(r)
			if !ok {
				return
			}
			told++
			if (got == indexexpr.Yes) != (want.Int == 1) {
				t.Errorf("%s of %v is %v", condition, r, got)
			}
		})
		if told == 0 || (told == of) != (known == "all") {
			t.Errorf("%s: %d of %d rows are told", condition, told, of)
		}
	}
}

// TestExpressions is TestConditions for what entries hold.
func TestExpressions(t *testing.T) {
	for expression, known := range map[string]bool{
		"lower(a)": true, "UPPER(c)": true, "lower(b)": true, "lower(id)": true,
		"lower(d)": false, "lower(a || 'X')": false, "trim(a)": false, "lower(v)": false, "a || b": false, "abs(b)": false,
	} {
		c, x := indexOn(t, exprTable, "(b, "+expression+")")
		if (x.Columns[1].Expr != nil) != known {
			t.Errorf("%s: compiled is %v", expression, x.Columns[1].Expr)
			continue
		}
		if !known {
			continue
		}
		told := 0
		var buf []byte
		eachRow(t, c, expression, func(r *indexexpr.Row, want value.Value) {
			got, ok := x.Columns[1].Expr.Eval(r, buf[:0])
			if !ok {
				return
			}
			told++
			if (got.Kind == value.Null) != (want.Kind == value.Null) || string(got.Bytes) != string(want.Bytes) {
				t.Errorf("%s of %v is %v, not %v", expression, r, got, want)
			}
			buf = got.Bytes
		})
		if told == 0 {
			t.Errorf("%s: no row is told", expression)
		}
	}
}

// TestConditionsInUTF16 checks that nothing is evaluated where text is not UTF-8.
func TestConditionsInUTF16(t *testing.T) {
	_, x := indexOn(t, "PRAGMA encoding='UTF-16le';"+exprTable, "(lower(a)) WHERE b IS NULL")
	if x.Where != nil || x.Columns[0].Expr != nil {
		t.Errorf("%+v", x)
	}
}

func indexOn(t *testing.T, schema, columns string) (*Conn, *IndexInfo) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	mustCreate(t, path, schema+"; CREATE INDEX i ON t"+columns)
	d := describe(t, path)
	c, err := Open(t.Context(), path, OpenOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, object(t, d, "i").Index
}

// eachRow gives all rows with what SQLite makes of an expression.
func eachRow(t *testing.T, c *Conn, expression string, each func(*indexexpr.Row, value.Value)) {
	t.Helper()
	err := c.Query(t.Context(), fmt.Sprintf("SELECT id, a, b, c, d, e, %s FROM t", expression), nil, func(row []value.Value) error {
		fields := append([]value.Value{{}}, row[1:6]...)
		each(&indexexpr.Row{Fields: fields, RowID: row[0]}, row[6])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
