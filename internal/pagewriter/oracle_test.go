package pagewriter_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/value"
)

// failer is what *testing.T and *rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

var _ failer = testing.TB(nil)

func must(t failer, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v", err)
	}
}

// check has SQLite look at every page, every row and every setting of a written
// database.
func check(t failer, path string, s shape) {
	t.Helper()
	ctx := context.Background()
	c, err := engine.Open(ctx, path, engine.OpenOptions{Immutable: true})
	must(t, err)
	defer func() { must(t, c.Close()) }()
	// integrity_check knows the number of pages, so every page must be in use.
	if got := query(t, c, "PRAGMA integrity_check"); got != "ok" {
		t.Fatalf("integrity_check: %s", got)
	}
	checkSettings(t, c, s)
	for i, table := range s.tables {
		checkTable(t, c, i, table)
	}
}

func checkSettings(t failer, c *engine.Conn, s shape) {
	t.Helper()
	h := &s.header
	for pragma, want := range map[string]any{
		"page_size": h.PageSize, "encoding": h.Encoding, "auto_vacuum": h.AutoVacuum(),
		"user_version": h.UserVersion, "application_id": h.ApplicationID,
		"schema_version": h.SchemaVersion, "freelist_count": 0,
	} {
		if got := query(t, c, "PRAGMA "+pragma); got != fmt.Sprint(want) {
			t.Fatalf("%s is %s, want %v", pragma, got, want)
		}
	}
}

func checkTable(t failer, c *engine.Conn, number int, s tableShape) {
	t.Helper()
	sql := fmt.Sprintf("SELECT rowid, v FROM t%d ORDER BY rowid", number)
	if s.withoutRowid {
		sql = fmt.Sprintf("SELECT NULL, v FROM t%d ORDER BY v", number)
	}
	i := 0
	must(t, c.Query(context.Background(), sql, nil, func(row []value.Value) error {
		if i == len(s.sizes) {
			return fmt.Errorf("table %d has more than %d rows", number, i)
		}
		if !s.withoutRowid && row[0].Int != s.rowid(i) {
			return fmt.Errorf("table %d row %d has rowid %d, want %d", number, i, row[0].Int, s.rowid(i))
		}
		if row[1].Kind != value.Blob || !bytes.Equal(row[1].Bytes, s.blob(i)) {
			return fmt.Errorf("table %d row %d is wrong", number, i)
		}
		i++
		return nil
	}))
	if i != len(s.sizes) {
		t.Fatalf("table %d has %d rows, want %d", number, i, len(s.sizes))
	}
}

// query returns the first value of the last row as text.
func query(t failer, c *engine.Conn, sql string) string {
	t.Helper()
	var got string
	must(t, c.Query(context.Background(), sql, nil, func(row []value.Value) error {
		if row[0].Kind == value.Integer {
			got = fmt.Sprint(row[0].Int)
		} else {
			got = string(row[0].Bytes)
		}
		return nil
	}))
	return got
}
