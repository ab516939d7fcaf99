package testdb

import (
	"fmt"
	"strings"

	"github.com/litekeep/litekeep/internal/value"
)

func indexCases() []Case {
	return []Case{
		{Name: "indexes-of-every-kind", Build: making(everyIndex)},
		{Name: "indexes-redundant", Build: script(
			"CREATE TABLE t(a PRIMARY KEY UNIQUE, b UNIQUE, c, UNIQUE(a), UNIQUE(b, c), UNIQUE(c, b), UNIQUE(b COLLATE NOCASE))",
			"INSERT INTO t VALUES (1,'x',2), (3,'y',4)", "CREATE INDEX i1 ON t(b)", "CREATE UNIQUE INDEX i2 ON t(b)", "CREATE INDEX i3 ON t(b, c)",
			"CREATE TABLE k(id INTEGER PRIMARY KEY UNIQUE, UNIQUE(id))", "INSERT INTO k VALUES (1), (2)",
			"CREATE TABLE w(a, b, PRIMARY KEY(a), UNIQUE(a), UNIQUE(b, a)) WITHOUT ROWID", "INSERT INTO w VALUES (1,2), (3,4)")},
		{Name: "indexes-on-keys", Build: script(
			"CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)", "INSERT INTO t VALUES (5,'x',1), (3,'y',NULL), (9,'x',2.5)",
			"CREATE INDEX i ON t(id)", "CREATE INDEX j ON t(a, id DESC)", "CREATE INDEX k ON t(a, a, b, a)", "CREATE UNIQUE INDEX l ON t(b)", "CREATE INDEX m ON t(id, id)",
			"CREATE TABLE w(a, b, c, PRIMARY KEY(c, a)) WITHOUT ROWID", "INSERT INTO w VALUES (1,2,3), (4,5,0)", "CREATE INDEX n ON w(a)", "CREATE INDEX o ON w(b, c)", "CREATE INDEX p ON w(c DESC)", "CREATE INDEX q ON w(a COLLATE NOCASE, b)")},
		{Name: "index-stale", Build: making(func(m *maker) {
			// Rows that the index never saw, and entries of rows that are gone.
			m.run("CREATE TABLE t(a, b)", "INSERT INTO t VALUES (1,'a'), (2,'b'), (3,'c')", "CREATE INDEX i ON t(a)")
			m.detached("i", "INSERT INTO t VALUES (4,'unseen')", "DELETE FROM t WHERE a=2", "UPDATE t SET a=33 WHERE a=3")
		}), MayRefuse: true},
		{Name: "index-stale-partial", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a, b)", "INSERT INTO t VALUES (1,'a'), (20,'b'), (3,'c')", "CREATE INDEX i ON t(b) WHERE a > 2")
			m.swap("i", "a > 2", "a > 5")
		}), MayRefuse: true},
		{Name: "index-stale-expression", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a)", "INSERT INTO t VALUES ('Ab'), ('x'), (NULL)", "CREATE INDEX i ON t(lower(a))")
			m.swap("i", "lower(a)", "upper(a)")
		}), MayRefuse: true},
		{Name: "index-not-unique", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a, b)", "INSERT INTO t VALUES ('x', 1), ('y', 3), ('x', 2), (NULL, 4), (NULL, 5)",
				"CREATE INDEX i ON t(a || '!')", "CREATE INDEX j ON t(a) WHERE length(a) > 0", "CREATE INDEX k ON t(b, lower(a))", "CREATE INDEX l ON t(a)", "CREATE INDEX n ON t(lower(a))")
			for _, name := range []string{"i", "j", "k", "l", "n"} {
				m.swap(name, "CREATE", "CREATE UNIQUE")
			}
		}), MayRefuse: true},
		{Name: "index-stale-without-rowid", Build: making(func(m *maker) {
			// SQLite prefers these indexes to the table when it is asked for what they hold.
			m.run("CREATE TABLE t(a PRIMARY KEY, b) WITHOUT ROWID", "INSERT INTO t VALUES ('Ab', 1), ('x', 20), ('y', 3)",
				"CREATE INDEX i ON t(a || '!')", "CREATE INDEX j ON t(length(a)) WHERE length(a) > 1")
			m.swap("i", "!", "?")
			m.swap("j", "> 1", "> 0")
		}), MayRefuse: true},
		{Name: "index-expressions", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT, c, d REAL, e TEXT COLLATE NOCASE)")
			for i, v := range expressionValues() {
				m.exec("INSERT INTO t(a, b, c, d, e) VALUES (?1, ?2, ?1, ?2, ?1)", v, expressionValues()[(i*5+3)%len(expressionValues())])
			}
			m.run("ALTER TABLE t ADD COLUMN gone", "ALTER TABLE t ADD COLUMN kind TEXT DEFAULT 'old'", "INSERT INTO t(a, b, gone, kind) VALUES ('Zz', 3, 1, 'new'), (NULL, -1, 0, NULL)")
			for i, x := range []string{
				"(a) WHERE gone IS NULL", "(a) WHERE gone IS NOT NULL AND b > 0", "(lower(a))", "(upper(a) DESC, b)", "(lower(e) COLLATE NOCASE)", "(lower(c))",
				"(upper(b))", "(lower(d))", "(b) WHERE b", "(b) WHERE NOT b", "(b) WHERE b IN (1, 3, -1)", "(b) WHERE kind IN ('new', 'old')",
				"(b) WHERE kind NOT IN ('new')", "(a) WHERE a >= 'm'", "(c) WHERE c < 5", "(d) WHERE d <= 2 OR d IS NULL", "(e) WHERE e = 'x'", "(a) WHERE b = TRUE",
				"(a) WHERE id > 4", "(a) WHERE 3 < id", "(a) WHERE b BETWEEN 1 AND 3", "(a) WHERE c IS 5", "(lower(a)) WHERE kind = 'new' AND gone", "(a) WHERE b = 9007199254740993",
				"(a) WHERE d = 1.5", "(a) WHERE c = x'41'", "(a) WHERE a > 5", "(a || kind)", "(lower(a || 'X'))", "(lower(a), b) WHERE NOT (gone IS NULL OR b < 2)",
			} {
				m.run(fmt.Sprintf("CREATE INDEX x%d ON t%s", i, x))
			}
		})},
		{Name: "index-in-other-order", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a)", "INSERT INTO t VALUES (1), (2), ('x'), (NULL)", "CREATE INDEX i ON t(a DESC)")
			m.swap("i", "a DESC", "a")
		}), MayRefuse: true},
		{Name: "index-with-short-entries", Build: making(func(m *maker) {
			// SQLite's check of the table gives up at them, and nothing else does.
			m.run("CREATE TABLE t(a, b)", "INSERT INTO t VALUES (1,1), (2,2)", "CREATE INDEX i ON t(a)", "CREATE INDEX j ON t(b)")
			m.swap("i", "t(a)", "t(a,b)")
		})},
		{Name: "index-many-rows", Build: making(manyIndexRows)},
		{Name: "index-2000-columns", Build: making(func(m *maker) {
			names := make([]string, 1999)
			for i := range names {
				names[i] = fmt.Sprintf("c%d", i)
			}
			list := strings.Join(names, ",")
			m.run("CREATE TABLE t("+list+")", "CREATE INDEX i ON t("+list+")", "INSERT INTO t(c0, c1998) VALUES ('a','z'), (1,2)")
		})},
		{Name: "index-expression-defaults", Build: script(
			"CREATE TABLE t(a TEXT)", "INSERT INTO t VALUES ('x'), ('Y')", "ALTER TABLE t ADD COLUMN b REAL DEFAULT 2", "CREATE INDEX i ON t(b)", "CREATE INDEX j ON t(a||b)", "CREATE INDEX k ON t(b/3)", "CREATE INDEX l ON t(CAST(b AS TEXT) COLLATE NOCASE DESC) WHERE b IS NOT NULL")},
	}
}

