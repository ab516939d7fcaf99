package engine

import sqlite3 "modernc.org/sqlite/lib"

// VersionNumber returns the version of SQLite as a database header has it:
// 3054001 for 3.54.1.
func VersionNumber() uint32 { return sqlite3.SQLITE_VERSION_NUMBER }
