package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// Version returns the version of the SQLite library, like "3.54.1".
func Version() string { return sqlite3.SQLITE_VERSION }

// OpenOptions says how Open opens a database. The zero value opens an
// existing database for reading and writing and does not wait for locks.
type OpenOptions struct {
	ReadOnly       bool          // never write, not even to recover
	Immutable      bool          // the file cannot change: no locks, no sidecars; implies ReadOnly
	Create         bool          // create the file if it does not exist
	BusyTimeout    time.Duration // how long a statement waits for the locks of others
	WritableSchema bool          // load what can be loaded of a malformed schema
}

// Conn is one connection to one database. It is not safe for concurrent use.
// A Conn must be closed.
type Conn struct {
	tls  *libc.TLS
	db   uintptr // *sqlite3
	path string
	wait uintptr // *waitState, in the library's memory
}

// waitState is what the busy handler of a connection works with. It lives in
// the library's memory, so that the handler finds it by its address.
type waitState struct {
	limit     int64 // nanoseconds to wait for a lock
	since     int64 // when the wait under way began, in Unix nanoseconds
	cancelled int32 // 1 when the context of the call in progress is done; atomic
}

// Open opens the database file path. The path may hold any byte but zero.
// Opening reads nothing but the file's header: whether the file is a database
// shows with the first statement.
func Open(ctx context.Context, path string, o OpenOptions) (*Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if path == "" {
		return nil, fault("open", "", sqlite3.SQLITE_CANTOPEN, "the path is empty")
	}
	if strings.IndexByte(path, 0) >= 0 {
		return nil, fault("open", fmt.Sprintf("%q", path), sqlite3.SQLITE_CANTOPEN, "the path holds a zero byte")
	}
	flags := sqlite3.SQLITE_OPEN_READWRITE
	query := "?mode=rw"
	switch {
	case o.Immutable:
		flags, query = sqlite3.SQLITE_OPEN_READONLY, "?mode=ro&immutable=1"
	case o.ReadOnly:
		flags, query = sqlite3.SQLITE_OPEN_READONLY, "?mode=ro"
	case o.Create:
		flags |= sqlite3.SQLITE_OPEN_CREATE
		query = "?mode=rwc"
	}
	return open(path, fileURI(path)+query, flags, o)
}

// openScratch opens a database that lives in memory, as a file of SQLite's own
// memory file layer: connections that are open at the same time and give the
// same name share it.
func openScratch(name string) (*Conn, error) {
	flags := sqlite3.SQLITE_OPEN_READWRITE | sqlite3.SQLITE_OPEN_CREATE
	return open("", "file:/"+name+"?vfs=memdb", flags, OpenOptions{})
}

