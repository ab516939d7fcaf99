package testdb

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/value"
)

// maker builds one database. The first error sticks and turns every later call
// into nothing, so that a case reads as a plain list of steps.
type maker struct {
	ctx      context.Context
	path     string
	conn     *engine.Conn
	tolerant bool // open with writable_schema, which loads what can be loaded of a malformed schema
	keepMode bool // leave the journal mode alone
	err      error
}

// making turns a list of steps into a Build function.
func making(steps func(m *maker)) func(context.Context, string) error {
	return func(ctx context.Context, path string) error {
		m := &maker{ctx: ctx, path: path}
		steps(m)
		m.close()
		if m.err != nil {
			return fmt.Errorf("build %s: %w", path, m.err)
		}
		return nil
	}
}

// script makes a Build function of SQL statements.
func script(statements ...string) func(context.Context, string) error {
	return making(func(m *maker) { m.run(statements...) })
}

func (m *maker) open() {
	if m.err != nil || m.conn != nil {
		return
	}
	m.conn, m.err = engine.Open(m.ctx, m.path, engine.OpenOptions{Create: true, WritableSchema: m.tolerant})
	if m.err != nil {
		m.conn = nil
		return
	}
	// Nothing here has to survive a power cut, and syncs would cost minutes.
	m.err = m.conn.Exec(m.ctx, "PRAGMA synchronous=OFF")
	if m.err == nil && !m.keepMode {
		m.err = m.conn.Exec(m.ctx, "PRAGMA journal_mode=MEMORY")
	}
}

func (m *maker) close() {
	if m.conn == nil {
		return
	}
	if err := m.conn.Close(); err != nil && m.err == nil {
		m.err = err
	}
	m.conn = nil
}

// exec runs one statement with arguments.
func (m *maker) exec(sql string, args ...value.Value) {
	if m.open(); m.err != nil {
		return
	}
	if err := m.conn.Exec(m.ctx, sql, args...); err != nil {
		m.err = fmt.Errorf("%s: %w", excerpt(sql), err)
	}
}

// run runs statements without arguments, in order.
func (m *maker) run(statements ...string) {
	for _, s := range statements {
		m.exec(s)
	}
}

// edit runs statements that change sqlite_schema, on a connection of its own:
// the next statement sees the schema as it then stands.
func (m *maker) edit(sql string, args ...value.Value) {
	m.close()
	was := m.tolerant
	m.tolerant = true
	m.exec(sql, args...)
	m.close()
	m.tolerant = was
}

// swap replaces text in the declaration of one object.
func (m *maker) swap(object, from, to string) {
	m.edit("UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = ?",
		value.OfText(from), value.OfText(to), value.OfText(object))
}

// insert puts rows of values into a table, in one transaction.
func (m *maker) insert(table string, rows ...[]value.Value) {
	m.run("BEGIN")
	for _, r := range rows {
		m.exec("INSERT INTO "+quote(table)+" VALUES ("+marks(len(r))+")", r...)
	}
	m.run("COMMIT")
}

// texts puts one row for each byte string into the single column of a table,
// as TEXT with exactly these stored bytes.
func (m *maker) texts(table string, stored ...[]byte) {
	m.run("BEGIN")
	for _, b := range stored {
		m.exec("INSERT INTO "+quote(table)+" VALUES (CAST(? AS TEXT))", value.OfBlob(b))
	}
	m.run("COMMIT")
}

// number returns the integer that a query yields.
func (m *maker) number(sql string, args ...value.Value) int64 {
	n := m.numbers(sql, args...)
	if m.err == nil && len(n) == 0 {
		m.err = fmt.Errorf("%s: no row", excerpt(sql))
	}
	if m.err != nil {
		return 0
	}
	return n[0]
}

// numbers returns the integers in the first column of a query.
func (m *maker) numbers(sql string, args ...value.Value) []int64 {
	if m.open(); m.err != nil {
		return nil
	}
	var n []int64
	m.err = m.conn.Query(m.ctx, sql, args, func(row []value.Value) error {
		n = append(n, row[0].Int)
		return nil
	})
	return n
}

// root returns the root page of a table or index.
func (m *maker) root(name string) int {
	return int(m.number("SELECT rootpage FROM sqlite_schema WHERE name = ?", value.OfText(name)))
}

// pages returns the pages of one b-tree that dbstat calls by the given type
// ("leaf", "internal" or "overflow"), in the order of the tree.
func (m *maker) pages(name, kind string) []int {
	var pages []int
	for _, n := range m.numbers("SELECT pageno FROM dbstat WHERE name = ? AND pagetype = ? ORDER BY path",
		value.OfText(name), value.OfText(kind)) {
		pages = append(pages, int(n))
	}
	return pages
}

// patch changes the bytes of the file while nothing has it open.
func (m *maker) patch(change func(f *image) error) {
	m.close()
	if m.err != nil {
		return
	}
	b, err := os.ReadFile(m.path)
	if err == nil {
		f := &image{b}
		if err = change(f); err == nil {
			err = os.WriteFile(m.path, f.b, 0o600)
		}
	}
	if err != nil {
		m.err = fmt.Errorf("patch: %w", err)
	}
}

// replace patches the only occurrence of a byte string.
func (m *maker) replace(from, to []byte) {
	m.patch(func(f *image) error {
		if n := bytes.Count(f.b, from); n != 1 {
			return fmt.Errorf("%x stands %d times in the file", from, n)
		}
		f.b = bytes.Replace(f.b, from, to, 1)
		return nil
	})
}

// header prepares a database of one page without a schema and lets change set
// header bytes that no PRAGMA can set.
func (m *maker) header(change func(f *image)) {
	m.run("PRAGMA user_version=1", "PRAGMA user_version=0") // writes page 1
	m.patch(func(f *image) error {
		change(f)
		return nil
	})
}

// reserve keeps n bytes at the end of each page of a database without a
// schema.
func (m *maker) reserve(n int) {
	m.header(func(f *image) {
		f.b[20] = byte(n)
		binary.BigEndian.PutUint16(f.b[105:], uint16(f.pageSize()-n)) // start of page 1's cell content
	})
}

// image is the bytes of a database file.
type image struct{ b []byte }

func (f *image) pageSize() int {
	if n := int(binary.BigEndian.Uint16(f.b[16:])); n > 1 {
		return n
	}
	return 65536
}

// page returns page n, numbered from 1.
func (f *image) page(n int) []byte {
	size := f.pageSize()
	return f.b[(n-1)*size : n*size]
}

// cells returns where the cell pointers of a b-tree page stand in it, and how
// many there are.
func cells(page []byte) (offset, count int) {
	offset = 8
	if page[0] == 0x05 || page[0] == 0x02 {
		offset = 12
	}
	return offset, int(binary.BigEndian.Uint16(page[3:]))
}

// cell returns the bytes from the start of cell i to the end of the page.
func cell(page []byte, i int) []byte {
	offset, _ := cells(page)
	return page[binary.BigEndian.Uint16(page[offset+2*i:]):]
}

func quote(name string) string {
	var b bytes.Buffer
	b.WriteByte('"')
	for i := range len(name) {
		if name[i] == '"' {
			b.WriteByte('"')
		}
		b.WriteByte(name[i])
	}
	b.WriteByte('"')
	return b.String()
}

func marks(n int) string {
	if n == 0 {
		return ""
	}
	return string(bytes.Repeat([]byte("?,"), n)[:2*n-1])
}

func excerpt(sql string) string {
	if len(sql) > 120 {
		return sql[:120] + "…"
	}
	return sql
}
