package indexsort

import "github.com/litekeep/litekeep/internal/sqlitefile"

// ParseCollation returns the collation that SQLite knows under name, whatever
// the case of its letters in ASCII, and false for one that is not part of SQLite.
func ParseCollation(name string) (Collation, bool) {
	switch sqlitefile.FoldName(name) {
	case "binary":
		return Binary, true
	case "nocase":
		return NoCase, true
	case "rtrim":
		return RTrim, true
	}
	return Binary, false
}
