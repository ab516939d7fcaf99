package testdb

import "github.com/litekeep/litekeep/internal/value"

func programCases() []Case {
	return []Case{
		{Name: "triggers", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a, b)", "CREATE TABLE log(x)", "INSERT INTO t VALUES (0,'b'), (1,'c')", "INSERT INTO log VALUES (1)", "CREATE VIEW v AS SELECT a FROM t",
				"CREATE TRIGGER g1 AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); END",
				"CREATE TRIGGER g2 BEFORE DELETE ON t WHEN old.a > 1 BEGIN SELECT raise(ABORT, 'it''s kept'); END",
				"CREATE TRIGGER g3 INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES (new.a, 'via v'); END",
				"CREATE TRIGGER g4 AFTER UPDATE OF a, b ON t FOR EACH ROW BEGIN UPDATE missing SET x = 1; DELETE FROM also_missing; SELECT no_such_function(new.b); END",
				"CREATE TRIGGER g5 AFTER INSERT ON log BEGIN INSERT INTO log VALUES (new.x + 1); END", // never ends
				"CREATE TRIGGER g6 BEFORE INSERT ON t BEGIN SELECT CASE WHEN new.a = 666 THEN raise(IGNORE) END; END")
		})},
		{Name: "views", Build: making(brokenViews)},
		{Name: "trigger-on-missing-table", Build: making(func(m *maker) {
			m.run("CREATE TABLE t(a)", "CREATE TABLE u(a)", "INSERT INTO u VALUES (1)", "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END")
			m.edit("DELETE FROM sqlite_schema WHERE name = 't'")
		}), MayRefuse: true},
	}
}

func brokenViews(m *maker) {
	m.run("CREATE TABLE t(a, b)", "INSERT INTO t VALUES (1,2)",
		"CREATE VIEW v1 AS SELECT * FROM missing",
		"CREATE VIEW v2 AS SELECT no_such_column FROM t",
		"CREATE VIEW v3 AS SELECT no_such_function(a) FROM t",
		"CREATE VIEW v4 AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r) SELECT n FROM r", // never ends
		"CREATE VIEW v5 AS SELECT * FROM v6", "CREATE VIEW v6 AS SELECT * FROM v5",                        // a circle
		"CREATE VIEW v7 AS SELECT * FROM v7",
		"CREATE VIEW v8(x, y) AS SELECT a FROM t", // two names, one column
		"CREATE VIEW v9 AS SELECT a COLLATE nowhere FROM t",
		"CREATE VIEW v10 AS SELECT raise(ABORT, 'never') FROM t",
		"CREATE VIEW v11 AS VALUES (1,2),(3,4)",
		"CREATE VIEW \"v 12\"(\"x y\") AS SELECT zeroblob(100000000) FROM t",
		"CREATE VIEW v13 AS SELECT * FROM pragma_table_info('t'), json_each('[1,2]'), generate_series(1,9)")
}

