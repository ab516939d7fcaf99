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
//
// It also tells of those who have no such journal. What they write to the database
// comes while there is none, or while there is one that its writer has closed, and
// a journal that outlives its transaction is closed twice.
type journalWatch struct {
	fd     int    // its events are in the order in which everything happened
	wake   int    // of what is to end a wait: not of each page that is written
	name   string // of the journal
	main   int    // stands in the events of the database file
	there  bool   // the journal exists
	closed bool   // and who has written it is done with it
	buf    []byte

	deletions int  // of the journal, since take was called
	unsure    bool // somebody may have written to the database without a journal that was deleted then
}

// watchJournal watches the database file main, and the folder of the journal. The
// error is errors.ErrUnsupported where others may write to them unseen.
func watchJournal(main, journal string) (_ *journalWatch, err error) {
	var system unix.Statfs_t
	if err := unix.Statfs(main, &system); err != nil {
		return nil, err
	}
	if !ofThisMachine(uint32(system.Type)) {
		return nil, errors.ErrUnsupported
	}
	w := &journalWatch{fd: -1, wake: -1, name: filepath.Base(journal), buf: make([]byte, 4096)}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	for _, fd := range []*int{&w.fd, &w.wake} {
		if *fd, err = unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC); err != nil {
			return nil, err
		}
	}
	const comesAndGoes = unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVE
	if _, err = unix.InotifyAddWatch(w.wake, filepath.Dir(journal), comesAndGoes); err != nil {
		return nil, err
	}
	if _, err = unix.InotifyAddWatch(w.fd, filepath.Dir(journal), comesAndGoes|unix.IN_CLOSE_WRITE); err != nil {
		return nil, err
	}
	if w.main, err = unix.InotifyAddWatch(w.fd, main, unix.IN_MODIFY); err != nil {
		return nil, err
	}
	m, err := markOf(journal) // what happens from now on is an event
	w.there = m.exists()
	return w, err
}

// ofThisMachine reports whether only this machine writes to a file system of a type
// that statfs gives: the kernel tells nothing of what others do on a network's.
func ofThisMachine(fileSystem uint32) bool {
	const zfs, bcachefs = 0x2fc12fc1, 0xca451a4e
	switch fileSystem {
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC, zfs, bcachefs,
		unix.OVERLAYFS_SUPER_MAGIC, unix.TMPFS_MAGIC, unix.RAMFS_MAGIC:
		return true
	}
	return false
}

func (w *journalWatch) close() {
	for _, fd := range []int{w.fd, w.wake} {
		if fd != -1 {
			_ = unix.Close(fd)
		}
	}
}

// take returns how often the journal was deleted since the last call. It is not ok
// where somebody may have written to the database without that.
func (w *journalWatch) take() (deletions int, ok bool) {
	w.read()
	deletions, ok = w.deletions, !w.unsure
	w.deletions, w.unsure = 0, false
	return deletions, ok
}

// read takes note of what has happened.
func (w *journalWatch) read() {
	for {
		size, err := unix.Read(w.fd, w.buf)
		switch err {
		case nil:
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return
		default:
			w.unsure = true
			return
		}
		for b := w.buf[:size]; len(b) >= unix.SizeofInotifyEvent; {
			watch := int(int32(binary.NativeEndian.Uint32(b)))
			mask := binary.NativeEndian.Uint32(b[4:])
			end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(b[12:]))
			name := unix.ByteSliceToString(b[unix.SizeofInotifyEvent:end])
			b = b[end:]
			switch {
			case mask&(unix.IN_Q_OVERFLOW|unix.IN_IGNORED|unix.IN_UNMOUNT) != 0:
				w.there, w.unsure = false, true
			case watch == w.main:
				w.unsure = w.unsure || w.closed || !w.there
			case name == w.name:
				w.journal(mask)
			}
		}
	}
}

// journal takes note of an event of the journal.
func (w *journalWatch) journal(mask uint32) {
	switch {
	case mask&unix.IN_CREATE != 0:
		w.there, w.closed = true, false
	case mask&unix.IN_CLOSE_WRITE != 0:
		w.unsure = w.unsure || w.closed || !w.there
		w.closed = true
	case mask&unix.IN_DELETE != 0:
		w.deletions++
		w.there = false
	default: // it was renamed, or another file was to its name
		w.there, w.unsure = false, true
	}
}

// wait waits until something happens in the folder, for a time at most.
func (w *journalWatch) wait(limit time.Duration) {
	timeout := unix.NsecToTimespec(int64(limit))
	_, _ = unix.Ppoll([]unix.PollFd{{Fd: int32(w.wake), Events: unix.POLLIN}}, &timeout, nil) // the caller looks for itself
	for n := len(w.buf); n > 0; {
		n, _ = unix.Read(w.wake, w.buf)
	}
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

// deleted reports whether an open file has no name any more.
func deleted(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Nlink == 0
}
