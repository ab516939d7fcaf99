package engine

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/value"
)

func TestForeignKeyCheck(t *testing.T) {
	tests := []struct {
		name string
		sql  string
		then string // the declaration of table c, put in afterwards
		want int64
		note string
	}{
		{"usual", `CREATE TABLE p(a PRIMARY KEY); CREATE TABLE c(x REFERENCES p(a)); CREATE TABLE d(x REFERENCES p(a));
			INSERT INTO p VALUES(1); INSERT INTO c VALUES(1),(2),(NULL),(3),(3); INSERT INTO d VALUES(9)`, "", 4, ""},
		{"rowid", "CREATE TABLE p(a INTEGER PRIMARY KEY); CREATE TABLE c(x INT REFERENCES p); INSERT INTO p VALUES(1); INSERT INTO c VALUES(1),(2)", "", 1, ""},
		{"no such column", "CREATE TABLE p(a UNIQUE); CREATE TABLE c(x REFERENCES p(nope)); INSERT INTO c VALUES(1)", "", 0, "mismatch"},
		{"no unique index", "CREATE TABLE p(a UNIQUE, b); CREATE TABLE c(x REFERENCES p(b)); INSERT INTO c VALUES(1)", "", 0, "mismatch"},
		{"no such table", "CREATE TABLE c(x REFERENCES p(b)); INSERT INTO c VALUES(1),(NULL)", "", 1, ""},
		{"the child's collation", "CREATE TABLE p(a TEXT UNIQUE); CREATE TABLE c(x TEXT COLLATE NOCASE REFERENCES p(a)); INSERT INTO p VALUES('a'); INSERT INTO c VALUES('A'),('a'),('A')", "", 2, ""},
		{
			"a number in a text column", "CREATE TABLE p(a TEXT UNIQUE); CREATE TABLE c(x); INSERT INTO p VALUES('1'); INSERT INTO c VALUES(1),(2)",
			"CREATE TABLE c(x TEXT REFERENCES p(a))", 1, "",
		},
		{
			"a value against its affinity", "CREATE TABLE p(a INT UNIQUE); CREATE TABLE c(x); INSERT INTO p VALUES(1); INSERT INTO c VALUES('1'),('2')",
			"CREATE TABLE c(x INT REFERENCES p(a))", 1, "",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys.db")
			mustCreate(t, path, test.sql)
			if test.then != "" {
				replaceSchema(t, path, "c", test.then)
			}
			n, note, err := ForeignKeyCheck(t.Context(), path, describe(t, path))
			if err != nil || n != test.want || (note != "") != (test.note != "") || !strings.Contains(note, test.note) {
				t.Errorf("%d violations, note %q, error %v", n, note, err)
			}
		})
	}
}

// TestForeignKeyCheckAgreesWithPragma compares the counts on tables of which
// neither the values nor the collations go well together.
func TestForeignKeyCheckAgreesWithPragma(t *testing.T) {
	types := rapid.SampledFrom([]string{"", "INTEGER", "TEXT", "REAL", "NUMERIC", "BLOB", "TEXT COLLATE NOCASE", "COLLATE NOCASE", "TEXT COLLATE RTRIM"})
	literals := rapid.SampledFrom([]string{"NULL", "1", "1.0", "'1'", "'01'", "2", "'2'", "2.5", "'a'", "'A'", "'a '", "x'61'", "''", "9223372036854775807"})
	keys := rapid.SampledFrom([]string{"UNIQUE(a), UNIQUE(b, a)", "PRIMARY KEY(a, b), UNIQUE(a)"})
	dir := t.TempDir()
	n, violated := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		path := filepath.Join(dir, fmt.Sprint(n))
		mustCreate(t, path, "CREATE TABLE p(a, b); CREATE TABLE c(x, y, z)")
		c := mustOpen(t, path)
		for range rapid.IntRange(1, 4).Draw(rt, "parents") {
			mustExec(t, c, "INSERT INTO p VALUES("+literals.Draw(rt, "a")+","+literals.Draw(rt, "b")+")")
		}
		for range rapid.IntRange(1, 6).Draw(rt, "children") {
			mustExec(t, c, "INSERT INTO c VALUES("+literals.Draw(rt, "x")+","+literals.Draw(rt, "y")+","+literals.Draw(rt, "z")+")")
		}
		// The types come after the values, so that some are of no affinity
		// that a column could have given them. Indexes that SQLite made
		// itself need a table that is made new.
		a, b := types.Draw(rt, "type of a"), types.Draw(rt, "type of b")
		mustExec(t, c, "CREATE TABLE p2(a "+a+", b "+b+", "+keys.Draw(rt, "keys")+"); INSERT OR IGNORE INTO p2 SELECT a, b FROM p; DROP TABLE p; ALTER TABLE p2 RENAME TO p")
		references := rapid.SampledFrom([]string{"x REFERENCES p(a)", "FOREIGN KEY(y, x) REFERENCES p(b, a)", "FOREIGN KEY(x, y) REFERENCES p", "x REFERENCES gone(a)"}).Draw(rt, "references")
		declared := "CREATE TABLE c(x " + types.Draw(rt, "type of x") + ", y " + types.Draw(rt, "type of y") + ", z INTEGER"
		if rest, ok := strings.CutPrefix(references, "x REFERENCES"); ok {
			declared += " REFERENCES p(a), FOREIGN KEY(x) REFERENCES" + rest + ")"
		} else {
			declared += ", " + references + ")"
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		replaceSchema(t, path, "c", declared)
		want := 0
		reader, err := Open(t.Context(), path, OpenOptions{Immutable: true})
		if err != nil {
			t.Fatal(err)
		}
		pragmaErr := reader.Query(t.Context(), "PRAGMA foreign_key_check", nil, func([]value.Value) error {
			want++
			return nil
		})
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
		got, note, err := ForeignKeyCheck(t.Context(), path, describe(t, path))
		if err != nil || (pragmaErr == nil && got != int64(want)) || (note != "") != (pragmaErr != nil) {
			rt.Errorf("%d violations, note %q (%v), want %d (%v)\n%s", got, note, err, want, pragmaErr, declared)
		}
		if pragmaErr == nil && want > 0 {
			violated++
		}
	})
	if violated < 10 {
		t.Errorf("only %d of %d databases have violations", violated, n)
	}
}
