package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

var errNotFolder = errors.New("exists and is not a folder")

// step asks the hook about a step that is to be done.
func (d Disk) step(op Op, path string) error {
	if d.Before == nil {
		return nil
	}
	if err := d.Before(op, path); err != nil {
		return &fs.PathError{Op: string(op), Path: path, Err: err}
	}
	return nil
}

func (d Disk) open(path string, flag int) (*os.File, error) {
	if d.Root != nil {
		return d.Root.OpenFile(path, flag, FilePerm)
	}
	return os.OpenFile(path, flag, FilePerm)
}

func (d Disk) stat(path string) (fs.FileInfo, error) {
	if d.Root != nil {
		return d.Root.Stat(path)
	}
	return os.Stat(path)
}

func (d Disk) mkdir(path string) error {
	if err := d.step(OpMkdir, path); err != nil {
		return err
	}
	if d.Root != nil {
		return d.Root.Mkdir(path, FolderPerm)
	}
	return os.Mkdir(path, FolderPerm)
}

func (d Disk) remove(path string) error {
	if err := d.step(OpRemove, path); err != nil {
		return err
	}
	if d.Root != nil {
		return d.Root.Remove(path)
	}
	return os.Remove(path)
}

func (d Disk) rename(from, to string) error {
	if err := d.step(OpRename, to); err != nil {
		return err
	}
	if d.Root != nil {
		return d.Root.Rename(from, to)
	}
	return os.Rename(from, to)
}

func (d Disk) link(from, to string) error {
	if err := d.step(OpLink, to); err != nil {
		return err
	}
	if d.Root != nil {
		return d.Root.Link(from, to)
	}
	return os.Link(from, to)
}

// syncFile flushes a file by name. It is opened for writing because Windows
// flushes nothing else; a file that was flushed before costs next to nothing.
func (d Disk) syncFile(path string) error {
	f, err := d.open(path, os.O_RDWR)
	if err != nil {
		return err
	}
	err = d.SyncFile(f, path)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}

// SyncFile flushes the content of an open file to the medium. path is what the
// hook is told.
func (d Disk) SyncFile(f *os.File, path string) error {
	if err := d.step(OpSync, path); err != nil {
		return err
	}
	return f.Sync()
}

// moveExclusive gives the file at from the name to, if nothing has it, by the
// best means that the file system offers.
func (d Disk) moveExclusive(from, to string) error {
	err := d.renameExclusive(from, to)
	if !unsupported(err) {
		return err
	}
	err = d.link(from, to)
	switch {
	case err == nil:
		if err := d.remove(from); err != nil {
			return errors.Join(err, d.remove(to)) // from is still the only one that counts
		}
		return nil
	case errors.Is(err, fs.ErrExist):
		return err
	case unsupported(err), errors.Is(err, fs.ErrPermission): // EPERM: no hard links here
		return d.moveReserved(from, to)
	}
	return err
}

func (d Disk) renameExclusive(from, to string) error {
	if err := d.step(OpPublish, to); err != nil {
		return err
	}
	fromDir, err := d.open(filepath.Dir(from), os.O_RDONLY)
	if err != nil {
		return err
	}
	defer fromDir.Close()
	toDir, err := d.open(filepath.Dir(to), os.O_RDONLY)
	if err != nil {
		return err
	}
	defer toDir.Close()
	if err := renameNoReplace(fromDir, filepath.Base(from), toDir, filepath.Base(to)); err != nil {
		return &os.LinkError{Op: string(OpPublish), Old: from, New: to, Err: err}
	}
	return nil
}

// moveReserved takes the name with an empty file, which only its creator may
// replace.
func (d Disk) moveReserved(from, to string) error {
	f, err := d.Create(to)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := d.rename(from, to); err != nil {
		return errors.Join(err, d.remove(to))
	}
	return nil
}

// unsupported tells whether the file system or the kernel does not know an
// operation. EINVAL is what it says to a flag that it does not know.
func unsupported(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
