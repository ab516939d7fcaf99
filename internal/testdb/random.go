package testdb

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/value"
)

// Random makes a database at path with a schema and content that t draws:
// page size, reserved bytes, encoding, auto_vacuum; some tables with columns
// of any declared type, keys of every kind, WITHOUT ROWID, STRICT, generated
// and added columns; indexes, unique, partial, descending, on expressions; and
// rows with values of every kind, then updates and deletes. A file that exists
// is replaced. Every database that it makes is sound: SQLite's integrity_check
// says ok.
func Random(t *rapid.T, ctx context.Context, path string) {
	for _, suffix := range []string{"", "-wal", "-journal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	err := making(func(m *maker) {
		g := &generator{maker: m, t: t}
		g.settings()
		for i := range rapid.IntRange(1, 4).Draw(t, "tables") {
			g.table(fmt.Sprintf("t%d", i))
		}
		if g.chance(10, "view") {
			m.run("CREATE VIEW v AS SELECT * FROM t0")
		}
		if g.chance(10, "analyze") {
			m.run("ANALYZE")
		}
		if g.chance(15, "fts5") {
			m.run("CREATE VIRTUAL TABLE fts USING fts5(a, b)", "INSERT INTO fts VALUES ('some words', 'of text'), ('more', NULL)")
		}
		if g.chance(10, "user_version") {
			m.run(fmt.Sprintf("PRAGMA user_version=%d", rapid.Int32().Draw(t, "version")))
		}
	})(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
}

// generator draws the parts of a random database.
type generator struct {
	*maker
	t    *rapid.T
	page int
}

// chance is true in the given percentage of cases.
func (g *generator) chance(percent int, label string) bool {
	// rapid prefers small numbers; multiplied they are spread evenly. 0, to which
	// it shrinks, stays false.
	n := uint64(rapid.Uint16().Draw(g.t, label)) * 2654435761 >> 8
	return int(n%100) >= 100-percent
}

func (g *generator) oneOf(label string, list ...string) string {
	return rapid.SampledFrom(list).Draw(g.t, label)
}

func (g *generator) settings() {
	g.page = rapid.SampledFrom([]int{4096, 512, 1024, 2048, 8192, 65536}).Draw(g.t, "page size")
	g.run(fmt.Sprintf("PRAGMA page_size=%d", g.page),
		"PRAGMA encoding='"+g.oneOf("encoding", "UTF-8", "UTF-16le", "UTF-16be")+"'",
		"PRAGMA auto_vacuum="+g.oneOf("auto_vacuum", "0", "1", "2"))
	if g.page > 512 && g.chance(20, "reserved") {
		g.reserve(rapid.IntRange(1, 255).Draw(g.t, "reserved bytes"))
	}
}

// column is one column of a random table.
type column struct {
	name, def string
	generated bool
}

// table makes one table with indexes and rows.
func (g *generator) table(name string) {
	columns, options := g.declare(name)
	if g.chance(50, "index first") {
		g.indexes(name, columns)
	}
	g.rows(name, columns)
	for i := range rapid.IntRange(0, 2).Draw(g.t, "added columns") {
		if strings.Contains(options, "STRICT") {
			break
		}
		c := column{name: fmt.Sprintf("added%d", i)}
		g.run("ALTER TABLE " + name + " ADD COLUMN " + c.name + " " +
			g.oneOf("added", "", "TEXT DEFAULT 'x'", "INTEGER DEFAULT -1", "REAL DEFAULT 3", "DEFAULT x'00ff'", "NUMERIC DEFAULT '1e2'", "TEXT DEFAULT 5", "BLOB DEFAULT 'b'",
				"DEFAULT 1.0", "TEXT DEFAULT TRUE", "REAL DEFAULT 9223372036854775807"))
		columns = append(columns, c)
		g.rows(name, columns)
	}
	g.indexes(name, columns)
	if g.chance(40, "many rows") {
		g.manyRows(name, columns)
	}
	g.change(name, columns)
}

