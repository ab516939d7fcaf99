package engine

import (
	"context"
	"errors"
	"time"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// The levels of a lock on a database file.
const (
	lockNone      = sqlite3.SQLITE_LOCK_NONE
	lockShared    = sqlite3.SQLITE_LOCK_SHARED
	lockExclusive = sqlite3.SQLITE_LOCK_EXCLUSIVE
)

// vfsFile is the open database file of a connection, used beneath SQLite's
// pager. Nothing here opens or closes a descriptor.
type vfsFile struct {
	c       *Conn
	ptr     uintptr // *sqlite3_file
	methods *sqlite3.Tsqlite3_io_methods
	scratch uintptr // 8 bytes in the library's memory
}

// file returns the connection's main database file; release it before the
// connection is closed.
func (c *Conn) file() (*vfsFile, error) {
	main := cString(c.tls, "main")
	defer cFree(c.tls, main)
	scratch := cAlloc(c.tls, 8)
	rc := sqlite3.Xsqlite3_file_control(c.tls, c.db, main, sqlite3.SQLITE_FCNTL_FILE_POINTER, scratch)
	ptr := *at[uintptr](scratch)
	if rc != sqlite3.SQLITE_OK || ptr == 0 || at[sqlite3.Tsqlite3_file](ptr).FpMethods == 0 {
		cFree(c.tls, scratch)
		return nil, fault("open", c.path, sqlite3.SQLITE_CANTOPEN, "the file is not open")
	}
	return &vfsFile{
		c:       c,
		ptr:     ptr,
		methods: at[sqlite3.Tsqlite3_io_methods](at[sqlite3.Tsqlite3_file](ptr).FpMethods),
		scratch: scratch,
	}, nil
}

func (f *vfsFile) release() { cFree(f.c.tls, f.scratch) }

// size returns the length of the file in bytes.
func (f *vfsFile) size() (int64, error) {
	fileSize := function[func(*libc.TLS, uintptr, uintptr) int32](f.methods.FxFileSize)
	if rc := fileSize(f.c.tls, f.ptr, f.scratch); rc != sqlite3.SQLITE_OK {
		return 0, f.fault("size", rc)
	}
	return *at[int64](f.scratch), nil
}

// readAt reads n bytes at offset off into the library's memory at buf. Bytes
// beyond the end of the file read as zeros.
func (f *vfsFile) readAt(buf uintptr, n int, off int64) error {
	read := function[func(*libc.TLS, uintptr, uintptr, int32, int64) int32](f.methods.FxRead)
	rc := read(f.c.tls, f.ptr, buf, int32(n), off)
	if rc != sqlite3.SQLITE_OK && rc != sqlite3.SQLITE_IOERR_SHORT_READ {
		return f.fault("read", rc)
	}
	return nil
}

// header returns the first 100 bytes of the file, zeros where it is shorter.
func (f *vfsFile) header() ([]byte, error) {
	buf := cAlloc(f.c.tls, headerSize)
	defer cFree(f.c.tls, buf)
	if err := f.readAt(buf, headerSize, 0); err != nil {
		return nil, err
	}
	return append([]byte(nil), bytesAt(buf, headerSize)...), nil
}

// lock takes a lock of the given level, waiting up to limit for others.
func (f *vfsFile) lock(ctx context.Context, level int32, limit time.Duration) error {
	lock := function[func(*libc.TLS, uintptr, int32) int32](f.methods.FxLock)
	start := time.Now()
	for try := 0; ; try++ {
		rc := lock(f.c.tls, f.ptr, level)
		if rc == sqlite3.SQLITE_OK {
			return nil
		}
		left := limit - time.Since(start)
		if rc&0xff != sqlite3.SQLITE_BUSY || left <= 0 {
			return f.fault("lock", rc)
		}
		if err := sleep(ctx, min(retryDelay(try), left)); err != nil {
			return err
		}
	}
}

// unlock lowers the lock to the given level.
func (f *vfsFile) unlock(level int32) error {
	unlock := function[func(*libc.TLS, uintptr, int32) int32](f.methods.FxUnlock)
	if rc := unlock(f.c.tls, f.ptr, level); rc != sqlite3.SQLITE_OK {
		return f.fault("unlock", rc)
	}
	return nil
}

// reserved reports whether some connection is in the middle of a write
// transaction in a rollback journal mode.
func (f *vfsFile) reserved() (bool, error) {
	check := function[func(*libc.TLS, uintptr, uintptr) int32](f.methods.FxCheckReservedLock)
	*at[int64](f.scratch) = 0
	if rc := check(f.c.tls, f.ptr, f.scratch); rc != sqlite3.SQLITE_OK {
		return false, f.fault("lock", rc)
	}
	return *at[int32](f.scratch) != 0, nil
}

func (f *vfsFile) fault(op string, rc int32) error {
	return fault(op, f.c.path, int(rc), "%s", cText(sqlite3.Xsqlite3_errstr(f.c.tls, rc)))
}

// sleep waits for d or the end of ctx, whose error it returns.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// isAny reports whether err is one of targets.
func isAny(err error, targets ...error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
