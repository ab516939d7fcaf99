package document

import "github.com/litekeep/litekeep/internal/value"

// Version is the version of the document that this package writes and reads.
const Version = 1

// Limits of the format (docs/FORMAT.md section 6). The readers enforce them; a
// writer has to refuse what exceeds them before it calls an Append function.
const (
	MaxColumns    = 32767      // columns of a table, an implicit rowid not counted
	MaxValues     = 65535      // values of one item, whatever it belongs to
	MaxBytes      = 2147483647 // bytes of one TEXT or BLOB, decoded
	MaxSchemaRows = 16777216   // rows of sqlite_schema
)

// Source says where and when a backup was made. Nothing in it is needed for a
// restore.
type Source struct {
	Name          string `json:"name"`           // name of the database among its backups
	Path          string `json:"path"`           // absolute path; may hold bytes that are not UTF-8
	Created       string `json:"created"`        // RFC 3339, UTC, milliseconds: 2006-01-02T15:04:05.000Z
	SQLite        string `json:"sqlite"`         // version of the SQLite library
	Litekeep      string `json:"litekeep"`       // version of the writer
	SchemaVersion int64  `json:"schema_version"` // the schema cookie
}

// Database holds the settings of the database header that a restore needs.
type Database struct {
	PageSize         int    `json:"page_size"`          // bytes, a power of two from 512 to 65536
	Reserved         int    `json:"reserved"`           // bytes at the end of each page
	Encoding         string `json:"encoding"`           // UTF-8, UTF-16le or UTF-16be
	UserVersion      int32  `json:"user_version"`       //
	ApplicationID    int32  `json:"application_id"`     //
	AutoVacuum       int    `json:"auto_vacuum"`        // 0 none, 1 full, 2 incremental
	JournalMode      string `json:"journal_mode"`       // wal or delete
	SchemaFormat     int    `json:"schema_format"`      // 0 to 4
	DefaultCacheSize int32  `json:"default_cache_size"` // pages, or KiB if negative
	ZeroBytes        bool   `json:"zero_bytes,omitzero"`
}

// BTree says where the document has the content of a schema row's b-tree.
type BTree string

// The places of a b-tree's content.
const (
	BTreeNone    BTree = ""        // the row owns no b-tree
	BTreeRows    BTree = "rows"    // a table, its rows are in tables
	BTreeRebuild BTree = "rebuild" // an index that follows from its table
	BTreeEntries BTree = "entries" // an index, its entries are in indexes
)

// SchemaRow is one row of sqlite_schema.
type SchemaRow struct {
	RowID                    int64
	Type, Name, TblName, SQL value.Value
	// RootPage is the stored value; it counts only where BTree is BTreeNone.
	// The integer 0 is not written, and is what a reader gives when there is
	// none. (The zero Value is NULL, which is written.)
	RootPage value.Value
	BTree    BTree
}

// Values of Table.RowID that are not the position of a column.
const (
	RowIDImplicit = -1 // the first value of each row, and no column of the table
	RowIDNone     = -2 // a WITHOUT ROWID table
)

// Table is the opening line of a table.
type Table struct {
	Name    value.Value
	Columns []value.Value // nil: SQLite cannot describe the table
	RowID   int           // position in Columns, RowIDImplicit or RowIDNone
	// Short says that rows may lack the last columns: they are older than those, and
	// have their defaults.
	Short bool
}

// Width says how many values an item may have, at least and at most.
type Width struct{ Least, Most int }

// Has reports whether an item may have so many values.
func (w Width) Has(values int) bool { return w.Least <= values && values <= w.Most }

// AnyWidth is that of the entries of an index.
var AnyWidth = Width{0, MaxValues}

// Width returns how many values a row of the table may have.
func (t *Table) Width() Width {
	most := len(t.Columns)
	switch {
	case t.Columns == nil:
		return AnyWidth
	case !t.Short:
		return Width{most, most}
	case t.RowID == RowIDImplicit:
		return Width{min(2, most), most} // a record has one field or more
	}
	return Width{max(1, t.RowID+1), most}
}

// Index is the opening line of an index that is carried as its entries.
type Index struct{ Name value.Value }

// End is the last line of a document.
type End struct {
	Tables, Rows     int64
	Indexes, Entries int64
	Digest           string // sha256: and 64 lower-case hexadecimal digits
}