// detached runs statements while an index is not in the schema, so that it
// does not follow them.
func (m *maker) detached(index string, statements ...string) {
	m.edit("CREATE TABLE set_aside AS SELECT rowid AS r, * FROM sqlite_schema WHERE name=?", value.OfText(index))
	m.edit("DELETE FROM sqlite_schema WHERE name=?", value.OfText(index))
	m.run(statements...)
	m.edit("INSERT INTO sqlite_schema(rowid, type, name, tbl_name, rootpage, sql) SELECT r, type, name, tbl_name, rootpage, sql FROM set_aside")
	m.run("DROP TABLE set_aside")
}

func everyIndex(m *maker) {
	m.run("CREATE TABLE t(a INTEGER, b TEXT, c REAL, d)",
		"CREATE INDEX i01 ON t(a)", "CREATE INDEX i02 ON t(a DESC)", "CREATE INDEX i03 ON t(b COLLATE NOCASE)", "CREATE INDEX i04 ON t(b COLLATE RTRIM DESC, a)",
		"CREATE UNIQUE INDEX i05 ON t(d)", "CREATE INDEX i06 ON t(a) WHERE b IS NOT NULL", "CREATE UNIQUE INDEX i07 ON t(a, c) WHERE d > 5 AND typeof(d) = 'integer'",
		"CREATE INDEX i08 ON t(a+1)", "CREATE INDEX i09 ON t(lower(b), abs(a) DESC)", "CREATE INDEX i10 ON t(c)", "CREATE INDEX i11 ON t(c, d, b, a)", "CREATE INDEX i12 ON t(d IS NULL, substr(b,1,2)) WHERE c <> 0",
		"CREATE INDEX i13 ON t(a) WHERE 0", "CREATE INDEX i14 ON t(CASE WHEN json_valid(b) THEN json_extract(b, '$.x') END)", "CREATE INDEX i15 ON t(c DESC, a ASC, d DESC)", "CREATE INDEX IF NOT EXISTS i16 ON t(\"b\", 'a', [c])",
		"CREATE INDEX i17 ON t(-c)", "CREATE INDEX i18 ON t(b, b COLLATE NOCASE, b COLLATE RTRIM)", "BEGIN")
	for i := range 200 {
		m.exec("INSERT INTO t VALUES (?,?,?,?)",
			pick(i, 7, value.OfInt(int64(i*37%50)), value.Value{}),
			pick(i, 5, value.OfText(fmt.Sprintf("%cText %d%s", 'A'+i%3+i%2*32, i%20, strings.Repeat(" ", i%3))), value.Value{}, value.OfText("{\"x\":"+fmt.Sprint(i)+"}")),
			pick(i, 3, value.OfInt(int64(i)), value.OfFloat(float64(i)/4)),
			pick(i, 2, value.OfInt(int64(i)), value.Value{}))
	}
	m.run("COMMIT")
}