// declare creates a table and returns its columns and options.
func (g *generator) declare(name string) ([]column, string) {
	n := rapid.IntRange(1, 8).Draw(g.t, "columns")
	strict := g.chance(15, "strict")
	key := g.oneOf("key", "none", "rowid", "columns", "without rowid", "autoincrement", "descending")
	columns := make([]column, n)
	var defs []string
	for i := range columns {
		c := &columns[i]
		c.name = fmt.Sprintf("c%d", i)
		if g.chance(8, "odd name") {
			odd := g.oneOf("name", "rowid", "_rowid_", "oid", "a b", "quo\"te", "ü")
			if !slices.ContainsFunc(columns[:i], func(c column) bool { return c.name == odd }) {
				c.name = odd
			}
		}
		if i > 0 && g.chance(10, "generated") {
			c.generated = true
			of := quote(columns[0].name)
			c.def = quote(c.name) + " " + g.oneOf("type", "", "INTEGER", "REAL", "TEXT COLLATE NOCASE") + " AS (" + g.oneOf("expression", "typeof("+of+")", of, "coalesce("+of+",'none')") + ") " + g.oneOf("how", "STORED", "VIRTUAL")
			if strict {
				c.def = quote(c.name) + " ANY AS (" + of + ") STORED"
			}
		} else {
			c.def = quote(c.name) + " " + g.columnType(strict)
		}
		defs = append(defs, c.def)
	}
	var options []string
	switch key {
	case "rowid", "autoincrement", "descending":
		at := rapid.IntRange(0, n-1).Draw(g.t, "key position")
		if columns[at].generated {
			at = 0
		}
		defs[at] = quote(columns[at].name) + " INTEGER PRIMARY KEY" + map[string]string{"autoincrement": " AUTOINCREMENT", "descending": " DESC"}[key]
	case "columns":
		defs = append(defs, "PRIMARY KEY("+g.keyColumns(columns)+")")
	case "without rowid":
		defs = append(defs, "PRIMARY KEY("+g.keyColumns(columns)+")")
		options = append(options, "WITHOUT ROWID")
	}
	if strict {
		options = append(options, "STRICT")
	}
	if g.chance(15, "unique") {
		defs = append(defs, "UNIQUE("+g.keyColumns(columns)+")")
	}
	with := strings.Join(options, ", ")
	g.run("CREATE TABLE " + name + "(" + strings.Join(defs, ", ") + ") " + with)
	return columns, with
}

func (g *generator) columnType(strict bool) string {
	if strict {
		return g.oneOf("type", "INTEGER", "INT", "REAL", "TEXT", "BLOB", "ANY")
	}
	return g.oneOf("type", "", "INTEGER", "TEXT", "REAL", "BLOB", "NUMERIC", "DOUBLE", "VARCHAR(9)", "TEXT COLLATE NOCASE", "TEXT COLLATE RTRIM", "BOOLEAN", "FLOAT DEFAULT 2")
}

// keyColumns lists columns of a key: stored ones, with collations and
// directions.
func (g *generator) keyColumns(columns []column) string {
	var keys []string
	for range rapid.IntRange(1, 3).Draw(g.t, "key columns") {
		c := columns[rapid.IntRange(0, len(columns)-1).Draw(g.t, "key column")]
		if c.generated {
			c = columns[0]
		}
		keys = append(keys, quote(c.name)+g.oneOf("collation", "", "", " COLLATE NOCASE", " COLLATE RTRIM", " COLLATE BINARY")+g.oneOf("direction", "", " DESC", " ASC"))
	}
	return strings.Join(keys, ", ")
}

// refusals are the error codes of a statement that the table's declaration does
// not let pass: constraint, datatype mismatch, and full, which is what SQLite
// calls a table whose highest rowid is taken.
var refusals = []int{19, 20, 13}

// may runs a statement that the table's declaration may refuse.
func (g *generator) may(sql string, args ...value.Value) {
	g.exec(sql, args...)
	var e *engine.Error
	if errors.As(g.err, &e) && slices.Contains(refusals, e.Code&0xff) {
		g.err = nil
	}
}

