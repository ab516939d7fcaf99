package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/litekeep/litekeep/internal/human"
)

// NoSpaceError says that a file system has too little room. It matches
// syscall.ENOSPC, as the error of a write to a full disk does.
type NoSpaceError struct {
	Path string // what was asked about
	Need int64  // bytes wanted
	Free int64  // bytes available to this user
}

// Error says how much is missing, in units for people.
func (e *NoSpaceError) Error() string {
	return fmt.Sprintf("not enough room for %s in %s: %s free, %s missing",
		human.Bytes(e.Need), e.Path, human.Bytes(e.Free), human.Bytes(e.Need-e.Free))
}

// Is tells that every NoSpaceError is an ENOSPC.
func (e *NoSpaceError) Is(target error) bool { return target == syscall.ENOSPC }

// Need returns a *NoSpaceError when the file system of path has fewer than n
// bytes available to this user. It answers nil where the system has no way to
// tell. path need not exist: the nearest folder above it counts.
//
// The answer is about now. Whoever writes MUST still expect a full disk.
func Need(path string, n int64) error {
	free, err := FreeSpace(path)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return err
	}
	if free < n {
		return &NoSpaceError{Path: path, Need: n, Free: free}
	}
	return nil
}

// FreeSpace returns the bytes available to this user on the file system of
// path, or of the nearest folder above it that exists. The error matches
// errors.ErrUnsupported where the system has no way to tell.
func FreeSpace(path string) (int64, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return 0, err
	}
	for {
		_, err := os.Stat(path)
		if err == nil {
			break
		}
		parent := filepath.Dir(path)
		if !missing(err) || parent == path {
			return 0, err
		}
		path = parent
	}
	free, err := freeSpace(path)
	if err != nil {
		return 0, &fs.PathError{Op: "free space", Path: path, Err: err}
	}
	return free, nil
}

// missing tells whether a path is not there; ENOTDIR is said of a path below a
// file.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
