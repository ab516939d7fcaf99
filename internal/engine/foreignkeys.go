package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// ForeignKeyCheck counts the rows of the private database path, which d
// describes, that refer to a row that does not exist, once for each reference,
// as PRAGMA foreign_key_check does. note says what could not be checked and why, "" when
// everything was: the declarations may not fit together, for example.
//
// Where the declarations are of the usual kind, the references are gone through
// in the order of their values, which finds neighbours on the same page; the
// PRAGMA looks up each row's on its own and takes ten times as long.
func ForeignKeyCheck(ctx context.Context, path string, d *Description) (violations int64, note string, err error) {
	k := &keyChecker{tables: map[string]*TableInfo{}, unique: map[string][][]int{}}
	k.learn(d)
	var tasks []task
	for i := range d.Objects {
		if o := &d.Objects[i]; o.Table != nil && o.Table.HasForeignKeys {
			tasks = append(tasks, task{run: func(ctx context.Context, c *Conn) error { return k.check(ctx, c, o) }})
		}
	}
	if err = onWorkers(ctx, path, d, func(*Conn) {}, tasks); err != nil {
		return 0, "", fmt.Errorf("check foreign keys: %w", err)
	}
	slices.Sort(k.notes)
	return k.violations, strings.Join(k.notes, "; "), nil
}

// keyChecker knows what can be referred to, and collects what is found.
type keyChecker struct {
	tables map[string]*TableInfo // by folded name
	// unique holds, by the folded name of a table, the sets of its columns
	// that a unique index without conditions is on.
	unique map[string][][]int

	mu         sync.Mutex
	violations int64
	notes      []string
}

func (k *keyChecker) learn(d *Description) {
	for i := range d.Objects {
		o := &d.Objects[i]
		if o.Table != nil && !o.Table.Virtual {
			k.tables[sqlitefile.FoldName(o.Name)] = o.Table
		}
		if x := o.Index; x != nil && x.Unique && !x.Partial && !x.Expression {
			var columns []int
			for _, c := range x.Columns {
				if c.Key {
					columns = append(columns, c.Column)
				}
			}
			slices.Sort(columns)
			name := sqlitefile.FoldName(x.Table)
			k.unique[name] = append(k.unique[name], columns)
		}
	}
}

