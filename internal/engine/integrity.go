package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// Complaint is one line of PRAGMA integrity_check.
type Complaint struct {
	Message string
	// Logical is set for what is a property of the content rather than
	// damage: a row that violates a constraint, a value of the wrong type, a
	// full-text index that does not match the text. A copy of the content
	// has the same complaints.
	Logical bool
	// Index is the name of the index that the complaint is about, "" when it
	// is about something else. What SQLite says of an index that was carried
	// as it is, it says of the source's, too.
	Index string
	// Table is the name of the table at whose indexes the check ended, "" for
	// every other complaint: SQLite does not say which index it was.
	Table string
}

// maxComplaints is how many complaints about the whole file are looked for;
// SQLite's own limit for one table is sqliteCheckLimit.
const maxComplaints = 1000

// IntegrityCheck checks the private database path, which d describes, as PRAGMA
// integrity_check does, on several connections at once, and returns what SQLite complains of,
// each message once and in the order of their text; notes say what could not
// be checked, and why: an unknown collation or function makes SQLite refuse to
// check a table, for example.
//
// The file as a whole (each page used once, each b-tree well-formed, each
// index with as many entries as its table has rows, each row as its table's
// constraints have it) is checked by PRAGMA quick_check; that is all when quick
// is set, and it leaves out what the modules of virtual tables would check of the
// content of their shadow tables: of full-text indexes that takes as long as all the
// rest of a restore. Else the indexes of each table are compared with its rows, by PRAGMA
// integrity_check of the table; that takes ten times as long.
func IntegrityCheck(ctx context.Context, path string, d *Description, quick bool) (complaints []Complaint, notes []string, err error) {
	k := &checker{collations: unknownCollations(d)}
	for i := range d.Objects {
		switch o := &d.Objects[i]; {
		case o.Table == nil:
		case o.Table.Virtual:
			k.virtual = true
		default:
			k.tables = append(k.tables, o.Name)
		}
	}
	if d.Malformed != "" {
		k.note("the schema is malformed, what SQLite cannot load is not checked: %s", d.Malformed)
	}
	tasks := []task{{run: k.checkWhole}}
	if !quick {
		tables, err := k.tableTasks(ctx, path, d)
		if err != nil {
			return nil, nil, fmt.Errorf("check integrity: %w", err)
		}
		tasks = append(tasks, tables...)
	}
	prepare := (*Conn).keepChecks
	if quick {
		prepare = func(c *Conn) {
			c.keepChecks()
			c.dropModules()
		}
	}
	if err = onWorkers(ctx, path, d, prepare, tasks); err != nil {
		return nil, nil, fmt.Errorf("check integrity: %w", err)
	}
	slices.SortStableFunc(k.complaints, func(a, b Complaint) int { return strings.Compare(a.Message, b.Message) })
	slices.Sort(k.notes)
	return slices.Compact(k.complaints), slices.Compact(k.notes), nil
}

// checker collects what the checks of the parts of a database find.
type checker struct {
	collations []string // those that the schema names and SQLite lacks
	tables     []string // those that are not virtual
	virtual    bool     // there are virtual ones, too

	mu         sync.Mutex
	complaints []Complaint
	notes      []string
}

func (k *checker) note(format string, args ...any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.notes = append(k.notes, fmt.Sprintf(format, args...))
}

// complain takes what a check said, of the indexes of table if that is not "".
func (k *checker) complain(messages []string, table string, virtual bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range messages {
		c := Complaint{Message: m, Logical: virtual || isLogical(m), Index: indexOf(m)}
		if strings.HasPrefix(m, damageMark) {
			c.Table = table
		}
		k.complaints = append(k.complaints, c)
	}
}

