package durable

import (
	"os"

	"golang.org/x/sys/unix"
)

// startWriteback asks the system to begin writing n bytes of f at offset off to
// the medium, without waiting for it, so that the flush at the end has little
// left to do. It is a hint: it promises nothing and reports nothing. It does
// nothing except on Linux.
func startWriteback(f *os.File, off, n int64) {
	withDescriptor(f, func(fd int) {
		_ = unix.SyncFileRange(fd, off, n, unix.SYNC_FILE_RANGE_WRITE)
	})
}

// DropCache asks the system to forget its cached copy of f, so that what is
// read next comes from the medium. Only what was flushed is forgotten, so call
// Sync first. It is a hint and does nothing except on Linux.
func DropCache(f *os.File) {
	withDescriptor(f, func(fd int) {
		_ = unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED)
	})
}

// withDescriptor keeps f from being closed while its descriptor is in use.
func withDescriptor(f *os.File, use func(fd int)) {
	conn, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = conn.Control(func(fd uintptr) { use(int(fd)) })
}
