package engine

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/value"
)

const manyKinds = `
CREATE TABLE plain(a INTEGER PRIMARY KEY, b TEXT NOT NULL, c REAL DEFAULT 1, d);
CREATE TABLE auto(id INTEGER PRIMARY KEY AUTOINCREMENT, x INT);
CREATE TABLE descending(a INTEGER PRIMARY KEY DESC, b);
CREATE TABLE constraint_descending(a INTEGER, b, PRIMARY KEY(a DESC));
CREATE TABLE intkey(a INT PRIMARY KEY, b);
CREATE TABLE gen(a, v AS (a+1), b REAL, s DOUBLE AS (a*2) STORED, c);
CREATE TABLE wr(a, b TEXT COLLATE NOCASE, c INTEGER, d, v AS (d), PRIMARY KEY(c DESC, b)) WITHOUT ROWID;
CREATE TABLE wrdup(a, b, c, PRIMARY KEY(b, a, b)) WITHOUT ROWID;
CREATE TABLE strict(a INTEGER PRIMARY KEY, b REAL, c ANY, d TEXT, e INT, f BLOB) STRICT;
CREATE TABLE strictwr(a TEXT PRIMARY KEY, b REAL) STRICT, WITHOUT ROWID;
CREATE TABLE child(p REFERENCES plain(a), q UNIQUE, r, UNIQUE(r, q));
CREATE INDEX i1 ON plain(b COLLATE NOCASE, c DESC);
CREATE UNIQUE INDEX i2 ON plain(lower(b)) WHERE c > 0;
CREATE INDEX i3 ON wr(a, c);
CREATE INDEX i4 ON plain(d, a);
CREATE TABLE "we""ird
name"("co""l
umn", "", "select", "SELECT2");
CREATE TABLE ""(x);
CREATE INDEX "an index" ON "we""ird
name"("", "select" DESC);
CREATE VIEW v1 AS SELECT * FROM nowhere;
CREATE TRIGGER tr AFTER INSERT ON plain BEGIN SELECT nofunc(new.a); END;
CREATE VIRTUAL TABLE fts USING fts5(x, y);
CREATE VIRTUAL TABLE rt USING rtree(id, x0, x1);
CREATE TABLE asq AS SELECT a, c, b FROM plain;
INSERT INTO auto(x) VALUES(1);
`

