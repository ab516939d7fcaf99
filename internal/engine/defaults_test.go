package engine

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

func showAll(values []value.Value) []string {
	var out []string
	for i := range values {
		out = append(out, show(&values[i]))
	}
	return out
}

func encodingNamed(t *testing.T, name string) sqlitefile.Encoding {
	t.Helper()
	e, err := sqlitefile.ParseEncoding(name)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestDefaultsOfDeclarations(t *testing.T) {
	tests := []struct {
		sql  string
		want []string
	}{
		{"CREATE TABLE t(a DEFAULT 5, b TEXT DEFAULT 5, c REAL DEFAULT 5, d INTEGER DEFAULT '7', e DEFAULT x'00ff', f DEFAULT NULL, g)", []string{"5", `"5"`, "5r", "7", "x00ff", "null", "null"}},
		{"CREATE TABLE t(a INTEGER PRIMARY KEY DEFAULT 5, b DEFAULT (1+1), c DEFAULT -3, d DEFAULT 'ü', e DEFAULT CURRENT_TIMESTAMP)", []string{"null", "null", "-3", `"ü"`, "null"}},
		{"CREATE TABLE t(a DEFAULT 1, v AS (nofunc(a)), b DEFAULT 2 CHECK(nofunc(b)), UNIQUE(a,b))", []string{"1", "2"}},
		{"CREATE TABLE t(a DEFAULT 1, b DEFAULT 2 UNIQUE, c DEFAULT 3, PRIMARY KEY(c, a)) WITHOUT ROWID", []string{"3", "1", "2"}},
		{"CREATE TABLE t(a DEFAULT 1 PRIMARY KEY, b DEFAULT 2 UNIQUE) WITHOUT ROWID", []string{"1", "2"}},
		{"CREATE TABLE t(a REAL DEFAULT '1', b REAL DEFAULT 'x', c ANY DEFAULT '1') STRICT", []string{"1r", `"x"`, `"1"`}},
		{"CREATE TABLE t(\"\" DEFAULT 1, \"a\"\"b\" DEFAULT true, \"rowid\" DEFAULT FALSE)", []string{"1", "1", "0"}},
	}
	for _, encoding := range []string{"UTF-8", "UTF-16le", "UTF-16be"} {
		for _, test := range tests {
			path := filepath.Join(t.TempDir(), "defaults.db")
			mustCreate(t, path, "PRAGMA encoding='"+encoding+"'; CREATE TABLE t(x)", "PRAGMA writable_schema=ON")
			c := mustOpen(t, path)
			mustExec(t, c, "PRAGMA writable_schema=ON")
			if err := c.Exec(t.Context(), "UPDATE sqlite_schema SET sql=?", value.OfText(test.sql)); err != nil {
				t.Fatal(err)
			}
			got, _, err := Defaults(t.Context(), object(t, describe(t, path), "t"), encodingNamed(t, encoding))
			if err != nil || !slices.Equal(showAll(got), test.want) {
				t.Errorf("%s: %s\n%v, want %v (%v)", encoding, test.sql, showAll(got), test.want, err)
			}
		}
	}
}

// TestDefaultsAreThoseOfOldRows holds Defaults against rows that were there
// before their columns were.
func TestDefaultsAreThoseOfOldRows(t *testing.T) {
	types := rapid.SampledFrom([]string{"", "INTEGER", "REAL", "TEXT", "BLOB", "NUMERIC", "DOUBLE NOT NULL"})
	literals := rapid.SampledFrom([]string{"1", "-1", "1.5", "'1'", "'1.0'", "'text'", "x'31'", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e300", "'  12 '", "'ünï'", "true", "+5", "-'3'", "''"})
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		path := filepath.Join(dir, fmt.Sprint(n))
		tail := rapid.SampledFrom([]string{"", " WITHOUT ROWID"}).Draw(rt, "tail")
		encoding := rapid.SampledFrom([]string{"UTF-8", "UTF-16le"}).Draw(rt, "encoding")
		c := mustOpen(t, path, "PRAGMA encoding='"+encoding+"'; CREATE TABLE t(a TEXT PRIMARY KEY)"+tail+"; INSERT INTO t VALUES('x')")
		for i := range rapid.IntRange(1, 4).Draw(rt, "columns") {
			mustExec(t, c, fmt.Sprintf("ALTER TABLE t ADD COLUMN c%d %s DEFAULT %s", i, types.Draw(rt, "type"), literals.Draw(rt, "literal")))
		}
		var want []string
		err := c.Query(t.Context(), "SELECT * FROM t", nil, func(row []value.Value) error {
			want = showAll(row[1:])
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := Defaults(t.Context(), object(t, describe(t, path), "t"), encodingNamed(t, encoding))
		if err != nil || !slices.Equal(showAll(got[1:]), want) {
			rt.Errorf("%v, want %v (%v)", showAll(got), want, err)
		}
	})
}