// check counts the violations of one table.
func (k *keyChecker) check(ctx context.Context, c *Conn, o *Object) error {
	found, usual, err := k.countInOrder(ctx, c, o)
	if err != nil && !isUncheckable(err) {
		return err
	}
	if !usual || err != nil {
		found = 0
		err = c.Query(ctx, "PRAGMA main.foreign_key_check("+quoteName(o.Name)+")", nil, func([]value.Value) error {
			found++
			return nil
		})
		if err != nil && !isUncheckable(err) {
			return err
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.violations += found
	if err != nil {
		k.notes = append(k.notes, fmt.Sprintf("table %s: %s", o.Name, messageOf(err)))
	}
	return nil
}

// reference is one foreign key: columns of the table that refers, and of the
// table that is referred to.
type reference struct {
	parent   string
	from, to []string
	// weird are conditions on values that SQLite converts before it looks them
	// up but not when it compares two columns: numbers in a TEXT column.
	weird []string
}

// countInOrder counts the violations of a table whose references are all of
// the usual kind.
func (k *keyChecker) countInOrder(ctx context.Context, c *Conn, o *Object) (found int64, usual bool, err error) {
	references, usual, err := k.references(ctx, c, o)
	if err != nil || !usual {
		return 0, false, err
	}
	for _, r := range references {
		n, usual, err := c.countMissing(ctx, o.Name, r)
		if err != nil || !usual {
			return 0, false, err
		}
		found += n
	}
	return found, true, nil
}

// references lists the foreign keys of a table; usual is false where one of
// them is better left to SQLite.
func (k *keyChecker) references(ctx context.Context, c *Conn, o *Object) (list []reference, usual bool, err error) {
	type column struct {
		parent, from, to string
		id, implied      int64
	}
	var columns []column
	name := value.Value{Kind: value.Text, Bytes: []byte(o.Name)}
	const sql = `SELECT id, "table", "from", "to", "to" IS NULL FROM pragma_foreign_key_list(?, 'main') ORDER BY id, seq`
	err = c.Query(ctx, sql, []value.Value{name}, func(row []value.Value) error {
		columns = append(columns, column{textOf(&row[1]), textOf(&row[2]), textOf(&row[3]), row[0].Int, row[4].Int})
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	for i := 0; i < len(columns); {
		r := reference{parent: columns[i].parent}
		implied := int64(0)
		id := columns[i].id
		for ; i < len(columns) && columns[i].id == id; i++ {
			r.from = append(r.from, columns[i].from)
			r.to = append(r.to, columns[i].to)
			implied += columns[i].implied
		}
		if !k.fits(o.Table, &r, implied > 0) {
			return nil, false, nil
		}
		list = append(list, r)
	}
	return list, true, nil
}

// fits reports whether a reference is of the usual kind: to columns of the same
// affinity that are the rowid or have a unique index.
func (k *keyChecker) fits(child *TableInfo, r *reference, implied bool) bool {
	parent := k.tables[sqlitefile.FoldName(r.parent)]
	if parent == nil {
		return false
	}
	if implied {
		if len(r.from) != 1 || parent.RowIDAlias < 0 {
			return false
		}
		r.to = []string{parent.Columns[parent.RowIDAlias].Name}
	}
	var key []int
	for i := range r.from {
		from, to := child.column(r.from[i]), parent.column(r.to[i])
		if from < 0 || to < 0 || child.Columns[from].affinity != parent.Columns[to].affinity {
			return false
		}
		key = append(key, to)
		if child.Columns[from].affinity == sqlite3.SQLITE_AFF_TEXT {
			r.weird = append(r.weird, fmt.Sprintf("typeof(f%d) IN ('integer','real')", i))
		}
	}
	if len(key) == 1 && key[0] == parent.RowIDAlias {
		return true
	}
	slices.Sort(key)
	return slices.ContainsFunc(k.unique[sqlitefile.FoldName(r.parent)], func(columns []int) bool { return slices.Equal(columns, key) })
}

// column returns the position of a column, -1 if there is none of that name.
func (t *TableInfo) column(name string) int {
	folded := sqlitefile.FoldName(name)
	return slices.IndexFunc(t.Columns, func(c Column) bool { return sqlitefile.FoldName(c.Name) == folded })
}

// countMissing counts the rows whose reference leads nowhere. usual is false
// where some of them are weird.
func (c *Conn) countMissing(ctx context.Context, child string, r reference) (n int64, usual bool, err error) {
	var fields, given, groups, same []string
	for i := range r.from {
		from := "c." + quoteName(r.from[i])
		fields = append(fields, fmt.Sprintf("%s AS f%d", from, i))
		given = append(given, from+" IS NOT NULL")
		// Values that only the child's collation takes for the same may differ
		// for the parent's.
		groups = append(groups, from+" COLLATE BINARY")
		same = append(same, fmt.Sprintf("p.%s=f%d", quoteName(r.to[i]), i))
	}
	weird := "0"
	if len(r.weird) > 0 {
		weird = strings.Join(r.weird, " OR ")
	}
	sql := fmt.Sprintf(`SELECT sum(n), max(%s) FROM (SELECT %s, count(*) AS n FROM main.%s AS c WHERE %s GROUP BY %s)
		WHERE NOT EXISTS (SELECT 1 FROM main.%s AS p WHERE %s)`,
		weird, strings.Join(fields, ", "), quoteName(child), strings.Join(given, " AND "), strings.Join(groups, ", "),
		quoteName(r.parent), strings.Join(same, " AND "))
	odd := int64(0)
	err = c.Query(ctx, sql, nil, func(row []value.Value) error {
		n, odd = row[0].Int, row[1].Int
		return nil
	})
	return n, odd == 0, err
}
