package engine

import (
	"syscall"

	"golang.org/x/sys/unix"
	sqlite3 "modernc.org/sqlite/lib"
)

// The bytes of a database file that connections lock to say that they read
// it; connections in WAL mode do so for as long as they are open.
const (
	sharedFirst = 0x40000000 + 2
	sharedSize  = 510
)

// descriptor returns the descriptor that SQLite has open for the file, where it has one
// and the file layer is the usual one. Opening and closing another one would drop
// this process's locks.
func (f *vfsFile) descriptor() (file *sqlite3.TunixFile, ok bool) {
	file = at[sqlite3.TunixFile](f.ptr)
	if file.FpVfs == 0 || cText(at[sqlite3.Tsqlite3_vfs](file.FpVfs).FzName) != "unix" {
		return nil, false
	}
	return file, true
}

// othersConnected reports whether another connection, of this process or any
// other, holds a shared lock on the file, on which f must hold one itself.
// Where that cannot be told it reports true.
func (f *vfsFile) othersConnected() bool {
	file, ok := f.descriptor()
	if !ok || file.FpInode == 0 || at[sqlite3.TunixInodeInfo](file.FpInode).FnShared > 1 {
		return true
	}
	query := syscall.Flock_t{Type: syscall.F_WRLCK, Start: sharedFirst, Len: sharedSize}
	if err := syscall.FcntlFlock(uintptr(file.Fh), syscall.F_GETLK, &query); err != nil {
		return true
	}
	return query.Type != syscall.F_UNLCK
}

// keepAccessTime makes reading leave the time of the last access alone, if the file
// is one's own. Changing it may wait for the file system's journal, and writers for
// the lock that is held meanwhile.
func (f *vfsFile) keepAccessTime() {
	file, ok := f.descriptor()
	if !ok {
		return
	}
	if flags, err := unix.FcntlInt(uintptr(file.Fh), unix.F_GETFL, 0); err == nil {
		_, _ = unix.FcntlInt(uintptr(file.Fh), unix.F_SETFL, flags|unix.O_NOATIME) // or it is somebody else's
	}
}
