package document

import (
	"math"
	"strings"

	"github.com/litekeep/litekeep/internal/value"
)

// The lines of a document that are always the same, each with its LF. What
// closes a table or an index (CloseList) is followed by a comma when another one
// comes: the caller writes the comma and the LF, as after an item.
const (
	OpenSchema   = "\"schema\":[\n"
	CloseSchema  = "],\n"
	OpenTables   = "\"tables\":[\n"
	CloseTables  = "],\n"
	OpenIndexes  = "\"indexes\":[\n"
	CloseIndexes = "],\n"
	CloseList    = "]}" // of a table or an index; without comma and LF
)

// The ends of an item, or of a table or index after CloseList.
const (
	More = ",\n" // another one follows in the same list
	Last = "\n"  // the list ends here
)

// AppendOpening appends the two lines of the first frame. Bytes of the texts in
// s that are not UTF-8 are replaced by U+FFFD.
func AppendOpening(dst []byte, s *Source) []byte {
	dst = append(dst, `{"litekeep":`...)
	dst = AppendInt(dst, Version)
	dst = append(dst, ",\n\"source\":{\"name\":"...)
	dst = appendForeign(dst, s.Name)
	dst = append(dst, `,"path":`...)
	dst = appendForeign(dst, s.Path)
	dst = append(dst, `,"created":`...)
	dst = appendForeign(dst, s.Created)
	dst = append(dst, `,"sqlite":`...)
	dst = appendForeign(dst, s.SQLite)
	dst = append(dst, `,"litekeep":`...)
	dst = appendForeign(dst, s.Litekeep)
	dst = append(dst, `,"schema_version":`...)
	dst = AppendInt(dst, s.SchemaVersion)
	return append(dst, "},\n"...)
}

// appendForeign appends a text from outside, which may hold any bytes.
func appendForeign(dst []byte, s string) []byte {
	return appendString(dst, []byte(strings.ToValidUTF8(s, "\uFFFD")))
}

// AppendDatabase appends the line of the settings.
func AppendDatabase(dst []byte, d *Database) []byte {
	dst = append(dst, `"database":{"page_size":`...)
	dst = AppendInt(dst, int64(d.PageSize))
	dst = append(dst, `,"reserved":`...)
	dst = AppendInt(dst, int64(d.Reserved))
	dst = append(dst, `,"encoding":`...)
	dst = appendForeign(dst, d.Encoding)
	dst = append(dst, `,"user_version":`...)
	dst = AppendInt(dst, int64(d.UserVersion))
	dst = append(dst, `,"application_id":`...)
	dst = AppendInt(dst, int64(d.ApplicationID))
	dst = append(dst, `,"auto_vacuum":`...)
	dst = AppendInt(dst, int64(d.AutoVacuum))
	dst = append(dst, `,"journal_mode":`...)
	dst = appendForeign(dst, d.JournalMode)
	dst = append(dst, `,"schema_format":`...)
	dst = AppendInt(dst, int64(d.SchemaFormat))
	dst = append(dst, `,"default_cache_size":`...)
	dst = AppendInt(dst, int64(d.DefaultCacheSize))
	if d.ZeroBytes {
		dst = append(dst, `,"zero_bytes":true`...)
	}
	return append(dst, "},\n"...)
}

// AppendSchemaRow appends the item of a schema row. prevRowID is the rowid of
// the row before it, 0 for the first.
func AppendSchemaRow(dst []byte, r *SchemaRow, prevRowID int64) []byte {
	dst = append(dst, '{')
	if r.RowID != prevRowID+1 {
		dst = append(dst, `"rowid":`...)
		dst = AppendInt(dst, r.RowID)
		dst = append(dst, ',')
	}
	dst = append(dst, `"type":`...)
	dst = AppendValue(dst, &r.Type)
	dst = append(dst, `,"name":`...)
	dst = AppendValue(dst, &r.Name)
	dst = append(dst, `,"tbl_name":`...)
	dst = AppendValue(dst, &r.TblName)
	dst = append(dst, `,"sql":`...)
	dst = AppendValue(dst, &r.SQL)
	if r.BTree != BTreeNone {
		dst = append(dst, `,"btree":"`...)
		dst = append(dst, r.BTree...)
		dst = append(dst, '"')
	} else if r.RootPage.Kind != value.Integer || r.RootPage.Int != 0 {
		dst = append(dst, `,"rootpage":`...)
		dst = AppendValue(dst, &r.RootPage)
	}
	return append(dst, '}')
}

