// Package testdb makes the SQLite databases that tests need, and compares two
// databases through SQL alone.
//
// [Nasty] is a list of small databases, one for each thing that a backup can
// get wrong: values that do not survive a dump, rows that today's schema would
// refuse, names that quoting breaks, objects that SQLite cannot describe here,
// and files that are damaged. [Random] makes a database with a random schema
// and random content for property tests. [Compare] is the oracle: it knows
// nothing of litekeep's own page reader, so that a bug of the reader cannot
// hide itself.
//
// Every database is the same, byte for byte, each time that it is built: no
// clock, no random source without a fixed seed. Only the salt that SQLite draws
// for a -wal or a -journal differs.
//
// Vocabulary: a case is damaged when SQLite itself finds fault with the file
// (refused), and hostile when SQLite reads it but only just. An edit is a
// change of sqlite_schema under PRAGMA writable_schema, the way by which a row
// comes to stand under a declaration that would never have let it in. A patch
// is a change of bytes in the file.
package testdb
