package testdb

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/litekeep/litekeep/internal/value"
)

// maxDifferences is how many differences of one object are listed.
const maxDifferences = 5

// Compare compares two databases through SQL: the settings in their headers,
// the rows of sqlite_schema in order with their rowids, every row of every
// table with rowid, storage class and exact bytes, the entries of every index
// in order, and what PRAGMA integrity_check and foreign_key_check say.
//
// It returns the differences, which are none when the databases are the same
// in all that SQL can see, and gaps: what could not be compared because SQL
// cannot read it in either database. Each difference begins with its kind
// ("header", "schema", "schema order", "table", "index", "integrity_check" or
// "foreign_key_check"). The files are not changed; a database with a -wal or
// -journal is compared as SQLite recovers it. An error means that one of the
// files cannot be read at all.
//
// Of a table that SQLite cannot describe the stored records are compared. Not
// compared are views' results and the content of virtual tables other than
// their shadow tables, which are ordinary tables.
func Compare(ctx context.Context, a, b string) (differences, gaps []string, err error) {
	c := &comparison{ctx: ctx}
	for i, path := range []string{a, b} {
		s, err := openSide(ctx, path)
		if err != nil {
			return nil, nil, fmt.Errorf("compare %s: %w", path, err)
		}
		defer s.close()
		c.side[i] = s
	}
	c.headers()
	for _, p := range c.schemas() {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		switch {
		case !p[0].hasTree():
		case p[0].tree == "table":
			c.tables(p)
		default:
			c.indexes(p)
		}
	}
	c.checks()
	return c.differences, c.gaps, ctx.Err()
}

type comparison struct {
	ctx         context.Context
	side        [2]*side
	differences []string
	gaps        []string
}

func (c *comparison) differ(format string, args ...any) {
	c.differences = append(c.differences, fmt.Sprintf(format, args...))
}

// settings are the parts of the file header that a restored database has to
// have in common with its source.
var settings = []struct {
	name       string
	at, length int
	flag       bool // zero or not is all that counts
}{
	{"page size", 16, 2, false},
	{"journal mode", 18, 2, false},
	{"reserved bytes", 20, 1, false},
	{"schema format", 44, 4, false},
	{"default cache size", 48, 4, false},
	{"auto_vacuum", 52, 4, true},
	{"encoding", 56, 4, false},
	{"user_version", 60, 4, false},
	{"incremental vacuum", 64, 4, true},
	{"application_id", 68, 4, false},
}

func (c *comparison) headers() {
	a, b := c.side[0].header, c.side[1].header
	if (a == nil) != (b == nil) {
		c.differ("header: A has %d bytes, B has %d", len(a), len(b))
	}
	if a == nil || b == nil {
		return
	}
	for _, s := range settings {
		x, y := number(a[s.at:s.at+s.length]), number(b[s.at:s.at+s.length])
		if s.name == "encoding" { // not set before the first table
			x, y = max(x, 1), max(y, 1)
		}
		if s.flag {
			x, y = min(x, 1), min(y, 1)
		}
		if x != y {
			c.differ("header: %s: A %d, B %d", s.name, x, y)
		}
	}
}

func number(b []byte) uint64 {
	var full [8]byte
	copy(full[8-len(b):], b)
	return binary.BigEndian.Uint64(full[:])
}

// schemas compares the schema rows and returns those that both sides have.
func (c *comparison) schemas() [][2]*schemaRow {
	var pairs [][2]*schemaRow
	rest := map[string][]*schemaRow{}
	for _, r := range c.side[1].schema {
		rest[r.key] = append(rest[r.key], r)
	}
	same := true
	for _, r := range c.side[0].schema {
		if of := rest[r.key]; len(of) > 0 {
			pairs = append(pairs, [2]*schemaRow{r, of[0]})
			rest[r.key] = of[1:]
			continue
		}
		same = false
		c.differ("schema: row only in A: %s", brief(r.key))
	}
	for _, r := range c.side[1].schema {
		if slices.Contains(rest[r.key], r) {
			same = false
			c.differ("schema: row only in B: %s", brief(r.key))
		}
	}
	for i, p := range pairs {
		if same && (p[0].rowid != p[1].rowid || c.side[1].schema[i] != p[1]) {
			c.differ("schema order: %s: rowid %d in A, %d in B", brief(p[0].name), p[0].rowid, p[1].rowid)
			break
		}
	}
	return pairs
}

// tables compares the rows of one table.
func (c *comparison) tables(p [2]*schemaRow) {
	label := "table " + brief(p[0].name)
	reads, err := c.side[0].reads(c.ctx, p[0])
	if err == nil {
		for _, r := range reads {
			if c.rows(label, p, r, exact) {
				return
			}
		}
		return
	}
	c.gaps = append(c.gaps, fmt.Sprintf("%s: %v", label, err))
}

func (c *comparison) indexes(p [2]*schemaRow) {
	c.rows("index "+brief(p[0].name), p, reading{raw: true}, numeric)
}

