package testdb_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/testdb"
)

// base is the database in which differences are planted.
const base = `
CREATE TABLE t(id INTEGER PRIMARY KEY, a, b TEXT);
INSERT INTO t VALUES (1, 1, 'x'), (2, 2.0, 'y'), (3, x'00', 'z'), (4, NULL, '');
CREATE TABLE plain(a);
INSERT INTO plain(rowid, a) VALUES (1, 'a'), (5, 'b'), (9, 'c');
CREATE TABLE w(k TEXT PRIMARY KEY, v) WITHOUT ROWID;
INSERT INTO w VALUES ('a', 1), ('b', 2);
CREATE TABLE hidden(rowid, _rowid_, oid);
INSERT INTO hidden VALUES (1,2,3), (4,5,6), (7,8,9);
DELETE FROM hidden WHERE oid = 6;
CREATE INDEX i ON t(a);
CREATE INDEX alien ON t(b COLLATE NOCASE);
CREATE VIEW v AS SELECT 1;
CREATE TABLE seq(id INTEGER PRIMARY KEY AUTOINCREMENT);
INSERT INTO seq VALUES (7);
CREATE TABLE gone(x);
CREATE TABLE parent(k PRIMARY KEY);
CREATE TABLE child(k REFERENCES parent);
`

func edited(sql string) string {
	return "PRAGMA writable_schema=ON;" + sql + ";PRAGMA writable_schema=OFF"
}

