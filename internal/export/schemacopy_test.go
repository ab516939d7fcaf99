package export_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/export"
	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// TestCopySchema has SQLite describe a database by a copy of its schema alone. The
// schema takes several pages, and one of its texts overflows.
func TestCopySchema(t *testing.T) {
	var many strings.Builder
	for i := range 200 {
		many.WriteString("CREATE TABLE t" + strings.Repeat("x", i) + "(a INTEGER PRIMARY KEY, b TEXT DEFAULT 'd', c REAL UNIQUE);")
	}
	for _, settings := range []string{"PRAGMA page_size=512", "PRAGMA encoding='UTF-16le'", "PRAGMA auto_vacuum=1"} {
		path := create(t, settings, many.String(),
			"CREATE TABLE long(a /* "+strings.Repeat("long ", 20_000)+" */)",
			"CREATE TABLE filled(a, b); CREATE INDEX i ON filled(b, a)",
			"WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<5000) INSERT INTO filled SELECT i, i%10 FROM c; ANALYZE",
			"ALTER TABLE filled ADD COLUMN added DEFAULT 7.5")
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		dest := filepath.Join(t.TempDir(), "schema.db")
		if err := export.CopySchema(t.Context(), f, info.Size(), dest); err != nil {
			t.Fatal(err)
		}
		want, got := describe(t, path), describe(t, dest)
		if diff := cmp.Diff(want, got, cmpopts.EquateComparable(engine.Column{})); diff != "" {
			t.Errorf("%s: (- database, + copy)\n%s", settings, diff)
		}
		if got.Malformed != "" {
			t.Errorf("%s: %s", settings, got.Malformed)
		}
		for i, o := range got.Objects {
			if o.Name == "filled" {
				values, _, err := engine.Defaults(t.Context(), &got.Objects[i], sqlitefile.UTF8)
				if err != nil || len(values) != 3 || values[2].Float() != 7.5 {
					t.Errorf("%s: defaults %v, %v", settings, values, err)
				}
			}
		}
	}
}

func describe(t testing.TB, path string) *engine.Description {
	t.Helper()
	d, err := engine.Describe(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