func describe(t testing.TB, path string) *Description {
	t.Helper()
	d, err := Describe(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func object(t testing.TB, d *Description, name string) *Object {
	t.Helper()
	for i := range d.Objects {
		if d.Objects[i].Name == name {
			return &d.Objects[i]
		}
	}
	t.Fatalf("no object %q", name)
	return nil
}

// TestDescribeAgreesWithPragmas holds what is read from SQLite's memory
// against what it says in PRAGMA statements.
func TestDescribeAgreesWithPragmas(t *testing.T) {
	for _, encoding := range []string{"UTF-8", "UTF-16le"} {
		path := filepath.Join(t.TempDir(), "kinds.db")
		mustCreate(t, path, "PRAGMA encoding='"+encoding+"'", manyKinds)
		d := describe(t, path)
		if d.Malformed != "" {
			t.Fatalf("malformed: %s", d.Malformed)
		}
		c := mustOpen(t, path)
		checkAgainstPragmas(t, c, d)
		count := rows(t, c, "SELECT count(*) FROM sqlite_schema")
		if count[0] != fmt.Sprint(len(d.Objects)) {
			t.Errorf("%d objects, want %s", len(d.Objects), count[0])
		}
	}
}

func checkAgainstPragmas(t testing.TB, c *Conn, d *Description) {
	t.Helper()
	for i := range d.Objects {
		o := &d.Objects[i]
		name := value.Value{Kind: value.Text, Bytes: []byte(o.Name)}
		if o.Problem != "" {
			t.Errorf("%s %q: %s", o.Type, o.Name, o.Problem)
		}
		switch {
		case o.Table != nil:
			list := rows(t, c, "SELECT type='virtual', wr, strict FROM pragma_table_list(?) WHERE schema='main'", name)
			if want := fmt.Sprintf("%d|%d|%d", bit(o.Table.Virtual), bit(o.Table.WithoutRowID), bit(o.Table.Strict)); list[0] != want {
				t.Errorf("%q: table_list %s, described %s", o.Name, list[0], want)
			}
			if o.Table.Virtual {
				continue
			}
			var got []string
			for i, column := range o.Table.Columns {
				got = append(got, fmt.Sprintf("%d|%q|%q|%d|%d", i, column.Name, column.Type, bit(column.NotNull), column.Hidden))
			}
			want := rows(t, c, "SELECT cid, name, type, \"notnull\", hidden FROM pragma_table_xinfo(?)", name)
			if !slices.Equal(got, want) {
				t.Errorf("%q: columns\n%s\nwant\n%s", o.Name, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			fks := rows(t, c, "SELECT count(*) FROM pragma_foreign_key_list(?)", name)
			if (fks[0] != "0") != o.Table.HasForeignKeys {
				t.Errorf("%q: foreign keys %s, described %v", o.Name, fks[0], o.Table.HasForeignKeys)
			}
			if o.Table.WithoutRowID {
				key := rows(t, c, "SELECT name FROM pragma_index_list(?) WHERE origin='pk'", name)
				order := rows(t, c, "SELECT cid FROM pragma_index_xinfo("+strings.ReplaceAll(key[0], `"`, "'")+")")
				if got := strings.Fields(strings.Trim(fmt.Sprint(o.Table.StorageOrder), "[]")); !slices.Equal(got, order) {
					t.Errorf("%q: storage order %v, want %v", o.Name, got, order)
				}
			}
		case o.Index != nil:
			list := rows(t, c, "SELECT \"unique\", partial FROM pragma_index_list(?) WHERE name=?",
				value.Value{Kind: value.Text, Bytes: []byte(o.Index.Table)}, name)
			if want := fmt.Sprintf("%d|%d", bit(o.Index.Unique), bit(o.Index.Partial)); len(list) != 1 || list[0] != want {
				t.Errorf("%q: index_list %s, described %s", o.Name, list, want)
			}
			var got []string
			expression := false
			for i, column := range o.Index.Columns {
				got = append(got, fmt.Sprintf("%d|%d|%d|%q|%d", i, column.Column, bit(column.Desc), column.Collation, bit(column.Key)))
				expression = expression || column.Column == IndexExpression
			}
			want := rows(t, c, "SELECT seqno, cid, \"desc\", coll, key FROM pragma_index_xinfo(?)", name)
			if !slices.Equal(got, want) || expression != o.Index.Expression {
				t.Errorf("%q: columns\n%s\nwant\n%s", o.Name, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		case o.Type == "table" || o.Type == "index":
			t.Errorf("%s %q is not described", o.Type, o.Name)
		}
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestDescribeRowIDAlias(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kinds.db")
	mustCreate(t, path, manyKinds)
	d := describe(t, path)
	want := map[string]int{
		"plain": 0, "auto": 0, "descending": -1, "constraint_descending": 0, "intkey": -1,
		"gen": -1, "wr": -1, "strict": 0, "strictwr": -1, "": -1, "asq": -1,
	}
	for name, alias := range want {
		if got := object(t, d, name).Table.RowIDAlias; got != alias {
			t.Errorf("%q: alias %d, want %d", name, got, alias)
		}
	}
	if got := object(t, d, "gen").Table.StorageOrder; !slices.Equal(got, []int{0, 2, 3, 4}) {
		t.Errorf("gen: storage order %v", got)
	}
	if got := object(t, d, "auto"); !got.Table.Autoincrement {
		t.Error("auto: no AUTOINCREMENT")
	}
	if got := object(t, d, "plain").Table.Columns; !got[2].HasDefault || got[1].HasDefault || object(t, d, "gen").Table.Columns[3].HasDefault {
		t.Errorf("defaults of %+v", got)
	}
}

// TestRealAffinity holds RealAffinity against what SQLite does: an integer
// that is stored in a column of REAL affinity reads back as a REAL.
func TestRealAffinity(t *testing.T) {
	word := rapid.SampledFrom([]string{"INT", "CHAR", "CLOB", "TEXT", "BLOB", "REAL", "FLOA", "DOUB", "PRECISION", "REA", "X", "floatıng", "POINT", "ANY", "NUM"})
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		declared := strings.Join(rapid.SliceOfN(word, 0, 4).Draw(rt, "words"), rapid.SampledFrom([]string{"", " "}).Draw(rt, "separator"))
		if rapid.Bool().Draw(rt, "lower") {
			declared = strings.ToLower(declared)
		}
		n++
		path := filepath.Join(dir, fmt.Sprint(n))
		mustCreate(t, path, "CREATE TABLE t(a "+quoteName(declared)+"); INSERT INTO t VALUES(1)")
		got := object(t, describe(t, path), "t").Table.Columns[0]
		want := immutableRows(t, path, "SELECT typeof(a) FROM t")[0] == `"real"`
		if got.RealAffinity != want {
			rt.Errorf("%q: %v, want %v", declared, got.RealAffinity, want)
		}
		if !strings.EqualFold(got.Type, declared) { // SQLite writes the usual types in upper case
			rt.Errorf("type %q, want %q", got.Type, declared)
		}
	})
}

func TestDescribeMissingModulesAndFunctions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing.db")
	c := mustOpen(t, path, "CREATE TABLE t(a)")
	mustExec(t, c, `PRAGMA writable_schema=ON;
		INSERT INTO sqlite_schema VALUES('table','vt','vt',0,'CREATE VIRTUAL TABLE vt USING nomodule(x)');
		UPDATE sqlite_schema SET sql='CREATE TABLE t(a CHECK(nofunc(a)), b AS (nofunc(a)) STORED, c COLLATE nocoll)' WHERE name='t';
		INSERT INTO sqlite_schema VALUES('index','ti','t',2,'CREATE INDEX ti ON t(c, nofunc(a))');
		PRAGMA writable_schema=RESET`)
	d := describe(t, path)
	if d.Malformed != "" {
		t.Errorf("malformed: %s", d.Malformed)
	}
	for _, o := range d.Objects {
		if o.Problem != "" {
			t.Errorf("%q: %s", o.Name, o.Problem)
		}
	}
	if o := object(t, d, "vt"); o.Table == nil || !o.Table.Virtual {
		t.Errorf("vt: %+v", o)
	}
	index := object(t, d, "ti").Index
	if index.Columns[0].Collation != "nocoll" || !index.Expression {
		t.Errorf("ti: %+v", index)
	}
}

func TestDescribeMalformedSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "malformed.db")
	c := mustOpen(t, path, "CREATE TABLE good(a); CREATE TABLE bad(a); CREATE TABLE other(b REAL); CREATE TABLE twin1(a); CREATE TABLE twin2(a, b)")
	mustExec(t, c, `PRAGMA writable_schema=ON;
		UPDATE sqlite_schema SET sql='CREATE TABLE bad(' WHERE name='bad';
		UPDATE sqlite_schema SET name='twin2' WHERE name='twin1';
		INSERT INTO sqlite_schema VALUES(x'00', NULL, 'x', 'page', 'text')`)
	d := describe(t, path)
	if d.Malformed == "" {
		t.Error("not malformed")
	}
	for i, want := range []bool{true, false, true, false, true, false} {
		o := &d.Objects[i]
		if (o.Problem == "") != want {
			t.Errorf("%d %q: problem %q, want none: %v", i, o.Name, o.Problem, want)
		}
		if want && (o.Table == nil || o.Table.Columns[0].RealAffinity != (o.Name == "other")) {
			t.Errorf("%q: %+v", o.Name, o.Table)
		}
		if !want && o.Table != nil {
			t.Errorf("%d %q is described", i, o.Name)
		}
	}
	if o := object(t, d, "bad"); !strings.Contains(o.Problem, "incomplete") {
		t.Errorf("bad: %q does not say why", o.Problem)
	}
}

func TestDescribeLargeSchemas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "large.db")
	c := mustOpen(t, path, "BEGIN")
	for i := range 3000 {
		mustExec(t, c, fmt.Sprintf("CREATE TABLE t%d(a PRIMARY KEY, b UNIQUE)", i))
	}
	var wide strings.Builder
	for i := range 2000 {
		fmt.Fprintf(&wide, ",c%d INT", i)
	}
	mustExec(t, c, "CREATE TABLE wide("+wide.String()[1:]+"); CREATE VIEW v0 AS SELECT * FROM t0, t1")
	for i := range 40 {
		mustExec(t, c, fmt.Sprintf("CREATE VIEW v%d AS SELECT 1 FROM v%d, v%d", i+1, i, i)) // 2^40 tables, expanded
	}
	mustExec(t, c, "COMMIT")
	start := time.Now()
	d := describe(t, path)
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
	if len(d.Objects) != 9000+1+41 || len(object(t, d, "wide").Table.Columns) != 2000 {
		t.Errorf("%d objects", len(d.Objects))
	}
	for _, o := range d.Objects {
		if o.Problem != "" {
			t.Errorf("%q: %s", o.Name, o.Problem)
		}
	}
}

// TestFieldOf checks that the field of a column is the one that SQL reads, also where a
// primary key has the column twice.
func TestFieldOf(t *testing.T) {
	info := &TableInfo{WithoutRowID: true, Columns: make([]Column, 4), StorageOrder: []int{2, 0, 2, 0, 3}}
	if got := info.FieldOf(); !maps.Equal(got, map[int]int{2: 0, 0: 1, 3: 4}) {
		t.Error(got)
	}
	x := &IndexInfo{Columns: []IndexColumn{{Column: 0}, {Column: 2}, {Column: 3}}}
	if got, ok := x.Fields(info); !ok || !slices.Equal(got, []int{1, 0, 4}) {
		t.Error(got, ok)
	}
}