func (g *generator) indexes(table string, columns []column) {
	for range rapid.IntRange(0, 3).Draw(g.t, "indexes") {
		name := fmt.Sprintf("i_%s_%d", table, g.number("SELECT count(*) FROM sqlite_schema"))
		on := g.keyColumns(columns)
		first := quote(columns[0].name)
		if g.chance(20, "expression index") {
			// Not lower and upper: of a zeroblob SQLite puts another text into the index
			// when it inserts it than when it checks it.
			on = g.oneOf("on", "typeof("+first+")", "length("+first+"), "+on, first+" IS NULL DESC")
		}
		unique := g.oneOf("unique", "", "", "UNIQUE ")
		where := g.oneOf("where", "", "", "", " WHERE "+first+" IS NOT NULL", " WHERE "+first+" > 5", " WHERE "+first+" OR "+first+" IS NULL", " WHERE NOT "+first+" IN ('a', 'x', '')")
		g.may("CREATE " + unique + "INDEX " + name + " ON " + table + "(" + on + ")" + where)
	}
}

// plain returns the names of the columns that take values.
func plain(columns []column) []string {
	var names []string
	for _, c := range columns {
		if !c.generated {
			names = append(names, quote(c.name))
		}
	}
	return names
}

func (g *generator) rows(table string, columns []column) {
	names := plain(columns)
	for range rapid.IntRange(0, 12).Draw(g.t, "rows") {
		args := make([]value.Value, len(names))
		places := make([]string, len(names))
		for i := range args {
			args[i], places[i] = g.value()
		}
		g.may("INSERT OR IGNORE INTO "+table+"("+strings.Join(names, ",")+") VALUES ("+strings.Join(places, ",")+")", args...)
	}
}

// value draws a value and how it is written in a statement.
func (g *generator) value() (value.Value, string) {
	bytes := rapid.SliceOfN(rapid.Byte(), 0, 12)
	switch rapid.IntRange(0, 9).Draw(g.t, "kind") {
	case 0:
		return value.Value{}, "?"
	case 1, 2:
		return value.OfInt(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-300, 300), rapid.SampledFrom([]int64{0, 1, math.MaxInt64, math.MinInt64})).Draw(g.t, "integer")), "?"
	case 3, 4:
		return value.OfFloat(rapid.OneOf(rapid.Float64(), rapid.SampledFrom(realValues()), rapid.Map(rapid.Int64Range(-1<<60, 1<<60), func(n int64) float64 { return float64(n) })).Draw(g.t, "real")), "?"
	case 5, 6:
		return value.OfText(strings.ToValidUTF8(rapid.String().Draw(g.t, "text"), "?")), "?"
	case 7: // text that may not be well-formed
		return value.OfBlob(bytes.Draw(g.t, "stored text")), "CAST(? AS TEXT)"
	case 8: // a payload that may spill
		n := rapid.IntRange(0, 3*g.page).Draw(g.t, "length")
		if n > 20000 {
			n = 20000
		}
		return value.OfText(strings.Repeat("long ", n/5)), "?"
	}
	return value.OfBlob(bytes.Draw(g.t, "blob")), "?"
}

// manyRows adds enough rows for b-trees of several levels.
func (g *generator) manyRows(table string, columns []column) {
	names := plain(columns)
	expressions := make([]string, len(names))
	for i := range names {
		expressions[i] = g.oneOf("rows of", "i", "i*7919 % 1009", "printf('text %x', i*104729 % 65536)", "i/8.0", "zeroblob(i % 300)", "CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN i WHEN 2 THEN i*0.5 WHEN 3 THEN 't'||i ELSE CAST(i AS BLOB) END")
	}
	g.may("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < ?) INSERT OR IGNORE INTO "+table+"("+strings.Join(names, ",")+") SELECT "+strings.Join(expressions, ",")+" FROM n",
		value.OfInt(rapid.Int64Range(1, 2000).Draw(g.t, "many")))
}

// change updates and deletes, which leaves gaps and free pages.
func (g *generator) change(table string, columns []column) {
	names := plain(columns)
	c := names[rapid.IntRange(0, len(names)-1).Draw(g.t, "changed column")]
	if g.chance(30, "update") {
		v, place := g.value()
		g.may("UPDATE OR IGNORE "+table+" SET "+c+" = "+place+" WHERE length("+c+") % 3 = 1", v)
	}
	if g.chance(30, "delete") {
		g.run("DELETE FROM " + table + " WHERE length(" + c + ") % " + g.oneOf("share", "2", "3", "1") + " = 0")
	}
}
