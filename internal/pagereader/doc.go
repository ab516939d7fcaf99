// Package pagereader walks the b-trees of an SQLite database file that nobody
// writes to: a snapshot. It reads with pread into small buffers of its own and
// trusts nothing: what breaks the file format is an error that wraps
// sqlitefile.ErrCorrupt and names the page.
//
// A walk has two halves, so that several goroutines can share one b-tree. Tree
// goes through the interior pages in key order and hands out Batches: leaf
// pages and, in index b-trees, the cells of interior pages that stand between
// them. A Cursor, one for each goroutine, reads the rows of a Batch.
//
// Every page is claimed when it is read. A page that is claimed twice is in two
// places of the database, or in a loop; both are damage.
//
// Never open a live database with this package: see the package engine.
package pagereader
