// Package export turns a snapshot of a database into the frames of a document:
// it plans what goes where (Plan), reads the b-trees on all cores and encodes
// their rows in order (Run).
//
// The same code makes a backup and proves a restore: a restored database,
// exported with the choices of the document it came from, must give the same
// content digest.
package export

import "errors"

// ErrRefused is wrapped by errors that say a database cannot be exported
// exactly, though SQLite may be able to open it.
var ErrRefused = errors.New("database cannot be backed up exactly")
