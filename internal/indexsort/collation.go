package indexsort

import "strings"

// ParseCollation returns the collation that SQLite knows under name, whatever
// its case, and false for one that is not part of SQLite.
func ParseCollation(name string) (Collation, bool) {
	switch strings.ToUpper(name) {
	case "BINARY":
		return Binary, true
	case "NOCASE":
		return NoCase, true
	case "RTRIM":
		return RTrim, true
	}
	return Binary, false
}
