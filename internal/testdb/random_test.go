package testdb_test

import (
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/testdb"
	"github.com/litekeep/litekeep/internal/value"
)

func TestRandom(t *testing.T) {
	dir := t.TempDir()
	tables, rows, indexes := map[int64]bool{}, int64(0), int64(0)
	rapid.Check(t, func(r *rapid.T) {
		path, copied := filepath.Join(dir, "a.db"), filepath.Join(dir, "b.db")
		testdb.Random(r, t.Context(), path)
		if said := query(t, path, "PRAGMA integrity_check"); !slices.Equal(said, []string{"ok"}) {
			r.Fatal(said)
		}
		c := numbers(t, path, "SELECT (SELECT count(*) FROM sqlite_schema WHERE type='table' AND name LIKE 't_'), (SELECT count(*) FROM sqlite_schema WHERE type='index'), (SELECT count(*) FROM t0)")
		tables[c[0]] = true
		indexes += c[1]
		rows += c[2]
		duplicate(t, path, copied)
		differences, gaps, err := testdb.Compare(t.Context(), path, copied)
		if err != nil || len(differences)+len(gaps) > 0 {
			r.Fatal(err, differences, gaps)
		}
	})
	if len(tables) < 2 || rows == 0 || indexes == 0 {
		t.Errorf("the databases are too much alike: %v tables, %d rows, %d indexes", tables, rows, indexes)
	}
}

func query(t *testing.T, path, sql string) (texts []string) {
	t.Helper()
	each(t, path, sql, func(v value.Value) { texts = append(texts, string(v.Bytes)) })
	return texts
}

func numbers(t *testing.T, path, sql string) (list []int64) {
	t.Helper()
	each(t, path, sql, func(v value.Value) { list = append(list, v.Int) })
	return list
}

func each(t *testing.T, path, sql string, use func(value.Value)) {
	t.Helper()
	c, err := engine.Open(t.Context(), path, engine.OpenOptions{Immutable: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = c.Query(t.Context(), sql, nil, func(row []value.Value) error {
		for _, v := range row {
			use(v)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