func virtualCases() []Case {
	return []Case{
		{Name: "fts5", Build: script(
			"CREATE VIRTUAL TABLE f USING fts5(title, body, tokenize='porter unicode61', prefix='2 3')", "INSERT INTO f VALUES ('first','The quick brown fox'), ('zweiter','Füchse und Hunde'), ('', NULL)",
			"DELETE FROM f WHERE rowid=1", "INSERT INTO f(rowid, title, body) VALUES (-5,'far','away')", "INSERT INTO f(f) VALUES ('optimize')", "INSERT INTO f VALUES ('later','more text')", "INSERT INTO f(f, rank) VALUES ('rank','bm25(10.0, 5.0)')")},
		{Name: "fts5-contentless", Build: script(
			"CREATE VIRTUAL TABLE f USING fts5(a, b, content='')", "INSERT INTO f(rowid, a, b) VALUES (1,'one two','three'), (2,'four',NULL)", "INSERT INTO f(f, rowid, a, b) VALUES ('delete',1,'one two','three')",
			"CREATE VIRTUAL TABLE g USING fts5(a, content='', contentless_delete=1, columnsize=1)", "INSERT INTO g(rowid, a) VALUES (1,'x y'), (2,'y z')", "DELETE FROM g WHERE rowid=1",
			"CREATE VIRTUAL TABLE h USING fts5(a, content='', contentless_unindexed=1, b UNINDEXED, detail=none, columnsize=0)", "INSERT INTO h(rowid, a, b) VALUES (1,'x y','kept')")},
		{Name: "fts5-external-content", Build: script(
			"CREATE TABLE docs(id INTEGER PRIMARY KEY, text TEXT)", "CREATE VIRTUAL TABLE f USING fts5(text, content='docs', content_rowid='id')",
			"CREATE TRIGGER ai AFTER INSERT ON docs BEGIN INSERT INTO f(rowid, text) VALUES (new.id, new.text); END", "INSERT INTO docs VALUES (10,'alpha beta'), (20,'gamma')",
			"DROP TRIGGER ai", "INSERT INTO docs VALUES (30,'the index does not know')", "CREATE VIRTUAL TABLE v USING fts5vocab('f','row')",
			"CREATE VIRTUAL TABLE gone USING fts5(x, content='missing')", "CREATE VIRTUAL TABLE tri USING fts5(x, tokenize='trigram', detail='column')", "INSERT INTO tri VALUES ('abcdef')")},
		{Name: "fts5-wide", Build: making(func(m *maker) {
			m.run("CREATE VIRTUAL TABLE f USING fts5(a)", "BEGIN")
			for i := range 400 {
				m.exec("INSERT INTO f VALUES (?)", value.OfText(words(i, 60)))
			}
			m.run("COMMIT")
		})},
		{Name: "fts3-and-fts4", Build: making(oldFullText)},
		{Name: "rtree", Build: script(
			"CREATE VIRTUAL TABLE r USING rtree(id, x0, x1, y0, y1, +label TEXT)", "INSERT INTO r VALUES (1,0,1,0,1,'a'), (2,-5.5,5.5,1e10,2e10,'b'), (-3,0.1,0.2,0.3,0.4,NULL)", "DELETE FROM r WHERE id=1",
			"CREATE VIRTUAL TABLE i USING rtree_i32(id, a, b)", "INSERT INTO i VALUES (9,-2147483648,2147483647)",
			"CREATE VIRTUAL TABLE g USING geopoly(name)", "INSERT INTO g(_shape, name) VALUES ('[[0,0],[1,0],[0.5,1],[0,0]]','triangle')")},
		{Name: "module-missing", Build: making(missingModules)},
		{Name: "shadow-tables-without-owner", Build: script(
			"CREATE TABLE f_data(id INTEGER PRIMARY KEY, block BLOB)", "INSERT INTO f_data VALUES (1,x'00'), (10,x'0102')", "CREATE TABLE f_content(c0)", "CREATE TABLE f_config(k PRIMARY KEY, v) WITHOUT ROWID", "INSERT INTO f_config VALUES ('version',4)")},
		{Name: "shadow-tables-damaged", Build: making(func(m *maker) {
			// SQLite refuses to read the index, but its tables are good tables.
			m.run("CREATE VIRTUAL TABLE f USING fts5(a)", "INSERT INTO f VALUES ('one'), ('two')")
			m.run("UPDATE f_data SET block = x'ffff' WHERE id > 1", "DELETE FROM f_config")
		})},
		{Name: "shadow-tables-missing", Build: making(func(m *maker) {
			m.run("CREATE VIRTUAL TABLE f USING fts5(a)", "INSERT INTO f VALUES ('one')", "CREATE TABLE t(x)", "INSERT INTO t VALUES (1)")
			m.run("DROP TABLE f_data", "DROP TABLE f_docsize")
		})},
	}
}