// rows compares what one reading yields on both sides, in order. It reports
// whether there was a difference or a gap.
func (c *comparison) rows(label string, p [2]*schemaRow, r reading, equal func(a, b string) bool) bool {
	var scans [2]*scan
	for i, s := range c.side {
		scans[i] = s.scan(c.ctx, p[i], r)
		defer scans[i].stop()
	}
	found := 0
	for n := 1; found < maxDifferences; n++ {
		x, moreX := scans[0].next()
		y, moreY := scans[1].next()
		if !moreX || !moreY {
			break
		}
		switch {
		case x == nil && y == nil:
			return found > 0
		case x == nil:
			c.differ("%s: row %d only in B: %s", label, n, briefRow(y))
		case y == nil:
			c.differ("%s: row %d only in A: %s", label, n, briefRow(x))
		default:
			i := firstDifference(x, y, equal)
			if i < 0 {
				continue
			}
			c.differ("%s: row %d, value %d: A %s, B %s", label, n, i, briefAt(x, i), briefAt(y, i))
		}
		found++
	}
	return c.failures(label, scans) || found > 0
}

// failures reports scans that SQLite broke off.
func (c *comparison) failures(label string, scans [2]*scan) bool {
	a, b := scans[0].err, scans[1].err
	switch {
	case a == nil && b == nil:
		return false
	case a != nil:
		c.gaps = append(c.gaps, fmt.Sprintf("cannot compare %s: %v", label, a))
	default:
		c.differ("%s: B cannot be read: %v", label, b)
	}
	return true
}

func firstDifference(x, y []string, equal func(a, b string) bool) int {
	for i := range min(len(x), len(y)) {
		if !equal(x[i], y[i]) {
			return i
		}
	}
	if len(x) != len(y) {
		return min(len(x), len(y))
	}
	return -1
}

// pageComplaint matches what integrity_check says of pages: their numbers mean
// nothing in another file.
var pageComplaint = regexp.MustCompile(`^(\*\*\* in database|Tree \d|Page \d|Freelist|List of tree roots|Pointer map|On tree page|Main freelist|Fragmentation)`)

func (c *comparison) checks() {
	var said [2][]string
	for i, s := range c.side {
		said[i] = s.lines(c.ctx, "PRAGMA integrity_check(1000)")
	}
	if !slices.Equal(said[0], []string{"ok"}) {
		for i := range said {
			said[i] = slices.DeleteFunc(said[i], func(m string) bool { return m == "ok" || pageComplaint.MatchString(m) })
		}
	}
	c.sets("integrity_check", said)
	for i, s := range c.side {
		said[i] = s.lines(c.ctx, "PRAGMA foreign_key_check")
	}
	c.sets("foreign_key_check", said)
}

// sets compares two lists whose order does not count.
func (c *comparison) sets(label string, said [2][]string) {
	slices.Sort(said[0])
	slices.Sort(said[1])
	if slices.Equal(said[0], said[1]) {
		return
	}
	for i := range min(maxDifferences, max(len(said[0]), len(said[1]))) {
		if a, b := briefAt(said[0], i), briefAt(said[1], i); a != b {
			c.differ("%s: A says %s, B says %s", label, a, b)
			return
		}
	}
	c.differ("%s: A has %d lines, B has %d", label, len(said[0]), len(said[1]))
}

// canonical writes a value so that two are the same value exactly when they
// are the same text. class is what typeof() says, since TEXT comes as a blob
// of its stored bytes.
func canonical(class, v *value.Value) string {
	switch v.Kind {
	case value.Integer:
		return fmt.Sprintf("I%d", v.Int)
	case value.Real:
		return fmt.Sprintf("R%v (%016x)", v.Float(), uint64(v.Int))
	case value.Null:
		if string(class.Bytes) != "null" {
			return "T" // an empty TEXT or BLOB
		}
		return "NULL"
	default:
		return strings.ToUpper(string(class.Bytes[:1])) + string(v.Bytes)
	}
}

// exact is equality of values in tables.
func exact(a, b string) bool { return a == b }

// numeric is equality of values in indexes, where 1 and 1.0 are the same key.
func numeric(a, b string) bool {
	return a == b || cmp.Or(realOfInteger(a), a) == cmp.Or(realOfInteger(b), b)
}

func realOfInteger(s string) string {
	var n int64
	if _, err := fmt.Sscanf(s, "I%d", &n); err != nil || int64(float64(n)) != n {
		return ""
	}
	v := value.OfFloat(float64(n))
	return canonical(&v, &v)
}

func brief(s string) string {
	if len(s) > 100 {
		return fmt.Sprintf("%.100q… (%d bytes)", s, len(s))
	}
	return fmt.Sprintf("%q", s)
}

func briefAt(row []string, i int) string {
	if i >= len(row) {
		return "nothing"
	}
	return brief(row[i])
}

func briefRow(row []string) string { return brief(strings.Join(row[:min(len(row), 8)], ", ")) }
