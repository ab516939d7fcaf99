// Package rebuild makes a new database file from a document: rows are parsed
// and encoded as records on all cores, laid into b-trees in the order in which
// they come, and the indexes that the document leaves out are built, most of
// them by our own sort, the rest by SQLite.
//
// Nothing here decides whether the result is right: whoever calls Build proves
// it, by exporting the new file again and by SQLite's integrity check.
package rebuild

import "errors"

// ErrDocument is wrapped by errors that say a document is not one that litekeep
// could have written.
var ErrDocument = errors.New("backup cannot be restored")
