package testdb

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/litekeep/litekeep/internal/value"
)

// hardNames are names that quoting, JSON or a file system may break.
var hardNames = []string{
	"", " ", "a b", "quote\"d", "apo'strophe", "back`tick", "[bracket]", "semi;colon", "line\nfeed", "carriage\rreturn", "tab\tbed", "back\\slash", "per%cent", "sl/ash", "..", ".", "dot.ted", "com,ma", "(paren)", "--comment", "/* comment */",
	"select", "TABLE", "from", "order", "index", "rowid", "null", "true", "main", "temp", "__proto__", "constructor", "toString", "hasOwnProperty", "litekeep", "rows", "schema", "0", "1e3", "-", "$x", ":p", "@p", "?1", "#", "{}", "[]", "\"\"", "''",
	"ünïcödé", "日本", "😀", "e\u0301", "\u00e9", "\u202egnp", "\ufeffbom", "\u200b", "\u0001\u001f\u007f", "ﬁ", "İ", "ı", "ß", "CamelCase", "x'00'", "t1\u00a0", "\u2028",
}

func nameCases() []Case {
	return []Case{
		{Name: "names", Build: making(nameEverything)},
		{Name: "names-utf16", Build: making(func(m *maker) { m.run("PRAGMA encoding='UTF-16be'"); nameEverything(m) })},
		{Name: "names-not-utf8", Build: making(func(m *maker) {
			m.run("CREATE TABLE \"tXY\"(\"cXY\" TEXT, b)", "INSERT INTO tXY VALUES (1,2), ('x','y')", "CREATE INDEX \"iXY\" ON tXY(\"cXY\")", "CREATE VIEW \"vXY\" AS SELECT 'XY'", "CREATE TABLE w(\"kXY\" PRIMARY KEY) WITHOUT ROWID", "INSERT INTO w VALUES (5)")
			m.edit("UPDATE sqlite_schema SET name=CAST(replace(CAST(name AS BLOB),'XY',x'ff80') AS TEXT), tbl_name=CAST(replace(CAST(tbl_name AS BLOB),'XY',x'ff80') AS TEXT), sql=CAST(replace(CAST(sql AS BLOB),'XY',x'ff80') AS TEXT)")
		})},
		{Name: "names-not-utf16", Build: making(func(m *maker) {
			m.run("PRAGMA encoding='UTF-16le'", "CREATE TABLE \"tXY\"(\"cXY\" TEXT, b)", "INSERT INTO tXY VALUES (1,2), ('x','y')", "CREATE INDEX \"iXY\" ON tXY(\"cXY\")", "CREATE VIEW \"vXY\" AS SELECT 'XY'", "CREATE TABLE w(\"kXY\" PRIMARY KEY) WITHOUT ROWID", "INSERT INTO w VALUES (5)")
			m.patch(func(f *image) error {
				f.b = bytes.ReplaceAll(f.b, []byte("X\x00Y\x00"), []byte("\x00\xd8Y\x00")) // half of a pair
				return nil
			})
		})},
		{Name: "names-long", Build: making(func(m *maker) {
			long := strings.Repeat("long name ü ", 2000)
			m.run("CREATE TABLE "+quote(long)+"("+quote(long)+", b)", "INSERT INTO "+quote(long)+" VALUES (1,2)", "CREATE INDEX "+quote("i"+long)+" ON "+quote(long)+"("+quote(long)+")")
		})},
		{Name: "names-that-unicode-folds", Build: making(func(m *maker) {
			// SQLite tells them apart: it folds the letters of ASCII alone.
			for _, pair := range []string{"äÄ", "éÉ", "яЯ", "ßẞ", "sſ", "k\u212a", "σς"} {
				for i, n := range strings.Split(pair, "") {
					m.run(fmt.Sprintf("CREATE TABLE %s(a UNIQUE, b AS (a*%d))", quote(n), 2+i), fmt.Sprintf("CREATE INDEX %s ON %s(b)", quote("i"+n), quote(n)), fmt.Sprintf("INSERT INTO %s VALUES (%d), (%d)", quote(n), i, 10+i))
				}
			}
			m.run(`CREATE TABLE "ü"(a, b)`, `CREATE TABLE "Ü"(a, b AS (a*2))`, `CREATE INDEX u ON "Ü"(b)`, `INSERT INTO "ü" VALUES (1,111), (2,222)`, `INSERT INTO "Ü" VALUES (1), (2)`)
		})},
		{Name: "names-of-sqlite", Build: making(func(m *maker) {
			// Names that begin like SQLite's own.
			m.run("CREATE TABLE a(x)", "CREATE TABLE b(x UNIQUE)", "INSERT INTO a VALUES (1)", "INSERT INTO b VALUES (2)", "CREATE TABLE sqlitex(x)", "CREATE INDEX c ON a(x)")
			m.edit("UPDATE sqlite_schema SET name='sqlite_foo', tbl_name='sqlite_foo', sql='CREATE TABLE sqlite_foo(x)' WHERE name='a'")
			m.edit("UPDATE sqlite_schema SET name='sqlite_c', tbl_name='sqlite_foo', sql='CREATE INDEX sqlite_c ON sqlite_foo(x)' WHERE name='c'")
		})},
		{Name: "names-unlike-declaration", Build: making(func(m *maker) {
			// The row and its declaration call the table by other names.
			m.run("CREATE TABLE a(x)", "INSERT INTO a VALUES (1)", "CREATE TABLE b(x)", "INSERT INTO b VALUES (2)")
			m.edit("UPDATE sqlite_schema SET name='other', tbl_name='other' WHERE name='a'")
		}), MayRefuse: true},
	}
}

