package engine

import (
	"context"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/litekeep/litekeep/internal/value"
)

// stmt is one prepared statement.
type stmt struct {
	c   *Conn
	ptr uintptr // *sqlite3_stmt
	row []value.Value
}

// Exec runs one or several statements and drops the rows that they return.
// Each statement takes as many of args as it has parameters, in order; args
// that are left over are an error. When ctx ends, the statement that runs is
// interrupted and ctx's error returned.
func (c *Conn) Exec(ctx context.Context, sql string, args ...value.Value) error {
	return c.run(ctx, "exec", sql, args, nil)
}

// Query runs one or several statements like Exec and calls each for every row
// that they return. The row and its bytes are valid during the call only.
// TEXT is value.Text when SQLite's UTF-8 rendering of it is valid, else
// value.RawText with the bytes of that rendering. An error of each ends the
// query and is returned as it is.
func (c *Conn) Query(ctx context.Context, sql string, args []value.Value, each func(row []value.Value) error) error {
	return c.run(ctx, "query", sql, args, each)
}

func (c *Conn) run(ctx context.Context, op, sql string, args []value.Value, each func([]value.Value) error) error {
	if c.tls == nil {
		return fault(op, c.path, sqlite3.SQLITE_MISUSE, "the connection is closed")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if strings.IndexByte(sql, 0) >= 0 {
		return fault(op, c.path, sqlite3.SQLITE_MISUSE, "the statement holds a zero byte")
	}
	defer c.watch(ctx)()
	text := cString(c.tls, sql)
	defer cFree(c.tls, text)
	for next := text; *at[byte](next) != 0; {
		s, tail, err := c.prepare(ctx, op, next)
		if err != nil {
			return err
		}
		next = tail
		if s == nil {
			continue // white space or a comment
		}
		taken, err := s.bindSome(args)
		if err == nil {
			args = args[taken:]
			err = s.each(ctx, op, each)
		}
		s.close()
		if err != nil {
			return err
		}
	}
	if len(args) > 0 {
		return fault(op, c.path, sqlite3.SQLITE_MISUSE, "%d values more than the statement has parameters", len(args))
	}
	return nil
}

// prepare compiles the first statement of the text at address sql and returns
// the address of what follows it. The statement is nil where there is none.
func (c *Conn) prepare(ctx context.Context, op string, sql uintptr) (*stmt, uintptr, error) {
	out := cAlloc(c.tls, 16)
	defer cFree(c.tls, out)
	rc := sqlite3.Xsqlite3_prepare_v2(c.tls, c.db, sql, -1, out, out+8)
	if rc != sqlite3.SQLITE_OK {
		return nil, 0, c.callError(ctx, op, rc)
	}
	ptr, tail := *at[uintptr](out), *at[uintptr](out + 8)
	if ptr == 0 {
		return nil, tail, nil
	}
	return &stmt{c: c, ptr: ptr}, tail, nil
}

func (s *stmt) close() {
	// The result repeats the error of the last step, which was reported.
	sqlite3.Xsqlite3_finalize(s.c.tls, s.ptr)
}

// bindSome binds as many of args as the statement has parameters.
func (s *stmt) bindSome(args []value.Value) (int, error) {
	n := int(sqlite3.Xsqlite3_bind_parameter_count(s.c.tls, s.ptr))
	if n > len(args) {
		return 0, fault("bind", s.c.path, sqlite3.SQLITE_MISUSE, "%d values for %d parameters", len(args), n)
	}
	for i := range n {
		if err := s.bind(int32(i+1), &args[i]); err != nil {
			return 0, err
		}
	}
	return n, nil
}

func (s *stmt) bind(i int32, v *value.Value) error {
	tls := s.c.tls
	var rc int32
	switch v.Kind {
	case value.Null:
		rc = sqlite3.Xsqlite3_bind_null(tls, s.ptr, i)
	case value.Integer:
		rc = sqlite3.Xsqlite3_bind_int64(tls, s.ptr, i, v.Int)
	case value.Real:
		rc = sqlite3.Xsqlite3_bind_double(tls, s.ptr, i, v.Float())
	case value.Text, value.Blob, value.RawText:
		rc = s.bindBytes(i, v)
	default:
		return fmt.Errorf("bind parameter %d: unknown kind %d", i, v.Kind)
	}
	if rc != sqlite3.SQLITE_OK {
		return s.c.error("bind", rc)
	}
	return nil
}

// bindBytes binds TEXT or a BLOB. SQLite makes its own copy, from a copy in
// the library's memory, since an empty value needs an address too.
func (s *stmt) bindBytes(i int32, v *value.Value) int32 {
	tls := s.c.tls
	p := cAlloc(tls, len(v.Bytes)+1)
	defer cFree(tls, p)
	copy(bytesAt(p, len(v.Bytes)), v.Bytes)
	n := uint64(len(v.Bytes))
	if v.Kind == value.Blob {
		return sqlite3.Xsqlite3_bind_blob64(tls, s.ptr, i, p, n, sqlite3.SQLITE_TRANSIENT)
	}
	return sqlite3.Xsqlite3_bind_text64(tls, s.ptr, i, p, n, sqlite3.SQLITE_TRANSIENT, sqlite3.SQLITE_UTF8)
}

// each runs the statement to its end.
func (s *stmt) each(ctx context.Context, op string, each func([]value.Value) error) error {
	for {
		switch rc := sqlite3.Xsqlite3_step(s.c.tls, s.ptr); rc {
		case sqlite3.SQLITE_DONE:
			return nil
		case sqlite3.SQLITE_ROW:
			if each == nil {
				continue
			}
			if err := each(s.columns()); err != nil {
				return err
			}
		default:
			return s.c.callError(ctx, op, rc)
		}
	}
}

// columns reads the current row.
func (s *stmt) columns() []value.Value {
	n := int(sqlite3.Xsqlite3_column_count(s.c.tls, s.ptr))
	if cap(s.row) < n {
		s.row = make([]value.Value, n)
	}
	s.row = s.row[:n]
	for i := range s.row {
		s.row[i] = s.column(int32(i))
	}
	return s.row
}

func (s *stmt) column(i int32) value.Value {
	tls := s.c.tls
	switch sqlite3.Xsqlite3_column_type(tls, s.ptr, i) {
	case sqlite3.SQLITE_INTEGER:
		return value.Value{Kind: value.Integer, Int: sqlite3.Xsqlite3_column_int64(tls, s.ptr, i)}
	case sqlite3.SQLITE_FLOAT:
		f := sqlite3.Xsqlite3_column_double(tls, s.ptr, i)
		return value.Value{Kind: value.Real, Int: int64(math.Float64bits(f))}
	case sqlite3.SQLITE_TEXT:
		p := sqlite3.Xsqlite3_column_text(tls, s.ptr, i)
		b := bytesAt(p, int(sqlite3.Xsqlite3_column_bytes(tls, s.ptr, i)))
		if utf8.Valid(b) {
			return value.Value{Kind: value.Text, Bytes: b}
		}
		return value.Value{Kind: value.RawText, Bytes: b}
	case sqlite3.SQLITE_BLOB:
		p := sqlite3.Xsqlite3_column_blob(tls, s.ptr, i)
		return value.Value{Kind: value.Blob, Bytes: bytesAt(p, int(sqlite3.Xsqlite3_column_bytes(tls, s.ptr, i)))}
	}
	return value.Value{}
}

// integer runs a query whose first value is a number, and returns it; 0 when
// there is no row.
func (c *Conn) integer(ctx context.Context, sql string, args ...value.Value) (int64, error) {
	var n int64
	err := c.Query(ctx, sql, args, func(row []value.Value) error {
		n = row[0].Int
		return nil
	})
	return n, err
}

// quoteName writes a name as a quoted identifier.
func quoteName(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// cText returns the zero-terminated text at address p, "" for none.
func cText(p uintptr) string {
	if p == 0 {
		return ""
	}
	return libc.GoString(p)
}
