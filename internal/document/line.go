package document

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/value"
)

// createdLayout is the form of Source.Created.
const createdLayout = "2006-01-02T15:04:05.000Z"

// line parses one structural line from left to right. The first error stays,
// and makes all that follows do nothing, so that it is looked at once.
type line struct {
	b   []byte // without the LF; strings are decoded in place
	i   int
	err *SyntaxError
}

// fail records what is wrong at b[at:].
func (l *line) fail(at int, msg string) {
	if l.err == nil {
		l.err = fault(l.b, at, msg)
	}
}

// literal takes text, which is the only thing that may stand here.
func (l *line) literal(text string) {
	if !l.accept(text) {
		l.fail(l.i, "want "+text)
	}
}

// accept takes text if it stands here.
func (l *line) accept(text string) bool {
	if l.err != nil || len(l.b)-l.i < len(text) || string(l.b[l.i:l.i+len(text)]) != text {
		return false
	}
	l.i += len(text)
	return true
}

// end says that the line must end here.
func (l *line) end() {
	if l.err == nil && l.i != len(l.b) {
		l.fail(l.i, "want the end of the line")
	}
}

// value takes any value.
func (l *line) value() (v value.Value) {
	if l.err == nil {
		l.i, l.err = parseValue(l.b, l.i, &v)
	}
	return v
}

// name takes the name of a table, a column or an index.
func (l *line) name() value.Value {
	at := l.i
	v := l.value()
	if v.Kind != value.Text && v.Kind != value.RawText {
		l.fail(at, "want a name")
	}
	return v
}

// integer takes an integer from low to high.
func (l *line) integer(low, high int64) int64 {
	at := l.i
	v := l.value()
	if v.Kind != value.Integer {
		l.fail(at, "want an integer")
	} else if v.Int < low || v.Int > high {
		l.fail(at, fmt.Sprintf("want an integer from %d to %d", low, high))
	}
	return v.Int
}

// text takes a string.
func (l *line) text() string {
	at := l.i
	v := l.value()
	if v.Kind != value.Text {
		l.fail(at, "want a string")
	}
	return string(v.Bytes)
}

// oneOf takes a string that must be one of choices.
func (l *line) oneOf(choices ...string) string {
	at := l.i
	s := l.text()
	for _, c := range choices {
		if s == c {
			return s
		}
	}
	l.fail(at, "want one of "+strings.Join(choices, ", "))
	return s
}

func (l *line) version() {
	l.literal(`{"litekeep":`)
	at := l.i
	if v := l.integer(math.MinInt64, math.MaxInt64); l.err == nil && v != Version {
		l.fail(at, ErrVersion.Error()+" "+strconv.FormatInt(v, 10))
		l.err.Err = ErrVersion
	}
	l.literal(",")
	l.end()
}

func (l *line) source() *Source {
	s := new(Source)
	l.literal(`"source":{"name":`)
	s.Name = l.text()
	l.literal(`,"path":`)
	s.Path = l.text()
	l.literal(`,"created":`)
	at := l.i
	s.Created = l.text()
	if t, err := time.Parse(createdLayout, s.Created); err != nil || t.Format(createdLayout) != s.Created {
		l.fail(at, "want a time like "+createdLayout)
	}
	l.literal(`,"sqlite":`)
	s.SQLite = l.text()
	l.literal(`,"litekeep":`)
	s.Litekeep = l.text()
	l.literal(`,"schema_version":`)
	s.SchemaVersion = l.integer(math.MinInt64, math.MaxInt64)
	l.literal("},")
	l.end()
	return s
}

func (l *line) database() *Database {
	d := new(Database)
	l.literal(`"database":{"page_size":`)
	at := l.i
	d.PageSize = int(l.integer(512, 65536))
	if d.PageSize&(d.PageSize-1) != 0 {
		l.fail(at, "want a power of two")
	}
	l.literal(`,"reserved":`)
	d.Reserved = int(l.integer(0, min(255, int64(d.PageSize)-480)))
	l.literal(`,"encoding":`)
	d.Encoding = l.oneOf("UTF-8", "UTF-16le", "UTF-16be")
	l.literal(`,"user_version":`)
	d.UserVersion = int32(l.integer(math.MinInt32, math.MaxInt32))
	l.literal(`,"application_id":`)
	d.ApplicationID = int32(l.integer(math.MinInt32, math.MaxInt32))
	l.literal(`,"auto_vacuum":`)
	d.AutoVacuum = int(l.integer(0, 2))
	l.literal(`,"journal_mode":`)
	d.JournalMode = l.oneOf("wal", "delete")
	l.literal(`,"schema_format":`)
	d.SchemaFormat = int(l.integer(0, 4))
	l.literal(`,"default_cache_size":`)
	d.DefaultCacheSize = int32(l.integer(math.MinInt32, math.MaxInt32))
	d.ZeroBytes = l.accept(`,"zero_bytes":true`)
	l.literal("},")
	l.end()
	return d
}

