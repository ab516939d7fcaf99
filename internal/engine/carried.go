package engine

import (
	"context"
	"fmt"
	"strings"
	"sync"
)

// Plain reports whether an index holds nothing but columns as they are stored,
// compared by their bytes, of every row: table describes its table.
func (x *IndexInfo) Plain(table *TableInfo) bool {
	if x.Partial || x.Expression {
		return false
	}
	for _, column := range x.Columns {
		if foldName(column.Collation) != "binary" {
			return false
		}
		if column.Column >= 0 && (column.Column >= len(table.Columns) || table.Columns[column.Column].Hidden == HiddenVirtual) {
			return false
		}
	}
	return true
}

// UnrebuildableIndexes returns the indexes of the private database path whose
// entries must be kept, by the rowid of their schema row, and the reason for
// each: SQLite could not build them here, or would build others than those
// that are stored. d describes the database. Plain indexes are never among
// them if they and their tables have no Problem. All others are proved by
// PRAGMA integrity_check of their table.
func UnrebuildableIndexes(ctx context.Context, path string, d *Description) (map[int64]string, error) {
	p := &prover{reasons: map[int64]string{}, unsure: map[string][]*Object{}}
	tables := map[string]*Object{}
	for i := range d.Objects {
		if o := &d.Objects[i]; o.Table != nil {
			tables[foldName(o.Name)] = o
		}
	}
	for i := range d.Objects {
		if o := &d.Objects[i]; o.Type == "index" {
			p.sort(o, tables, d.Malformed)
		}
	}
	var tasks []task
	for name, indexes := range p.unsure {
		tasks = append(tasks, task{run: func(ctx context.Context, c *Conn) error {
			return p.prove(ctx, c, tables[name], indexes)
		}})
	}
	if err := onWorkers(ctx, path, checkCacheKiB, tasks); err != nil {
		return nil, fmt.Errorf("prove indexes: %w", err)
	}
	return p.reasons, nil
}

// prover finds out which indexes SQLite would build as they are.
type prover struct {
	unsure map[string][]*Object // by the folded name of their table

	mu      sync.Mutex
	reasons map[int64]string
}

func (p *prover) carry(o *Object, format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reasons[o.SchemaRowID] = fmt.Sprintf(format, args...)
}

// sort decides on an index by its description alone, where that is possible.
func (p *prover) sort(o *Object, tables map[string]*Object, malformed string) {
	if o.Index == nil {
		p.carry(o, "%s", o.Problem)
		return
	}
	table := tables[foldName(o.Index.Table)]
	if table == nil {
		p.carry(o, "its table %s cannot be described", o.Index.Table)
		return
	}
	if o.Index.Plain(table.Table) {
		return
	}
	if malformed != "" {
		p.carry(o, "SQLite cannot rebuild it while the schema is malformed: %s", malformed)
		return
	}
	for _, column := range o.Index.Columns {
		if !isBuiltInCollation(column.Collation) {
			p.carry(o, "the collation %s is not known here", column.Collation)
			return
		}
	}
	name := foldName(o.Index.Table)
	p.unsure[name] = append(p.unsure[name], o)
}

// sqliteCheckLimit is how many complaints PRAGMA integrity_check of a table
// lists at most.
const sqliteCheckLimit = 100

// prove lets SQLite compare the indexes of a table with its rows.
func (p *prover) prove(ctx context.Context, c *Conn, table *Object, indexes []*Object) error {
	messages, err := c.complaints(ctx, "PRAGMA main.integrity_check("+quoteName(table.Name)+")")
	if err != nil && !isUncheckable(err) {
		return err
	}
	for _, o := range indexes {
		if err != nil {
			p.carry(o, "SQLite cannot compare it with its table: %s", messageOf(err))
			continue
		}
		for _, m := range messages {
			if strings.HasSuffix(m, "index "+o.Name) || strings.HasPrefix(m, "index "+o.Name+" ") || !isAboutOne(m) {
				p.carry(o, "%s", m)
				break
			}
		}
		if len(messages) >= sqliteCheckLimit {
			p.carry(o, "SQLite has too many complaints about table %s to tell", table.Name)
		}
	}
	return nil
}

// isAboutOne reports whether a complaint is about the rows of a table or about
// one index that it names, rather than about the file.
func isAboutOne(message string) bool {
	for _, beginning := range []string{"row ", "rowid not at end-of-record", "wrong # of entries in index ", "index "} {
		if strings.HasPrefix(message, beginning) {
			return true
		}
	}
	return isLogical(message)
}
