package testdb

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/value"
)

// unknownFields is how many fields are read of a record whose table SQLite
// cannot describe.
const unknownFields = 200

// rawStatement reads all fields of the stored records of a b-tree, in its
// order, or the rowids alone.
func (s *side) rawStatement(ctx context.Context, r *schemaRow, x reading) (*engine.Conn, string, error) {
	if s.raw == nil {
		if err := s.makeRaw(ctx); err != nil {
			return nil, "", err
		}
	}
	if x.rowids {
		return s.raw, fmt.Sprintf("SELECT %s FROM t%d", shown("rowid"), r.place), nil
	}
	fields, table, err := s.shape(ctx, r)
	if err != nil {
		return nil, "", err
	}
	var columns []string
	if table {
		columns = append(columns, shown("rowid"))
	}
	for i := range min(fields, 990) { // more cannot be shown in one statement
		columns = append(columns, shown(fmt.Sprintf("c%d", i)))
	}
	return s.raw, fmt.Sprintf("SELECT %s FROM t%d NOT INDEXED", strings.Join(columns, ", "), r.place), nil
}

// makeRaw copies the database and puts a schema of its own over the b-trees:
// t0, t1 …, one for each schema row, with as many columns as the records have
// fields, without types, defaults, collations or indexes. So SQL reads each
// record as it is stored, and an index as a table.
func (s *side) makeRaw(ctx context.Context) error {
	path := filepath.Join(s.dir, "raw.db")
	if err := copyFiles(s.path, path, ""); err != nil {
		return err
	}
	c, err := engine.Open(ctx, path, engine.OpenOptions{WritableSchema: true})
	if err != nil {
		return err
	}
	s.raw = c
	if err := c.Exec(ctx, "PRAGMA synchronous=OFF; BEGIN; DELETE FROM sqlite_schema"); err != nil {
		return err
	}
	for _, r := range s.schema {
		if !r.hasTree() {
			continue
		}
		fields, table, err := s.shape(ctx, r)
		if err != nil {
			continue // a root page that cannot be read; the scan of this table will say so
		}
		names := make([]string, fields)
		for i := range names {
			names[i] = fmt.Sprintf("c%d", i)
		}
		sql := fmt.Sprintf("CREATE TABLE t%d(%s", r.place, strings.Join(names, ","))
		if table {
			sql += ")"
		} else {
			sql += ",PRIMARY KEY(c0)) WITHOUT ROWID"
		}
		name := value.OfText(fmt.Sprintf("t%d", r.place))
		if err := c.Exec(ctx, "INSERT INTO sqlite_schema VALUES ('table', ?, ?, ?, ?)", name, name, value.OfInt(r.root), value.OfText(sql)); err != nil {
			return err
		}
	}
	if err := c.Exec(ctx, "COMMIT"); err != nil {
		return err
	}
	if err := c.Close(); err != nil {
		return err
	}
	s.raw, err = engine.Open(ctx, path, engine.OpenOptions{})
	return err
}

// shape returns how many fields the records of a b-tree have at most, and
// whether it is a tree of rowids.
func (s *side) shape(ctx context.Context, r *schemaRow) (fields int, table bool, err error) {
	kind := byte(0)
	err = s.conn.Query(ctx, "SELECT substr(data, 1, 1) FROM sqlite_dbpage WHERE pgno = ?", []value.Value{value.OfInt(r.root)}, func(row []value.Value) error {
		if len(row[0].Bytes) == 1 {
			kind = row[0].Bytes[0]
		}
		return nil
	})
	if err != nil {
		return 0, false, err
	}
	switch kind {
	case 0x05, 0x0d:
		table = true
	case 0x02, 0x0a:
	default:
		return 0, false, fmt.Errorf("page %d is no b-tree page", r.root)
	}
	function := "pragma_table_xinfo(?, 'main') WHERE hidden <> 2"
	if r.tree == "index" {
		function = "pragma_index_xinfo(?, 'main')"
	}
	err = s.conn.Query(ctx, "SELECT count(*) FROM "+function, []value.Value{textValue(r.name)}, func(row []value.Value) error {
		fields = int(row[0].Int)
		return nil
	})
	if err != nil || fields == 0 {
		fields = unknownFields
	}
	return fields, table, nil
}
