package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// SnapshotOptions says how Snapshot works. The zero value does not wait for
// locks.
type SnapshotOptions struct {
	// BusyTimeout is how long to wait for a lock that others hold, and how
	// long to try again when a database does not keep still.
	BusyTimeout time.Duration
	// Progress, if not nil, is called now and then with the number of pages
	// copied and the number of pages there are. Both may change either way,
	// since the database may change, and a copy may begin anew.
	Progress func(done, total int64)

	lease time.Duration // for tests: how long a shared lock is held at a time, 0 for the usual
}

// SnapshotInfo tells what a snapshot holds.
type SnapshotInfo struct {
	Pages         int64
	PageSize      int    // bytes
	Bytes         int64  // size of the snapshot
	JournalMode   string // of the source's header: "wal", or "delete" for every rollback mode
	SchemaVersion int64  // the schema cookie
	ZeroBytes     bool   // the source is a file of 0 bytes, and so is the snapshot
	Restarts      int    // how often the source had to be looked at anew
	Again         int64  // bytes that were read again, because others may have changed them
	Locked        bool   // writers had to wait for one pass through all of the source
	// Quiet is set where the source's files were copied as they lie, since
	// SQLite would have created or changed files beside it.
	Quiet bool
}

// The journal modes that SnapshotInfo tells.
const (
	JournalWAL    = "wal"
	JournalDelete = "delete"
)

// heldBytes is how much is copied of a database in WAL mode, where no writer
// waits, between two looks at the context.
const heldBytes = 8 << 20

// maxRestarts is how often at least a source that does not keep still is looked
// at anew, however short the busy timeout is.
const maxRestarts = 3

// errMoved says that a source changed in a way that needs another look at it.
var errMoved = errors.New("the database changed while it was copied")

// Snapshot makes the file dest, which must not exist, a consistent copy of
// the live database source. The source and the files beside it are neither
// created, changed nor deleted, and its write-ahead log is not checkpointed.
//
// dest is one complete file: no sidecar is left beside it. Its header is the
// source's, so it says WAL where the source is in WAL mode; open it as
// immutable, or SQLite creates sidecars beside it.
//
// Errors: ErrNotADatabase, ErrCorrupt, ErrBusy after the busy timeout,
// ErrFull when the disk of dest is full, ErrCantOpen together with the
// operating system's error (fs.ErrNotExist, fs.ErrPermission, …). After an
// error there is no dest.
func Snapshot(ctx context.Context, source, dest string, o SnapshotOptions) (*SnapshotInfo, error) {
	info, err := snapshot(ctx, source, dest, &o)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("snapshot: %w", err), removeCopy(dest, errors.Is(err, os.ErrExist)))
	}
	return info, nil
}

func snapshot(ctx context.Context, path, dest string, o *SnapshotOptions) (*SnapshotInfo, error) {
	f, err := os.OpenFile(dest, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", dest, unwrapPath(err))
	}
	if err = f.Close(); err != nil {
		return nil, writeFault("create", dest, err)
	}
	info := &SnapshotInfo{}
	start := time.Now()
	quiet := false // copy the files as they lie even if it seems that SQLite could join
	for try := 0; ; try++ {
		err = snapshotOnce(ctx, path, dest, o, info, quiet)
		switch {
		case err == nil:
			return info, info.complete(dest)
		case needsQuiet(err):
			quiet = true
		case !errors.Is(err, errMoved):
			return nil, err
		}
		if time.Since(start) > o.BusyTimeout && try >= maxRestarts {
			return nil, &Error{Op: "copy", Path: path, Code: sqlite3.SQLITE_BUSY, Msg: "the database does not keep still", Err: err}
		}
		if err = sleep(ctx, retryDelay(try)); err != nil {
			return nil, err
		}
		info.Restarts++
	}
}