func open(path, name string, flags int, o OpenOptions) (*Conn, error) {
	c := &Conn{tls: libc.NewTLS(), path: path}
	c.wait = cAlloc(c.tls, 32)
	at[waitState](c.wait).limit = int64(o.BusyTimeout)
	zName := cString(c.tls, name)
	defer cFree(c.tls, zName)
	out := cAlloc(c.tls, 8)
	defer cFree(c.tls, out)
	flags |= sqlite3.SQLITE_OPEN_URI | sqlite3.SQLITE_OPEN_NOMUTEX | sqlite3.SQLITE_OPEN_EXRESCODE
	rc := sqlite3.Xsqlite3_open_v2(c.tls, zName, out, int32(flags), 0)
	c.db = *at[uintptr](out)
	if rc != sqlite3.SQLITE_OK {
		err := c.openError(rc)
		return nil, errors.Join(err, c.Close())
	}
	sqlite3.Xsqlite3_busy_handler(c.tls, c.db, functionAddress(busyHandler), c.wait)
	if o.WritableSchema {
		if err := c.Exec(context.Background(), "PRAGMA writable_schema=ON"); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	return c, nil
}

// openError describes a failed open, with the operating system's reason where
// SQLite knows one.
func (c *Conn) openError(rc int32) error {
	e := c.error("open", rc)
	if c.db == 0 || e.Code&0xff != sqlite3.SQLITE_CANTOPEN {
		return e
	}
	if errno := sqlite3.Xsqlite3_system_errno(c.tls, c.db); errno != 0 {
		e.Err = syscall.Errno(errno)
	}
	info, err := os.Stat(c.path)
	switch {
	case err != nil:
		e.Err = unwrapPath(err)
	case info.IsDir():
		e.Err = syscall.EISDIR
	}
	return e
}

// fileURI writes path as a "file:" URI. Every byte but the plainest is
// escaped, so that no byte of a path can mean anything to the URI parser. A
// relative path gets a leading "./", since some relative names (":memory:")
// are special.
func fileURI(path string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.WriteString("file:")
	if runtime.GOOS == "windows" {
		path = strings.ReplaceAll(path, `\`, "/")
	}
	switch {
	case strings.HasPrefix(path, "/"):
		b.WriteString("//") // an empty authority
	case len(path) >= 2 && path[1] == ':' && runtime.GOOS == "windows":
		b.WriteString("///")
	default:
		b.WriteString("./")
	}
	for i := range len(path) {
		switch ch := path[i]; {
		case ch >= 'a' && ch <= 'z', ch >= 'A' && ch <= 'Z', ch >= '0' && ch <= '9',
			ch == '/', ch == '.', ch == '-', ch == '_', ch == '~':
			b.WriteByte(ch)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[ch>>4])
			b.WriteByte(hex[ch&15])
		}
	}
	return b.String()
}

// Close closes the connection and rolls back what is not committed. Closing
// twice is no error.
func (c *Conn) Close() error {
	if c.tls == nil {
		return nil
	}
	rc := int32(sqlite3.SQLITE_OK)
	if c.db != 0 {
		rc = sqlite3.Xsqlite3_close_v2(c.tls, c.db)
	}
	cFree(c.tls, c.wait)
	c.tls.Close()
	c.tls, c.db, c.wait = nil, 0, 0
	if rc != sqlite3.SQLITE_OK {
		return fault("close", c.path, int(rc), "the connection is in use")
	}
	return nil
}

// error makes an *Error of the result code rc of the last call.
func (c *Conn) error(op string, rc int32) *Error {
	e := &Error{Op: op, Path: c.path, Code: int(rc)}
	if c.db != 0 && sqlite3.Xsqlite3_extended_errcode(c.tls, c.db)&0xff == rc&0xff {
		e.Msg = libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db))
	} else {
		e.Msg = libc.GoString(sqlite3.Xsqlite3_errstr(c.tls, rc))
	}
	return e
}

// callError is error for a call that ran under ctx: an interruption that ctx
// caused is ctx's error.
func (c *Conn) callError(ctx context.Context, op string, rc int32) error {
	if err := ctx.Err(); err != nil && (rc&0xff == sqlite3.SQLITE_INTERRUPT || rc&0xff == sqlite3.SQLITE_BUSY) {
		return err
	}
	return c.error(op, rc)
}

// watch makes the end of ctx interrupt what the connection is doing, until
// the returned function is called. That function returns only when the
// interruption can no longer happen, so that it cannot hit a later call.
func (c *Conn) watch(ctx context.Context) (stop func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	state := at[waitState](c.wait)
	atomic.StoreInt32(&state.cancelled, 0)
	db := c.db
	done := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(done)
		atomic.StoreInt32(&state.cancelled, 1)
		tls := libc.NewTLS() // the connection's own is in use
		sqlite3.Xsqlite3_interrupt(tls, db)
		tls.Close()
	})
	return func() {
		if !cancel() {
			<-done
		}
		atomic.StoreInt32(&state.cancelled, 0)
	}
}

// busyHandler is called by SQLite each time that it finds a lock taken. It
// sleeps a little longer each time and gives up, by returning 0, when the
// connection's limit is reached or the call in progress was cancelled.
func busyHandler(_ *libc.TLS, p uintptr, count int32) int32 {
	state := at[waitState](p)
	now := time.Now().UnixNano()
	if count == 0 {
		state.since = now
	}
	left := state.limit - (now - state.since)
	if left <= 0 || atomic.LoadInt32(&state.cancelled) != 0 {
		return 0
	}
	time.Sleep(min(retryDelay(int(count)), time.Duration(left)))
	return 1
}

// retryDelay is how long to sleep before the attempt after the n-th (from 0)
// to get a lock: short at first, since most locks are, and never so long that
// a cancellation goes unnoticed.
func retryDelay(n int) time.Duration {
	return time.Millisecond << min(n/4, 3)
}
