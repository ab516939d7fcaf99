package engine

import (
	"context"
	"fmt"
	"sync"

	"github.com/litekeep/litekeep/internal/value"
)

// Declarations tells what the schema of a private database declares beyond what Describe
// does. All questions go through one connection, opened with the first, since each loads
// the whole schema. It may be used by several goroutines.
type Declarations struct {
	path string
	mu   sync.Mutex
	conn *Conn
}

// NewDeclarations returns those of the database at path, which tables were described
// from. Close them.
func NewDeclarations(path string) *Declarations { return &Declarations{path: path} }

// Close closes the connection, if there is one.
func (d *Declarations) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn == nil {
		return nil
	}
	err := d.conn.Close()
	d.conn = nil
	return err
}

// query is Conn.Query on the connection.
func (d *Declarations) query(ctx context.Context, sql string, args []value.Value, each func(row []value.Value) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.conn == nil {
		c, _, err := openTolerant(ctx, d.path)
		if err != nil {
			return err
		}
		d.conn = c
	}
	return d.conn.Query(ctx, sql, args, each)
}

// declaration returns the sql of one schema row, and the encoding of the database.
func (d *Declarations) declaration(ctx context.Context, rowid int64) (sql value.Value, encoding string, err error) {
	err = d.query(ctx, "PRAGMA encoding", nil, func(row []value.Value) error {
		encoding = string(row[0].Bytes)
		return nil
	})
	if err == nil {
		err = d.query(ctx, "SELECT sql FROM sqlite_schema WHERE rowid=?", []value.Value{value.OfInt(rowid)}, func(row []value.Value) error {
			sql = row[0]
			sql.Bytes = append([]byte(nil), sql.Bytes...)
			return nil
		})
	}
	return sql, encoding, err
}

// DefaultTexts returns the DEFAULT of each column of the table as its declaration writes
// it, "" where there is none.
func (d *Declarations) DefaultTexts(ctx context.Context, table *Object) ([]string, error) {
	texts := make([]string, len(table.Table.Columns))
	name := value.Value{Kind: value.Text, Bytes: []byte(table.Name)}
	err := d.query(ctx, "SELECT cid, dflt_value FROM pragma_table_xinfo(?, 'main')", []value.Value{name}, func(row []value.Value) error {
		if i := row[0].Int; i >= 0 && i < int64(len(texts)) {
			texts[i] = string(row[1].Bytes)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("defaults of %q: %w", table.Name, err)
	}
	return texts, nil
}
