package engine

import (
	"path/filepath"
	"strings"
	"testing"

	"modernc.org/libc"

	sqlite3 "modernc.org/sqlite/lib"
)

// backwards is a collation that the tests define in place of one that an
// application would.
func backwards(tls *libc.TLS, _ uintptr, n1 int32, p1 uintptr, n2 int32, p2 uintptr) int32 {
	return -compareBytes(tls, 0, n1, p1, n2, p2)
}

// constantLower is an application's own lower().
func constantLower(tls *libc.TLS, ctx uintptr, _ int32, _ uintptr) {
	sqlite3.Xsqlite3_result_int64(tls, ctx, 7)
}

func TestUnrebuildableIndexes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "indexes.db")
	c := mustOpen(t, path, `CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c, v AS (upper(b)), s AS (c+1) STORED);
		CREATE TABLE u(b TEXT); CREATE TABLE l(b TEXT); CREATE TABLE k(x, y, PRIMARY KEY(x COLLATE NOCASE)) WITHOUT ROWID;
		INSERT INTO t(b,c) VALUES('abc',1),('ABC',2),('x',3),(NULL,4);
		INSERT INTO u VALUES('a'),('b'),('c'); INSERT INTO l VALUES('A'),('b'); INSERT INTO k VALUES('a', 1), ('B', 2);
		CREATE INDEX plain ON t(b, c DESC);
		CREATE INDEX stored ON t(s);
		CREATE INDEX nocase ON t(b COLLATE NOCASE);
		CREATE INDEX rtrim ON t(b COLLATE RTRIM, a);
		CREATE INDEX partial ON t(c) WHERE c>1;
		CREATE INDEX expression ON t(lower(b));
		CREATE INDEX computed ON t(v);
		CREATE INDEX secondary ON k(y);`)
	// An application with its own NOCASE and lower() wrote these two:
	own, err := Open(t.Context(), path, OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := own.setCollation("NOCASE", functionAddress(backwards)); err != nil {
		t.Fatal(err)
	}
	name := cString(own.tls, "lower")
	rc := sqlite3.Xsqlite3_create_function_v2(own.tls, own.db, name, 1, sqlite3.SQLITE_UTF8|sqlite3.SQLITE_DETERMINISTIC, 0,
		functionAddress(constantLower), 0, 0, 0)
	cFree(own.tls, name)
	if rc != sqlite3.SQLITE_OK {
		t.Fatal(rc)
	}
	mustExec(t, own, "CREATE INDEX own_nocase ON u(b COLLATE NOCASE)", "CREATE INDEX own_lower ON l(lower(b))", "CREATE INDEX other_lower ON l(b COLLATE NOCASE)")
	if err := own.Close(); err != nil {
		t.Fatal(err)
	}
	// and these cannot be built at all:
	mustExec(t, c, `CREATE TABLE m(a, b); INSERT INTO m VALUES('x','y'),('x','z');
		CREATE INDEX unknown_collation ON m(a); CREATE INDEX twice ON m(a) WHERE b>'a'; CREATE INDEX good ON m(b COLLATE NOCASE);
		CREATE TABLE n(a); INSERT INTO n VALUES(1); CREATE INDEX unknown_function ON n(a); CREATE INDEX unknown_where ON n(a)`)
	replaceSchema(t, path, "unknown_collation", "CREATE INDEX unknown_collation ON m(a COLLATE mine)")
	replaceSchema(t, path, "twice", "CREATE UNIQUE INDEX twice ON m(a) WHERE b>'a'")
	replaceSchema(t, path, "unknown_function", "CREATE INDEX unknown_function ON n(mine(a))")
	d := describe(t, path)
	got, err := UnrebuildableIndexes(t.Context(), path, d)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"own_nocase":        "missing from index",
		"own_lower":         "missing from index",
		"other_lower":       "missing from index", // written backwards, too
		"unknown_collation": "collation mine",
		"unknown_function":  "unknown function: mine()",
		// SQLite cannot check table m, since it lacks the collation
		"twice": "no such collation sequence",
		"good":  "no such collation sequence",
	}
	for i := range d.Objects {
		o := &d.Objects[i]
		if o.Type != "index" {
			continue
		}
		if reason := got[o.SchemaRowID]; !strings.Contains(reason, want[o.Name]) || (reason == "") != (want[o.Name] == "") {
			t.Errorf("%s: reason %q, want %q", o.Name, reason, want[o.Name])
		}
	}
}

func TestUnrebuildableIndexesThatAreNotUnique(t *testing.T) {
	path := filepath.Join(t.TempDir(), "unique.db")
	mustCreate(t, path, `CREATE TABLE t(a, b); INSERT INTO t VALUES('x', 1), ('X', 2);
		CREATE INDEX i ON t(a COLLATE NOCASE); CREATE INDEX ii ON t(b) WHERE b>0; CREATE INDEX plain ON t(b)`)
	replaceSchema(t, path, "i", "CREATE UNIQUE INDEX i ON t(a COLLATE NOCASE)")
	d := describe(t, path)
	got, err := UnrebuildableIndexes(t.Context(), path, d)
	if err != nil || len(got) != 1 || got[object(t, d, "i").SchemaRowID] != "non-unique entry in index i" {
		t.Errorf("%v, error %v", got, err)
	}
}
