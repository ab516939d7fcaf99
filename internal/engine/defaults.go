package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// Defaults returns, for each field of a stored record (in the order of
// table.Table.StorageOrder), the value that SQLite reads where a record is too
// short to have the field: the DEFAULT of a column that ALTER TABLE ADD COLUMN
// added after the record was written. It is NULL for a default that is not
// constant, and for the alias of the rowid. Texts has, for each column of the table,
// its DEFAULT as the declaration writes it, "" where there is none.
//
// The values are SQLite's own: it is given a scratch database with the same
// declaration and one record without any fields, and asked for the row. The database
// that the table is in is not opened: to read the schema for each of many tables would
// take a time that grows with their square.
func Defaults(ctx context.Context, table *Object, e sqlitefile.Encoding) (values []value.Value, texts []string, err error) {
	if table.Table == nil || table.Table.Virtual {
		return nil, nil, fmt.Errorf("defaults of %q: it is not a table with rows", table.Name)
	}
	if values, texts, err = defaults(ctx, table, e); err != nil {
		return nil, nil, fmt.Errorf("defaults of %q: %w", table.Name, err)
	}
	return values, texts, nil
}

// scratchRoot is the root page of the only table in the scratch database.
const scratchRoot = 2

// defaults asks a scratch database for the row of a record without fields.
// One connection makes the database and another one reads it, since the first
// one knows the page that is changed behind its back.
func defaults(ctx context.Context, table *Object, e sqlitefile.Encoding) (values []value.Value, texts []string, err error) {
	key := new([16]byte) // its address is a name that nobody else has meanwhile
	defer runtime.KeepAlive(key)
	name := fmt.Sprintf("litekeep-defaults-%p", key)
	maker, err := openScratch(name)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, maker.Close()) }()
	if err = maker.makeScratch(ctx, table, e); err != nil {
		return nil, nil, err
	}
	reader, err := openScratch(name)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	if values, err = reader.readScratch(ctx, table); err == nil {
		texts, err = reader.defaultTexts(ctx, table)
	}
	return values, texts, err
}

func (c *Conn) makeScratch(ctx context.Context, table *Object, e sqlitefile.Encoding) error {
	name := value.Value{Kind: value.Text, Bytes: []byte(table.Name)}
	err := c.Exec(ctx, "PRAGMA encoding="+quoteName(e.String())+`; CREATE TABLE scratch(x); PRAGMA writable_schema=ON;
		UPDATE sqlite_schema SET name=?, tbl_name=?, sql=?`, name, name, table.SQL)
	if err != nil {
		return err
	}
	size, err := c.integer(ctx, "PRAGMA page_size")
	if err != nil {
		return err
	}
	page := emptyRecordPage(int(size), table.Table.WithoutRowID)
	return c.Exec(ctx, "UPDATE sqlite_dbpage SET data=? WHERE pgno=?", value.OfBlob(page), value.OfInt(scratchRoot))
}

func (c *Conn) readScratch(ctx context.Context, table *Object) ([]value.Value, error) {
	c.avoidCoveringIndexes()
	// The declaration may name collations that only the application knows;
	// they do not matter to a single row.
	if err := c.standInForAll(); err != nil {
		return nil, err
	}
	values := make([]value.Value, len(table.Table.StorageOrder))
	found := false
	err := c.Query(ctx, selectStored(table), nil, func(row []value.Value) error {
		found = true
		for i, v := range row {
			v.Bytes = append([]byte(nil), v.Bytes...)
			values[i] = v
			if table.Table.StorageOrder[i] == table.Table.RowIDAlias {
				values[i] = value.Value{}
			}
		}
		return nil
	})
	if err == nil && !found {
		err = fault("query", "", sqlite3.SQLITE_INTERNAL, "the scratch table has no row")
	}
	return values, err
}

// defaultTexts returns the DEFAULT of each column of the scratch table.
func (c *Conn) defaultTexts(ctx context.Context, table *Object) ([]string, error) {
	texts := make([]string, len(table.Table.Columns))
	name := value.Value{Kind: value.Text, Bytes: []byte(table.Name)}
	err := c.Query(ctx, "SELECT cid, dflt_value FROM pragma_table_xinfo(?, 'main')", []value.Value{name}, func(row []value.Value) error {
		if i := row[0].Int; i >= 0 && i < int64(len(texts)) {
			texts[i] = string(row[1].Bytes)
		}
		return nil
	})
	return texts, err
}

// selectStored is the query for the stored columns of a table.
func selectStored(table *Object) string {
	var b strings.Builder
	b.WriteString("SELECT ")
	for i, column := range table.Table.StorageOrder {
		if i > 0 {
			b.WriteByte(',')
		}
		// With the table's name before it, a name cannot be taken for a text.
		b.WriteString("t." + quoteName(table.Table.Columns[column].Name))
	}
	b.WriteString(" FROM main." + quoteName(table.Name) + " AS t")
	return b.String()
}

// avoidCoveringIndexes keeps the planner from reading an index in place of the
// table: the scratch database has none of those that the declaration implies.
func (c *Conn) avoidCoveringIndexes() {
	const coverIdxScan = 0x20 // SQLITE_CoverIdxScan, among SQLite's internal flags
	args := cAlloc(c.tls, 32)
	defer cFree(c.tls, args)
	sqlite3.Xsqlite3_test_control(c.tls, sqlite3.SQLITE_TESTCTRL_OPTIMIZATIONS, libc.VaList(args, c.db, int32(coverIdxScan)))
}

// emptyRecordPage makes a leaf page with one record that has no fields: of an
// index b-tree for a WITHOUT ROWID table, else of a table b-tree with rowid 1.
func emptyRecordPage(size int, withoutRowID bool) []byte {
	const (
		indexLeaf  = 0x0a
		tableLeaf  = 0x0d
		headerSize = 8
		cellSize   = 4 // the least that SQLite allots
	)
	page := make([]byte, size)
	cell := page[size-cellSize:]
	// A length of 1, and a record whose header has a length of 0. SQLite takes
	// that for a record without fields; a header of length 1 it refuses.
	cell[0] = 1
	page[0] = indexLeaf
	if !withoutRowID {
		page[0] = tableLeaf
		cell[1] = 1 // the rowid, before the record
	}
	binary.BigEndian.PutUint16(page[3:], 1) // number of cells
	binary.BigEndian.PutUint16(page[5:], uint16(size-cellSize))
	binary.BigEndian.PutUint16(page[headerSize:], uint16(size-cellSize))
	return page
}
