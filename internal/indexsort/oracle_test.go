package indexsort_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/indexsort"
	"github.com/litekeep/litekeep/internal/pagewriter"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// content is a table and how its index orders it. Row i has rowid i+1.
type content struct {
	columns []indexsort.Column
	enc     sqlitefile.Encoding
	rows    [][]value.Value
}

const schemaFormat = 4

// record returns the index record of row i.
func (c content) record(i int) []byte {
	row := append(append([]value.Value(nil), c.rows[i]...), value.OfInt(int64(i)+1))
	return sqlitefile.AppendRecord(nil, row, schemaFormat)
}

// terms are the columns as CREATE INDEX and ORDER BY name them.
func (c content) terms(prefix string) string {
	var terms []string
	for i, col := range c.columns {
		term := fmt.Sprintf("%sc%d COLLATE %s", prefix, i, [...]string{"BINARY", "NOCASE", "RTRIM"}[col.Collation])
		if col.Desc {
			term += " DESC"
		}
		terms = append(terms, term)
	}
	return strings.Join(terms, ", ")
}

// names are the columns as CREATE TABLE declares them, without affinity.
func (c content) names() string {
	var names []string
	for i := range c.columns {
		names = append(names, fmt.Sprintf("c%d", i))
	}
	return strings.Join(names, ", ")
}

// failer is what *testing.T and *rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// build lays the table, and the index in the order of sorted, into a new file.
func (c content) build(t failer, path string, sorted [][]byte) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	h := sqlitefile.Header{PageSize: 4096, Encoding: c.enc, SchemaFormat: schemaFormat, SQLiteVersion: 3054001}
	w, err := pagewriter.New(f, h, 2)
	must(t, err)
	schema := w.Schema()
	must(t, schema.Append(1, c.schemaRow("table", "t", w.Root(0), "CREATE TABLE t("+c.names()+")")))
	must(t, schema.Append(2, c.schemaRow("index", "i", w.Root(1), "CREATE INDEX i ON t("+c.terms("")+")")))
	must(t, schema.Close())
	table := w.Table(0)
	for i, row := range c.rows {
		must(t, table.Append(int64(i)+1, sqlitefile.AppendRecord(nil, row, schemaFormat)))
	}
	must(t, table.Close())
	index := w.Index(1)
	for _, record := range sorted {
		must(t, index.Append(record))
	}
	must(t, index.Close())
	must(t, w.Close())
	must(t, f.Close())
}

func (c content) schemaRow(kind, name string, root uint32, sql string) []byte {
	row := []value.Value{value.OfText(kind), value.OfText(name), value.OfText("t"), value.OfInt(int64(root)), value.OfText(sql)}
	for i := range row {
		if row[i].Kind == value.Text {
			row[i].Bytes = sqlitefile.EncodeText(nil, row[i].Bytes, c.enc)
		}
	}
	return sqlitefile.AppendRecord(nil, row, schemaFormat)
}

// check has SQLite look at the index, and compares it with the order that
// SQLite sorts the table into.
func (c content) check(t failer, dir string, sorted [][]byte) {
	t.Helper()
	path := filepath.Join(dir, "sorted.db")
	c.build(t, path, sorted)
	ctx := context.Background()
	conn, err := engine.Open(ctx, path, engine.OpenOptions{Immutable: true})
	must(t, err)
	defer func() { must(t, conn.Close()) }()
	must(t, conn.Query(ctx, "PRAGMA integrity_check", nil, func(row []value.Value) error {
		if got := string(row[0].Bytes); got != "ok" {
			return fmt.Errorf("integrity_check: %s", got)
		}
		return nil
	}))
	n := 0
	sql := "SELECT rowid FROM t NOT INDEXED ORDER BY " + c.terms("+") + ", rowid"
	must(t, conn.Query(ctx, sql, nil, func(row []value.Value) error {
		fields, err := sqlitefile.DecodeRecord(sorted[n], nil)
		if err != nil {
			return err
		}
		if got := fields[len(fields)-1].Int; got != row[0].Int {
			return fmt.Errorf("place %d has row %d, SQLite puts row %d there", n, got, row[0].Int)
		}
		n++
		return nil
	}))
	if n != len(sorted) || n != len(c.rows) {
		t.Fatalf("%d records sorted, %d in the table, want %d", len(sorted), n, len(c.rows))
	}
}

func must(t failer, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%v", err)
	}
}

// sorted returns copies of all records of a Sorter in its order.
func sorted(t failer, s *indexsort.Sorter) [][]byte {
	t.Helper()
	var all [][]byte
	for record, err := range s.Sorted(context.Background()) {
		must(t, err)
		all = append(all, append([]byte(nil), record...))
	}
	return all
}

var _ failer = testing.TB(nil)
