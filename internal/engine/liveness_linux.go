package engine

import (
	"syscall"

	sqlite3 "modernc.org/sqlite/lib"
)

// The bytes of a database file that connections lock to say that they read
// it; connections in WAL mode do so for as long as they are open.
const (
	sharedFirst = 0x40000000 + 2
	sharedSize  = 510
)

// othersConnected reports whether another connection, of this process or any
// other, holds a shared lock on the file, on which f must hold one itself.
// Where that cannot be told it reports true.
//
// It asks through the descriptor that SQLite has open: opening and closing
// another one would drop this process's locks.
func (f *vfsFile) othersConnected() bool {
	file := at[sqlite3.TunixFile](f.ptr)
	if file.FpVfs == 0 || cText(at[sqlite3.Tsqlite3_vfs](file.FpVfs).FzName) != "unix" || file.FpInode == 0 {
		return true
	}
	if at[sqlite3.TunixInodeInfo](file.FpInode).FnShared > 1 {
		return true
	}
	query := syscall.Flock_t{Type: syscall.F_WRLCK, Start: sharedFirst, Len: sharedSize}
	if err := syscall.FcntlFlock(uintptr(file.Fh), syscall.F_GETLK, &query); err != nil {
		return true
	}
	return query.Type != syscall.F_UNLCK
}
