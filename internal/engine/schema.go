package engine

import (
	"slices"
	"unsafe"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// schema is SQLite's parsed schema of the main database, copied out of the
// memory of a connection. The names of its maps are folded.
type schema struct {
	tables   map[string]*loadedTable
	indexes  map[string]*loadedIndex
	triggers map[string]bool
}

// loadedTable is a table, virtual table or view that SQLite has loaded.
type loadedTable struct {
	root int64
	view bool
	info *TableInfo // nil for a view
}

type loadedIndex struct {
	root int64
	info *IndexInfo
}

func (s *schema) table(name string) *loadedTable { return s.tables[sqlitefile.FoldName(name)] }
func (s *schema) index(name string) *loadedIndex { return s.indexes[sqlitefile.FoldName(name)] }

// loadedSchema copies the schema of the main database. A statement must have
// made SQLite load it.
func (c *Conn) loadedSchema() *schema {
	db := at[sqlite3.Tsqlite3](c.db)
	main := at[sqlite3.TDb](db.FaDb)
	p := at[sqlite3.TSchema](main.FpSchema)
	s := &schema{
		tables:   make(map[string]*loadedTable, p.FtblHash.Fcount),
		indexes:  make(map[string]*loadedIndex, p.FidxHash.Fcount),
		triggers: make(map[string]bool, p.FtrigHash.Fcount),
	}
	eachHashed(&p.FtblHash, func(key string, data uintptr) {
		t := at[sqlite3.TTable](data)
		loaded := &loadedTable{root: int64(t.Ftnum), view: t.FeTabType == sqlite3.TABTYP_VIEW}
		if !loaded.view {
			loaded.info = tableInfo(t)
		}
		s.tables[key] = loaded
	})
	eachHashed(&p.FidxHash, func(key string, data uintptr) {
		x := at[sqlite3.TIndex](data)
		s.indexes[key] = &loadedIndex{root: int64(x.Ftnum), info: indexInfo(x)}
		s.indexes[key].info.compile(db, x)
	})
	eachHashed(&p.FtrigHash, func(key string, _ uintptr) { s.triggers[key] = true })
	return s
}

// lost returns the names of the indexes without a root page.
func (s *schema) lost() []string {
	var names []string
	for name, x := range s.indexes {
		if x.root == 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// eachHashed calls do for every element of a hash table of SQLite's, with its
// folded name.
func eachHashed(h *sqlite3.THash, do func(key string, data uintptr)) {
	for p := h.Ffirst; p != 0; {
		e := at[sqlite3.THashElem](p)
		do(sqlitefile.FoldName(cText(e.FpKey)), e.Fdata)
		p = e.Fnext
	}
}

func tableInfo(t *sqlite3.TTable) *TableInfo {
	info := &TableInfo{
		WithoutRowID:  t.FtabFlags&sqlite3.TF_WithoutRowid != 0,
		Strict:        t.FtabFlags&sqlite3.TF_Strict != 0,
		Virtual:       t.FeTabType == sqlite3.TABTYP_VTAB,
		Autoincrement: t.FtabFlags&sqlite3.TF_Autoincrement != 0,
		RowIDAlias:    -1,
	}
	if info.Virtual {
		return info
	}
	info.HasForeignKeys = t.Fu.Ftab.FpFKey != 0
	info.Columns = make([]Column, t.FnCol)
	for i := range info.Columns {
		info.Columns[i] = columnInfo(at[sqlite3.TColumn](t.FaCol + uintptr(i)*unsafe.Sizeof(sqlite3.TColumn{})))
	}
	if info.WithoutRowID {
		info.PrimaryKey = primaryKey(t)
		for _, c := range info.PrimaryKey {
			info.StorageOrder = append(info.StorageOrder, c.Column)
		}
		return info
	}
	info.RowIDAlias = int(t.FiPKey)
	for i := range info.Columns {
		if info.Columns[i].Hidden != HiddenVirtual {
			info.StorageOrder = append(info.StorageOrder, i)
		}
	}
	return info
}

// primaryKey returns the columns of the primary key's index of a WITHOUT ROWID
// table, which is the table's own b-tree.
func primaryKey(t *sqlite3.TTable) []IndexColumn {
	for p := t.FpIndex; p != 0; {
		x := at[sqlite3.TIndex](p)
		if x.Ftnum == t.Ftnum {
			return indexInfo(x).Columns
		}
		p = x.FpNext
	}
	return nil
}

// standardTypes are the type names that SQLite stores as a number, from 1.
var standardTypes = [...]string{1: "ANY", "BLOB", "INT", "INTEGER", "REAL", "TEXT"}

func columnInfo(c *sqlite3.TColumn) Column {
	info := Column{
		Name:         cText(c.FzCnName),
		RealAffinity: byte(c.Faffinity) == sqlite3.SQLITE_AFF_REAL,
		HasDefault:   c.FiDflt != 0,
		affinity:     byte(c.Faffinity),
	}
	// Two bit fields behind the name: the conflict action of NOT NULL, and
	// the number of a standard type. They have no name of their own here.
	bits := *at[byte](uintptr(unsafe.Pointer(c)) + unsafe.Offsetof(c.Faffinity) - 1)
	info.NotNull = bits&0x0f != 0
	if c.FcolFlags&sqlite3.COLFLAG_HASTYPE != 0 {
		info.Type = cText(c.FzCnName + uintptr(len(info.Name)) + 1)
	} else if standard := int(bits >> 4); standard > 0 && standard < len(standardTypes) {
		info.Type = standardTypes[standard]
	}
	switch {
	case c.FcolFlags&sqlite3.COLFLAG_VIRTUAL != 0:
		info.Hidden = HiddenVirtual
	case c.FcolFlags&sqlite3.COLFLAG_STORED != 0:
		info.Hidden = HiddenStored
	}
	if info.Hidden != HiddenNone {
		info.HasDefault = false // the number refers to the generating expression
	}
	return info
}

// compile fills in the expressions of an index.
func (info *IndexInfo) compile(db *sqlite3.Tsqlite3, x *sqlite3.TIndex) {
	if !info.Partial && !info.Expression {
		return
	}
	c := newCompiler(db, at[sqlite3.TTable](x.FpTable))
	info.Where = c.condition(x.FpPartIdxWhere)
	if !info.Expression {
		return
	}
	expressions := list(x.FaColExpr)
	for i := range info.Columns {
		if info.Columns[i].Column == IndexExpression && i < len(expressions) {
			info.Columns[i].Expr = c.value(expressions[i])
		}
	}
}

func indexInfo(x *sqlite3.TIndex) *IndexInfo {
	info := &IndexInfo{
		Table:   cText(at[sqlite3.TTable](x.FpTable).FzName),
		Unique:  x.FonError != sqlite3.OE_None,
		Partial: x.FpPartIdxWhere != 0,
		Columns: make([]IndexColumn, x.FnColumn),
	}
	for i := range info.Columns {
		column := &info.Columns[i]
		column.Column = int(*at[int16](x.FaiColumn + 2*uintptr(i)))
		column.Desc = *at[byte](x.FaSortOrder + uintptr(i)) == sqlite3.SQLITE_SO_DESC
		column.Key = i < int(x.FnKeyCol)
		column.Collation = cText(*at[uintptr](x.FazColl + unsafe.Sizeof(uintptr(0))*uintptr(i)))
		if column.Column == IndexExpression {
			info.Expression = true
		}
	}
	return info
}

// dropModules makes a connection forget the modules of virtual tables, which stay in
// the schema as tables that nobody can use.
func (c *Conn) dropModules() { sqlite3.Xsqlite3_drop_modules(c.tls, c.db, 0) }

// keepChecks makes a read-only connection keep the CHECK constraints of the
// schema that it is going to load, so that PRAGMA integrity_check knows them.
// SQLite drops them where the database cannot be written to, as of no use. The
// connection still cannot write: the pager beneath stays read-only.
func (c *Conn) keepChecks() {
	main := at[sqlite3.TDb](at[sqlite3.Tsqlite3](c.db).FaDb)
	shared := at[sqlite3.TBtShared](at[sqlite3.TBtree](main.FpBt).FpBt)
	shared.FbtsFlags &^= sqlite3.BTS_READ_ONLY
}