// oldFullText has an FTS4 table and an FTS3 table as SQLite's own modules
// write them. The modules are not compiled into the library used here, so
// their tables are made by hand.
func oldFullText(m *maker) {
	m.run("CREATE TABLE 'notes_content'(docid INTEGER PRIMARY KEY, 'c0title', 'c1body')", "INSERT INTO notes_content VALUES(2,'second','jumps over lazy dogs'),(3,'third','foxes and hounds')",
		"CREATE TABLE 'notes_segments'(blockid INTEGER PRIMARY KEY, block BLOB)",
		"CREATE TABLE 'notes_segdir'(level INTEGER,idx INTEGER,start_block INTEGER,leaves_end_block INTEGER,end_block INTEGER,root BLOB,PRIMARY KEY(level, idx))",
		"INSERT INTO notes_segdir VALUES(0,0,0,0,'0 117',x'000562726f776e0501010104000003646f67050201010500000566697273740301020001026f7805010101050000046a756d7005020101020000046c617a6905020101040000046f7665720502010103000005717569636b05010101030000067365636f6e64030202000003746865050101010200')",
		"INSERT INTO notes_segdir VALUES(0,1,0,0,'0 45',x'000562726f776e0201000005666972737402010001026f780201000005717569636b0201000003746865020100')",
		"INSERT INTO notes_segdir VALUES(0,2,0,0,'0 46',x'0003616e640503010103000003666f780503010102000005686f756e640503010104000005746869726403030200')",
		"CREATE TABLE 'notes_docsize'(docid INTEGER PRIMARY KEY, size BLOB)", "INSERT INTO notes_docsize VALUES(2,x'0104'),(3,x'0103')",
		"CREATE TABLE 'notes_stat'(id INTEGER PRIMARY KEY, value BLOB)", "INSERT INTO notes_stat VALUES(0,x'0202072f')",
		"CREATE TABLE 'old_content'(docid INTEGER PRIMARY KEY, 'c0a')", "CREATE TABLE 'old_segments'(blockid INTEGER PRIMARY KEY, block BLOB)",
		"CREATE TABLE 'old_segdir'(level INTEGER,idx INTEGER,start_block INTEGER,leaves_end_block INTEGER,end_block INTEGER,root BLOB,PRIMARY KEY(level, idx))")
	m.edit("INSERT INTO sqlite_schema VALUES ('table','notes','notes',0,'CREATE VIRTUAL TABLE notes using fts4(title, body, tokenize=porter)'), ('table','old','old',0,'CREATE VIRTUAL TABLE old USING fts3(a)')")
}

func missingModules(m *maker) {
	m.run("CREATE TABLE before(a)", "INSERT INTO before VALUES (1)")
	m.edit(`INSERT INTO sqlite_schema VALUES
		('table','a','a',0,'CREATE VIRTUAL TABLE a USING no_such_module'),
		('table','b','b',0,'CREATE VIRTUAL TABLE b USING vec0(embedding float[768], +note text, "quoted, comma")'),
		('table','c','c',0,'CREATE VIRTUAL TABLE c USING spellfix1'),
		('table','d e','d e',0,'CREATE VIRTUAL TABLE "d e" USING VirtualShape(''C:\path'', CP1252, 23032, (nested (parens)))'),
		('table','idx','idx',0,'CREATE VIRTUAL TABLE idx USING zipfile(''/nowhere'')')`)
	m.run("CREATE TABLE after(b)", "INSERT INTO after VALUES (2)", "CREATE TABLE a_rows(id INTEGER PRIMARY KEY, v BLOB)", "INSERT INTO a_rows VALUES (1,x'ff')")
}

var vocabulary = []string{"time", "year", "people", "way", "day", "man", "thing", "woman", "life", "child", "world", "school", "state", "family", "student", "group", "country", "problem", "hand", "part", "place", "case", "week", "company", "system", "program", "question", "work", "government", "number", "night", "point", "home", "water", "room", "mother", "area", "money", "story", "fact", "month", "lot", "right", "study", "book", "eye", "job", "word", "business", "issue", "straße", "größe", "çay", "мир", "東京"}

// words returns n words, the same for the same seed.
func words(seed, n int) string {
	b := make([]byte, 0, 8*n)
	x := uint32(seed)*2654435761 + 1
	for range n {
		x = x*1664525 + 1013904223
		b = append(b, vocabulary[(x>>16)%uint32(len(vocabulary))]...)
		b = append(b, ' ')
	}
	return string(b)
}
