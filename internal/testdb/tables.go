package testdb

import (
	"fmt"
	"strings"

	"github.com/litekeep/litekeep/internal/value"
)

func constraintCases() []Case {
	return []Case{
		{Name: "check-violated", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a INTEGER CHECK (a < 9), b TEXT, CHECK (b <> 'no'))", "PRAGMA ignore_check_constraints=ON",
				"INSERT INTO t VALUES (10,'no'), (1,'yes'), (99,NULL)", "CREATE INDEX i ON t(a)")
		})},
		{Name: "not-null-violated", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a, b)", "INSERT INTO t VALUES (NULL,1), (2,NULL), (NULL,NULL)", "CREATE INDEX i ON t(a)")
			m.swap("t", "a, b", "a NOT NULL, b TEXT NOT NULL DEFAULT 'd'")
		})},
		{Name: "unique-violated", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a, b)", "INSERT INTO t VALUES (1,'x'), (1,'y'), (2,'z'), (NULL,'n'), (NULL,'n')", "CREATE INDEX i ON t(a)", "CREATE INDEX j ON t(b COLLATE NOCASE)")
			m.swap("i", "CREATE INDEX", "CREATE UNIQUE INDEX")
			m.swap("j", "CREATE INDEX", "CREATE UNIQUE INDEX")
		})},
		{Name: "primary-key-violated", Build: making(duplicateKeys)},
		{Name: "strict-violated", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a INT, b TEXT, c BLOB, d REAL, e ANY)", "INSERT INTO t VALUES ('x',1,'t','y',1), (1,'b',x'00',1,'2'), (1.5,x'00',2,x'00',x'00')")
			m.swap("t", "e ANY)", "e ANY) STRICT")
		})},
		{Name: "foreign-key-violated", Build: script("PRAGMA foreign_keys=OFF",
			"CREATE TABLE parent(id INTEGER PRIMARY KEY, k TEXT UNIQUE)",
			"CREATE TABLE child(id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent(id) ON DELETE CASCADE ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED, k TEXT REFERENCES parent(k))",
			"CREATE TABLE self(id INTEGER PRIMARY KEY, up INTEGER REFERENCES self)",
			"CREATE TABLE nowhere(a REFERENCES missing(x), b REFERENCES parent(no_such_column))",
			"INSERT INTO parent VALUES (1,'a')", "INSERT INTO child VALUES (1,1,'a'), (2,99,'zz'), (3,NULL,NULL)", "INSERT INTO self VALUES (1,NULL),(2,1),(3,77)", "INSERT INTO nowhere VALUES (1,2)")},
		{Name: "conflict-clauses", Build: making(conflictClauses)},
		{Name: "null-in-primary-key", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a TEXT PRIMARY KEY, b)", "INSERT INTO t VALUES (NULL,1), (NULL,2), ('x',3)",
				"CREATE TABLE w(a, b, PRIMARY KEY(a)) WITHOUT ROWID", "INSERT INTO w VALUES (1,'x'), ('k','y')")
		})},
		{Name: "check-on-unknown-function", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a CHECK (abs(a) > 0), b DEFAULT 7)", "INSERT INTO t(a) VALUES (1), (-2)", "CREATE INDEX i ON t(a)")
			m.swap("t", "abs(", "known_to_the_app(")
		})},
	}
}

// duplicateKeys has two rows of one key, in a table with an automatic index
// and in a WITHOUT ROWID table: the key was wider when the rows came.
func duplicateKeys(m *maker) {
	m.run("CREATE TABLE t(a, b, PRIMARY KEY(a, b))", "INSERT INTO t VALUES (1,1), (1,2), (2,1)",
		"CREATE TABLE r(a, b)", "INSERT INTO r VALUES ('k',1), ('k',2)", "CREATE INDEX ri ON r(a)")
	// The plain index becomes the automatic index of a UNIQUE column.
	m.edit("UPDATE sqlite_schema SET sql = 'CREATE TABLE r(a UNIQUE, b)' WHERE name = 'r'")
	m.edit("UPDATE sqlite_schema SET sql = NULL, name = 'sqlite_autoindex_r_1' WHERE name = 'ri'")
	m.run("CREATE TABLE w(a, b, c, PRIMARY KEY(a, b)) WITHOUT ROWID", "INSERT INTO w VALUES (1,1,'x'), (1,2,'y'), (2,0,'z')")
	m.swap("w", "PRIMARY KEY(a, b)", "PRIMARY KEY(a)")
}

