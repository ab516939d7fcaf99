// Package document writes and reads the document: the JSON text of one backup,
// as docs/FORMAT.md section 2 specifies it.
//
// # Model
//
// A document is a sequence of lines. Structural lines open and close the lists
// (schema, tables, indexes) and carry the settings; item lines hold one row of
// a table or one entry of an index each. The writing half is a set of Append
// functions, one for each kind of line. None of them writes the comma and the
// LF after an item: only the caller knows whether the item is its list's last.
//
// The reading half works on runs of whole lines, which is what frames are. A
// Scanner follows the lines of one document in order and parses the structural
// ones. Item lines it only delimits and counts, and hands over as runs, so that
// they can be parsed (NextItem, ParseRow) or merely checked (CheckItems) by
// several goroutines at once.
//
// # Canonical form
//
// Scanner, ParseRow and CheckItems read the canonical form and nothing else:
// what they accept, the Append functions would have written to the byte. Any
// other layout of the same JSON (indented, other escapes, a real as 1.50) goes
// through Canonicalize first. The one thing that depends on what a line alone
// cannot tell is left to the caller: whether the bytes in a {"text":…} wrapper
// are in truth well-formed in the encoding of the database.
//
// # Caveats
//
// ParseRow decodes in place: it destroys the item, and the values that it
// returns point into it. The package does no I/O but through the reader and the
// writer that Canonicalize is given, and allocates nothing per row or value.
package document
