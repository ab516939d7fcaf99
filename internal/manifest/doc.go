// Package manifest reads and writes the manifest of a backup: the small JSON
// record that says what the backup's object holds and how to check it. It is
// written last; a backup without a manifest is none.
//
// A manifest lists the frames of the object in order: where each lies, how long
// it is stored and expanded, and the SHA-256 of its text. It ends in a line with
// the SHA-256 of all bytes before that line, so that every change is found.
//
// The layout is fixed: one line a member, in the order of the fields of
// Manifest, and one line an item of tables, indexes and frames. Decode accepts
// exactly what Encode writes, and both refuse a manifest that contradicts
// itself: frames that do not cover the object, totals that are not the sums, a
// content digest that is not that of the frames.
//
// The package does no I/O and reads no clock. docs/FORMAT.md sections 4 to 6 are
// its specification.
package manifest