// conflictClauses has rows that the table's own clauses would drop or replace
// if they were inserted again.
func conflictClauses(m *maker) {
	m.run("CREATE TABLE ignoring(a, b)", "CREATE INDEX i1 ON ignoring(a)",
		"CREATE TABLE replacing(a, b)", "CREATE INDEX i2 ON replacing(a)",
		"CREATE TABLE nulls(a, b)")
	for _, t := range []string{"ignoring", "replacing", "nulls"} {
		m.run("INSERT INTO " + t + " VALUES (1,'first'), (1,'second'), (NULL,'third'), (NULL,NULL)")
	}
	for i, t := range []string{"ignoring", "replacing"} {
		clause := []string{"IGNORE", "REPLACE"}[i]
		m.swap(t, "a, b", "a UNIQUE ON CONFLICT "+clause+", b, CHECK (b <> 'second') ON CONFLICT "+clause)
		m.edit(fmt.Sprintf("UPDATE sqlite_schema SET sql = NULL, name = 'sqlite_autoindex_%s_1' WHERE name = 'i%d'", t, i+1))
	}
	m.swap("nulls", "a, b", "a NOT NULL ON CONFLICT REPLACE DEFAULT 5, b NOT NULL ON CONFLICT IGNORE")
	m.run("CREATE TABLE keyed(id INTEGER PRIMARY KEY ON CONFLICT REPLACE, x UNIQUE ON CONFLICT ROLLBACK)", "INSERT INTO keyed VALUES (5,'a'), (6,'b')",
		"CREATE TRIGGER drops BEFORE INSERT ON keyed BEGIN SELECT raise(IGNORE); END",
		"CREATE TRIGGER doubles AFTER INSERT ON nulls BEGIN INSERT INTO keyed(x) VALUES (new.a); END")
}