// nameEverything gives every hard name to a table, a column, an index, a view
// and a trigger.
func nameEverything(m *maker) {
	m.run("BEGIN")
	for i, n := range hardNames {
		t := quote("t " + n)
		if i%2 == 0 {
			t = quote(n)
		}
		c := quote(n)
		m.run("CREATE TABLE "+t+"("+c+" TEXT DEFAULT "+literal(n)+", "+quote("other "+n)+")", "INSERT INTO "+t+" VALUES (1, "+literal(n)+"), (NULL, x'00')")
		m.run(fmt.Sprintf("CREATE INDEX %s ON %s(%s)", quote("i "+n), t, c), "CREATE VIEW "+quote("v "+n)+" AS SELECT "+c+" FROM "+t, "CREATE TRIGGER "+quote("g "+n)+" AFTER DELETE ON "+t+" BEGIN SELECT "+literal(n)+"; END")
	}
	all := make([]string, len(hardNames))
	for i, n := range hardNames {
		all[i] = quote(n)
	}
	m.run("CREATE TABLE everything("+strings.Join(all, ",")+")", "INSERT INTO everything DEFAULT VALUES", "CREATE TABLE keyed("+strings.Join(all, ",")+", PRIMARY KEY("+strings.Join(all[:20], ",")+")) WITHOUT ROWID", "COMMIT")
}

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func schemaCases(o Options) []Case {
	return []Case{
		{Name: "schema-text", Build: making(schemaText)},
		{Name: "schema-as-select", Build: script("CREATE TABLE src(a INTEGER, b TEXT COLLATE NOCASE)", "INSERT INTO src VALUES (1,'x')", "CREATE TABLE t AS SELECT a, b, a+1 AS c, 'k' AS \"a:1\", a FROM src", "CREATE TABLE IF NOT EXISTS main.u(x)", "CREATE TABLE v AS SELECT NULL, 1.5, x'00'")},
		{Name: "schema-order", Build: making(func(m *maker) {
			// Views before tables, gaps, high and negative rowids.
			m.run("CREATE TABLE a(x UNIQUE, y)", "CREATE TABLE b(x)", "CREATE INDEX bi ON b(x)", "CREATE VIEW v AS SELECT * FROM b", "CREATE TRIGGER g AFTER INSERT ON b BEGIN SELECT 1; END", "INSERT INTO a VALUES (1,2)", "INSERT INTO b VALUES (3)")
			m.edit("UPDATE sqlite_schema SET rowid = -5 WHERE name='v'")
			m.edit("UPDATE sqlite_schema SET rowid = 0 WHERE name='b'")
			m.edit("UPDATE sqlite_schema SET rowid = 5000000000 WHERE name='g'")
			m.edit("UPDATE sqlite_schema SET rowid = 100 WHERE name='a'")
			m.edit("UPDATE sqlite_schema SET rowid = 101 WHERE name='sqlite_autoindex_a_1'")
		})},
		{Name: "schema-gaps", Build: script("CREATE TABLE a(x)", "CREATE TABLE b(x)", "CREATE TABLE c(x)", "CREATE TABLE d(x)", "INSERT INTO d VALUES (4)", "DROP TABLE a", "DROP TABLE c", "CREATE TABLE e(x)")},
		{Name: "schema-index-before-table", Build: making(func(m *maker) {
			m.run("CREATE TABLE a(x)", "CREATE INDEX i ON a(x)", "INSERT INTO a VALUES (1)", "CREATE TABLE b(y)", "INSERT INTO b VALUES (2)")
			m.edit("UPDATE sqlite_schema SET rowid = -1 WHERE name='i'")
		}), MayRefuse: true},
		{Name: "schema-cannot-be-parsed", Build: making(func(m *maker) {
			m.run("CREATE TABLE a(x)", "INSERT INTO a VALUES (1)", "CREATE TABLE b(y, z)", "INSERT INTO b VALUES (2,'two'), (3,NULL)", "CREATE INDEX i ON b(y)", "CREATE VIEW v AS SELECT 1", "CREATE TABLE w(k PRIMARY KEY, v) WITHOUT ROWID", "INSERT INTO w VALUES ('k','v')")
			m.edit("UPDATE sqlite_schema SET sql='CREATE TABLE b(y, z' WHERE name='b'")
			m.edit("UPDATE sqlite_schema SET sql='CREATE VIEW v AS SELECT FROM WHERE' WHERE name='v'")
			m.edit("UPDATE sqlite_schema SET sql='create something new w(k primary key, v) in a later version' WHERE name='w'")
		}), MayRefuse: true},
		{Name: "schema-odd-rows", Build: making(func(m *maker) {
			m.run("CREATE TABLE a(x)", "INSERT INTO a VALUES (1)", "CREATE TABLE b(x)", "INSERT INTO b VALUES (2)")
			m.edit("INSERT INTO sqlite_schema VALUES ('note','n','n',0,'not SQL at all'), (NULL,NULL,NULL,0,NULL), (5,1.5,x'00',0,''), ('view','z','z',NULL,NULL), ('table','v','v',NULL,'CREATE VIRTUAL TABLE v USING spellfix1')")
		}), MayRefuse: true},
		{Name: "schema-table-with-two-rows", Build: making(func(m *maker) {
			m.run("CREATE TABLE a(x)", "INSERT INTO a VALUES (1)", "CREATE TABLE b(x)", "INSERT INTO b VALUES (2)")
			m.edit("UPDATE sqlite_schema SET name='a', tbl_name='a', sql='CREATE TABLE a(x)' WHERE name='b'")
		}), MayRefuse: true},
		{Name: "schema-case-odd", Build: making(func(m *maker) {
			// SQLite compares the row with its declaration without regard to case.
			m.run("CREATE TABLE a(x UNIQUE)", "INSERT INTO a VALUES (1), (2)", "CREATE TABLE bee(x PRIMARY KEY) WITHOUT ROWID", "INSERT INTO bee VALUES ('k')", "CREATE INDEX i ON a(x)", "CREATE VIEW v AS SELECT 1", "CREATE TRIGGER g AFTER INSERT ON a BEGIN SELECT 1; END")
			m.edit("UPDATE sqlite_schema SET type='TABLE', name='A' WHERE name='a'")
			m.edit("UPDATE sqlite_schema SET type='Table', name='Bee', tbl_name='BEE' WHERE name='bee'")
			m.edit("UPDATE sqlite_schema SET type='InDeX', tbl_name='A' WHERE name='i'")
			m.edit("UPDATE sqlite_schema SET type='VIEW' WHERE name='v'")
			m.edit("UPDATE sqlite_schema SET rootpage=2 WHERE name='g'") // not looked at: a trigger has no b-tree
		})},
		{Name: "schema-types-odd", Build: making(func(m *maker) {
			m.run("CREATE TABLE a(x)", "INSERT INTO a VALUES (1), (2)", "CREATE TABLE b(x PRIMARY KEY) WITHOUT ROWID", "INSERT INTO b VALUES ('k')", "CREATE INDEX i ON a(x)", "CREATE VIEW v AS SELECT 1", "CREATE TABLE c(x)", "INSERT INTO c VALUES ('c')")
			m.edit("UPDATE sqlite_schema SET type='TABLE' WHERE name='a'")
			m.edit("UPDATE sqlite_schema SET type=NULL, tbl_name='something else' WHERE name='b'")
			m.edit("UPDATE sqlite_schema SET type='view' WHERE name='c'")
			m.edit("UPDATE sqlite_schema SET type='table' WHERE name IN ('i','v')")
		}), MayRefuse: true},
		{Name: "schema-sql-odd-storage", Build: making(func(m *maker) {
			m.run("CREATE TABLE a(x)", "INSERT INTO a VALUES (1)", "CREATE TABLE b(x UNIQUE)", "INSERT INTO b VALUES (2)", "CREATE TABLE c(x)", "INSERT INTO c VALUES (3)", "CREATE INDEX i ON a(x)")
			m.edit("UPDATE sqlite_schema SET sql=CAST(sql AS BLOB) WHERE name IN ('a','i')")
			m.edit("UPDATE sqlite_schema SET sql='' WHERE sql IS NULL")
			m.edit("UPDATE sqlite_schema SET sql=sql || char(0) || ' behind the end' WHERE name='c'")
		})},
		{Name: "schema-roots-of-no-tree", Build: making(func(m *maker) {
			m.run("CREATE TABLE a(x)", "INSERT INTO a VALUES (1)", "CREATE VIEW v AS SELECT 1", "CREATE TRIGGER g AFTER INSERT ON a BEGIN SELECT 1; END", "CREATE VIEW w AS SELECT 2")
			m.edit("UPDATE sqlite_schema SET rootpage=12345 WHERE name='v'")
			m.edit("UPDATE sqlite_schema SET rootpage=2 WHERE name='g'")
			m.edit("UPDATE sqlite_schema SET rootpage='none' WHERE name='w'")
		}), MayRefuse: true},
		{Name: "schema-comments-between-words", Build: making(func(m *maker) {
			m.run("CREATE TABLE a(x)", "INSERT INTO a VALUES (1)", "CREATE INDEX i ON a(x)", "CREATE TABLE b(x)", "INSERT INTO b VALUES (2)", "CREATE VIEW v AS SELECT x FROM a")
			m.edit("UPDATE sqlite_schema SET type='view', sql='CREATE/**/TABLE a(x)' WHERE name='a'")
			m.edit("UPDATE sqlite_schema SET type='trigger', sql='CREATE--'||char(10)||'INDEX i ON a(x)' WHERE name='i'")
			m.edit("UPDATE sqlite_schema SET type='view', sql='create /*'||hex(zeroblob(200))||'*/ table b(x)' WHERE name='b'")
			m.edit("UPDATE sqlite_schema SET type='table', sql='CREATE/* TABLE */VIEW v AS SELECT x FROM a' WHERE name='v'")
		}), MayRefuse: true},
		{Name: "schema-name-of-a-blob", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a)", "INSERT INTO t VALUES (1)")
			m.edit("UPDATE sqlite_schema SET name=x'74' WHERE name='t'")
		}), MayRefuse: true},
		{Name: "schema-automatic-index-renamed", Build: making(func(m *maker) {
			m.run("CREATE TABLE w(k TEXT PRIMARY KEY, u UNIQUE)", "INSERT INTO w VALUES ('a', 1)")
			m.edit("UPDATE sqlite_schema SET name=replace(name, 'autoindex', 'autoijdex') WHERE name LIKE '%_2'")
		}), MayRefuse: true},
		{Name: "schema-without-tables", Build: script("CREATE VIEW v AS SELECT 1 AS one", "CREATE VIEW w AS SELECT * FROM v")},
		{Name: "double-quoted-strings", Build: script(
			`CREATE TABLE t(a CHECK (a <> "a text"), b DEFAULT "text too")`, "INSERT INTO t(a) VALUES (1), ('x')", `CREATE VIEW v AS SELECT "no column", a FROM t WHERE a = "x"`,
			`CREATE INDEX i ON t(a) WHERE b = "text too"`, `CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET b = "set"; END`)},
		{Name: "schema-large", Build: making(func(m *maker) {
			m.run("PRAGMA page_size=512", "CREATE TABLE t(a /* "+strings.Repeat("a long remark – ", 4000)+" */)", "INSERT INTO t VALUES (1)", "CREATE VIEW v AS SELECT '"+strings.Repeat("x", 30000)+"'")
		})},
		{Name: "many-tables", Build: manyTables(o.Tables)},
	}
}

