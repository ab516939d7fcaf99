package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// The header of a database file.
const (
	headerSize  = 100
	headerMagic = "SQLite format 3\x00"

	offsetPageSize      = 16
	offsetReadVersion   = 19 // 2 in WAL mode
	offsetReserved      = 20
	offsetChangeCounter = 24
	offsetPageCount     = 28
	offsetFreelist      = 32 // the first trunk page and, behind it, how many pages are free
	offsetSchemaCookie  = 40
	offsetEncoding      = 56
	offsetValidFor      = 92 // the change counter for which the page count is valid
)

// source is a live database, open read-only with a shared lock held, and what
// was found of it and beside it under that lock.
type source struct {
	conn   *Conn
	file   *vfsFile
	size   int64
	header []byte
	// The paths that SQLite uses, symbolic links resolved.
	wal, shm, journal string
	marks             marks
}

// mark tells one file from another and from an earlier state of itself.
type mark struct {
	info fs.FileInfo // nil where there is no file
}

// marks are the marks of a database and its sidecars.
type marks struct{ main, wal, shm, journal mark }

func (m mark) exists() bool { return m.info != nil }

// filled reports whether there is a file with content. SQLite takes an empty
// sidecar for a missing one.
func (m mark) filled() bool { return m.info != nil && m.info.Size() > 0 }

func (m mark) same(o mark) bool {
	if m.info == nil || o.info == nil {
		return m.info == nil && o.info == nil
	}
	return os.SameFile(m.info, o.info) && m.info.Size() == o.info.Size() && m.info.ModTime().Equal(o.info.ModTime())
}

func (m marks) same(o marks) bool {
	return m.main.same(o.main) && m.wal.same(o.wal) && m.journal.same(o.journal) &&
		m.shm.exists() == o.shm.exists()
}

// markOf looks at a file without opening it.
func markOf(path string) (mark, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return mark{}, nil
	}
	return mark{info}, err
}

// checkRegular refuses a path that is no file before SQLite opens it: opening
// a pipe would wait for a writer.
func checkRegular(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return &Error{Op: "open", Path: path, Code: sqlite3.SQLITE_CANTOPEN, Msg: "cannot open the database", Err: unwrapPath(err)}
	case info.IsDir():
		return fault("open", path, sqlite3.SQLITE_CANTOPEN, "it is a folder")
	case !info.Mode().IsRegular():
		return fault("open", path, sqlite3.SQLITE_CANTOPEN, "it is not a regular file")
	}
	return nil
}

// openSource opens a live database, takes a shared lock on it, and looks at
// it. In rollback mode the lock keeps writers from changing the file; in WAL
// mode it keeps the last connection to close from deleting the -wal.
func openSource(ctx context.Context, path string, busy time.Duration) (_ *source, err error) {
	if err := checkRegular(path); err != nil {
		return nil, err
	}
	conn, err := Open(ctx, path, OpenOptions{ReadOnly: true, BusyTimeout: busy})
	if err != nil {
		return nil, err
	}
	s := &source{conn: conn}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if err = s.conn.leaveSidecars(); err != nil {
		return nil, err
	}
	if s.file, err = conn.file(); err != nil {
		return nil, err
	}
	s.file.keepAccessTime()
	if err = s.file.lock(ctx, lockShared, busy); err != nil {
		return nil, err
	}
	s.wal, s.shm, s.journal = conn.sidecars()
	if s.marks, err = s.look(); err != nil {
		return nil, err
	}
	if s.size, err = s.file.size(); err != nil {
		return nil, err
	}
	s.header, err = s.file.header()
	return s, err
}

func (s *source) close() error {
	if s.file != nil {
		s.file.release()
	}
	return s.conn.Close()
}

// leaveSidecars makes sure that closing the connection neither checkpoints
// nor deletes a -wal. A read-only connection could not take the lock that it
// needs for that; this says so twice.
func (c *Conn) leaveSidecars() error {
	args := cAlloc(c.tls, 32)
	defer cFree(c.tls, args)
	list := libc.VaList(args, int32(1), uintptr(0))
	if rc := sqlite3.Xsqlite3_db_config(c.tls, c.db, sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, list); rc != sqlite3.SQLITE_OK {
		return c.error("open", rc)
	}
	return nil
}

// sidecars returns the paths that SQLite uses for the files beside the
// database.
func (c *Conn) sidecars() (wal, shm, journal string) {
	main := cString(c.tls, "main")
	defer cFree(c.tls, main)
	name := sqlite3.Xsqlite3_db_filename(c.tls, c.db, main)
	base := cText(name)
	return base + "-wal", base + "-shm", base + "-journal"
}

// path returns the path of the database that SQLite uses.
func (s *source) path() string { return s.wal[:len(s.wal)-len("-wal")] }

// look takes the marks of the database and its sidecars.
func (s *source) look() (m marks, err error) {
	for _, f := range []struct {
		path string
		mark *mark
	}{{s.path(), &m.main}, {s.wal, &m.wal}, {s.shm, &m.shm}, {s.journal, &m.journal}} {
		if *f.mark, err = markOf(f.path); err != nil {
			return m, fmt.Errorf("look at %s: %w", f.path, unwrapPath(err))
		}
	}
	return m, nil
}

// walMode reports whether SQLite would use a write-ahead log.
func (s *source) walMode() bool {
	return s.marks.wal.filled() || (s.isDatabase() && s.header[offsetReadVersion] == 2)
}

func (s *source) isDatabase() bool { return bytes.HasPrefix(s.header, []byte(headerMagic)) }

// hotJournal reports whether the -journal is one that the next writer must
// roll back: there is one, it was not ended, and nobody is at work with it.
func (s *source) hotJournal() (bool, error) {
	if !s.marks.journal.filled() || s.size == 0 {
		return false, nil
	}
	reserved, err := s.file.reserved()
	if err != nil || reserved {
		return false, err
	}
	f, err := os.Open(s.journal)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("open %s: %w", s.journal, unwrapPath(err))
	}
	var first [1]byte
	_, err = f.ReadAt(first[:], 0)
	err = errors.Join(ignoreEOF(err), f.Close())
	return first[0] != 0, err
}

// explain adds to a complaint of SQLite about the source what its header and
// size tell.
func (s *source) explain(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	switch {
	case errors.Is(err, ErrNotADatabase):
		e.Msg = "not a SQLite database, or an encrypted one"
	case errors.Is(err, ErrCorrupt) && s.isDatabase():
		pageSize := pageSizeOf(s.header)
		pages := pageCountOf(s.header)
		if !s.walMode() && pageSize > 0 && pages*pageSize > s.size {
			e.Msg = fmt.Sprintf("the file is cut off: its header says %d bytes, it has %d", pages*pageSize, s.size)
		}
	}
	return err
}

// pageSizeOf returns the page size that a header states, 0 for an invalid one.
func pageSizeOf(header []byte) int64 {
	n := int64(binary.BigEndian.Uint16(header[16:]))
	if n == 1 {
		return 65536
	}
	if n < 512 || n&(n-1) != 0 {
		return 0
	}
	return n
}

// pageCountOf returns the number of pages that a header states, 0 where it
// states none that is valid: old versions of SQLite did not keep it up to date.
func pageCountOf(header []byte) int64 {
	if !bytes.Equal(header[offsetChangeCounter:offsetChangeCounter+4], header[offsetValidFor:offsetValidFor+4]) {
		return 0
	}
	return int64(binary.BigEndian.Uint32(header[offsetPageCount:]))
}

func ignoreEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
