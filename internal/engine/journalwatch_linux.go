package engine

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// journalWatch counts how often the rollback journal of a database is deleted:
// once at the end of each transaction in the journal mode DELETE. The kernel
// queues the events as they happen, so that one that came before a lock was
// given up is there when the lock has been taken.
type journalWatch struct {
	fd   int
	name string // of the journal
	buf  []byte
}

// watchJournal watches the folder of the journal path.
func watchJournal(path string) (*journalWatch, error) {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return nil, err
	}
	if _, err = unix.InotifyAddWatch(fd, filepath.Dir(path), unix.IN_CREATE|unix.IN_DELETE|unix.IN_MOVE); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return &journalWatch{fd: fd, name: filepath.Base(path), buf: make([]byte, 4096)}, nil
}

func (w *journalWatch) close() { _ = unix.Close(w.fd) }

// deletions returns how often the journal was deleted since the last call, and
// not ok where that cannot be told.
func (w *journalWatch) deletions() (n int, ok bool) {
	for {
		size, err := unix.Read(w.fd, w.buf)
		switch err {
		case nil:
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return n, true
		default:
			return n, false
		}
		for b := w.buf[:size]; len(b) >= unix.SizeofInotifyEvent; {
			mask := binary.NativeEndian.Uint32(b[4:])
			end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(b[12:]))
			name := unix.ByteSliceToString(b[unix.SizeofInotifyEvent:end])
			b = b[end:]
			switch {
			case mask&(unix.IN_Q_OVERFLOW|unix.IN_IGNORED|unix.IN_UNMOUNT) != 0:
				return n, false
			case name != w.name:
			case mask&unix.IN_CREATE != 0: // ends a wait
			case mask&unix.IN_DELETE != 0:
				n++
			default:
				return n, false // it was renamed, or another file was to its name
			}
		}
	}
}

// wait waits until something happens in the folder, for a time at most.
func (w *journalWatch) wait(limit time.Duration) {
	timeout := unix.NsecToTimespec(int64(limit))
	_, _ = unix.Ppoll([]unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLIN}}, &timeout, nil) // the caller looks for itself
}

// openJournal opens a journal. Reading it leaves its time of the last access alone, if
// it is one's own: see keepAccessTime.
func openJournal(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOATIME, 0)
	if errors.Is(err, fs.ErrPermission) {
		return os.Open(path)
	}
	return file, err
}

// deletedAt reports whether an open file has no name any more, and when its last
// one went.
func deletedAt(info fs.FileInfo) (at time.Time, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Nlink != 0 {
		return at, false
	}
	return time.Unix(stat.Ctim.Unix()), true
}
