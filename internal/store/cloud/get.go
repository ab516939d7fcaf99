package cloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync/atomic"
	"time"

	"gocloud.dev/blob"

	"github.com/litekeep/litekeep/internal/store"
)

// Get implements store.Store.
func (s *Store) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := s.check(ctx, "get", key); err != nil {
		return nil, err
	}
	r := &reader{store: s, ctx: ctx, op: "get", key: key, end: -1}
	if err := r.open(); err != nil {
		return nil, wrap("get", key, err)
	}
	return r, nil
}

// GetRange implements store.Store.
func (s *Store) GetRange(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	if err := s.check(ctx, "get range", key); err != nil {
		return nil, err
	}
	fail := func(err error) (io.ReadCloser, error) { return nil, wrap("get range", key, err) }
	if off < 0 || n < 0 {
		return fail(fmt.Errorf("%d bytes from %d: negative", n, off))
	}
	r := &reader{store: s, ctx: ctx, op: "get range", key: key, off: off, end: off + n}
	var err error
	// Nobody serves 0 bytes, or a range that no object can have.
	if n > 0 && off <= math.MaxInt64-n {
		if err = r.open(); err == nil && r.total >= r.end {
			return r, nil
		}
		_ = r.Close() // nothing was read
	}
	if err != nil && (ctx.Err() != nil || errors.Is(err, store.ErrNotExist)) {
		return fail(err)
	}
	m, headErr := s.head(ctx, key)
	switch {
	case headErr != nil:
		return fail(headErr)
	case off > m.size || n > m.size-off:
		return fail(fmt.Errorf("%d bytes from %d of %d: %w", n, off, m.size, io.ErrUnexpectedEOF))
	case err != nil:
		return fail(err)
	}
	return r, nil
}

// Limits of a download that breaks off again and again.
const (
	readTries = 6   // in a row without a byte
	readFalls = 100 // in all
)

// reader reads a part of an object. When the connection breaks it goes on with
// another one.
type reader struct {
	store    *Store
	ctx      context.Context
	op, key  string
	off, end int64 // what is left; end is -1 before the size is known
	total    int64 // size of the object
	modTime  time.Time
	body     *blob.Reader
	tries    int // since the last byte
	falls    int
	err      error
}

// open requests what is left.
func (r *reader) open() error {
	length := int64(-1)
	if r.end >= 0 {
		length = r.end - r.off
	}
	ctx := context.WithValue(r.ctx, opensKey{}, new(atomic.Int64))
	body, err := r.store.bucket.NewRangeReader(ctx, r.store.location.prefix+r.key, r.off, length, nil)
	if err != nil {
		return r.store.explain(r.ctx, err)
	}
	if r.body == nil && r.falls == 0 {
		r.total, r.modTime = body.Size(), body.ModTime()
	} else if r.total != body.Size() || !r.modTime.Equal(body.ModTime()) {
		_ = body.Close() // of no use
		return fmt.Errorf("%w: the object was replaced while it was read", store.ErrDamaged)
	}
	if r.end < 0 {
		r.end = r.total
	}
	r.body = body
	return nil
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	if err := ended(r.ctx); err != nil {
		return 0, r.fail(err)
	}
	if r.off == r.end {
		r.err = io.EOF
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	p = p[:min(int64(len(p)), r.end-r.off)]
	for {
		var n int
		err := errors.New("not connected")
		if r.body != nil {
			n, err = r.body.Read(p)
		}
		r.off += int64(n)
		switch {
		case n > 0:
			r.tries = 0
			return n, nil // an error, if any, comes again or does not matter
		case err == nil:
			return 0, nil
		case errors.Is(err, io.EOF):
			err = fmt.Errorf("%w: %d bytes before its end", io.ErrUnexpectedEOF, r.end-r.off)
		default:
			err = r.store.explain(r.ctx, err)
		}
		if err := r.again(err); err != nil {
			return 0, r.fail(err)
		}
	}
}

// again connects anew after err, or returns the error that ends the reading.
func (r *reader) again(err error) error {
	for {
		r.tries++
		r.falls++
		if r.tries >= min(readTries, r.store.options.Attempts) || r.falls >= readFalls {
			return err
		}
		if r.body != nil {
			_ = r.body.Close() // it is broken
			r.body = nil
		}
		pause := min(r.store.options.MaxPause, 100*time.Millisecond<<r.tries)
		if stop := sleep(r.ctx, pause); stop != nil {
			return stop
		}
		openErr := r.open()
		if openErr == nil {
			return nil
		}
		if r.ctx.Err() != nil || errors.Is(openErr, store.ErrNotExist) || errors.Is(openErr, store.ErrPermission) || errors.Is(openErr, store.ErrDamaged) {
			return openErr
		}
		err = openErr
	}
}

func (r *reader) fail(err error) error {
	r.err = wrap(r.op, r.key, err)
	return r.err
}

// Close implements io.Closer.
func (r *reader) Close() error {
	if r.err == nil {
		r.err = wrap(r.op, r.key, errors.New("read after close"))
	}
	if r.body == nil {
		return nil
	}
	body := r.body
	r.body = nil
	// That the connection broke no longer matters: Read has told, or nobody
	// wanted the rest.
	_ = body.Close()
	return nil
}

// sleep waits, or returns the cause of the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ended(ctx)
	case <-t.C:
		return nil
	}
}
