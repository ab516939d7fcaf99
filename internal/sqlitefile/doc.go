// Package sqlitefile knows the SQLite database file format at rest: the file
// header, variable-length integers, records, the arithmetic of pages, the freelist
// and rollback journals. It opens and writes no files; packages pagereader and
// pagewriter read and write databases.
//
// All rules and numbers come from "Database File Format"
// (https://sqlite.org/fileformat2.html); section names are given where a rule
// is used.
//
// Vocabulary: the usable size U of a page is its size less the bytes reserved
// at its end. A payload is the bytes of a record; what does not fit on the
// b-tree page spills to a chain of overflow pages.
package sqlitefile

import "errors"

// ErrCorrupt is wrapped by every error that says a file breaks the format.
var ErrCorrupt = errors.New("database is damaged")
