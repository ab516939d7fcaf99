// Package folder keeps objects as files in a local folder. It is the driver of
// every extension that package store has.
//
// A key is the path of its file below the folder. Nothing outside of the folder
// is ever reached: a symbolic link on the way to a key, or in its place, is not
// followed, even one that points inside. Files are made with the permissions
// 0600, folders with 0700; existing ones are left as they are.
//
// What is being written lies beside its place under a name that ends in
// store.PartialSuffix. Files that are not regular, and names that are not valid
// in a key, are invisible and never touched.
package folder

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/store"
)

// Options are the choices of Open. The zero value opens a folder that exists.
type Options struct {
	// Create makes the folder, and those above it, when it is missing.
	Create bool
	// Before is called before each change to the file system; see
	// durable.Disk.
	Before func(op durable.Op, path string) error
}

// Store is a folder of objects.
type Store struct {
	path string
	root *os.Root
	disk durable.Disk
}

var (
	_ store.Store    = (*Store)(nil)
	_ store.Creator  = (*Store)(nil)
	_ store.Renamer  = (*Store)(nil)
	_ store.Replacer = (*Store)(nil)
	_ store.Sweeper  = (*Store)(nil)
	_ store.Locator  = (*Store)(nil)
)

// Open opens the folder dir, which may be a symbolic link. The error matches
// store.ErrNotExist when it is missing.
func Open(dir string, o Options) (*Store, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if o.Create {
		if err := (durable.Disk{Before: o.Before}).MkdirAll(abs); err != nil {
			return nil, fmt.Errorf("open store: %w", err)
		}
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return &Store{path: abs, root: root, disk: durable.Disk{Root: root, Before: o.Before}}, nil
}

// Close frees the folder. Objects that are still open stay usable.
func (s *Store) Close() error { return s.root.Close() }

// Path returns the absolute path of the file of key.
func (s *Store) Path(key string) (string, error) {
	name, err := fileName("path", key)
	if err != nil {
		return "", err
	}
	return filepath.Join(s.path, name), nil
}

// Put implements store.Store.
func (s *Store) Put(ctx context.Context, key string, r io.Reader) error {
	name, err := s.prepare(ctx, "put", key)
	if err != nil {
		return err
	}
	f, temp, err := s.disk.CreateTemp(name)
	if err != nil {
		return wrap("put", key, err)
	}
	o := &object{store: s, op: "put", key: key, name: name, temp: temp, file: f}
	if _, err = io.Copy(o, &reader{ctx: ctx, Reader: r}); err == nil {
		err = o.Publish()
	}
	return wrap("put", key, errors.Join(err, o.Discard()))
}

// Create implements store.Creator.
func (s *Store) Create(ctx context.Context, key string) (store.Object, error) {
	name, err := s.prepare(ctx, "create", key)
	if err != nil {
		return nil, err
	}
	temp := name + store.PartialSuffix
	f, err := s.disk.Create(temp)
	if err != nil {
		return nil, wrap("create", key, err)
	}
	return &object{store: s, op: "create", key: key, name: name, temp: temp, file: f}, nil
}

// prepare checks a key that is to be written, makes its folder, and returns the
// name of its file.
func (s *Store) prepare(ctx context.Context, op, key string) (string, error) {
	name, err := fileName(op, key)
	if err != nil {
		return "", err
	}
	if err := ctx.Err(); err != nil {
		return "", wrap(op, key, err)
	}
	dir := filepath.Dir(name)
	if err := s.realFolders(dir); errors.Is(err, fs.ErrNotExist) {
		err = s.disk.MkdirAll(dir)
		if err != nil {
			return "", wrap(op, key, err)
		}
	} else if err != nil {
		return "", wrap(op, key, err)
	}
	switch _, err := s.root.Lstat(name); {
	case err == nil:
		return "", wrap(op, key, store.ErrExist)
	case !errors.Is(err, fs.ErrNotExist):
		return "", wrap(op, key, err)
	}
	return name, nil
}

// Get implements store.Store.
func (s *Store) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	f, _, err := s.open(ctx, key)
	if err != nil {
		return nil, err
	}
	return &reader{ctx: ctx, Reader: f, file: f}, nil
}