func TestCompareFindsPlantedDifferences(t *testing.T) {
	for _, c := range []struct{ name, before, change, want string }{
		{"value", "", "UPDATE t SET a = 7 WHERE id = 1", "table \"t\": row 1, value 2"},
		{"storage class of a number", "", "UPDATE t SET a = 1.0 WHERE id = 1", "table \"t\""},
		{"storage class of bytes", "", "UPDATE t SET a = CAST(x'00' AS TEXT) WHERE id = 3", "table \"t\""},
		{"empty text is not null", "", "UPDATE t SET b = NULL WHERE id = 4", "table \"t\""},
		{"empty text is not an empty blob", "", "UPDATE t SET b = x'' WHERE id = 4", "table \"t\""},
		{"sign of zero", "UPDATE t SET a = 0.0 WHERE id = 1", "UPDATE t SET a = -0.0 WHERE id = 1", "table \"t\""},
		{"last bit of a real", "UPDATE t SET a = 0.1 WHERE id = 1", "UPDATE t SET a = 0.1 + 1.4e-17 WHERE id = 1", "table \"t\""},
		{"byte of text that is not utf-8", "UPDATE t SET b = CAST(x'ff80' AS TEXT)", "UPDATE t SET b = CAST(x'ff81' AS TEXT)", "table \"t\""},
		{"lone surrogate", "UPDATE t SET b = CAST(x'00d8' AS TEXT)", "UPDATE t SET b = CAST(x'01d8' AS TEXT)", "table \"t\""},
		{"text behind U+0000", "UPDATE t SET b = 'a' || char(0) || 'b'", "UPDATE t SET b = 'a' || char(0) || 'c'", "table \"t\""},
		{"row more", "", "INSERT INTO t VALUES (9, 9, 9)", "only in B"},
		{"row less", "", "DELETE FROM t WHERE id = 4", "only in A"},
		{"unaliased rowid", "", "UPDATE plain SET rowid = 6 WHERE rowid = 5", "table \"plain\": row 2, value 0"},
		{"rowid behind its names", "", edited("UPDATE sqlite_schema SET sql = 'CREATE TABLE hidden(a, b, c)' WHERE name = 'hidden'") + ";PRAGMA writable_schema=RESET;UPDATE hidden SET rowid = 50 WHERE rowid = 3;" +
			edited("UPDATE sqlite_schema SET sql = 'CREATE TABLE hidden(rowid, _rowid_, oid)' WHERE name = 'hidden'"), "table \"hidden\": row 2, value 0"},
		{"row of a table without rowid", "", "UPDATE w SET v = 3 WHERE k = 'b'", "table \"w\""},
		{
			"row of a table without rowid that its index does not show", "CREATE INDEX wi ON w(v)",
			edited("UPDATE sqlite_schema SET sql = 'CREATE INDEX wi ON w(v) WHERE k > ''z''' WHERE name = 'wi'") + ";PRAGMA writable_schema=RESET;UPDATE w SET v = 3 WHERE k = 'b';" +
				edited("UPDATE sqlite_schema SET sql = 'CREATE INDEX wi ON w(v)' WHERE name = 'wi'"), "table \"w\"",
		},
		{
			"row under an unknown collation", edited("UPDATE sqlite_schema SET sql = replace(sql, 'k TEXT', 'k TEXT COLLATE alien') WHERE name = 'w'"),
			edited("UPDATE sqlite_schema SET sql = replace(sql, 'k TEXT COLLATE alien', 'k TEXT') WHERE name = 'w'") + ";PRAGMA writable_schema=RESET;INSERT INTO w VALUES ('c', 3);" +
				edited("UPDATE sqlite_schema SET sql = replace(sql, 'k TEXT', 'k TEXT COLLATE alien') WHERE name = 'w'"), "table \"w\"",
		},
		{
			"row under a declaration that cannot be parsed", edited("UPDATE sqlite_schema SET sql = 'CREATE TABLE plain(' WHERE name = 'plain'"),
			edited("UPDATE sqlite_schema SET sql = 'CREATE TABLE plain(a)' WHERE name = 'plain'") + ";PRAGMA writable_schema=RESET;UPDATE plain SET a = 'q' WHERE rowid = 9;" +
				edited("UPDATE sqlite_schema SET sql = 'CREATE TABLE plain(' WHERE name = 'plain'"), "table \"plain\"",
		},
		{"index entry", "", edited("UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t(a) WHERE id > 1' WHERE name = 'i'") + ";PRAGMA writable_schema=RESET;REINDEX i;" +
			edited("UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t(a)' WHERE name = 'i'"), "index \"i\""},
		{
			"entry of an index under an unknown collation", edited("UPDATE sqlite_schema SET sql = replace(sql, 'NOCASE', 'alien') WHERE name = 'alien'"),
			edited("UPDATE sqlite_schema SET sql = replace(sql, 'alien ON t(b COLLATE alien)', 'alien ON t(b) WHERE id < 4') WHERE name = 'alien'") + ";PRAGMA writable_schema=RESET;REINDEX alien;" +
				edited("UPDATE sqlite_schema SET sql = replace(sql, 'ON t(b) WHERE id < 4', 'ON t(b COLLATE alien)') WHERE name = 'alien'"), "index \"alien\"",
		},
		{"space in schema text", "", edited("UPDATE sqlite_schema SET sql = replace(sql, 'SELECT 1', 'SELECT  1') WHERE name = 'v'"), "schema: row only in A"},
		{"object more", "", "CREATE VIEW more AS SELECT 2", "schema: row only in B"},
		{"object less", "", "DROP TABLE gone", "schema: row only in A"},
		{"schema rowid", "", edited("UPDATE sqlite_schema SET rowid = 500 WHERE name = 'child'"), "schema order"},
		{"schema order", "", edited("UPDATE sqlite_schema SET rowid = -1 WHERE name = 'v'"), "schema order"},
		{"storage class in the schema", "", edited("UPDATE sqlite_schema SET sql = CAST(sql AS BLOB) WHERE name = 'v'"), "schema: row only in A"},
		{"sqlite_sequence", "", "UPDATE sqlite_sequence SET seq = 8", "table \"sqlite_sequence\""},
		{"sqlite_stat1", "ANALYZE", "UPDATE sqlite_stat1 SET stat = '1 1'", "table \"sqlite_stat1\""},
		{"foreign key violation", "", "INSERT INTO child VALUES (5)", "foreign_key_check"},
		{"user_version", "", "PRAGMA user_version = -1", "header: user_version"},
		{"application_id", "", "PRAGMA application_id = 1", "header: application_id"},
		{"default cache size", "", "PRAGMA default_cache_size = 77", "header: default cache size"},
		{"journal mode", "", "PRAGMA journal_mode = WAL", "header: journal mode"},
		{"page size", "", "PRAGMA page_size = 8192; VACUUM", "header: page size"},
		{"auto_vacuum", "", "PRAGMA auto_vacuum = FULL; VACUUM", "header: auto_vacuum"},
		{"incremental vacuum", "PRAGMA auto_vacuum = FULL; VACUUM", "PRAGMA auto_vacuum = INCREMENTAL", "header: incremental vacuum"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a, b := filepath.Join(t.TempDir(), "a.db"), filepath.Join(t.TempDir(), "b.db")
			first := base
			if c.name == "lone surrogate" {
				first = "PRAGMA encoding='UTF-16le';" + base
			}
			run(t, a, first+c.before)
			duplicate(t, a, b)
			if d := compare(t, a, b); len(d) > 0 {
				t.Fatal("before the change:", d)
			}
			run(t, b, c.change)
			if d := compare(t, a, b); !strings.Contains(strings.Join(d, "\n"), c.want) {
				t.Errorf("differences are %q, want %q", d, c.want)
			}
			if d := compare(t, b, a); len(d) == 0 {
				t.Error("no difference the other way round")
			}
		})
	}
}