// pick returns the first value, and each n-th time another.
func pick(i, n int, v ...value.Value) value.Value {
	if i%n != 0 {
		return v[0]
	}
	return v[1+i/n%(len(v)-1)]
}

// manyIndexRows has index b-trees of several levels, in many orders.
func manyIndexRows(m *maker) {
	m.run("PRAGMA page_size=512", "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b TEXT)", "BEGIN")
	for i := range 3000 {
		m.exec("INSERT INTO t VALUES (?,?,?)", value.OfInt(int64(i)), value.OfInt(int64(i*7919%3000)), value.OfText(fmt.Sprintf("%x", i*104729%65536)))
	}
	m.run("COMMIT", "CREATE INDEX i ON t(a)", "CREATE INDEX j ON t(b, a DESC)", "CREATE INDEX k ON t(b COLLATE NOCASE)", "CREATE INDEX l ON t(id DESC)", "CREATE INDEX m ON t(a % 10)")
}

// alienCases have objects that only the application understands: SQLite wrote
// them under a collation or function that this process does not know.
func alienCases() []Case {
	return []Case{
		{Name: "unknown-collation", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a TEXT COLLATE NOCASE, b)", "CREATE INDEX i ON t(a)", "CREATE INDEX j ON t(b COLLATE RTRIM DESC, a)", "CREATE INDEX plain ON t(b)",
				"INSERT INTO t VALUES ('b','x '), ('A','x'), ('C','y'), ('a','x  '), (NULL,NULL), ('_',1)")
			m.swap("t", "NOCASE", "ICU_DE")
			m.swap("j", "RTRIM", "ICU_FR")
		})},
		{Name: "unknown-collation-reversed", Build: making(func(m *maker) {
			// A b-tree in an order that no collation known here gives.
			m.run("CREATE TABLE t(a TEXT)", "INSERT INTO t VALUES ('b'), ('a'), ('c'), ('aa'), ('')", "CREATE INDEX i ON t(a DESC)")
			m.swap("i", "a DESC", "a COLLATE backwards")
		})},
		{Name: "unknown-collation-unique", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a TEXT COLLATE NOCASE UNIQUE, b TEXT COLLATE NOCASE PRIMARY KEY)", "INSERT INTO t VALUES ('B','x'), ('a','Y'), ('c','z')")
			m.swap("t", "NOCASE", "unicode")
			m.swap("t", "NOCASE", "unicode")
		})},
		{Name: "unknown-collation-without-rowid", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(v, k TEXT COLLATE NOCASE, PRIMARY KEY(k DESC, v)) WITHOUT ROWID", "CREATE INDEX i ON t(v)",
				"INSERT INTO t VALUES (1,'b'), (2,'A'), (3,'c'), (4,'a'), ('x','B')")
			m.swap("t", "NOCASE", "localized")
		})},
		{Name: "unknown-collation-beside-expression", Build: making(func(m *maker) {
			// SQLite needs the collation of b to open the table, though not to read i.
			m.run("CREATE TABLE t(a PRIMARY KEY, b TEXT COLLATE NOCASE) WITHOUT ROWID", "CREATE INDEX i ON t(a || '!')", "INSERT INTO t VALUES ('x', 'B'), ('y', 'a')")
			m.swap("t", "NOCASE", "unicase")
		})},
		{Name: "unknown-collation-many-rows", Build: making(func(m *maker) {
			m.run("PRAGMA page_size=512", "CREATE TABLE t(a TEXT COLLATE NOCASE)", "CREATE INDEX i ON t(a)", "BEGIN")
			for i := range 1500 {
				m.exec("INSERT INTO t VALUES (?)", value.OfText(fmt.Sprintf("%c%c%d", 'A'+i%26, 'a'+i*7%26-i%2*32, i)))
			}
			m.run("COMMIT")
			m.swap("t", "NOCASE", "app")
		})},
		{Name: "unknown-function-index", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a TEXT, b)", "CREATE INDEX i ON t(lower(a))", "CREATE INDEX j ON t(b) WHERE abs(b) > 2", "CREATE UNIQUE INDEX k ON t(a, hex(b))", "CREATE INDEX plain ON t(a)",
				"INSERT INTO t VALUES ('B',1), ('a',-5), ('C',7), (NULL,NULL)")
			m.swap("i", "lower(", "app_lower(")
			m.swap("j", "abs(", "app_abs(")
			m.swap("k", "hex(", "app_hash(")
		})},
		{Name: "redefined-function-index", Build: making(func(m *maker) {
			// The name is known, but it meant something else to who wrote it.
			m.run("CREATE TABLE t(a TEXT)", "CREATE INDEX i ON t(upper(a))", "INSERT INTO t VALUES ('b'), ('A'), ('_'), ('c'), ('Z')")
			m.swap("i", "upper(", "lower(")
		}), MayRefuse: true},
		{Name: "redefined-nocase", Build: making(func(m *maker) {
			// An application's own NOCASE sorts backwards.
			m.run("CREATE TABLE t(a TEXT)", "INSERT INTO t VALUES ('b'), ('a'), ('c')", "CREATE INDEX i ON t(a DESC)",
				"CREATE TABLE w(a TEXT, PRIMARY KEY(a DESC)) WITHOUT ROWID", "INSERT INTO w VALUES ('b'), ('a'), ('c')")
			m.swap("i", "a DESC", "a COLLATE NOCASE")
			m.swap("w", "a DESC", "a COLLATE NOCASE")
		}), MayRefuse: true},
		{Name: "unknown-pieces-everywhere", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a TEXT COLLATE NOCASE CHECK (abs(a) >= 0), b AS (hex(a)), c DEFAULT (lower('X')))", "INSERT INTO t(a) VALUES ('q')",
				"CREATE INDEX i ON t(a) WHERE length(a) > 0", "CREATE VIEW v AS SELECT abs(a) FROM t ORDER BY a COLLATE NOCASE", "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT abs(new.a); END")
			for _, name := range []string{"t", "i", "v", "g"} {
				for _, f := range []string{"abs(", "hex(", "lower(", "length("} {
					m.swap(name, f, "x_"+f)
				}
				m.swap(name, "NOCASE", "x_coll")
			}
		})},
	}
}

