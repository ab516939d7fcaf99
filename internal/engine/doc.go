// Package engine is SQLite as litekeep needs it: connections for a few
// statements, consistent snapshots of live databases, a description of a
// schema, integrity checks, and publishing a file into a live database. It is
// the only package that imports the SQLite library, and it calls the
// library's C interface directly.
//
// # Vocabulary
//
// The source is somebody's live database. It is opened read-only, through
// SQLite's own file layer only: closing any other descriptor of the file
// would drop the locks that this process holds on it (POSIX advisory locks
// belong to the process, not to the descriptor). The sidecars of a database
// are its -wal, -shm and -journal files. A source is quiet when nobody has it
// open and SQLite could not read it without creating or changing a file
// beside it.
//
// The snapshot is a private copy, one file without sidecars that nobody else
// touches. Everything that only reads it opens it as immutable: no locks, no
// sidecars, whatever its header says of the journal mode.
//
// # How a snapshot is taken
//
// A shared lock on the source comes first; under it the source and its sidecars
// are looked at. Then
//
//   - a source in WAL mode that somebody has open is copied by SQLite's online
//     backup in one read transaction, for which no writer waits;
//   - a source in a rollback mode is copied in passes over its file, giving up
//     the lock after each chunk (see passCopy): a writer waits for a fraction of
//     a millisecond, and at most for as long as it takes to read the file. The
//     online backup would begin anew whenever somebody commits, and so never
//     end, or keep writers waiting for as long as it takes to write the copy;
//   - a quiet source in WAL mode, and one with a journal that is to be rolled
//     back, is copied as its files lie, and SQLite recovers the copy. What the
//     lock does not prevent is noticed by size, time and identity of the files,
//     and the copy made again.
//
// # Caveats
//
// A Conn is for one goroutine at a time; cancelling the context of a call is
// the only thing that may happen beside it.
//
// Describe reads the schema that SQLite has parsed from the connection's
// memory rather than through PRAGMA statements. PRAGMA table_list, the only
// one that tells STRICT and WITHOUT ROWID, expands every view of the schema,
// which never ends for some views, and takes quadratic time. The structures
// belong to the pinned version of the library; the tests of this package
// compare what is read from them with the PRAGMA statements.
package engine
