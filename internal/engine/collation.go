package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// standIn makes collations known that SQLite lacks, so that statements that
// do not compare with them can be compiled.
func (c *Conn) standIn(names []string) error {
	var errs []error
	for _, name := range names {
		errs = append(errs, c.setCollation(name, functionAddress(compareBytes)))
	}
	return errors.Join(errs...)
}

// removeStandIns makes the collations unknown again.
func (c *Conn) removeStandIns(names []string) {
	for _, name := range names {
		// It fails only while a statement runs; none does.
		_ = c.setCollation(name, 0)
	}
}

func (c *Conn) setCollation(name string, compare uintptr) error {
	zName := cString(c.tls, name)
	defer cFree(c.tls, zName)
	rc := sqlite3.Xsqlite3_create_collation_v2(c.tls, c.db, zName, sqlite3.SQLITE_UTF8, 0, compare, 0)
	if rc != sqlite3.SQLITE_OK {
		return c.error("create collation", rc)
	}
	return nil
}

// standInForAll makes every collation known that a statement asks for.
func (c *Conn) standInForAll() error {
	rc := sqlite3.Xsqlite3_collation_needed(c.tls, c.db, 0, functionAddress(collationNeeded))
	if rc != sqlite3.SQLITE_OK {
		return c.error("create collations", rc)
	}
	return nil
}

// collationNeeded is called by SQLite for a collation that it does not know. A
// failure shows in the statement, which does not find the collation then.
func collationNeeded(tls *libc.TLS, _, db uintptr, _ int32, zName uintptr) {
	sqlite3.Xsqlite3_create_collation_v2(tls, db, zName, sqlite3.SQLITE_UTF8, 0, functionAddress(compareBytes), 0)
}

// compareBytes is the function of a collation that stands in for another.
func compareBytes(_ *libc.TLS, _ uintptr, n1 int32, p1 uintptr, n2 int32, p2 uintptr) int32 {
	return int32(bytes.Compare(bytesAt(p1, int(n1)), bytesAt(p2, int(n2))))
}

// setCache sets the size of the connection's page cache.
func (c *Conn) setCache(ctx context.Context, kib int) error {
	return c.Exec(ctx, fmt.Sprintf("PRAGMA cache_size=-%d", kib))
}