// schemaText has declarations that only their own bytes can give back.
func schemaText(m *maker) {
	m.run("create   table\tT1 ( a , b\n -- a remark\n ,c /* another */ ) ", "CREATE TABLE T2(a,\r\n  b\r\n);", "CREATE TABLE [T 3](`a`, 'b', \"c\")", "CREATE TABLE IF NOT EXISTS T4(a)", "CREATE TABLE main.T5(a); -- trailing",
		"CREATE TABLE T7(a DEFAULT(1)CHECK(a>0)NOT NULL)", "CREATE UNIQUE  INDEX  I1 on T1 ( a  asc , b desc ) where  a>0 ", "CREATE TABLE t8(\"a\"\"b\" 'ty''pe' DEFAULT 'x''y')", "CREATE VIEW\nv1\nAS\nSELECT\n1", "CREATE TRIGGER g1 after insert on T1 begin select ';', 'end'; end;", "CREATE TABLE t9(a);;", "CREATE TABLE t10(a)", "ALTER TABLE t10 ADD COLUMN   b   TEXT   ", "ALTER TABLE t10 RENAME TO T11")
	for _, t := range []string{"T1", "T2", "T 3", "T4", "T5", "T7", "t8", "t9"} {
		m.exec("INSERT INTO " + quote(t) + " DEFAULT VALUES")
	}
}

// manyTables has n tables, each with a row and each second with an index.
func manyTables(n int) func(context.Context, string) error {
	return making(func(m *maker) {
		m.run("BEGIN")
		for i := range n {
			t := fmt.Sprintf("table_%d", i*7919%n)
			m.run("CREATE TABLE " + t + "(id INTEGER PRIMARY KEY, a TEXT)")
			m.exec("INSERT INTO "+t+" VALUES (?, ?)", value.OfInt(int64(i)), value.OfText(t))
			if i%2 == 0 {
				m.run("CREATE INDEX i_" + t + " ON " + t + "(a)")
			}
		}
		m.run("COMMIT")
	})
}
