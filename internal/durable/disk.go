package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// Permissions of what litekeep creates: backups hold everything that the
// database holds, so nobody but their owner can read them.
const (
	FilePerm   fs.FileMode = 0o600
	FolderPerm fs.FileMode = 0o700
)

// TempSuffix ends the name of every temporary file.
const TempSuffix = ".partial"

// tempDigits is how many hexadecimal digits make a temporary name unique.
const tempDigits = 16

// FinalName returns the name that the temporary file temp was to get: temp
// without TempSuffix and the number that CreateTemp adds, if there is one. ok is
// false when temp does not end in TempSuffix.
func FinalName(temp string) (final string, ok bool) {
	final, ok = strings.CutSuffix(temp, TempSuffix)
	if !ok {
		return "", false
	}
	dot := len(final) - tempDigits - 1
	if dot > 0 && final[dot] == '.' && strings.Trim(final[dot+1:], "0123456789abcdef") == "" {
		final = final[:dot]
	}
	return final, true
}

// Op names one step that changes the file system.
type Op string

// The steps, in the order in which a file comes into being.
const (
	OpMkdir   Op = "mkdir"   // make one folder
	OpCreate  Op = "create"  // create a file exclusively
	OpWrite   Op = "write"   // write the content
	OpSync    Op = "sync"    // flush a file
	OpPublish Op = "publish" // rename that refuses an existing name
	OpLink    Op = "link"    // hard link, where there is no such rename
	OpRename  Op = "rename"  // rename that replaces
	OpRemove  Op = "remove"  // remove a file
	OpSyncDir Op = "syncdir" // flush a folder
)

// Disk does durable file operations. The zero value works on ordinary paths.
// A Disk is safe for concurrent use when its Before is.
type Disk struct {
	// Root, when set, is the folder that all paths are relative to; none can
	// lead out of it, by ".." or by a symbolic link.
	Root *os.Root
	// Before, when set, is called before each step. The error that it returns
	// takes the place of the step. It is meant for tests: for faults, for the
	// order of steps, and to end the process at a chosen one.
	Before func(op Op, path string) error
}

// WriteFile makes path a new file with the given content and exactly the given
// permissions. When path exists it is left alone and the error matches
// fs.ErrExist. After an error there is no file at path that was not there
// before, unless the file system refuses that too.
func (d Disk) WriteFile(path string, data []byte, perm fs.FileMode) error {
	return d.viaTemp(path, data, perm, d.Publish)
}

// ReplaceFile makes path a file with the given content and permissions, whether
// it exists or not. After an error path is either what it was or the new file.
func (d Disk) ReplaceFile(path string, data []byte, perm fs.FileMode) error {
	return d.viaTemp(path, data, perm, d.Replace)
}

func (d Disk) viaTemp(path string, data []byte, perm fs.FileMode, settle func(temp, final string) error) error {
	f, temp, err := d.CreateTemp(path)
	if err != nil {
		return err
	}
	err = d.writeContent(f, temp, data, perm)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = settle(temp, path)
	}
	if err != nil {
		return errors.Join(err, ignoreMissing(d.remove(temp)))
	}
	return nil
}

func (d Disk) writeContent(f *os.File, temp string, data []byte, perm fs.FileMode) error {
	if err := d.step(OpWrite, temp); err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if perm == FilePerm {
		return nil // some file systems have no permissions to change
	}
	return f.Chmod(perm)
}

// CreateTemp creates a new temporary file beside path and returns it with its
// own path. The caller closes it, and publishes or removes it.
func (d Disk) CreateTemp(path string) (f *os.File, temp string, err error) {
	const attempts = 100 // a random name of 64 bits is taken only by design
	for range attempts {
		temp = fmt.Sprintf("%s.%0*x%s", path, tempDigits, rand.Uint64(), TempSuffix)
		f, err = d.Create(temp)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	return f, temp, err
}

// Create creates the file path for reading and writing with FilePerm. When path
// exists, the error matches fs.ErrExist. Nothing is flushed.
func (d Disk) Create(path string) (*os.File, error) {
	if err := d.step(OpCreate, path); err != nil {
		return nil, err
	}
	return d.open(path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

// Publish flushes the file temp and gives it the name final, on the same file
// system. When final exists, in whatever shape, both are left alone and the
// error matches fs.ErrExist. When the new name cannot be flushed, it is taken
// back, so that a call that fails leaves nothing published.
//
// Caveat: where neither an exclusive rename nor hard links exist, final is
// reserved by an empty file first, which a crash at that moment leaves behind.
func (d Disk) Publish(temp, final string) error {
	if err := d.syncFile(temp); err != nil {
		return err
	}
	if err := d.moveExclusive(temp, final); err != nil {
		return err
	}
	if err := d.syncFolders(temp, final); err != nil {
		if back := d.rename(final, temp); back != nil {
			return fmt.Errorf("%w (and %s could not be taken back: %w)", err, final, back)
		}
		return err
	}
	return nil
}

// Replace flushes the file temp and gives it the name final, in the place of
// any file that has it.
func (d Disk) Replace(temp, final string) error {
	if err := d.syncFile(temp); err != nil {
		return err
	}
	if err := d.rename(temp, final); err != nil {
		return err
	}
	return d.syncFolders(temp, final)
}

// syncFolders flushes the folder that got a name first: a file with two names
// after a power cut is better than one with none.
func (d Disk) syncFolders(temp, final string) error {
	to, from := filepath.Dir(final), filepath.Dir(temp)
	if err := d.SyncDir(to); err != nil {
		return err
	}
	if from == to {
		return nil
	}
	return d.SyncDir(from)
}

// Remove removes the file path and flushes its folder. When there is no such
// file the error matches fs.ErrNotExist.
func (d Disk) Remove(path string) error {
	if err := d.remove(path); err != nil {
		return err
	}
	return d.SyncDir(filepath.Dir(path))
}

// RemoveAll removes path, with what is in it if it is a folder, and flushes
// nothing. That there is nothing is no error.
func (d Disk) RemoveAll(path string) error {
	if err := d.step(OpRemove, path); err != nil {
		return err
	}
	if d.Root != nil {
		return d.Root.RemoveAll(path)
	}
	return os.RemoveAll(path)
}

// MkdirAll makes the folder path and the missing ones above it, each with
// FolderPerm and flushed into its parent. Folders that exist are left as they
// are. It is an error when path exists and is no folder.
func (d Disk) MkdirAll(path string) error {
	path = filepath.Clean(path)
	if info, err := d.stat(path); err == nil {
		if info.IsDir() {
			return nil
		}
		return &fs.PathError{Op: string(OpMkdir), Path: path, Err: errNotFolder}
	}
	parent := filepath.Dir(path)
	if parent == path {
		return &fs.PathError{Op: string(OpMkdir), Path: path, Err: fs.ErrNotExist}
	}
	if err := d.MkdirAll(parent); err != nil {
		return err
	}
	if err := d.mkdir(path); err != nil {
		info, statErr := d.stat(path)
		if statErr != nil || !info.IsDir() { // not merely made by somebody else meanwhile
			return err
		}
	}
	return d.SyncDir(parent)
}

// SyncDir flushes the names in the folder dir to the medium. It does nothing on
// Windows and on file systems that have no such operation.
func (d Disk) SyncDir(dir string) error {
	if err := d.step(OpSyncDir, dir); err != nil {
		return err
	}
	f, err := d.open(dir, os.O_RDONLY)
	if err != nil {
		return err
	}
	err = syncFolder(f)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
