package export

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// Choices are what a Plan cannot tell from the schema of the snapshot.
type Choices struct {
	// Carry says, for the rowid of an index in sqlite_schema, why its entries
	// must go into the document.
	Carry map[int64]string
	// Short says, for the rowid of a table in sqlite_schema, why rows that are older
	// than its last columns must go into the document without them. The entries of its
	// indexes go into it, too.
	Short map[int64]string
	// Ask says, for the rowid of an index, why only SQLite can tell its entries, though
	// its expressions are known. NewPlan does not look at it: the description that it is
	// given must leave those indexes to SQLite.
	Ask map[int64]string
	// WAL says that the source is in WAL mode, whatever the snapshot is in.
	WAL bool
}

// Add takes over the reasons of more.
func (c *Choices) Add(more *Choices) {
	c.Carry, c.Short, c.Ask = joined(c.Carry, more.Carry), joined(c.Short, more.Short), joined(c.Ask, more.Ask)
}

// joined returns a map of its own.
func joined(a, b map[int64]string) map[int64]string {
	m := make(map[int64]string, len(a)+len(b))
	maps.Copy(m, a)
	maps.Copy(m, b)
	return m
}

// OfShortTable is the reason for which the indexes of a short table are carried.
const OfShortTable = "rows of its table lack columns"

// carryShort has the indexes of tables with short rows carried: what they hold for a
// column that a row lacks depends on the version of SQLite that wrote it.
func (c *Choices) carryShort(d *engine.Description) {
	short := map[string]bool{}
	for i := range d.Objects {
		if o := &d.Objects[i]; o.Table != nil && c.Short[o.SchemaRowID] != "" {
			short[sqlitefile.FoldName(o.Name)] = true
		}
	}
	carry := map[int64]string{}
	for i := range d.Objects {
		if o := &d.Objects[i]; o.Index != nil && short[sqlitefile.FoldName(o.Index.Table)] {
			carry[o.SchemaRowID] = OfShortTable
		}
	}
	c.Carry = joined(carry, c.Carry)
}

// A ChoicesError says that a document would not be exact, and what must be chosen
// besides for one that is.
type ChoicesError struct{ Missing Choices }

// Error gives the reasons.
func (e *ChoicesError) Error() string {
	var all []string
	for _, reasons := range []map[int64]string{e.Missing.Carry, e.Missing.Short, e.Missing.Ask} {
		all = slices.AppendSeq(all, maps.Values(reasons))
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

// missing gathers what a Run finds to be chosen wrongly. Its methods may be called
// concurrently.
type missing struct {
	mu sync.Mutex
	Choices
}

// short notes that a table must be short.
func (m *missing) short(t *Table, reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Short[t.schemaRow] == "" { // each row asks
		m.Add(&Choices{Short: map[int64]string{t.schemaRow: reason}})
	}
}

// ask notes that only SQLite can tell the entries of an index.
func (m *missing) ask(x *Rebuilt) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Ask[x.schemaRow] == "" {
		m.Add(&Choices{Ask: map[int64]string{x.schemaRow: fmt.Sprintf("only SQLite can evaluate index %q for all rows", x.Label)}})
	}
}

func (m *missing) check() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.Short) > 0 || len(m.Ask) > 0 {
		return &ChoicesError{m.Choices}
	}
	return nil
}
