package engine

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestReindex(t *testing.T) {
	for _, mode := range []string{"DELETE", "WAL"} {
		path := filepath.Join(t.TempDir(), "reindex.db")
		mustCreate(t, path, "PRAGMA journal_mode="+mode, fillTable, `CREATE INDEX "no""case" ON t(b COLLATE NOCASE)`)
		c := mustOpen(t, path)
		// wrong entries: SQLite believes that there is no index while rows are deleted
		mustExec(t, c, `CREATE TABLE keep AS SELECT name, sql FROM sqlite_schema WHERE type='index';
			PRAGMA writable_schema=ON; UPDATE sqlite_schema SET type='x', sql='x' WHERE type='index'; PRAGMA writable_schema=RESET`)
		_ = c.Close()
		c, err := Open(t.Context(), path, OpenOptions{WritableSchema: true})
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Exec(t.Context(), loadSchema)
		mustExec(t, c, "DELETE FROM t WHERE a%3=0",
			"UPDATE sqlite_schema SET type='index', sql=(SELECT k.sql FROM keep k WHERE k.name=sqlite_schema.name) WHERE type='x'")
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if got := immutableRows(t, path, "PRAGMA integrity_check"); len(got) < 2 {
			t.Fatalf("the indexes are not wrong: %v", got)
		}
		if err := Reindex(t.Context(), path, []string{"tb", `no"case`}); err != nil {
			t.Fatal(err)
		}
		if got := immutableRows(t, path, "PRAGMA integrity_check"); !slices.Equal(got, []string{`"ok"`}) {
			t.Errorf("%s: integrity_check %v", mode, got)
		}
		header, err := os.ReadFile(path)
		if err != nil || (header[offsetReadVersion] == 2) != (mode == "WAL") {
			t.Errorf("%s: the header says %d (%v)", mode, header[offsetReadVersion], err)
		}
		if got, _ := os.ReadDir(filepath.Dir(path)); len(got) != 1 {
			t.Errorf("files %v", got)
		}
	}
}

func TestReindexRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "reindex.db")
	c := mustOpen(t, path, "CREATE TABLE t(a); INSERT INTO t VALUES(1),(1); CREATE INDEX i ON t(a)")
	mustExec(t, c, "PRAGMA writable_schema=ON; UPDATE sqlite_schema SET sql='CREATE UNIQUE INDEX i ON t(a)' WHERE name='i'")
	if err := Reindex(t.Context(), path, []string{"i"}); !errors.Is(err, ErrConstraint) {
		t.Errorf("error %v, want ErrConstraint", err)
	}
	if err := Reindex(t.Context(), path, []string{"nothing"}); err == nil {
		t.Error("no error for a missing index")
	}
}
