package export_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/export"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/testdb"
	"github.com/litekeep/litekeep/internal/value"
)

// TestMismatch checks that an index which does not fit its table is found out,
// and that a document which carries it comes out.
func TestMismatch(t *testing.T) {
	for _, name := range []string{"index-stale", "index-in-other-order", "index-stale-partial", "index-stale-expression"} {
		path := filepath.Join(t.TempDir(), "a.db")
		build(t, name, path)
		_, _, err := runPlan(t.Context(), t, path, 2, export.Choices{})
		var wrong *export.ChoicesError
		if !errors.As(err, &wrong) || len(wrong.Missing.Carry) != 1 || !strings.Contains(err.Error(), `index "i"`) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s, counted, err := runPlan(t.Context(), t, path, 2, wrong.Missing)
		if err != nil || len(counted.Indexes) != 1 || counted.Indexes[0].Rows == 0 || !strings.Contains(s.text(), `"btree":"entries"`) {
			t.Errorf("%s, carried: %+v, %v", name, counted, err)
		}
	}
}

// build makes one of the databases of testdb.
func build(t testing.TB, name, path string) {
	t.Helper()
	for _, c := range testdb.Nasty() {
		if c.Name == name {
			if err := c.Build(t.Context(), path); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("testdb has no case %s", name)
}

// TestCarried checks which indexes are to be carried.
func TestCarried(t *testing.T) {
	path := create(t, "CREATE TABLE t(a, b, v AS (a + 1))", "INSERT INTO t(a, b) VALUES (1, 'x'), (7, 'Y')",
		"CREATE INDEX plain ON t(a); CREATE INDEX nocase ON t(b COLLATE NOCASE); CREATE INDEX part ON t(a) WHERE a > 3; CREATE INDEX expr ON t(upper(b)); CREATE INDEX virt ON t(v)",
		"CREATE INDEX alien ON t(b COLLATE RTRIM); CREATE INDEX alienfn ON t(lower(b)); CREATE INDEX moved ON t(b) WHERE a+0 > 0",
		"PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = replace(replace(replace(sql, 'RTRIM', 'ICU'), 'lower', 'app_lower'), 'a+0 > 0', 'a+0 > 4') WHERE name IN ('alien', 'alienfn', 'moved')")
	d, err := engine.Describe(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	reasons, err := export.Carried(t.Context(), path, d)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, o := range d.Objects {
		if reasons[o.SchemaRowID] != "" {
			got[o.Name] = true
		}
	}
	want := map[string]bool{"alien": true, "alienfn": true, "moved": true}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d, reasons)
	}
	if names, err := os.ReadDir(filepath.Dir(path)); err != nil || len(names) != 1 {
		t.Errorf("beside the snapshot: %v, %v", names, err)
	}
}

// TestPlanRefuses checks that a schema that points nowhere, or in a way that
// only SQLite understands, is refused.
func TestPlanRefuses(t *testing.T) {
	for _, rootpage := range []string{"x'33'", "'3 pages'", "3.5", "NULL", "0", "-1", "99", "4294967299", "9223372036854775807", "1", "2"} {
		path := create(t, "CREATE TABLE other(x)", "CREATE TABLE t(x)", "INSERT INTO t VALUES (1)",
			"PRAGMA writable_schema=ON; UPDATE sqlite_schema SET rootpage="+rootpage+" WHERE name='t'")
		_, _, err := runPlan(t.Context(), t, path, 2, export.Choices{})
		if !errors.Is(err, sqlitefile.ErrCorrupt) {
			t.Errorf("rootpage %s: %v", rootpage, err)
		}
	}
	path := create(t, "CREATE TABLE t(x)", "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET rootpage='what' WHERE name='t'; UPDATE sqlite_schema SET type='view', sql='CREATE VIEW t AS SELECT 1'")
	if s, _, err := runPlan(t.Context(), t, path, 2, export.Choices{}); err != nil || !strings.Contains(s.text(), `"rootpage":"what"`) {
		t.Errorf("a view with a rootpage: %v", err)
	}
}

// TestTooManyFields checks that a record with more fields than a document may
// have is refused, not written.
func TestTooManyFields(t *testing.T) {
	path := create(t, "PRAGMA page_size=65536; CREATE TABLE t(x)", "INSERT INTO t VALUES (zeroblob(70003))",
		"PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql='CREATE TABLE t(' WHERE name='t'")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The record becomes a header of NULLs alone. Its payload: a header of four
	// bytes and the blob.
	old := sqlitefile.AppendRecordHeader(nil, []value.Value{value.OfBlob(make([]byte, 70003))}, 4)
	fresh := sqlitefile.AppendVarint(nil, 70003+uint64(len(old)))
	for len(fresh) < len(old) {
		fresh = append(fresh, 0)
	}
	if bytes.Count(b, old) != 1 {
		t.Fatalf("%x stands %d times in the file", old, bytes.Count(b, old))
	}
	copy(b[bytes.Index(b, old):], fresh)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := runPlan(t.Context(), t, path, 2, export.Choices{}); !errors.Is(err, export.ErrRefused) || !strings.Contains(err.Error(), "70004 fields") {
		t.Errorf("got %v", err)
	}
}

// TestKeyCopiesDiffer checks that a row is refused which has two values for a column
// that its primary key has twice, and told, in whatever storage class they are.
func TestKeyCopiesDiffer(t *testing.T) {
	long := strings.Repeat("ü", 30)
	for _, c := range []struct{ encoding, row, want string }{
		{"UTF-8", "'x', 'y'", `column "a" twice, and a row has "x" in the first place and "y" in the second`},
		{"UTF-16le", "'x', 'y'", `has "x" in the first place and "y" in`},
		{"UTF-8", "1, '1'", `has 1 in the first place and "1" in`},
		{"UTF-8", "1, 2", `has 1 in the first place and 2 in`},
		{"UTF-8", "'b', x'62'", `has "b" in the first place and {"blob":"Yg=="} in`},
		{"UTF-8", "'" + long + "', zeroblob(5000000)", `has "` + long[:40] + `"… in the first place and {"blob":"AAAA`},
		{"UTF-8", "'x', 'x'", ""},
		{"UTF-8", "x'', x''", ""},
		{"UTF-16be", "1.5, 1.5", ""},
	} {
		path := create(t, "PRAGMA encoding='"+c.encoding+"'; CREATE TABLE t(a, b, PRIMARY KEY(a, b)) WITHOUT ROWID", "INSERT INTO t VALUES (0, 0), ("+c.row+")",
			"PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a, PRIMARY KEY(a COLLATE NOCASE, a COLLATE RTRIM)) WITHOUT ROWID'")
		_, _, err := runPlan(t.Context(), t, path, 2, export.Choices{})
		if c.want == "" && err != nil {
			t.Errorf("%s: %v", c.row, err)
		}
		if c.want != "" && (!errors.Is(err, export.ErrRefused) || !strings.Contains(err.Error(), `table "t": `) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s in %s: %v", c.row, c.encoding, err)
		}
	}
}

// TestKeyCopyOfReal checks that a whole number is equal in both of its forms: as the
// integer that a column of REAL affinity stores, and as the real that SQL shows.
func TestKeyCopyOfReal(t *testing.T) {
	for row, refused := range map[string]bool{"1, 1.0": false, "1, 2.0": true} {
		path := create(t, "CREATE TABLE t(a INTEGER, b, PRIMARY KEY(a, b)) WITHOUT ROWID", "INSERT INTO t VALUES ("+row+")",
			"PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql = 'CREATE TABLE t(a REAL, PRIMARY KEY(a COLLATE NOCASE, a COLLATE RTRIM)) WITHOUT ROWID'")
		if _, _, err := runPlan(t.Context(), t, path, 2, export.Choices{}); errors.Is(err, export.ErrRefused) != refused || !refused && err != nil {
			t.Errorf("%s: %v", row, err)
		}
	}
}