// tableTasks are the checks of the single tables that SQLite has loaded, the
// longest first.
func (k *checker) tableTasks(ctx context.Context, path string, d *Description) ([]task, error) {
	weights, err := tableWeights(ctx, path, d)
	if err != nil {
		return nil, err
	}
	var tasks []task
	for i := range d.Objects {
		o := &d.Objects[i]
		// A table without an index has nothing that the check of the whole
		// leaves out.
		if o.Table == nil || (weights[o.Name] == 0 && !o.Table.Virtual) {
			continue
		}
		tasks = append(tasks, task{weight: weights[o.Name], run: func(ctx context.Context, c *Conn) error {
			return k.checkTable(ctx, c, o)
		}})
	}
	slices.SortStableFunc(tasks, func(a, b task) int { return cmp.Compare(b.weight, a.weight) })
	return tasks, nil
}

// tableWeights estimates how long the check of each table's indexes takes:
// the largest rowid times the number of indexes. It is 0 where there is no
// index.
func tableWeights(ctx context.Context, path string, d *Description) (map[string]int64, error) {
	c, _, err := openTolerant(ctx, path)
	if err != nil {
		return nil, err
	}
	indexes := map[string]int64{}
	for i := range d.Objects {
		if x := d.Objects[i].Index; x != nil {
			indexes[sqlitefile.FoldName(x.Table)]++
		}
	}
	weights := map[string]int64{}
	for i := range d.Objects {
		o := &d.Objects[i]
		n := indexes[sqlitefile.FoldName(o.Name)]
		if o.Table == nil || n == 0 {
			continue
		}
		rows := int64(1 << 20)
		if !o.Table.WithoutRowID {
			// max(rowid) is one step to the end of the table. Columns may
			// hide every name of the rowid, and damage any row.
			if found, err := c.integer(ctx, "SELECT max(rowid) FROM main."+quoteName(o.Name)); err == nil {
				rows = found
			}
		}
		weights[o.Name] = max(min(rows, 1<<40), 1) * n
	}
	return weights, errors.Join(ctx.Err(), c.Close())
}

// checkWhole checks the file as a whole.
func (k *checker) checkWhole(ctx context.Context, c *Conn) error {
	messages, err := k.checkLoosely(ctx, c, fmt.Sprintf("PRAGMA main.quick_check(%d)", maxComplaints), "the database")
	if n := len(messages); n > 0 && k.virtual && strings.HasPrefix(messages[n-1], damageMark) {
		// It may be the module of a virtual table that gave up on what its
		// shadow tables hold, which SQLite does not tell from damage of the
		// file. The tables are checked one by one then.
		if whole, tablesErr := k.checkEachTable(ctx, c); tablesErr != nil || whole {
			k.note("SQLite's check ended in a virtual table: %s", strings.TrimPrefix(messages[n-1], damageMark))
			messages, err = messages[:n-1], errors.Join(err, tablesErr)
		}
	}
	k.complain(messages, "", false)
	if len(messages) >= maxComplaints {
		k.note("there are more complaints than the %d that were looked for", maxComplaints)
	}
	return err
}

// checkEachTable runs quick_check on every table that is not virtual, and
// reports whether SQLite found no damage.
func (k *checker) checkEachTable(ctx context.Context, c *Conn) (whole bool, err error) {
	for _, name := range k.tables {
		messages, err := k.checkLoosely(ctx, c, "PRAGMA main.quick_check("+quoteName(name)+")", "table "+name)
		if err != nil {
			return false, err
		}
		if n := len(messages); n > 0 && strings.HasPrefix(messages[n-1], damageMark) {
			return false, nil
		}
	}
	return true, nil
}

// checkTable checks one table and its indexes, as far as SQLite can.
func (k *checker) checkTable(ctx context.Context, c *Conn, o *Object) error {
	messages, err := c.complaints(ctx, "PRAGMA main.integrity_check("+quoteName(o.Name)+")")
	if err == nil {
		k.complain(messages, o.Name, o.Table.Virtual)
		return nil
	}
	if !isUncheckable(err) {
		return err
	}
	k.note("table %s: its indexes cannot be compared with its rows: %s", o.Name, messageOf(err))
	if o.Table.Virtual {
		return nil
	}
	messages, err = k.checkLoosely(ctx, c, "PRAGMA main.quick_check("+quoteName(o.Name)+")", "table "+o.Name)
	k.complain(messages, "", false)
	return err
}

