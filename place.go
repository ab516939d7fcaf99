package litekeep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/durable"
)

// A place is where one backup lies: an object, and beside it its siblings, whose
// names are that of the object and a suffix (docs/FORMAT.md section 5).
type place interface {
	// name returns the file name of the object.
	name() string
	// size returns the length of the object in bytes. The error MUST match
	// fs.ErrNotExist where there is none.
	size(ctx context.Context) (int64, error)
	// object opens the object. The error MUST match fs.ErrNotExist where there
	// is none, and errNotFile where it is something else than a file. The
	// context is that of the call, and of every read of the object.
	object(ctx context.Context) (objectReader, error)
	// sibling returns the content of the sibling with this suffix. The error
	// MUST match fs.ErrNotExist where there is none.
	sibling(ctx context.Context, suffix string) ([]byte, error)
	// put writes a sibling as a whole or not at all. Unless it may replace one,
	// the error MUST match fs.ErrExist where there is one already.
	put(ctx context.Context, suffix string, text []byte, replace bool) error
}

// An objectReader reads an object in any order, also from several goroutines.
type objectReader interface {
	io.ReaderAt
	io.Closer
	// Size returns the length of the object in bytes.
	Size() int64
}

// errNotFile says that what has the name of an object is a folder, or a device.
var errNotFile = errors.New("the object is not a file")

// absolute returns a path as it is from any working folder, and a URL as it is.
func absolute(text string) (string, error) {
	if destination.IsURL(text) {
		return text, nil
	}
	return filepath.Abs(text)
}

// localPlace is the place of the backup whose object is at path.
type localPlace struct {
	path string
	disk durable.Disk
}

// place is the place of the backup whose object is at path, or at a URL.
func (s *Service) place(path string) place {
	if destination.IsURL(path) {
		if text, ref, ok := destination.Split(path); ok {
			return remotePlace{s: s, text: text, ref: ref}
		}
	}
	return localPlace{path, s.disk}
}

func (p localPlace) name() string { return filepath.Base(p.path) }

func (p localPlace) size(context.Context) (int64, error) {
	info, err := os.Stat(p.path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func (p localPlace) object(context.Context) (objectReader, error) {
	f, err := os.Open(p.path)
	if err != nil {
		return nil, err
	}
	o, err := newLocalObject(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return o, nil
}

func (p localPlace) sibling(_ context.Context, suffix string) ([]byte, error) {
	return os.ReadFile(p.path + suffix)
}

func (p localPlace) put(_ context.Context, suffix string, text []byte, replace bool) error {
	if replace {
		return p.disk.ReplaceFile(p.path+suffix, text, durable.FilePerm)
	}
	return p.disk.WriteFile(p.path+suffix, text, durable.FilePerm)
}

// localObject is an object that is a file.
type localObject struct {
	*os.File
	bytes int64
}

// newLocalObject returns the object that f has open, with the size that it has
// now.
func newLocalObject(f *os.File) (localObject, error) {
	info, err := f.Stat()
	if err != nil {
		return localObject{}, err
	}
	if !info.Mode().IsRegular() {
		return localObject{}, fmt.Errorf("%s: %w", f.Name(), errNotFile)
	}
	return localObject{f, info.Size()}, nil
}

// Size returns the length of the file when it was opened.
func (o localObject) Size() int64 { return o.bytes }
