// Package pagewriter writes new SQLite database files in bulk: it lays cells
// that come in key order into b-trees, bottom up and in one pass, every page
// filled to the brim. It is what makes a restore fast, and it keeps what SQL
// statements cannot, since a record is copied as a record.
//
// # Model
//
// A file has one b-tree on page 1 (sqlite_schema) and a number of others that
// is known when the [Writer] is made, so that every root page has its number
// before the first record comes: the rows of sqlite_schema name them. All other
// pages are given out in the order in which they are finished and written
// through one buffer, so that the file grows sequentially. A b-tree holds, at
// each level, the page that is being filled and, for a short while, the full
// page before it: a page is let go only when it is certain that another follows
// it, because SQLite allows neither an empty page in a b-tree of several pages
// nor an interior page with a single child.
//
// One exception is SQLite's own: page 1 has 100 bytes less than other pages.
// When what would be the root does not fit there, page 1 becomes an interior
// page without cells whose only child has the content.
//
// # Vocabulary
//
// A cell is a record with its key as a page stores it. The divider of two
// neighbouring pages is the cell in the page above that parts them: in a table
// b-tree the largest rowid on the left, in an index b-tree an entry of its own.
// A root is the page at the top of a b-tree. The usable size of a page is its
// size less the reserved bytes at its end, which are left zero.
//
// # Caveats
//
// Page 1 with the file header is written last, so a file that was cut off is no
// database. The Writer neither syncs nor closes nor truncates its file, and
// takes for granted that pages which it does not write (the one at the lock
// byte, at 1 GiB) read as zeros.
//
// Different b-trees of one Writer may be filled by different goroutines at the
// same time; one b-tree may not. Filled one after another, equal input gives
// equal files.
package pagewriter
