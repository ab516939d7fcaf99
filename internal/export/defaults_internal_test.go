package export

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// columnTypes are of every affinity.
var columnTypes = []string{"", "BLOB", "INTEGER", "REAL", "NUMERIC", "TEXT", "BOOLEAN"}

// TestDefaultsInDoubt holds that a DEFAULT is disputed in columns of every type unless
// it is one literal, of which a number alone may have one sign.
func TestDefaultsInDoubt(t *testing.T) {
	numbers := []string{"0", "5", "1.5", "1e3", ".5", "0x10", "1_000", "12345678901234567", "0.12345678901234567", "9223372036854775808", "0xffffffffffffffff"}
	others := []string{"'abc'", "'5'", "'1e3'", "'0.12345678901234567'", "'it''s'", "x'4142'", "x''", "TRUE", "false", "NULL", "'a' -- b"}
	var doubtful, plain []string
	add := func(literals []string, around ...string) {
		for _, x := range literals {
			for _, a := range around {
				doubtful = append(doubtful, fmt.Sprintf(a, x+"\n"))
			}
		}
	}
	add(numbers, "++%s", "+-%s", "-+%s", "- -%s", "+++%s", "-(-%s)", "+(%s)", "-((%s))", "~%s", "0+%s")
	add(others, "+%s", "-%s", "++%s", "- +%s", "+(%s)", "NOT %s")
	all := slices.Concat(numbers, others)
	for _, as := range []string{"TEXT", "INTEGER", "REAL", "NUMERIC", "BLOB", "ANYTHING"} {
		add(all, "CAST(%sAS "+as+")", "cast(+(%s)AS "+as+")", "(CAST(%sAS "+as+"))")
	}
	add(all, "%sCOLLATE NOCASE", "%s||''", "/* literal */ %s", "abs(%s)")
	doubtful = append(doubtful, "'a'||'b'", "CASE WHEN 1 THEN 'a' END", "1 IN (1)", "'a' COLLATE \"b'\"")
	for _, x := range []string{"0", "5", "1.5", ".5", "0x10", "1_000", "9.25e1"} {
		plain = append(plain, x, "+"+x, "-"+x, "- "+x, "(("+x+"))")
	}
	plain = append(plain, "'abc'", "'it''s'", "''", "'\n)'", "x'4142'", "X''", "null", "('abc')", "(x'00')", "'+5'", "'--'", "'CAST(1 AS TEXT)'", "'true'")
	for _, typ := range columnTypes {
		for text, got := range disputedOf(t, sqlitefile.UTF8, typ, doubtful) {
			if !got {
				t.Errorf("%s DEFAULT (%s) is not disputed", typ, text)
			}
		}
		for text, got := range disputedOf(t, sqlitefile.UTF8, typ, plain) {
			if got {
				t.Errorf("%s DEFAULT (%s) is disputed", typ, text)
			}
		}
	}
}

// TestBlobDefaults holds that the DEFAULT of a blob is disputed in a database of UTF-16,
// where its bytes are another text than those of a stored one.
func TestBlobDefaults(t *testing.T) {
	for _, enc := range []sqlitefile.Encoding{sqlitefile.UTF8, sqlitefile.UTF16LE, sqlitefile.UTF16BE} {
		for _, typ := range columnTypes {
			got := disputedOf(t, enc, typ, []string{"x'6162'", "(X'00')", "x''", "'ab'"})
			wide := enc != sqlitefile.UTF8
			want := map[string]bool{"x'6162'": wide, "(X'00')": wide, "x''": false, "'ab'": false}
			if !maps.Equal(want, got) {
				t.Errorf("%s in %s: %v", typ, enc, got)
			}
		}
	}
}

// TestPlainWords holds that a word which is no expression is a literal, and that a
// text which is not known is disputed.
func TestPlainWords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	execute(t, path, "CREATE TABLE t(a DEFAULT word, b DEFAULT \"wo\"\"rd + 1\", c DEFAULT [wo'rd], d DEFAULT `w``ord`, e DEFAULT über$1, f TEXT DEFAULT \"true\", g)")
	for field, reason := range disputedFields(t, path, sqlitefile.UTF8) {
		t.Errorf("field %d: %s", field, reason)
	}
	if !isDisputed(nil, &engine.Column{HasDefault: true}, "") || isDisputed(nil, &engine.Column{}, "") {
		t.Error("a default without a text")
	}
}

// disputedOf reports which defaults, put in parentheses, are disputed in columns of a
// type.
func disputedOf(t *testing.T, enc sqlitefile.Encoding, typ string, defaults []string) map[string]bool {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	sql := "CREATE TABLE t(a"
	for i, text := range defaults {
		sql += fmt.Sprintf(", c%d %s DEFAULT (%s\n)", i, typ, text)
	}
	execute(t, path, fmt.Sprintf("PRAGMA encoding='%s'; %s)", enc, sql))
	fields := disputedFields(t, path, enc)
	disputed := map[string]bool{}
	for i, text := range defaults {
		disputed[text] = fields[i+1] != ""
	}
	return disputed
}

// disputedFields asks for the defaults of the only table of the database at path.
func disputedFields(t *testing.T, path string, enc sqlitefile.Encoding) map[int]string {
	t.Helper()
	d, err := engine.Describe(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	table := &Table{object: &d.Objects[0]}
	if err := table.defaults.ask(t.Context(), table, enc); err != nil {
		t.Fatal(err)
	}
	return table.defaults.disputed
}

// execute runs statements on the database at path.
func execute(t *testing.T, path, sql string) {
	t.Helper()
	c, err := engine.Open(t.Context(), path, engine.OpenOptions{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}