func rowidCases() []Case {
	return []Case{
		{Name: "rowids-with-gaps", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(x)", "CREATE TABLE a(id INTEGER PRIMARY KEY, x)", "CREATE INDEX i ON t(x)")
			for _, n := range []int64{-9223372036854775808, -9223372036854775807, -5000000000, -129, -1, 0, 1, 2, 127, 128, 16383, 16384, 2097152, 4294967296, 72057594037927935, 72057594037927936, 9223372036854775806, 9223372036854775807} {
				m.exec("INSERT INTO t(rowid, x) VALUES (?, 'r')", value.OfInt(n))
				m.exec("INSERT INTO a VALUES (?, 'r')", value.OfInt(n))
			}
			m.run("DELETE FROM t WHERE rowid IN (1, 128)")
		})},
		{Name: "columns-named-rowid", Build: script(
			"CREATE TABLE a(rowid, x)", "INSERT INTO a(_rowid_, rowid, x) VALUES (7,'not it',1), (9,3,2)",
			"CREATE TABLE b(rowid TEXT, _rowid_ TEXT)", "INSERT INTO b(oid, rowid, _rowid_) VALUES (5,'a','b'), (50,'c','d')",
			"CREATE TABLE c(oid, RowId)", "INSERT INTO c(_rowid_, oid, RowId) VALUES (-4,'a','b')",
			"CREATE TABLE rowid(oid INTEGER PRIMARY KEY, x)", "INSERT INTO rowid VALUES (3,'x'), (30,'y')",
			"CREATE TABLE d(_rowid_, rowid INTEGER PRIMARY KEY)", "INSERT INTO d VALUES ('k', 44)")},
		{Name: "all-rowid-names-taken", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(rowid, _rowid_, x)", "INSERT INTO t(oid, rowid, _rowid_, x) VALUES (10,1,2,3), (-20,4,5,6), (9223372036854775807,7,8,9)",
				"CREATE INDEX i ON t(rowid)")
			m.swap("t", ", x)", ", oid)")
			m.run("CREATE TABLE u(rowid, _rowid_, oid, PRIMARY KEY(oid))", "INSERT INTO u VALUES (1,2,3), (4,5,NULL)", "DELETE FROM u WHERE oid=3")
			m.run("CREATE TABLE w(rowid, _rowid_, oid, PRIMARY KEY(oid, rowid)) WITHOUT ROWID", "INSERT INTO w VALUES (1,2,3), (4,5,0)")
		})},
		{Name: "integer-primary-keys", Build: script(
			"CREATE TABLE a(x, id INTEGER PRIMARY KEY)", "INSERT INTO a VALUES ('x',5), ('y',-6)",
			"CREATE TABLE b(id INTEGER PRIMARY KEY DESC, x)", "INSERT INTO b VALUES (1,'x'), (2,'y'), (NULL,'z')", // not the rowid
			"CREATE TABLE c(id INT PRIMARY KEY, x)", "INSERT INTO c VALUES (1,'x'), ('two','y'), (NULL,'z'), (NULL,'z')", // not the rowid either
			"CREATE TABLE d(x, id INTEGER, PRIMARY KEY(id DESC))", "INSERT INTO d VALUES ('x',9), ('y',8)", // the rowid
			"CREATE TABLE e(x, id INTEGER, PRIMARY KEY(id ASC))", "INSERT INTO e VALUES ('x',9), ('y',8)",
			"CREATE TABLE f(id \"INTEGER\" PRIMARY KEY, x)", "INSERT INTO f VALUES (12,'x')",
			"CREATE TABLE g([id] iNtEgEr CONSTRAINT c PRIMARY KEY ASC, x UNIQUE)", "INSERT INTO g VALUES (12,'x'), (1,'y')",
			"CREATE TABLE h(id INTEGER PRIMARY KEY) WITHOUT ROWID", "INSERT INTO h VALUES (3), (1), (2)",
			"CREATE TABLE k(id INTEGER PRIMARY KEY, x ANY) STRICT", "INSERT INTO k VALUES (3,1)",
			"CREATE TABLE l(id INTEGER, x, PRIMARY KEY(id, x))", "INSERT INTO l VALUES (3,1), (2,9)",
			"CREATE TABLE only(id INTEGER PRIMARY KEY)", "INSERT INTO only VALUES (100), (200)")},
		{Name: "primary-key-over-stored-value", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a, b)", "INSERT INTO t(rowid, a, b) VALUES (5,'hidden now','x'), (6,NULL,'y'), (7,77,'z')", "CREATE INDEX i ON t(b)")
			m.swap("t", "a, b", "a INTEGER PRIMARY KEY, b")
		})},
		{Name: "autoincrement", Build: script(
			"CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, x)", "INSERT INTO t(x) VALUES ('a'), ('b')", "DELETE FROM t WHERE id=2",
			"CREATE TABLE u(id INTEGER PRIMARY KEY AUTOINCREMENT)", "INSERT INTO u VALUES (9223372036854775807)", "DELETE FROM u")},
		{Name: "autoincrement-by-hand", Build: script(
			"CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, x)", "CREATE TABLE v(id INTEGER PRIMARY KEY AUTOINCREMENT)", "INSERT INTO t(x) VALUES ('a')",
			"UPDATE sqlite_sequence SET seq = 1000 WHERE name='t'",
			"INSERT INTO sqlite_sequence VALUES ('gone', 5), ('t', 2), (NULL, NULL), ('v', 'text'), (x'00', 1.5), ('V', -3)",
			"DELETE FROM sqlite_sequence WHERE seq=5", "INSERT INTO sqlite_sequence(rowid, name, seq) VALUES (100, 'far', 1)")},
		{Name: "autoincrement-without-tables", Build: script(
			"CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT)", "INSERT INTO t VALUES (41)", "DROP TABLE t", "CREATE TABLE u(x)")},
	}
}