func statCases() []Case {
	return []Case{
		{Name: "analyzed", Build: making(func(m *maker) { everyIndex(m); m.run("ANALYZE") })},
		{Name: "analyzed-by-hand", Build: script(
			"CREATE TABLE t(a, b)", "INSERT INTO t VALUES (1,2), (3,4)", "CREATE INDEX i ON t(a)", "ANALYZE",
			"UPDATE sqlite_stat1 SET stat='1000000 1 unordered sz=5 noskipscan'", "INSERT INTO sqlite_stat1 VALUES ('gone','gone_i','5 1'), (NULL,NULL,NULL), ('t','i','garbage'), (x'00',5,1.5)",
			"DELETE FROM sqlite_stat4", "INSERT INTO sqlite_stat4 VALUES ('t','i','1 1','0 0','0 0',x'03010901ff'), ('t','i',NULL,NULL,NULL,x'')",
			"INSERT INTO sqlite_stat1(rowid, tbl, idx, stat) VALUES (-50,'t',NULL,'7')")},
		{Name: "analyzed-long-ago", Build: making(func(m *maker) {
			// sqlite_stat2 and sqlite_stat3 of versions that are gone.
			m.run("CREATE TABLE t(a)", "CREATE TABLE s2(tbl,idx,sampleno,sample)", "INSERT INTO s2 VALUES ('t','i',0,x'01'), ('t','i',1,'s')", "CREATE TABLE s3(tbl,idx,neq,nlt,ndlt,sample)", "INSERT INTO s3 VALUES ('t','i',1,2,3,4.5)")
			for _, n := range []string{"2", "3"} {
				m.edit("UPDATE sqlite_schema SET name='sqlite_stat" + n + "', tbl_name='sqlite_stat" + n + "', sql=replace(sql,'s" + n + "(','sqlite_stat" + n + "(') WHERE name='s" + n + "'")
			}
		})},
	}
}

// expressionValues are of every storage class, with what an expression of an index may
// stumble over.
func expressionValues() []value.Value {
	return []value.Value{
		{},
		value.OfInt(0), value.OfInt(1), value.OfInt(3), value.OfInt(-1), value.OfInt(9007199254740993), value.OfFloat(0), value.OfFloat(1.5), value.OfFloat(2),
		value.OfText(""), value.OfText("x"), value.OfText("Mixed Case Ünïcode"), value.OfText("new"), value.OfText("5"), value.OfText("nul\x00B"),
		value.OfBlob([]byte("Blob")), value.OfBlob(nil),
		{Kind: value.RawText, Bytes: []byte("Bad\xffUTF")},
	}
}
