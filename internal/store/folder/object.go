package folder

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/litekeep/litekeep/internal/durable"
)

// object is a file that is being written.
type object struct {
	store   *Store
	op, key string // for messages
	name    string // below the folder, once it is published
	temp    string // below the folder, until then
	file    *os.File
	size    int64 // written so far
	behind  durable.WriteBehind

	closed, published, discarded bool
}

var (
	errGone    = errors.New("already published or discarded")
	errChanged = errors.New("the file was changed by somebody else while it was written")
)

// Write appends p. It has the system write to the medium as it goes, so that
// Sync does not have to wait for all of it.
func (o *object) Write(p []byte) (int, error) {
	if o.closed {
		return 0, wrap(o.op, o.key, errGone)
	}
	if err := o.store.step(durable.OpWrite, o.temp); err != nil {
		return 0, wrap(o.op, o.key, err)
	}
	n, err := o.file.Write(p)
	o.size += int64(n)
	o.behind.Written(o.file, o.size)
	return n, wrap(o.op, o.key, err)
}

// ReadAt reads what was written.
func (o *object) ReadAt(p []byte, off int64) (int, error) {
	n, err := o.file.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) { // io.EOF is compared with ==
		err = wrap(o.op, o.key, err)
	}
	return n, err
}

// Sync implements store.Object.
func (o *object) Sync() error {
	if o.closed {
		return wrap(o.op, o.key, errGone)
	}
	return wrap(o.op, o.key, o.store.disk.SyncFile(o.file, o.temp))
}

// DropCache implements store.CacheDropper.
func (o *object) DropCache() { durable.DropCache(o.file) }

// Publish implements store.Object. The content is flushed in any case.
func (o *object) Publish() error {
	if o.closed {
		return wrap(o.op, o.key, errGone)
	}
	if err := o.Sync(); err != nil {
		return err
	}
	if err := o.checkName(); err != nil {
		return wrap(o.op, o.key, err)
	}
	o.closed = true // first, because Windows renames no open file
	if err := o.file.Close(); err != nil {
		return wrap(o.op, o.key, err)
	}
	if err := o.store.disk.Publish(o.temp, o.name); err != nil {
		return wrap(o.op, o.key, err)
	}
	o.published = true
	return nil
}

// checkName makes sure that what is published is what was written.
func (o *object) checkName() error {
	written, err := o.file.Stat()
	if err != nil {
		return err
	}
	named, err := o.store.root.Lstat(o.temp)
	if err != nil {
		return err
	}
	if !os.SameFile(written, named) || named.Size() != o.size {
		return errChanged
	}
	return nil
}

// Discard implements store.Object.
func (o *object) Discard() error {
	if o.published || o.discarded {
		return nil
	}
	var err error
	if !o.closed {
		err = o.file.Close()
	}
	o.closed = true
	rmErr := o.store.disk.Remove(o.temp)
	if errors.Is(rmErr, fs.ErrNotExist) {
		rmErr = nil
	}
	o.discarded = rmErr == nil // else a second call tries again
	return wrap(o.op, o.key, errors.Join(err, rmErr))
}

// step lets the hook of the disk watch writes.
func (s *Store) step(op durable.Op, path string) error {
	if s.disk.Before == nil {
		return nil
	}
	return s.disk.Before(op, path)
}

// reader ends when its context does, and knows how much it has to give.
type reader struct {
	io.Reader
	ctx   context.Context
	file  *os.File // to close
	left  int64
	exact bool // left counts
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.Reader.Read(p)
	if r.exact {
		r.left -= int64(n)
		if errors.Is(err, io.EOF) && r.left > 0 { // it was cut off after it was opened
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

func (r *reader) Close() error { return r.file.Close() }
