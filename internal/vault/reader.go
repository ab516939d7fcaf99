package vault

import (
	"context"
	"errors"
	"io"

	"github.com/litekeep/litekeep/internal/store"
)

// An Object reads the object of a backup in a place. Its methods may be called
// concurrently.
type Object struct {
	ctx  context.Context
	s    store.Store
	key  string
	size int64
}

// Object returns a reader of the object of ref, which has size bytes. It reads
// as long as ctx lasts.
func (p *Place) Object(ctx context.Context, ref Ref, size int64) *Object {
	return &Object{ctx: ctx, s: p.Store, key: ref.Key(), size: size}
}

// Size returns the length in bytes.
func (o *Object) Size() int64 { return o.size }

// ReadAt implements io.ReaderAt with one request.
func (o *Object) ReadAt(b []byte, off int64) (int, error) {
	n := min(int64(len(b)), o.size-off)
	if off < 0 || n < 0 || n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	r, err := o.s.GetRange(o.ctx, o.key, off, n)
	if err != nil {
		return 0, err
	}
	k, err := io.ReadFull(r, b[:n])
	if closeErr := r.Close(); err == nil {
		err = closeErr
	}
	if err == nil && n < int64(len(b)) {
		err = io.EOF
	}
	if errors.Is(err, io.EOF) && int64(k) < n {
		err = io.ErrUnexpectedEOF
	}
	return k, err
}
