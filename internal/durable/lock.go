package durable

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/gofrs/flock"
)

// Holder says who holds a lock. It is kept in the lock file as JSON, for others
// to show; the lock itself is the operating system's.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Since   time.Time `json:"since"`
	Command string    `json:"command"` // what it does, for people
}

// Self returns this process as a Holder.
func Self(now time.Time, command string) Holder {
	host, err := os.Hostname()
	if err != nil {
		host = "" // worth a blank in a message, not a failed backup
	}
	return Holder{PID: os.Getpid(), Host: host, Since: now.UTC().Truncate(time.Second), Command: command}
}

// HeldError says that somebody else holds a lock.
type HeldError struct {
	Path   string
	Holder Holder // zero when the file does not tell
}

// Error names the lock file and its holder.
func (e *HeldError) Error() string {
	if e.Holder == (Holder{}) {
		return fmt.Sprintf("%s is locked by another process", e.Path)
	}
	h := e.Holder
	return fmt.Sprintf("%s is locked by %q, process %d on %s, since %s",
		e.Path, h.Command, h.PID, h.Host, h.Since.Format(time.RFC3339))
}

// Lock is an exclusive advisory lock on a file. The operating system drops it
// when its process ends, however it ends.
type Lock struct {
	flock  *flock.Flock
	mu     sync.Mutex
	record *os.File // nil once the lock is given up
}

// errMoved says that the lock file was removed or replaced while it was being
// locked; the lock is on a file that nobody else would look at.
var errMoved = errors.New("the lock file keeps being replaced")

// TryLock locks the file path, which it creates when missing, or returns a
// *HeldError at once. A second lock in the same process conflicts like any
// other. The file stays when the lock goes: removing it would let two
// processes lock two files of the same name.
//
// That the holder cannot be written down (a full disk) is no error: prune must
// be able to make room.
func TryLock(path string, as Holder) (*Lock, error) {
	const attempts = 10
	for range attempts {
		l, err := tryLock(path)
		if errors.Is(err, errMoved) {
			continue
		}
		if err != nil {
			return nil, err
		}
		l.write(as)
		return l, nil
	}
	return nil, &fs.PathError{Op: "lock", Path: path, Err: errMoved}
}

func tryLock(path string) (*Lock, error) {
	l, err := openLock(path)
	if err != nil {
		return nil, err
	}
	if err := l.take(path); err != nil {
		return nil, errors.Join(err, l.release())
	}
	return l, nil
}

// openLock opens the record before the lock is taken; it is closed after the
// lock is given up. Where flock is emulated by POSIX locks, closing any
// descriptor of the file would drop the lock.
func openLock(path string) (*Lock, error) {
	// A link must not make us create or truncate a file elsewhere.
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "lock", Path: path, Err: errors.New("not a regular file")}
	}
	record, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, FilePerm)
	if err != nil {
		return nil, err
	}
	return &Lock{flock: flock.New(path, flock.SetFlag(os.O_RDWR)), record: record}, nil
}

func (l *Lock) take(path string) error {
	locked, err := l.flock.TryLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errMoved
	case err != nil:
		return &fs.PathError{Op: "lock", Path: path, Err: err}
	case !locked:
		return &HeldError{Path: path, Holder: readHolder(l.record)}
	}
	return l.checkName(path)
}

// checkName makes sure that the locked file, the record and the name are one.
func (l *Lock) checkName(path string) error {
	locked, err := l.flock.Stat()
	if err != nil {
		return err
	}
	record, err := l.record.Stat()
	if err != nil {
		return err
	}
	named, err := os.Lstat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil || !os.SameFile(locked, record) || !os.SameFile(locked, named) {
		return errMoved
	}
	return nil
}

// Wait is TryLock, repeated until the lock is free, ctx ends (its error), or
// timeout has passed (*HeldError). A timeout of zero tries once; a negative one
// never passes.
func Wait(ctx context.Context, path string, as Holder, timeout time.Duration) (*Lock, error) {
	return WaitEvery(ctx, path, as, timeout, 250*time.Millisecond)
}

// WaitEvery is Wait that looks for the lock no less often than every longest.
func WaitEvery(ctx context.Context, path string, as Holder, timeout, longest time.Duration) (*Lock, error) {
	first := min(10*time.Millisecond, longest)
	var expired <-chan time.Time
	if timeout >= 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		expired = timer.C
	}
	for pause := first; ; pause = min(2*pause, longest) {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("wait for lock %s: %w", path, context.Cause(ctx))
		}
		l, err := TryLock(path, as)
		var held *HeldError
		if !errors.As(err, &held) || timeout == 0 {
			return l, err
		}
		select {
		case <-ctx.Done():
		case <-expired:
			return nil, err
		case <-time.After(pause):
		}
	}
}

// Unlock gives the lock up. A second call does nothing. It is safe for
// concurrent use.
func (l *Lock) Unlock() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.record == nil {
		return nil
	}
	_ = l.record.Truncate(0) // nobody holds it any more; a leftover name would only mislead
	return l.release()
}

func (l *Lock) release() error {
	err := l.flock.Unlock()
	closeErr := l.record.Close()
	l.record = nil
	return errors.Join(err, closeErr)
}

// write notes the holder. The old note goes first, so that a failure leaves no
// wrong name.
func (l *Lock) write(as Holder) {
	if err := l.record.Truncate(0); err != nil {
		return
	}
	data, err := json.Marshal(as)
	if err != nil {
		return
	}
	if _, err := l.record.WriteAt(append(data, '\n'), 0); err != nil {
		_ = l.record.Truncate(0)
	}
}

// readHolder returns the zero Holder when the file says nothing that can be
// understood: its holder may be about to write it.
func readHolder(record *os.File) Holder {
	const limit = 64 << 10
	data, err := io.ReadAll(io.NewSectionReader(record, 0, limit))
	if err != nil {
		return Holder{}
	}
	var h Holder
	if err := json.Unmarshal(data, &h); err != nil {
		return Holder{}
	}
	return h
}
