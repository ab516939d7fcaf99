package testdb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/value"
)

// side is one of two databases that are compared.
type side struct {
	conn   *engine.Conn // the database, read only
	raw    *engine.Conn // a copy whose schema was replaced; see makeRaw
	dir    string       // holds the copies
	path   string
	header []byte // 100 bytes; nil if the file has 0
	schema []*schemaRow
	names  map[string]int // how many tables have this name, in lower case
}

// schemaRow is one row of sqlite_schema.
type schemaRow struct {
	rowid int64
	tree  string // "table", "index" or none
	name  string // bytes as stored, in UTF-8 where they are well-formed
	root  int64
	key   string // all that has to be the same, and whether there is a root page
	place int    // position in the schema
}

func (r *schemaRow) hasTree() bool { return r.root > 0 && r.tree != "" }

// treeOf says what kind of b-tree a schema row owns: "table", "index" or none.
// Like SQLite it goes by the declaration; by the type only where the
// declaration does not tell.
func treeOf(kind, sql string) string {
	words := strings.Fields(strings.ToLower(strings.ReplaceAll(sql, "(", " ")))
	if len(words) < 2 || words[0] != "create" {
		words = []string{"", ""}
	}
	switch words[1] {
	case "table", "index":
		return words[1]
	case "unique":
		return "index"
	case "view", "trigger", "virtual":
		return ""
	}
	if kind == "table" || kind == "index" {
		return kind
	}
	return ""
}