// snapshotOnce looks at the source and copies it in the way that fits.
func snapshotOnce(ctx context.Context, path, dest string, o *SnapshotOptions, info *SnapshotInfo, quiet bool) (err error) {
	s, err := openSource(ctx, path, o.BusyTimeout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	info.ZeroBytes, info.Quiet = false, false
	if s.size == 0 {
		info.ZeroBytes = true
		return errors.Join(s.checkEmpty(), s.empty(dest))
	}
	hot, err := s.hotJournal()
	if err != nil {
		return err
	}
	wal := s.walMode()
	if !s.isDatabase() && !wal && !hot {
		return s.explain(fault("open", path, sqlite3.SQLITE_NOTADB, ""))
	}
	if !hot && !s.marks.wal.exists() {
		if err := s.checkTail(); err != nil {
			return err
		}
	}
	if hot || quiet || (wal && !s.inUse()) {
		info.Quiet = true
		return s.explain(s.copyQuiet(ctx, dest, o, hot))
	}
	return s.explain(s.join(ctx, dest, o, info, wal))
}

// walHeaderSize is the length of a -wal without any frames.
const walHeaderSize = 32

// checkEmpty refuses an empty file with a log beside it. SQLite would
// delete the log and find an empty database; whoever lost the content of the
// file may want the log.
func (s *source) checkEmpty() error {
	if s.marks.main.filled() { // SQLite's file layer takes a file of one byte for an empty one
		return s.explain(fault("open", s.conn.path, sqlite3.SQLITE_NOTADB, ""))
	}
	if s.marks.wal.exists() && s.marks.wal.info.Size() > walHeaderSize {
		return fault("open", s.conn.path, sqlite3.SQLITE_CORRUPT,
			"the file has 0 bytes, but %s holds %d: SQLite would delete it", s.wal, s.marks.wal.info.Size())
	}
	return nil
}

// checkTail refuses a file that ends inside a page. SQLite would read the rest
// of the page as zeros.
func (s *source) checkTail() error {
	pageSize := int64(binary.BigEndian.Uint16(s.header[offsetPageSize:]))
	if pageSize == 1 {
		pageSize = 65536
	}
	counted := pageCountOf(s.header)
	if pageSize < 512 || s.size%pageSize == 0 || counted > 0 && s.size >= counted*pageSize {
		return nil
	}
	return fault("open", s.conn.path, sqlite3.SQLITE_CORRUPT,
		"the file is truncated: it ends inside page %d", s.size/pageSize+1)
}

// inUse reports whether a database in WAL mode has the sidecars that SQLite
// needs to join, and somebody who uses them. Where nobody does, joining would
// rebuild the -shm.
func (s *source) inUse() bool {
	return s.marks.wal.exists() && s.marks.shm.exists() && s.file.othersConnected()
}

// needsQuiet reports whether SQLite said that it cannot read the source
// without writing to it or beside it.
func needsQuiet(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code {
	case sqlite3.SQLITE_READONLY_ROLLBACK, sqlite3.SQLITE_READONLY_RECOVERY,
		sqlite3.SQLITE_READONLY_CANTINIT, sqlite3.SQLITE_READONLY_CANTLOCK:
		return true
	}
	return false
}

// join copies a source that SQLite can read as it is.
func (s *source) join(ctx context.Context, dest string, o *SnapshotOptions, info *SnapshotInfo, wal bool) error {
	if wal {
		return s.joinWAL(ctx, dest, o)
	}
	if err := s.copyInPasses(ctx, dest, o, info); err != nil {
		return err
	}
	return renamed(recoverCopy(ctx, dest, false), dest, s.conn.path)
}

// joinWAL copies a source in WAL mode through SQLite's online backup, in one
// read transaction: readers do not keep writers waiting.
func (s *source) joinWAL(ctx context.Context, dest string, o *SnapshotOptions) error {
	if err := s.empty(dest); err != nil { // or SQLite would read what is there
		return err
	}
	to, err := Open(ctx, dest, OpenOptions{})
	if err != nil {
		return err
	}
	cookie, err := s.backup(ctx, to, o)
	if err = errors.Join(err, to.Close()); err != nil {
		return err
	}
	return writeCookie(dest, cookie)
}

// backup copies the source into the empty database to and returns the schema
// cookie of what it copied.
func (s *source) backup(ctx context.Context, to *Conn, o *SnapshotOptions) (cookie int64, err error) {
	err = to.Exec(ctx, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE")
	if err != nil {
		return 0, err
	}
	if cookie, err = s.conn.begin(ctx); err != nil {
		return 0, err
	}
	run, err := newPageCopy(s.conn, to, s.conn.path)
	if err != nil {
		return 0, errors.Join(err, s.conn.end())
	}
	step := int(max(heldBytes/max(pageSizeOf(s.header), 512), 1))
	for done := false; !done && err == nil; {
		if err = ctx.Err(); err != nil {
			break
		}
		done, err = run.step(step)
		if err == nil && o.Progress != nil {
			o.Progress(run.progress())
		}
	}
	err = errors.Join(err, s.conn.end())
	if finishErr := run.finish(); err == nil {
		err = finishErr // else it repeats the failure of the step
	}
	return cookie, err
}

// writeCookie puts the source's schema cookie into the header of a copy:
// SQLite's backup counts that one field up instead of copying it.
func writeCookie(path string, cookie int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return writeFault("write", path, err)
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(cookie))
	_, err = f.WriteAt(b[:], offsetSchemaCookie)
	if err = errors.Join(err, f.Close()); err != nil {
		return writeFault("write", path, err)
	}
	return nil
}

// complete fills in what the header of the finished snapshot tells, and makes
// sure that it is one file.
func (info *SnapshotInfo) complete(dest string) error {
	for _, suffix := range sidecarSuffixes {
		if m, err := markOf(dest + suffix); err != nil || m.exists() {
			return errors.Join(fmt.Errorf("finish %s: its %s was left behind", dest, suffix), err)
		}
	}
	info.JournalMode = JournalDelete
	if info.ZeroBytes {
		info.Quiet = false
		return nil
	}
	f, err := os.Open(dest)
	if err != nil {
		return fmt.Errorf("open %s: %w", dest, unwrapPath(err))
	}
	header := make([]byte, headerSize)
	_, err = f.ReadAt(header, 0)
	stat, statErr := f.Stat()
	if err = errors.Join(err, statErr, f.Close()); err != nil {
		return fmt.Errorf("read %s: %w", dest, unwrapPath(err))
	}
	info.Bytes = stat.Size()
	info.PageSize = int(pageSizeOf(header))
	if info.PageSize == 0 {
		return fault("read", dest, sqlite3.SQLITE_CORRUPT, "the page size in the header is invalid")
	}
	info.Pages = info.Bytes / int64(info.PageSize)
	info.SchemaVersion = schemaCookie(header)
	if header[offsetReadVersion] == 2 {
		info.JournalMode = JournalWAL
	}
	return nil
}

func schemaCookie(header []byte) int64 {
	return int64(binary.BigEndian.Uint32(header[offsetSchemaCookie:]))
}

// sidecarSuffixes are what SQLite appends to a path to name the files beside
// a database.
var sidecarSuffixes = [...]string{"-wal", "-shm", "-journal"}

// removeCopy removes an unfinished copy, unless it is not ours.
func removeCopy(dest string, foreign bool) error {
	if foreign {
		return nil
	}
	var errs []error
	for _, suffix := range append([]string{""}, sidecarSuffixes[:]...) {
		if err := os.Remove(dest + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
