package sqlitefile_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// database makes a database with SQLite and returns a connection to it and its
// bytes.
func database(t *testing.T, sql ...string) (*engine.Conn, []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	c, err := engine.Open(t.Context(), path, engine.OpenOptions{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // it is only read from now on
	for _, s := range append([]string{"PRAGMA synchronous=OFF"}, sql...) {
		if err := c.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return c, b
}

func query(t *testing.T, c *engine.Conn, sql string, each func(row []value.Value)) {
	t.Helper()
	err := c.Query(t.Context(), sql, nil, func(row []value.Value) error {
		each(row)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestHeaderOfSQLite checks that a header that SQLite wrote says what its
// PRAGMA statements do, and that Put writes the same bytes but for the change
// counter.
func TestHeaderOfSQLite(t *testing.T) {
	for i, settings := range []string{
		"", "PRAGMA page_size=512; PRAGMA encoding='UTF-16le'; PRAGMA auto_vacuum=1", "PRAGMA page_size=65536; PRAGMA encoding='UTF-16be'; PRAGMA auto_vacuum=2",
		"PRAGMA user_version=-5; PRAGMA application_id=77; PRAGMA default_cache_size=-9", "PRAGMA page_size=8192; PRAGMA journal_mode=WAL",
	} {
		c, b := database(t, settings, "CREATE TABLE t(x)", "CREATE INDEX i ON t(x)", "PRAGMA wal_checkpoint")
		h, err := sqlitefile.ParseHeader(b)
		if err != nil {
			t.Fatal(err)
		}
		mode := "delete"
		if h.WAL {
			mode = "wal"
		}
		got := fmt.Sprintf("%d %v %d %d %d %d %d %s", h.PageSize, h.Encoding, h.AutoVacuum(), h.UserVersion, h.ApplicationID, h.SchemaVersion, h.Pages, mode)
		var want string
		query(t, c, `SELECT format('%d %s %d %d %d %d %d %s', page_size, encoding, auto_vacuum, user_version, application_id, schema_version, page_count, journal_mode) FROM
			pragma_page_size, pragma_encoding, pragma_auto_vacuum, pragma_user_version, pragma_application_id, pragma_schema_version, pragma_page_count, pragma_journal_mode`,
			func(row []value.Value) { want = string(row[0].Bytes) })
		if got != want {
			t.Errorf("database %d: got %s, want %s", i, got, want)
		}
		again := make([]byte, sqlitefile.HeaderSize)
		h.Put(again)
		for _, at := range []int{24, 92} { // the change counter, twice
			binary.BigEndian.PutUint32(again[at:], binary.BigEndian.Uint32(b[24:]))
		}
		if !bytes.Equal(again, b[:sqlitefile.HeaderSize]) {
			t.Errorf("database %d: Put writes\n%x, SQLite\n%x", i, again, b[:sqlitefile.HeaderSize])
		}
	}
}

// TestPointerMapOfSQLite checks that the pages which PointerMapPage calls
// pointer maps are those that no b-tree uses, and that their entries are.
func TestPointerMapOfSQLite(t *testing.T) {
	c, b := database(t, "PRAGMA page_size=512; PRAGMA auto_vacuum=1", "CREATE TABLE t(x)",
		"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < 600) INSERT INTO t SELECT zeroblob(i) FROM n")
	used := map[uint32]bool{}
	query(t, c, "SELECT pageno FROM dbstat", func(row []value.Value) { used[uint32(row[0].Int)] = true })
	pages, maps := uint32(len(b)/512), 0
	for p := uint32(2); p <= pages; p++ {
		m := sqlitefile.PointerMapPage(p, 512, 512)
		if isMap := m == p; isMap == used[p] {
			t.Errorf("page %d: pointer map %v, in use by a b-tree %v", p, isMap, used[p])
		} else if isMap {
			maps++
			continue
		}
		entry := b[(m-1)*512+5*(p-m-1):]
		parent := binary.BigEndian.Uint32(entry[1:])
		switch kind := entry[0]; {
		case kind == sqlitefile.PointerRoot && parent == 0:
		case kind == sqlitefile.PointerBTree || kind == sqlitefile.PointerOverflow1 || kind == sqlitefile.PointerOverflow2:
			if !used[parent] {
				t.Errorf("page %d: its parent %d is no page of a b-tree", p, parent)
			}
		default:
			t.Errorf("page %d: entry of type %d with parent %d", p, kind, parent)
		}
	}
	if maps < 3 {
		t.Errorf("%d pointer-map pages in a file of %d pages", maps, pages)
	}
}

// TestRecordOfSQLite checks that the record that SQLite stores stands in its
// file as AppendRecord makes it.
func TestRecordOfSQLite(t *testing.T) {
	for _, e := range encodings {
		sql := fmt.Sprintf("PRAGMA encoding='%v'", e)
		_, b := database(t, sql, "CREATE TABLE t(a, b, c, d, e, f, g, h, i)",
			"INSERT INTO t VALUES (NULL, 0, 1, -129, 8388608, 1<<47, -1.5e300, 'aé', x'00ff')")
		text := sqlitefile.EncodeText(nil, []byte("aé"), e)
		row := []value.Value{
			{},
			value.OfInt(0), value.OfInt(1), value.OfInt(-129), value.OfInt(8388608), value.OfInt(1 << 47), value.OfFloat(-1.5e300),
			{Kind: value.Text, Bytes: text},
			value.OfBlob([]byte{0, 255}),
		}
		if rec := sqlitefile.AppendRecord(nil, row, 4); bytes.Count(b, rec) != 1 {
			t.Errorf("%v: the record %x stands %d times in the file", e, rec, bytes.Count(b, rec))
		}
	}
}

// TestLocalPayloadOfSQLite checks how much SQLite leaves on a b-tree page
// around the sizes where that changes.
func TestLocalPayloadOfSQLite(t *testing.T) {
	for _, c := range []struct {
		table bool
		sql   string
	}{{true, "CREATE TABLE t(x)"}, {false, "CREATE TABLE t(x PRIMARY KEY) WITHOUT ROWID"}} {
		sizes := []int{90, 95, 101, 102, 103, 110, 470, 471, 476, 477, 478, 500, 505, 509, 510, 600, 984, 986, 1010, 1016, 1020, 1486, 2000}
		for _, size := range sizes { // of the payload
			head := 3 // a record of one blob: two or three bytes
			if size-3 < 58 {
				head = 2
			}
			conn, _ := database(t, "PRAGMA page_size=512", c.sql, fmt.Sprintf("INSERT INTO t VALUES (zeroblob(%d))", size-head))
			var payload, spilled int64
			query(t, conn, "SELECT sum(payload), sum(iif(pagetype='overflow', payload, 0)) FROM dbstat WHERE name='t'", func(row []value.Value) {
				payload, spilled = row[0].Int, row[1].Int
			})
			if payload != int64(size) {
				t.Fatalf("the payload has %d bytes, not %d", payload, size)
			}
			if got := sqlitefile.LocalPayload(c.table, 512, payload); int64(got) != payload-spilled {
				t.Errorf("table %v, payload of %d: %d are local, SQLite has %d", c.table, size, got, payload-spilled)
			}
		}
	}
}