// openSide opens a database for comparison. One that has to be recovered is
// recovered in a copy.
func openSide(ctx context.Context, path string) (*side, error) {
	dir, err := os.MkdirTemp("", "compare")
	if err != nil {
		return nil, err
	}
	s := &side{dir: dir, path: path, names: map[string]int{}}
	if err = s.recover(ctx); err == nil {
		if s.conn, err = engine.Open(ctx, s.path, engine.OpenOptions{Immutable: true, WritableSchema: true}); err == nil {
			err = s.load(ctx)
		}
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *side) close() {
	for _, c := range []*engine.Conn{s.conn, s.raw} {
		if c != nil {
			c.Close() // read only, or a copy: nothing can be lost
		}
	}
	os.RemoveAll(s.dir)
}

// recover replaces path by a recovered copy when a log or journal stands
// beside it.
func (s *side) recover(ctx context.Context) error {
	suffixes := []string{""}
	for _, suffix := range []string{"-wal", "-journal"} {
		if info, err := os.Stat(s.path + suffix); err == nil && info.Size() > 0 {
			suffixes = append(suffixes, suffix)
		}
	}
	if len(suffixes) == 1 {
		return nil
	}
	copied := filepath.Join(s.dir, "recovered.db")
	if err := copyFiles(s.path, copied, suffixes...); err != nil {
		return err
	}
	s.path = copied
	c, err := engine.Open(ctx, copied, engine.OpenOptions{})
	if err != nil {
		return err
	}
	err = c.Query(ctx, "SELECT count(*) FROM sqlite_schema", nil, func([]value.Value) error { return nil })
	return errors.Join(err, c.Close())
}

// shown is the pair of result columns that gives one value: its storage class,
// and its exact bytes.
func shown(column string) string {
	return fmt.Sprintf("typeof(%[1]s), CASE typeof(%[1]s) WHEN 'text' THEN CAST(%[1]s AS BLOB) ELSE %[1]s END", column)
}

func (s *side) load(ctx context.Context) error {
	err := s.conn.Query(ctx, "SELECT substr(data, 1, 100) FROM sqlite_dbpage WHERE pgno = 1", nil, func(row []value.Value) error {
		s.header = append([]byte{}, row[0].Bytes...)
		return nil
	})
	if err != nil {
		return err
	}
	columns := []string{"rowid", "CAST(type AS TEXT)", "CAST(name AS TEXT)", "CAST(sql AS TEXT)", "rootpage", "typeof(rootpage) || quote(rootpage)"}
	for _, c := range []string{"type", "name", "tbl_name", "sql"} {
		columns = append(columns, shown(c))
	}
	return s.conn.Query(ctx, "SELECT "+strings.Join(columns, ", ")+" FROM sqlite_schema ORDER BY rowid", nil, func(row []value.Value) error {
		r := &schemaRow{rowid: row[0].Int, tree: treeOf(string(row[1].Bytes), string(row[3].Bytes)), name: string(row[2].Bytes), place: len(s.schema)}
		texts := make([]string, 0, 5)
		for i := 6; i < len(row); i += 2 {
			texts = append(texts, canonical(&row[i], &row[i+1]))
		}
		tree := string(row[5].Bytes)
		if row[4].Kind == value.Integer && row[4].Int > 0 && r.tree != "" {
			r.root = row[4].Int
			tree = "has a b-tree" // its number may differ
		}
		r.key = strings.Join(append(texts, tree), " | ")
		if r.tree == "table" {
			s.names[strings.ToLower(r.name)]++
		}
		s.schema = append(s.schema, r)
		return nil
	})
}

// lines returns the rows of a query as text; an error is a line as well.
func (s *side) lines(ctx context.Context, sql string) []string {
	var list []string
	err := s.conn.Query(ctx, sql, nil, func(row []value.Value) error {
		parts := make([]string, len(row))
		for i := range row {
			parts[i] = string(row[i].Bytes)
			if row[i].Kind == value.Integer {
				parts[i] = fmt.Sprint(row[i].Int)
			}
		}
		list = append(list, strings.Join(parts, " | "))
		return nil
	})
	if e := (*engine.Error)(nil); errors.As(err, &e) {
		list = append(list, "error: "+e.Msg) // without the path
	} else if err != nil {
		list = append(list, "error: "+err.Error())
	}
	return list
}

// reading is one way to read a b-tree: result columns of a SELECT, or all of
// its stored records.
type reading struct {
	columns []string
	raw     bool
	rowids  bool // of raw: the rowids alone
}

// chunk is how many columns one SELECT reads; each takes two of the 2000
// result columns that SQLite allows.
const chunk = 900

// reads says how a table is read: by its columns where SQLite can describe it,
// else by its records.
func (s *side) reads(ctx context.Context, r *schemaRow) ([]reading, error) {
	names, virtual, err := s.columns(ctx, r)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 || s.names[strings.ToLower(r.name)] > 1 {
		return []reading{{raw: true}}, nil
	}
	rowid := "x.rowid"
	taken := map[string]bool{}
	for _, n := range names {
		taken[strings.ToLower(n)] = true
	}
	for _, n := range []string{"oid", "_rowid_", "rowid"} {
		if !taken[n] {
			rowid = "x." + n
		}
	}
	hidden := taken["rowid"] && taken["_rowid_"] && taken["oid"]
	without := s.withoutRowid(ctx, r)
	list := columnReads(names, nil, rowid, without || hidden)
	if s.readable(ctx, r, list) != nil { // a function that is not known here, say
		if list = columnReads(names, virtual, rowid, without || hidden); s.readable(ctx, r, list) != nil {
			return []reading{{raw: true}}, nil
		}
	}
	if hidden && !without {
		list = append(list, reading{raw: true, rowids: true})
	}
	return list, nil
}

func columnReads(names []string, leaveOut map[string]bool, rowid string, noRowid bool) []reading {
	var list []reading
	var columns []string
	if !noRowid {
		columns = append(columns, shown(rowid))
	}
	for _, n := range names {
		if leaveOut[n] {
			continue
		}
		if len(columns) == chunk {
			list = append(list, reading{columns: columns})
			columns = nil
		}
		columns = append(columns, shown("x."+quote(n)))
	}
	return append(list, reading{columns: columns})
}

// columns returns the names of a table's columns, and those of them that are
// computed when they are read.
func (s *side) columns(ctx context.Context, r *schemaRow) (names []string, virtual map[string]bool, err error) {
	virtual = map[string]bool{}
	err = s.conn.Query(ctx, "SELECT name, hidden FROM pragma_table_xinfo(?, 'main')", []value.Value{textValue(r.name)}, func(row []value.Value) error {
		name := string(row[0].Bytes)
		names = append(names, name)
		virtual[name] = row[1].Int == 2
		return nil
	})
	return names, virtual, err
}

// textValue is a name as an argument, whatever its bytes are.
func textValue(s string) value.Value { return value.Value{Kind: value.RawText, Bytes: []byte(s)} }

func (s *side) withoutRowid(ctx context.Context, r *schemaRow) bool {
	without := false
	// An error leaves the table with a rowid that cannot be read, which the caller finds.
	_ = s.conn.Query(ctx, "SELECT wr FROM pragma_table_list(?) WHERE schema = 'main'", []value.Value{textValue(r.name)}, func(row []value.Value) error {
		without = row[0].Int != 0
		return nil
	})
	return without
}

// readable returns the error of preparing the readings.
func (s *side) readable(ctx context.Context, r *schemaRow, list []reading) error {
	for _, x := range list {
		if err := s.conn.Query(ctx, s.statement(ctx, r, x)+" LIMIT 0", nil, func([]value.Value) error { return nil }); err != nil {
			return err
		}
	}
	return nil
}

func (s *side) statement(ctx context.Context, r *schemaRow, x reading) string {
	return "SELECT " + strings.Join(x.columns, ", ") + " FROM main." + quote(r.name) + " AS x " + s.itself(ctx, r)
}

// itself keeps SQLite from reading an index in place of the table. For a table without
// rowids NOT INDEXED does not, but to name its primary key does.
func (s *side) itself(ctx context.Context, r *schemaRow) string {
	how := "NOT INDEXED"
	if !s.withoutRowid(ctx, r) {
		return how
	}
	_ = s.conn.Query(ctx, "SELECT name FROM pragma_index_list(?, 'main') WHERE origin = 'pk'", []value.Value{textValue(r.name)}, func(row []value.Value) error {
		how = "INDEXED BY " + quote(string(row[0].Bytes))
		return nil
	}) // after an error the query tells
	return how
}

// scan is a query that is read row by row.
type scan struct {
	next func() ([]string, bool) // a row; nil after the last; false after an error
	stop func()
	err  error
}

var errStopped = errors.New("the reader has enough")

func (s *side) scan(ctx context.Context, r *schemaRow, x reading) *scan {
	out := &scan{}
	conn, sql := s.conn, ""
	if x.raw {
		conn, sql, out.err = s.rawStatement(ctx, r, x)
	} else {
		sql = s.statement(ctx, r, x)
	}
	rows := func(yield func([]string) bool) {
		if out.err != nil {
			return
		}
		err := conn.Query(ctx, sql, nil, func(row []value.Value) error {
			list := make([]string, 0, len(row)/2)
			for i := 0; i+1 < len(row); i += 2 {
				list = append(list, canonical(&row[i], &row[i+1]))
			}
			if !yield(list) {
				return errStopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStopped) {
			out.err = err
			return
		}
		if err == nil {
			yield(nil)
			for yield(nil) { // the other side may have more
			}
		}
	}
	next, stop := iter.Pull(rows)
	out.next, out.stop = next, stop
	return out
}