func withoutRowidCases() []Case {
	return []Case{
		{Name: "without-rowid-key-orders", Build: making(keyOrders)},
		{Name: "without-rowid-collations", Build: script(
			"CREATE TABLE a(k TEXT COLLATE NOCASE PRIMARY KEY, v) WITHOUT ROWID", "INSERT INTO a VALUES ('b',1), ('A',2), ('C',3), ('_',4), ('[',5), ('ä',6), ('Ä',7)",
			"CREATE TABLE b(k TEXT, v, PRIMARY KEY(k COLLATE RTRIM DESC, v)) WITHOUT ROWID", "INSERT INTO b VALUES ('x  ',1), ('x',2), ('x ',3), ('',4), ('  ',5)",
			"CREATE TABLE c(k TEXT COLLATE NOCASE, v TEXT COLLATE RTRIM, PRIMARY KEY(v COLLATE BINARY, k)) WITHOUT ROWID", "INSERT INTO c VALUES ('B','x '), ('a','x'), ('b','y')",
			"CREATE INDEX ci ON c(v)", "CREATE UNIQUE INDEX cj ON c(k COLLATE BINARY, v)", "CREATE INDEX ai ON a(v DESC)")},
		{Name: "without-rowid-duplicate-key-columns", Build: script(
			"CREATE TABLE t(a, b, c, PRIMARY KEY(a, b, a)) WITHOUT ROWID", "INSERT INTO t VALUES (2,1,'x'), (1,2,'y'), (1,1,'z')",
			"CREATE TABLE u(a, b, c, PRIMARY KEY(c, a COLLATE NOCASE, c DESC, a)) WITHOUT ROWID", "INSERT INTO u VALUES ('A',1,2), ('a',1,2), ('b',3,1)",
			"CREATE INDEX ti ON t(c, a)", "CREATE INDEX tj ON t(b, b, a)", "CREATE INDEX ui ON u(b)")},
		{Name: "without-rowid-key-column-twice", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(v, a COLLATE NOCASE, r REAL, PRIMARY KEY(a, a COLLATE BINARY, r, r COLLATE RTRIM)) WITHOUT ROWID",
				"INSERT INTO t VALUES (1,'b',1), (2,'B',1), (3,'a',0.5), (4,x'00',3e15)", "ALTER TABLE t ADD COLUMN later DEFAULT 1", "INSERT INTO t VALUES (5,'c',9,6)",
				"CREATE INDEX i ON t(a)", "CREATE INDEX j ON t(upper(a)) WHERE a > 'a'", "CREATE INDEX k ON t(v, a COLLATE RTRIM)")
		})},
		{Name: "without-rowid-key-copies-differ", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a, b, PRIMARY KEY(a, b)) WITHOUT ROWID", "INSERT INTO t VALUES ('u','u'), ('x','y')")
			m.edit("UPDATE sqlite_schema SET sql='CREATE TABLE t(a, PRIMARY KEY(a COLLATE NOCASE, a COLLATE RTRIM)) WITHOUT ROWID'")
		}), MayRefuse: true},
		{Name: "without-rowid-every-class", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(k PRIMARY KEY, v) WITHOUT ROWID",
				"INSERT INTO t VALUES (1,'i'), (1.5,'r'), ('1','t'), (x'31','b'), ('',0), (x'',0), (-1,0), (9223372036854775807,0), (9223372036854775807.0,0), (-9e999,0), (9e999,0)",
				"CREATE TABLE n(k, v, PRIMARY KEY(k, v)) WITHOUT ROWID", "INSERT INTO n VALUES (0,'z'), (1,'a')", "CREATE INDEX ti ON t(v, k)")
		})},
		{Name: "without-rowid-null-key", Build: making(func(m *maker) {
			// NULL stands where today's declaration wants none: an index b-tree became the table.
			m.run("CREATE TABLE s(a, b)", "INSERT INTO s VALUES (NULL,1), (NULL,2), (1,3), ('x',4)", "CREATE INDEX w ON s(a, b)")
			root := m.root("w")
			m.edit("UPDATE sqlite_schema SET type='table', tbl_name='w', sql='CREATE TABLE w(a, b, r, PRIMARY KEY(a, b, r)) WITHOUT ROWID' WHERE rootpage=?", value.OfInt(int64(root)))
		})},
		{Name: "without-rowid-key-elsewhere", Build: making(func(m *maker) {
			// The primary key takes the name, and so the root, of the index that UNIQUE had.
			m.run("CREATE TABLE t(a UNIQUE, b PRIMARY KEY) WITHOUT ROWID", "INSERT INTO t VALUES (1,'x'), (2,'w')")
			m.swap("t", " UNIQUE", "")
		}), Refused: true},
		{Name: "without-rowid-wide-key", Build: making(func(m *maker) {
			var names []string
			for i := range 60 {
				names = append(names, fmt.Sprintf("c%d", i))
			}
			reversed := make([]string, 0, 60)
			for i := range names {
				reversed = append(reversed, names[len(names)-1-i])
			}
			m.run("CREATE TABLE t(" + strings.Join(names, ",") + ",v, PRIMARY KEY(" + strings.Join(reversed, ",") + ")) WITHOUT ROWID")
			for r := range 20 {
				row := make([]value.Value, 61)
				for i := range row {
					row[i] = value.OfInt(int64(r * i % 7))
				}
				row[0] = value.OfInt(int64(r))
				m.insert("t", row)
			}
		})},
		{Name: "without-rowid-strict", Build: script("CREATE TABLE t(a INTEGER, b TEXT, c REAL, PRIMARY KEY(b DESC, a)) STRICT, WITHOUT ROWID", "INSERT INTO t VALUES (1,'x',1), (2,'x',2.5), (1,'y',NULL)")},
		{Name: "without-rowid-short-records", Build: script(
			"CREATE TABLE t(v1, k TEXT PRIMARY KEY, v2) WITHOUT ROWID", "INSERT INTO t VALUES (1,'a',2), (NULL,'b',NULL)",
			"ALTER TABLE t ADD COLUMN v3 TEXT DEFAULT 7", "ALTER TABLE t ADD COLUMN v4 REAL DEFAULT 8", "ALTER TABLE t ADD COLUMN v5", "INSERT INTO t VALUES (9,'c',9,9,9,9)", "CREATE INDEX i ON t(v3, v4)")},
	}
}

// keyOrders has a WITHOUT ROWID table for every order of its three columns as
// the key, with every pattern of DESC.
func keyOrders(m *maker) {
	n := 0
	for _, order := range [][]string{{"a", "b", "c"}, {"a", "c", "b"}, {"b", "a", "c"}, {"b", "c", "a"}, {"c", "a", "b"}, {"c", "b", "a"}, {"b"}, {"c", "a"}} {
		for pattern := range 1 << len(order) {
			keys := make([]string, len(order))
			for i, k := range order {
				keys[i] = k
				if pattern>>i&1 == 1 {
					keys[i] += " DESC"
				}
			}
			t := fmt.Sprintf("t%d", n)
			m.run("CREATE TABLE "+t+"(a INTEGER, b TEXT, c, PRIMARY KEY("+strings.Join(keys, ", ")+")) WITHOUT ROWID",
				"INSERT INTO "+t+" VALUES (1,'z',x'05'), (2,'y',1.5), (3,'x','t'), (-4,'w',7)")
			n++
		}
	}
}