// AppendTableOpen appends the opening line of a table.
func AppendTableOpen(dst []byte, t *Table) []byte {
	dst = append(dst, `{"name":`...)
	dst = AppendValue(dst, &t.Name)
	dst = append(dst, `,"columns":`...)
	if t.Columns == nil {
		dst = append(dst, "null"...)
	} else {
		dst = AppendRow(dst, t.Columns)
	}
	dst = append(dst, `,"rowid":`...)
	switch t.RowID {
	case RowIDImplicit:
		dst = append(dst, `"implicit"`...)
	case RowIDNone:
		dst = append(dst, "null"...)
	default:
		dst = AppendInt(dst, int64(t.RowID))
	}
	if t.Short {
		dst = append(dst, `,"short":true`...)
	}
	return append(dst, ",\"rows\":[\n"...)
}

// AppendIndexOpen appends the opening line of an index.
func AppendIndexOpen(dst []byte, x *Index) []byte {
	dst = append(dst, `{"name":`...)
	dst = AppendValue(dst, &x.Name)
	return append(dst, ",\"entries\":[\n"...)
}

// AppendRow appends an item: the values of a row, or the fields of an entry.
func AppendRow(dst []byte, row []value.Value) []byte {
	dst = append(dst, '[')
	for i := range row {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendValue(dst, &row[i])
	}
	return append(dst, ']')
}

// AppendStoredRow is AppendRow for values as a database in UTF-8 stores them: a
// RawText that is valid is a string.
func AppendStoredRow(dst []byte, row []value.Value) []byte {
	dst = append(dst, '[')
	for i := range row {
		if i > 0 {
			dst = append(dst, ',')
		}
		if row[i].Kind == value.RawText {
			dst = AppendStoredText(dst, row[i].Bytes)
		} else {
			dst = AppendValue(dst, &row[i])
		}
	}
	return append(dst, ']')
}

// RowRoom returns as many bytes as AppendRow and AppendStoredRow append, or a few more.
func RowRoom(row []value.Value) int {
	n := 2
	for i := range row {
		n += 32 // a number, or what stands around text and base64
		b := row[i].Bytes
		switch row[i].Kind {
		case value.Text:
			n += escapedLen(b)
		case value.RawText: // one or the other
			n += max(escapedLen(b), (len(b)+2)/3*4)
		case value.Blob:
			n += (len(b) + 2) / 3 * 4
		}
	}
	return n
}

// AppendValue appends one value. The bytes of a Text must be valid UTF-8. A NaN
// is NULL, as it is in SQLite.
func AppendValue(dst []byte, v *value.Value) []byte {
	switch v.Kind {
	case value.Integer:
		return AppendInt(dst, v.Int)
	case value.Text:
		return appendString(dst, v.Bytes)
	case value.Real:
		return AppendFloat(dst, v.Float())
	case value.Blob:
		return AppendBlob(dst, v.Bytes)
	case value.RawText:
		return appendWrapped(dst, `{"text":"`, v.Bytes)
	}
	return append(dst, "null"...)
}

// AppendBlob appends a BLOB.
func AppendBlob(dst, b []byte) []byte { return appendWrapped(dst, `{"blob":"`, b) }

// AppendFloat appends a REAL. A NaN is NULL.
func AppendFloat(dst []byte, f float64) []byte {
	switch {
	case math.IsInf(f, 1):
		return append(dst, `{"real":"+Inf"}`...)
	case math.IsInf(f, -1):
		return append(dst, `{"real":"-Inf"}`...)
	case f != f:
		return append(dst, "null"...)
	}
	return appendReal(dst, f)
}

func appendWrapped(dst []byte, open string, b []byte) []byte {
	dst = append(dst, open...)
	dst = appendBase64(dst, b)
	return append(dst, `"}`...)
}

// AppendEnd appends the last line, which closes the document.
func AppendEnd(dst []byte, e *End) []byte {
	dst = append(dst, `"end":{"tables":`...)
	dst = AppendInt(dst, e.Tables)
	dst = append(dst, `,"rows":`...)
	dst = AppendInt(dst, e.Rows)
	dst = append(dst, `,"indexes":`...)
	dst = AppendInt(dst, e.Indexes)
	dst = append(dst, `,"entries":`...)
	dst = AppendInt(dst, e.Entries)
	dst = append(dst, `,"digest":`...)
	dst = appendForeign(dst, e.Digest)
	return append(dst, "}}\n"...)
}