// checkLoosely runs a check that compares no index with its table, so that it
// needs no more of a collation than that it exists. What still cannot be
// checked is noted.
func (k *checker) checkLoosely(ctx context.Context, c *Conn, sql, what string) ([]string, error) {
	if err := c.standIn(k.collations); err != nil {
		return nil, err
	}
	defer c.removeStandIns(k.collations)
	messages, err := c.complaints(ctx, sql)
	if err == nil || !isUncheckable(err) {
		return messages, err
	}
	k.note("%s: its CHECK constraints cannot be checked: %s", what, messageOf(err))
	if err = c.Exec(ctx, "PRAGMA ignore_check_constraints=ON"); err != nil {
		return nil, err
	}
	messages, err = c.complaints(ctx, sql)
	if err != nil && isUncheckable(err) {
		k.note("%s: the structure cannot be checked: %s", what, messageOf(err))
		err = nil
	}
	return messages, errors.Join(err, c.Exec(ctx, "PRAGMA ignore_check_constraints=OFF"))
}

// complaints runs a check and returns its complaints, none for "ok". Damage
// that keeps SQLite from going on is the last of them.
func (c *Conn) complaints(ctx context.Context, sql string) ([]string, error) {
	var messages []string
	err := c.Query(ctx, sql, nil, func(row []value.Value) error {
		if m := textOf(&row[0]); m != "ok" {
			messages = append(messages, m)
		}
		return nil
	})
	if errors.Is(err, ErrCorrupt) {
		return append(messages, fmt.Sprintf("%s%s (%s)", damageMark, messageOf(err), sql)), nil
	}
	return messages, err
}

// isUncheckable reports whether a check failed because SQLite lacks something
// that the schema names, rather than because of the file.
func isUncheckable(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code & 0xff {
	case sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE:
		return true
	}
	return false
}

func messageOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Msg
	}
	return err.Error()
}

// damageBeginnings begin the complaints that are about the file. All others
// are about the content: constraints that rows violate, and what the modules
// of virtual tables have to say of the content of their shadow tables.
var damageBeginnings = []string{
	"*** in database ",                // pages and b-trees
	"wrong # of entries in index ",    //
	"row ",                            // missing from, or different in, an index; out of order
	"rowid not at end-of-record for ", // in an index
	"index ",                          // stores an imprecise number
	damageMark,
}

// damageMark begins the complaint that damage kept SQLite from going on.
const damageMark = "check ended: "

func isLogical(message string) bool {
	// The check of a virtual table gave up on what its shadow tables hold.
	if strings.HasPrefix(message, damageMark) && strings.Contains(message, "RTree") {
		return true
	}
	return !slices.ContainsFunc(damageBeginnings, func(s string) bool { return strings.HasPrefix(message, s) })
}

// indexOf returns the name of the index that a complaint is about.
func indexOf(message string) string {
	for _, form := range []struct{ beginning, before string }{
		{"wrong # of entries in ", "index "},
		{"non-unique entry in ", "index "},
		{"rowid not at end-of-record for row ", " of index "},
		{"row ", " missing from index "},
		{"row ", " values differ from index "},
	} {
		if rest, ok := strings.CutPrefix(message, form.beginning); ok {
			if _, name, ok := strings.Cut(rest, form.before); ok {
				return name
			}
		}
	}
	if name, ok := strings.CutPrefix(message, "index "); ok {
		if i := strings.LastIndex(name, " stores an imprecise "); i >= 0 {
			return name[:i]
		}
	}
	return ""
}

// unknownCollations returns the collations that a schema names and that
// SQLite does not have.
func unknownCollations(d *Description) []string {
	var names []string
	for i := range d.Objects {
		if x := d.Objects[i].Index; x != nil {
			for _, column := range x.Columns {
				if !isBuiltInCollation(column.Collation) && !slices.Contains(names, column.Collation) {
					names = append(names, column.Collation)
				}
			}
		}
	}
	return names
}

func isBuiltInCollation(name string) bool {
	switch sqlitefile.FoldName(name) {
	case "binary", "nocase", "rtrim":
		return true
	}
	return false
}
