// Package indexsort sorts the records of an index in the order in which SQLite
// keeps them, in bounded memory.
//
// # Model
//
// A [Sorter] takes records as SQLite's index b-trees hold them (the indexed
// columns, then the rowid or primary key) and gives them back in ascending
// order. Records are collected in a run; when that reaches its share of the
// memory it is sorted and appended to a temporary file that has no name. At the
// end, what is in memory and the runs in the file are merged. Several
// goroutines can prepare records, each in a [Batch] of its own.
//
// # Order
//
// The order is that of SQLite's record comparison: NULL before numbers before
// TEXT before BLOB; INTEGER and REAL by their exact value; TEXT by the bytes
// that are stored, or as the collation says; BLOB by its bytes. DESC turns a
// column round. Fields behind the given columns compare as BINARY ASC. It is
// proven against SQLite by the tests of this package. The built-in collations
// work on UTF-8: in UTF-16 databases text is converted first, and text that has
// no UTF-8 form there is refused with [ErrUnsupported].
//
// # Speed
//
// Each record has a key word, 8 bytes that order records by their first column
// as far as 8 bytes can. Runs are sorted by key words in linear time, and among
// those with equal key words by the next: the next 7 bytes of the text, or the
// next column. What all records of a run begin with is passed over. Only small
// groups and rare cases compare whole records. Two kinds of order in the input
// save work: records in ascending order are not sorted, and where the fields
// behind the first ascend, as rowids do when a table is read in its order,
// records with equal first columns are not compared.
package indexsort
