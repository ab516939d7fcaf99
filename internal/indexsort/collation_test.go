package indexsort

import "testing"

// TestParseCollation: a name that only Unicode folds to one of SQLite's is the
// application's.
func TestParseCollation(t *testing.T) {
	for name, want := range map[string]bool{"BINARY": true, "NoCase": true, "rtrim": true, "b\u0131nary": false, "": false, "nocase ": false} {
		if _, known := ParseCollation(name); known != want {
			t.Errorf("%q: %v", name, known)
		}
	}
}
