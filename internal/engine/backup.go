package engine

import (
	"context"
	"errors"

	sqlite3 "modernc.org/sqlite/lib"
)

// pageCopy is a run of SQLite's online backup: the main database of one
// connection is copied into that of another, page by page.
type pageCopy struct {
	from, to *Conn
	live     string  // path of the one of the two that others may have open
	ptr      uintptr // *sqlite3_backup
}

func newPageCopy(from, to *Conn, live string) (*pageCopy, error) {
	main := cString(to.tls, "main")
	defer cFree(to.tls, main)
	ptr := sqlite3.Xsqlite3_backup_init(to.tls, to.db, main, from.db, main)
	if ptr == 0 {
		return nil, to.error("copy to", sqlite3.Xsqlite3_extended_errcode(to.tls, to.db))
	}
	return &pageCopy{from: from, to: to, live: live, ptr: ptr}, nil
}

// step copies up to n pages, all that are left where n is negative, and
// reports whether the copy is complete.
func (p *pageCopy) step(n int) (bool, error) {
	switch rc := sqlite3.Xsqlite3_backup_step(p.from.tls, p.ptr, int32(n)); rc {
	case sqlite3.SQLITE_OK:
		return false, nil
	case sqlite3.SQLITE_DONE:
		return true, nil
	default:
		return false, p.fault(rc)
	}
}

// progress returns how many pages are copied, and how many there are, as of
// the last step.
func (p *pageCopy) progress() (done, total int64) {
	total = int64(sqlite3.Xsqlite3_backup_pagecount(p.from.tls, p.ptr))
	return total - int64(sqlite3.Xsqlite3_backup_remaining(p.from.tls, p.ptr)), total
}

// finish ends the copy; without a completed last step it undoes it.
func (p *pageCopy) finish() error {
	rc := sqlite3.Xsqlite3_backup_finish(p.from.tls, p.ptr)
	if rc != sqlite3.SQLITE_OK {
		return p.fault(rc)
	}
	return nil
}

// fault tells which of the two files a result code is about: SQLite does not
// say, but only one of them is written.
func (p *pageCopy) fault(rc int32) error {
	path, op := p.from.path, "copy"
	switch {
	case rc&0xff == sqlite3.SQLITE_BUSY:
		path = p.live
	case rc&0xff == sqlite3.SQLITE_FULL, rc&0xff == sqlite3.SQLITE_READONLY,
		rc == sqlite3.SQLITE_IOERR_WRITE, rc == sqlite3.SQLITE_IOERR_TRUNCATE,
		rc == sqlite3.SQLITE_IOERR_FSYNC, rc == sqlite3.SQLITE_IOERR_DIR_FSYNC:
		path, op = p.to.path, "copy to"
	}
	return fault(op, path, int(rc), "%s", cText(sqlite3.Xsqlite3_errstr(p.from.tls, rc)))
}

// begin starts a read transaction and returns the schema cookie that it sees.
// It takes the shared lock, waiting for others up to the busy timeout; it does
// not read the schema, which may be malformed.
func (c *Conn) begin(ctx context.Context) (cookie int64, err error) {
	if err = c.Exec(ctx, "BEGIN"); err != nil {
		return 0, err
	}
	cookie, err = c.integer(ctx, "PRAGMA schema_version")
	if err != nil {
		err = errors.Join(err, c.end())
	}
	return cookie, err
}

// end ends a read transaction, if one is open.
func (c *Conn) end() error {
	if sqlite3.Xsqlite3_get_autocommit(c.tls, c.db) != 0 {
		return nil
	}
	return c.Exec(context.Background(), "ROLLBACK")
}
