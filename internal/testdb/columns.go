package testdb

import (
	"fmt"
	"strings"

	"github.com/litekeep/litekeep/internal/value"
)

func columnCases() []Case {
	return []Case{
		{Name: "columns-2000", Build: making(manyColumns)},
		{Name: "column-types", Build: making(columnTypes)},
		{Name: "columns-dropped-and-renamed", Build: script(
			"CREATE TABLE t(a, b TEXT, c REAL, d)", "INSERT INTO t VALUES (1,'b',3,4), (NULL,NULL,5.5,x'')", "CREATE INDEX i ON t(c)",
			"ALTER TABLE t DROP COLUMN b", "INSERT INTO t VALUES (7,8,9)", "ALTER TABLE t RENAME COLUMN c TO \"c c\"", "ALTER TABLE t RENAME TO \"t t\"", "ALTER TABLE \"t t\" ADD COLUMN e DEFAULT 'e'")},
		{Name: "records-longer-than-table", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a, b, c)", "INSERT INTO t VALUES (1,2,'no longer visible'), (3,4,NULL)")
			m.swap("t", ", c)", ")")
			m.run("INSERT INTO t VALUES (5,6)", "CREATE INDEX i ON t(b)")
		})},
		{Name: "no-rows", Build: script("CREATE TABLE t(a, b)", "CREATE TABLE u(a PRIMARY KEY) WITHOUT ROWID", "CREATE INDEX i ON t(a)", "CREATE UNIQUE INDEX j ON t(b) WHERE a > 1", "INSERT INTO t VALUES (1,2)", "DELETE FROM t")},
	}
}

// manyColumns has as many columns as SQLite allows, in both kinds of table.
func manyColumns(m *maker) {
	names := make([]string, 2000)
	for i := range names {
		names[i] = fmt.Sprintf("c%d", i)
	}
	m.run("CREATE TABLE t("+strings.Join(names, ",")+")",
		"CREATE TABLE w("+strings.Join(names, ",")+", PRIMARY KEY(c1999, c0)) WITHOUT ROWID",
		"CREATE INDEX i ON t(c1999, c1000)")
	for r := range 3 {
		row := make([]value.Value, len(names))
		for i := range row {
			switch (i + r) % 4 {
			case 0:
				row[i] = value.OfInt(int64(i * r))
			case 1:
				row[i] = value.OfText(fmt.Sprintf("v%d", i))
			case 2:
				row[i] = value.OfFloat(float64(i) / 3)
			}
		}
		row[0], row[1999] = value.OfInt(int64(r)), value.OfInt(int64(-r))
		m.insert("t", row)
		m.insert("w", row)
	}
	m.run("INSERT INTO t(c5) VALUES ('sparse')")
}

// columnTypes has a column for many declared types: SQLite finds the affinity
// by substrings.
func columnTypes(m *maker) {
	types := []string{
		"", "INT", "INTEGER", "TINYINT", "BIGINT UNSIGNED", "INT8", "CHARACTER(20)", "VARCHAR(255)", "NCHAR(55)", "TEXT", "CLOB", "BLOB", "REAL", "DOUBLE", "DOUBLE PRECISION", "FLOAT", "NUMERIC", "DECIMAL(10,5)", "BOOLEAN", "DATE", "DATETIME",
		"FLOATING POINT", "STRING", "POINT", "CHARINT", "BLOBREAL", "REALBLOB", "CLOBFLOA", "floa", "DoUb", "\"REAL\"", "'double'", "[flo at]", "ANY", "JSON", "TIMESTAMP(3)", "REAL(-5, +7)", "INT REAL", "XREALX",
	}
	defs := make([]string, len(types))
	for i, t := range types {
		defs[i] = fmt.Sprintf("c%d %s", i, t)
	}
	m.run("CREATE TABLE t(" + strings.Join(defs, ", ") + ")")
	for _, v := range []value.Value{value.OfInt(1), value.OfInt(9007199254740993), value.OfFloat(1), value.OfFloat(1.5), value.OfText("1"), value.OfText("1.0"), value.OfText("abc"), value.OfBlob([]byte{0x31}), {}} {
		row := make([]value.Value, len(types))
		for i := range row {
			row[i] = v
		}
		m.insert("t", row)
	}
	m.run("CREATE INDEX i ON t(c12, c13 DESC, c0)", "CREATE INDEX j ON t(c22)")
}

