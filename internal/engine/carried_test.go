package engine

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestCarried(t *testing.T) {
	path := filepath.Join(t.TempDir(), "indexes.db")
	mustCreate(t, path, `CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c, v AS (upper(b)), s AS (c+1) STORED);
		CREATE TABLE k(x, y, PRIMARY KEY(x COLLATE NOCASE)) WITHOUT ROWID;
		CREATE TABLE m(a, b);
		CREATE INDEX plain ON t(b, c DESC);
		CREATE INDEX stored ON t(s);
		CREATE INDEX nocase ON t(b COLLATE NOCASE);
		CREATE INDEX rtrim ON t(b COLLATE RTRIM, a);
		CREATE INDEX partial ON t(c) WHERE c>1;
		CREATE INDEX expression ON t(lower(b));
		CREATE INDEX odd_partial ON t(c) WHERE c+0>1;
		CREATE INDEX odd_expression ON t(trim(b));
		CREATE INDEX computed ON t(v);
		CREATE INDEX secondary ON k(y);
		CREATE INDEX unknown_collation ON m(a);
		CREATE INDEX unknown_function ON m(a)`)
	replaceSchema(t, path, "unknown_collation", "CREATE INDEX unknown_collation ON m(a COLLATE mine)")
	replaceSchema(t, path, "unknown_function", "CREATE INDEX unknown_function ON m(mine(a))")
	d := describe(t, path)
	reasons, unsure := d.Carried()
	if len(reasons) != 1 || !strings.Contains(reasons[object(t, d, "unknown_collation").SchemaRowID], "collation mine") {
		t.Errorf("carried: %v", reasons)
	}
	var names []string
	for _, o := range unsure {
		names = append(names, o.Name)
	}
	if got, want := strings.Join(names, " "), "odd_partial odd_expression computed unknown_function"; got != want {
		t.Errorf("unsure: %s, want %s", got, want)
	}
}
