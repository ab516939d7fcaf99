package folder

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"iter"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/store"
)

// List implements store.Store. A folder that cannot be read (lost+found, say)
// gives an error, and the listing goes on.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		w := &walk{store: s, ctx: ctx, prefix: prefix, yield: func(info store.Info, err error) bool {
			if err == nil && store.CheckKey("list", info.Key) != nil {
				return true
			}
			return yield(info, err)
		}}
		w.begin()
	}
}

// Sweep implements store.Sweeper.
func (s *Store) Sweep(ctx context.Context, prefix string, drop func(store.Info) bool) ([]store.Info, error) {
	var swept []store.Info
	var errs []error
	w := &walk{store: s, ctx: ctx, prefix: prefix, yield: func(info store.Info, err error) bool {
		if err != nil {
			errs = append(errs, err)
			return true
		}
		file := info.Key
		key, ok := durable.FinalName(file)
		if !ok || store.CheckKey("sweep", key) != nil {
			return true
		}
		info.Key = key
		if !drop(info) {
			return true
		}
		err = s.disk.Remove(filepath.FromSlash(file))
		if err == nil {
			swept = append(swept, info)
		} else if !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, wrap("sweep", key, err))
		}
		return true
	}}
	w.begin()
	return swept, errors.Join(errs...)
}

// walk visits regular files in the order of the bytes of their paths.
type walk struct {
	store  *Store
	ctx    context.Context
	prefix string
	yield  func(store.Info, error) bool
}

// begin visits what the prefix leads to, without a look at what lies beside it:
// the folder of one database among hundreds is asked for by its name.
func (w *walk) begin() {
	dir := w.prefix[:strings.LastIndexByte(w.prefix, '/')+1]
	if dir == "" {
		w.folder("")
		return
	}
	name, err := fileName("list", strings.TrimSuffix(dir, "/"))
	if err != nil {
		return // nothing has such a name
	}
	switch err := w.store.realFolders(name); {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, store.ErrForeign):
	case err != nil:
		w.yield(store.Info{}, wrap("list", dir, err))
	default:
		w.folder(dir)
	}
}

// folder visits the folder dir, "" or a path that ends in a slash, and returns
// false when the walk is over.
func (w *walk) folder(dir string) bool {
	if err := w.ctx.Err(); err != nil {
		w.yield(store.Info{}, wrap("list", w.prefix, err))
		return false
	}
	entries, err := fs.ReadDir(w.store.root.FS(), path.Join(".", dir))
	if errors.Is(err, fs.ErrNotExist) {
		return true // removed meanwhile
	}
	if err != nil && !w.yield(store.Info{}, wrap("list", dir, err)) {
		return false
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(sortName(a), sortName(b)) })
	for _, e := range entries {
		if !w.entry(dir, e) {
			return false
		}
	}
	return true
}

// sortName puts folders where the keys below them belong: "a.b" < "a/b".
func sortName(e fs.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}

func (w *walk) entry(dir string, e fs.DirEntry) bool {
	name := dir + e.Name()
	if e.IsDir() {
		name += "/"
		if !store.ValidName(e.Name()) || !strings.HasPrefix(name, w.prefix) && !strings.HasPrefix(w.prefix, name) {
			return true
		}
		return w.folder(name)
	}
	if !strings.HasPrefix(name, w.prefix) {
		return true
	}
	info, err := e.Info()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true // removed meanwhile
	case err != nil:
		return w.yield(store.Info{}, wrap("list", name, err))
	case !info.Mode().IsRegular():
		return true
	}
	return w.yield(store.Info{Key: name, Size: info.Size(), ModTime: info.ModTime()}, nil)
}
