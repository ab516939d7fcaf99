package pagewriter_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/litekeep/litekeep/internal/pagewriter"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// shape says what a test database looks like. Table i has one row for each of
// sizes[i]: a rowid, and a blob of that size (at least 8 bytes) that begins
// with the row's number, so that rows, primary keys and index entries all have
// the same order. An extra table has no rowid but the same blobs as its key.
type shape struct {
	header sqlitefile.Header
	tables []tableShape
	// sqlPad makes each schema row that much longer.
	sqlPad int
}

type tableShape struct {
	sizes        []int
	rowids       []int64 // ascending; nil for 1, 2, 3 …
	index        bool    // on the blob
	withoutRowid bool    // no rowid at all; rowids and index are ignored
}

func (s tableShape) rowid(i int) int64 {
	if s.rowids == nil {
		return int64(i) + 1
	}
	return s.rowids[i]
}

// blob returns the value of row i.
func (s tableShape) blob(i int) []byte {
	b := make([]byte, max(s.sizes[i], 8))
	for j := range b {
		b[j] = byte(i*31 + j*7)
	}
	binary.BigEndian.PutUint64(b, uint64(i))
	return b
}

// write lays the database of a shape into a new file and returns its path.
func write(t failer, dir string, s shape) string {
	t.Helper()
	path := filepath.Join(dir, "written.db")
	f, err := os.Create(path)
	must(t, err)
	defer func() { must(t, f.Close()) }()
	writeTo(t, f, s)
	return path
}

func writeTo(t failer, f io.WriterAt, s shape) {
	t.Helper()
	roots := 0
	for _, table := range s.tables {
		roots++
		if table.index && !table.withoutRowid {
			roots++
		}
	}
	w, err := pagewriter.New(f, s.header, roots)
	must(t, err)
	schema, root := [][]byte(nil), 0
	for i, table := range s.tables {
		schema = append(schema, schemaRow(s, w.Root(root), "table", i, table.withoutRowid))
		writeTable(t, w, root, s, table)
		root++
		if table.index && !table.withoutRowid {
			schema = append(schema, schemaRow(s, w.Root(root), "index", i, false))
			writeIndex(t, w, root, s, table)
			root++
		}
	}
	b := w.Schema()
	for i, row := range schema {
		must(t, b.Append(int64(i)+1, row))
	}
	must(t, b.Close())
	must(t, w.Close())
}

func schemaRow(s shape, root uint32, kind string, table int, withoutRowid bool) []byte {
	name := fmt.Sprintf("t%d", table)
	sql := "CREATE TABLE " + name + "(v)"
	obj := name
	switch {
	case kind == "index":
		obj = fmt.Sprintf("i%d", table)
		sql = "CREATE INDEX " + obj + " ON " + name + "(v)"
	case withoutRowid:
		sql = "CREATE TABLE " + name + "(v PRIMARY KEY) WITHOUT ROWID"
	}
	if s.sqlPad > 0 {
		sql += fmt.Sprintf("/*%0*d*/", s.sqlPad, 0)
	}
	text := func(s2 string) value.Value {
		return value.Value{Kind: value.Text, Bytes: sqlitefile.EncodeText(nil, []byte(s2), s.header.Encoding)}
	}
	return sqlitefile.AppendRecord(nil, []value.Value{
		text(kind), text(obj), text(name), value.OfInt(int64(root)), text(sql),
	}, s.header.SchemaFormat)
}

func writeTable(t failer, w *pagewriter.Writer, root int, s shape, table tableShape) {
	t.Helper()
	if table.withoutRowid {
		x := w.Index(root)
		for i := range table.sizes {
			appendEntry(t, x, i, sqlitefile.AppendRecord(nil, []value.Value{value.OfBlob(table.blob(i))}, s.header.SchemaFormat))
		}
		must(t, x.Close())
		return
	}
	b := w.Table(root)
	for i := range table.sizes {
		record := sqlitefile.AppendRecord(nil, []value.Value{value.OfBlob(table.blob(i))}, s.header.SchemaFormat)
		if i%2 == 0 {
			must(t, b.Append(table.rowid(i), record))
		} else {
			n := len(record) / 3
			must(t, b.AppendParts(table.rowid(i), record[:n], nil, record[n:]))
		}
	}
	must(t, b.Close())
}

func writeIndex(t failer, w *pagewriter.Writer, root int, s shape, table tableShape) {
	t.Helper()
	x := w.Index(root)
	for i := range table.sizes {
		appendEntry(t, x, i, sqlitefile.AppendRecord(nil, []value.Value{
			value.OfBlob(table.blob(i)), value.OfInt(table.rowid(i)),
		}, s.header.SchemaFormat))
	}
	must(t, x.Close())
}

func appendEntry(t failer, x *pagewriter.Index, i int, record []byte) {
	t.Helper()
	if i%2 == 0 {
		must(t, x.Append(record))
		return
	}
	n := len(record) / 2
	must(t, x.AppendParts(nil, record[:n], record[n:]))
}