func defaultCases() []Case {
	return []Case{
		{Name: "add-column-defaults", Build: making(addedColumns)},
		// What versions of SQLite do not agree on.
		{Name: "add-column-defaults-disputed", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a)", "INSERT INTO t VALUES (1), (2)", "ALTER TABLE t ADD COLUMN b DEFAULT -0.0", "ALTER TABLE t ADD COLUMN c DEFAULT 1e3",
				"ALTER TABLE t ADD COLUMN d TEXT DEFAULT TRUE", "ALTER TABLE t ADD COLUMN e DEFAULT 0x7fffffffffffffff",
				"ALTER TABLE t ADD COLUMN f TEXT DEFAULT (+TRUE)", "ALTER TABLE t ADD COLUMN g TEXT DEFAULT -'0.12345678901234567'", "ALTER TABLE t ADD COLUMN h BLOB DEFAULT (CAST(1.5e3 AS BLOB))",
				"INSERT INTO t(a) VALUES (3)", "CREATE INDEX i ON t(c)", "CREATE UNIQUE INDEX j ON t(a, d)", "CREATE INDEX p ON t(b) WHERE e IS NOT NULL")
		})},
		{Name: "add-column-utf16", Build: making(func(m *maker) { m.run("PRAGMA encoding='UTF-16le'"); addedColumns(m) })},
		{Name: "add-column-blob-utf16", Build: script("PRAGMA encoding='UTF-16be'", "CREATE TABLE t(a)", "INSERT INTO t VALUES (1), (2)",
			"ALTER TABLE t ADD COLUMN b DEFAULT x'6162'", "ALTER TABLE t ADD COLUMN c TEXT DEFAULT (x'ff00ff')", "INSERT INTO t(a) VALUES (3)",
			"CREATE INDEX i ON t(upper(b))", "CREATE INDEX j ON t(lower(c)) WHERE b || '' = 'ab'")},
		{Name: "defaults-that-are-no-constants", Build: making(oddDefaults)},
	}
}

// addedColumns has rows that are older than most of their columns.
func addedColumns(m *maker) {
	m.run("CREATE TABLE t(a)", "INSERT INTO t VALUES (1), ('old')")
	for i, def := range []string{
		"TEXT DEFAULT 'text'", "TEXT DEFAULT 5", "TEXT DEFAULT 1.50", "TEXT DEFAULT ''", "BLOB DEFAULT 'text'", "BLOB DEFAULT 5",
		"INTEGER DEFAULT '12'", "INTEGER DEFAULT 'abc'", "INTEGER DEFAULT 3.0", "INTEGER DEFAULT -7", "INTEGER DEFAULT - 8", "INTEGER DEFAULT +9", "INTEGER DEFAULT 9223372036854775807", "INTEGER DEFAULT -9223372036854775808", "INTEGER DEFAULT 9223372036854775808",
		"REAL DEFAULT 1", "REAL DEFAULT -2", "REAL DEFAULT '3'", "REAL DEFAULT 1e400", "REAL DEFAULT -0.0", "NUMERIC DEFAULT '1e3'", "NUMERIC DEFAULT 1.0", "DEFAULT NULL", "", "DEFAULT true", "DEFAULT false", "DEFAULT TRUE NOT NULL",
		"DEFAULT (5)", "DEFAULT ('par')", "DEFAULT 0x10", "DEFAULT \"double quoted\"", "TEXT DEFAULT 'it''s ü 😀'", "TEXT DEFAULT 'a" + "\n" + "b'", "DEFAULT (-5)", "DEFAULT word", "TEXT COLLATE NOCASE DEFAULT 'Q'", "DEFAULT 1_000", "DEFAULT (x'')", "VARCHAR(10) DEFAULT 007", "BOOLEAN DEFAULT '1'", "DEFAULT (+5)", "DEFAULT (((7)))",
	} {
		m.run(fmt.Sprintf("ALTER TABLE t ADD COLUMN c%d %s", i, def))
		if i%8 == 7 {
			m.exec("INSERT INTO t(a) VALUES (?)", value.OfInt(int64(i)))
		}
	}
	m.run("CREATE INDEX i ON t(c0, c15)", "CREATE INDEX j ON t(c22)", "CREATE TABLE k(id INTEGER PRIMARY KEY)", "INSERT INTO k VALUES (5), (6)", "ALTER TABLE k ADD COLUMN x REAL DEFAULT 1",
		"CREATE TABLE b(a)", "INSERT INTO b VALUES (1), (2)", "ALTER TABLE b ADD COLUMN c TEXT DEFAULT x'4142'", "INSERT INTO b(a) VALUES (3)", "ALTER TABLE b ADD COLUMN d BLOB DEFAULT x'00ff'")
}