// schemaRow takes an item of the schema list, without its comma. prev is the
// rowid of the row before, 0 at the first.
func (l *line) schemaRow(prev int64) *SchemaRow {
	r := &SchemaRow{RowID: prev + 1, RootPage: value.OfInt(0)}
	l.literal("{")
	at := l.i
	if l.accept(`"rowid":`) {
		r.RowID = l.integer(math.MinInt64, math.MaxInt64)
		if r.RowID == prev+1 {
			l.fail(at, "a rowid that follows from the row before is not written")
		}
		l.literal(",")
	}
	l.literal(`"type":`)
	r.Type = l.value()
	l.literal(`,"name":`)
	r.Name = l.value()
	l.literal(`,"tbl_name":`)
	r.TblName = l.value()
	l.literal(`,"sql":`)
	r.SQL = l.value()
	if l.accept(`,"btree":`) {
		r.BTree = BTree(l.oneOf(string(BTreeRows), string(BTreeRebuild), string(BTreeEntries)))
	} else if l.accept(`,"rootpage":`) {
		at := l.i
		r.RootPage = l.value()
		if r.RootPage.Kind == value.Integer && r.RootPage.Int == 0 {
			l.fail(at, "a rootpage of 0 is not written")
		}
	}
	l.literal("}")
	l.end()
	return r
}

func (l *line) tableOpen() *Table {
	t := new(Table)
	l.literal(`{"name":`)
	t.Name = l.name()
	l.literal(`,"columns":`)
	l.columns(t)
	l.literal(`,"rowid":`)
	switch at := l.i; {
	case l.accept("null"):
		t.RowID = RowIDNone
	case l.accept(`"implicit"`):
		t.RowID = RowIDImplicit
	default:
		t.RowID = int(l.integer(0, MaxColumns))
		if t.RowID >= len(t.Columns) {
			l.fail(at, "want the position of a column")
		}
	}
	t.Short = t.Columns != nil && l.accept(`,"short":true`)
	if n := len(t.Columns); n > MaxColumns+1 || n > MaxColumns && t.RowID != RowIDImplicit {
		l.fail(0, "the table has too many columns")
	}
	l.literal(`,"rows":[`)
	l.end()
	return t
}

// columns takes the list of column names, or null.
func (l *line) columns(t *Table) {
	if l.accept("null") {
		return
	}
	l.literal("[")
	for l.err == nil {
		t.Columns = append(t.Columns, l.name())
		if !l.accept(",") {
			break
		}
	}
	l.literal("]")
}

func (l *line) indexOpen() *Index {
	l.literal(`{"name":`)
	x := &Index{Name: l.name()}
	l.literal(`,"entries":[`)
	l.end()
	return x
}

func (l *line) endOfDocument() *End {
	e := new(End)
	l.literal(`"end":{"tables":`)
	e.Tables = l.integer(0, math.MaxInt64)
	l.literal(`,"rows":`)
	e.Rows = l.integer(0, math.MaxInt64)
	l.literal(`,"indexes":`)
	e.Indexes = l.integer(0, math.MaxInt64)
	l.literal(`,"entries":`)
	e.Entries = l.integer(0, math.MaxInt64)
	l.literal(`,"digest":`)
	at := l.i
	if e.Digest = l.text(); !isDigest(e.Digest) {
		l.fail(at, "want sha256: and 64 lower-case hexadecimal digits")
	}
	l.literal("}}")
	l.end()
	return e
}

func isDigest(s string) bool {
	hex, ok := strings.CutPrefix(s, "sha256:")
	return ok && len(hex) == 64 && strings.Trim(hex, hexDigits) == ""
}