func TestCompareEncodingReservedAndFormat(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "a.db"), filepath.Join(t.TempDir(), "b.db")
	for _, c := range []struct {
		at   int64
		with byte
		want string
	}{{47, 3, "header: schema format"}, {59, 2, "header: encoding"}, {20, 4, "header: reserved bytes"}} {
		os.Remove(a)
		run(t, a, "PRAGMA user_version=5")
		duplicate(t, a, b)
		f, err := os.OpenFile(b, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte{c.with}, c.at); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if d := compare(t, a, b); !strings.Contains(strings.Join(d, "\n"), c.want) {
			t.Errorf("differences are %q, want %q", d, c.want)
		}
	}
}

// TestCompareSeesContentOnly compares databases with their VACUUM INTO copies:
// other pages, the same content.
func TestCompareSeesContentOnly(t *testing.T) {
	kept := map[string]bool{}
	for _, name := range []string{"integers", "reals", "text-of-every-kind", "text-not-utf8", "utf16le-not-well-formed", "utf16be-text", "without-rowid-key-orders", "generated-columns", "generated-stale", "indexes-of-every-kind", "analyzed", "fts5", "rtree", "names", "deep-trees", "columns-2000", "page-size-512", "check-violated", "views", "add-column-defaults", "overflow-in-keys"} {
		kept[name] = true
	}
	for _, c := range testdb.Nasty() {
		if !kept[c.Name] {
			continue
		}
		delete(kept, c.Name)
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			a, b := filepath.Join(t.TempDir(), "a.db"), filepath.Join(t.TempDir(), "b.db")
			if err := c.Build(t.Context(), a); err != nil {
				t.Fatal(err)
			}
			run(t, a, "VACUUM INTO '"+b+"'")
			for _, d := range compare(t, a, b) {
				if !strings.HasPrefix(d, "schema order:") { // VACUUM numbers the schema's rows again
					t.Error(d)
				}
			}
		})
	}
	for name := range kept {
		t.Errorf("there is no case %q", name)
	}
}

func TestCompareErrors(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.db"), filepath.Join(dir, "bad.db")
	run(t, good, base)
	if err := os.WriteFile(bad, []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range [][2]string{{good, bad}, {bad, good}, {good, filepath.Join(dir, "missing.db")}} {
		if _, _, err := testdb.Compare(t.Context(), p[0], p[1]); err == nil {
			t.Errorf("compare %v: no error", p)
		}
	}
	empty := filepath.Join(dir, "empty.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if d := compare(t, good, empty); len(d) == 0 {
		t.Error("a database is the same as a file of 0 bytes")
	}
	if d := compare(t, empty, empty); len(d) > 0 {
		t.Error(d)
	}
}

func run(t *testing.T, path, sql string) {
	t.Helper()
	c, err := engine.Open(t.Context(), path, engine.OpenOptions{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	err = c.Exec(t.Context(), sql)
	if closed := c.Close(); err != nil || closed != nil {
		t.Fatal(err, closed)
	}
}

func duplicate(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func compare(t *testing.T, a, b string) []string {
	t.Helper()
	differences, gaps, err := testdb.Compare(t.Context(), a, b)
	if err != nil {
		t.Fatal(err)
	}
	if len(gaps) > 0 {
		t.Error("gaps:", gaps)
	}
	return differences
}