// oddDefaults has short records under defaults that ALTER TABLE would not
// have let in.
func oddDefaults(m *maker) {
	for i, def := range []string{"CURRENT_TIMESTAMP", "CURRENT_DATE", "(random())", "(1+1)", "(abs(-5))", "('a'||'b')", "(CAST('5' AS INTEGER))", "(unknown_function(1))", "(NULL)", "(CAST(x'41' AS TEXT))", "(-(-5))", "(-x'41')", "(-'5')", "(CASE WHEN 1 THEN 2 END)", "(lower('X'))", "(1 COLLATE NOCASE)"} {
		t := fmt.Sprintf("t%d", i)
		m.run("CREATE TABLE "+t+"(a)", "INSERT INTO "+t+" VALUES (1), (2)")
		m.swap(t, "(a)", "(a, b INTEGER DEFAULT "+def+", c DEFAULT "+def+", d TEXT NOT NULL DEFAULT "+def+")")
	}
}

func generatedCases() []Case {
	return []Case{
		{Name: "generated-columns", Build: script(
			"CREATE TABLE t(a INTEGER, v AS (a*2), s TEXT GENERATED ALWAYS AS (a || 'x') STORED, b, w INT AS (v+1) VIRTUAL, z REAL AS (b) STORED)",
			"INSERT INTO t(a,b) VALUES (1,2), (NULL,'q'), (3,4.0)", "CREATE INDEX i ON t(v)", "CREATE INDEX j ON t(s, w)", "CREATE UNIQUE INDEX k ON t(z, a) WHERE w IS NOT NULL",
			"CREATE TABLE p(v AS (k||'!'), k TEXT PRIMARY KEY, s AS (length(k)) STORED) WITHOUT ROWID", "INSERT INTO p(k) VALUES ('b'), ('aa')", "CREATE INDEX l ON p(v)",
			"CREATE TABLE q(s AS (id+1) STORED, id INTEGER PRIMARY KEY, v AS (id*id))", "INSERT INTO q(id) VALUES (5), (6)",
			"CREATE TABLE only(id INTEGER PRIMARY KEY, v AS (1))", "INSERT INTO only VALUES (1), (2)")},
		{Name: "generated-stale", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a, s AS (a+1) STORED, v AS (a+1))", "INSERT INTO t(a) VALUES (1), (5), ('x')", "CREATE INDEX i ON t(s)")
			m.swap("t", "s AS (a+1)", "s AS (a*100)")
		})},
		{Name: "generated-stale-real", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a, s INTEGER AS (a) STORED)", "INSERT INTO t(a) VALUES (1), ('7'), (2.5)")
			m.swap("t", "s INTEGER", "s REAL")
		})},
		{Name: "generated-on-unknown-function", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a, v AS (lower(a)), s AS (upper(a)) STORED)", "INSERT INTO t(a) VALUES ('Abc'), ('dEf'), (NULL)", "CREATE INDEX i ON t(v)", "CREATE INDEX j ON t(s)")
			m.swap("t", "lower(", "app_fold(")
			m.swap("t", "upper(", "app_shout(")
		})},
		{Name: "generated-after-short-records", Build: script(
			"CREATE TABLE t(a)", "INSERT INTO t VALUES (1), (2)", "ALTER TABLE t ADD COLUMN v AS (a*10)", "ALTER TABLE t ADD COLUMN b DEFAULT 'd'", "ALTER TABLE t ADD COLUMN w TEXT AS (b||v) VIRTUAL", "INSERT INTO t(a,b) VALUES (3,'x')", "ALTER TABLE t ADD COLUMN c REAL DEFAULT 4", "CREATE INDEX i ON t(w)")},
		{Name: "generated-stored-added-by-edit", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a)", "INSERT INTO t VALUES (1), (2)")
			m.swap("t", "(a)", "(a, s AS (a+1) STORED)")
			m.run("INSERT INTO t(a) VALUES (3)")
		})},
	}
}