// GetRange implements store.Store.
func (s *Store) GetRange(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	if off < 0 || n < 0 {
		return nil, wrap("get", key, fmt.Errorf("%d bytes at offset %d: %w", n, off, fs.ErrInvalid))
	}
	f, size, err := s.open(ctx, key)
	if err != nil {
		return nil, err
	}
	if off > size || n > size-off {
		f.Close()
		return nil, wrap("get", key, fmt.Errorf("%d bytes at offset %d of %d: %w", n, off, size, io.ErrUnexpectedEOF))
	}
	return &reader{ctx: ctx, Reader: io.NewSectionReader(f, off, n), file: f, left: n, exact: true}, nil
}

// open opens the file of key and returns its size.
func (s *Store) open(ctx context.Context, key string) (*os.File, int64, error) {
	name, err := fileName("get", key)
	if err != nil {
		return nil, 0, err
	}
	if err := ctx.Err(); err != nil {
		return nil, 0, wrap("get", key, err)
	}
	before, err := s.lstat(name) // first, because opening a named pipe may wait for ever
	if err != nil {
		return nil, 0, wrap("get", key, err)
	}
	f, err := s.root.Open(name)
	if err != nil {
		return nil, 0, wrap("get", key, err)
	}
	info, err := f.Stat()
	if err == nil && !os.SameFile(before, info) {
		err = store.ErrForeign
	}
	if err != nil {
		f.Close()
		return nil, 0, wrap("get", key, err)
	}
	return f, info.Size(), nil
}

// Delete implements store.Store. Folders stay, empty or not.
func (s *Store) Delete(ctx context.Context, key string) error {
	name, err := fileName("delete", key)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return wrap("delete", key, err)
	}
	_, err = s.lstat(name)
	if err == nil {
		err = s.disk.Remove(name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return wrap("delete", key, err)
}

// RemoveFolder removes the folder of the keys that begin with name and a slash. It must
// be empty; one that is not there is no error.
func (s *Store) RemoveFolder(ctx context.Context, name string) error {
	path, err := fileName("remove", name)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return wrap("remove", name, err)
	}
	if err := s.realFolders(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return wrap("remove", name, err)
	}
	if err := s.disk.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return wrap("remove", name, err)
	}
	return nil
}

// Rename implements store.Renamer.
func (s *Store) Rename(ctx context.Context, old, new string) error {
	from, err := fileName("rename", old)
	if err != nil {
		return err
	}
	if _, err := s.lstat(from); err != nil {
		return wrap("rename", old, err)
	}
	to, err := s.prepare(ctx, "rename to", new)
	if err != nil {
		return err
	}
	return wrap("rename", old, s.disk.Publish(from, to))
}

// Replace implements store.Replacer.
func (s *Store) Replace(ctx context.Context, key string, data []byte) error {
	name, err := fileName("replace", key)
	if err != nil {
		return err
	}
	switch _, err := s.lstat(name); {
	case errors.Is(err, fs.ErrNotExist):
		if err := s.Put(ctx, key, bytes.NewReader(data)); !errors.Is(err, store.ErrExist) {
			return err
		}
	case err != nil:
		return wrap("replace", key, err)
	}
	if err := ctx.Err(); err != nil {
		return wrap("replace", key, err)
	}
	return wrap("replace", key, s.disk.ReplaceFile(name, data, durable.FilePerm))
}

// lstat returns the file name if it is a regular file in real folders. The
// error matches store.ErrForeign for anything else that stands there.
func (s *Store) lstat(name string) (fs.FileInfo, error) {
	if err := s.realFolders(filepath.Dir(name)); err != nil {
		return nil, err
	}
	info, err := s.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, store.ErrForeign
	}
	return info, nil
}

// realFolders checks that dir and all above it are folders, not links to some.
func (s *Store) realFolders(dir string) error {
	if dir == "." {
		return nil
	}
	if err := s.realFolders(filepath.Dir(dir)); err != nil {
		return err
	}
	info, err := s.root.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s: %w", dir, store.ErrForeign)
	}
	return nil
}

// fileName checks key and returns its path below the folder. Windows gives a
// meaning to characters that are nothing but part of a name elsewhere.
func fileName(op, key string) (string, error) {
	if err := store.CheckKey(op, key); err != nil {
		return "", err
	}
	name := filepath.FromSlash(key)
	if !filepath.IsLocal(name) || filepath.Separator != '/' && strings.ContainsAny(key, `\:*?"<>|`) {
		return "", &store.Error{Op: op, Key: key, Err: store.ErrKey}
	}
	return name, nil
}

// wrap tells the key once, whatever passes through several layers.
func wrap(op, key string, err error) error {
	if err == nil {
		return nil
	}
	var known *store.Error
	if errors.As(err, &known) {
		return err
	}
	return &store.Error{Op: op, Key: key, Err: err}
}
