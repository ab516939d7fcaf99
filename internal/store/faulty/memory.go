package faulty

import (
	"bytes"
	"context"
	"crypto/md5" // what cloud stores keep
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/litekeep/litekeep/internal/store"
)

// Memory keeps objects in memory. It tells no lies, and knows checksums and
// locks, which are enforced by the clock Now.
type Memory struct {
	// Now is the clock; nil is time.Now. It must not be changed in use.
	Now func() time.Time

	mu      sync.Mutex
	objects map[string]object
}

type object struct {
	data    []byte
	modTime time.Time
	until   time.Time
}

var (
	_ store.Store       = (*Memory)(nil)
	_ store.Checksummer = (*Memory)(nil)
	_ store.Locker      = (*Memory)(nil)
)

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{objects: map[string]object{}} }

func (m *Memory) now() time.Time {
	if m.Now == nil {
		return time.Now()
	}
	return m.Now()
}

func fail(op, key string, err error) error { return &store.Error{Op: op, Key: key, Err: err} }

func check(ctx context.Context, op, key string) error {
	if err := store.CheckKey(op, key); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fail(op, key, err)
	}
	return nil
}

// Put implements store.Store.
func (m *Memory) Put(ctx context.Context, key string, r io.Reader) error {
	return m.PutUntil(ctx, key, r, time.Time{})
}

// PutUntil implements store.Locker.
func (m *Memory) PutUntil(ctx context.Context, key string, r io.Reader, until time.Time) error {
	if err := check(ctx, "put", key); err != nil {
		return err
	}
	data, err := io.ReadAll(&reader{ctx: ctx, r: r})
	if err != nil {
		return fail("put", key, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.objects[key]; ok {
		return fail("put", key, store.ErrExist)
	}
	m.objects[key] = object{data: data, modTime: m.now(), until: until}
	return nil
}

// get returns an object.
func (m *Memory) get(ctx context.Context, op, key string) (object, error) {
	if err := check(ctx, op, key); err != nil {
		return object{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.objects[key]
	if !ok {
		return object{}, fail(op, key, store.ErrNotExist)
	}
	return o, nil
}

// Get implements store.Store.
func (m *Memory) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	o, err := m.get(ctx, "get", key)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(&reader{ctx: ctx, r: bytes.NewReader(o.data)}), nil
}

// GetRange implements store.Store.
func (m *Memory) GetRange(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	o, err := m.get(ctx, "get range", key)
	if err != nil {
		return nil, err
	}
	size := int64(len(o.data))
	switch {
	case off < 0 || n < 0:
		return nil, fail("get range", key, fmt.Errorf("%d bytes from %d: negative", n, off))
	case off > size || n > size-off:
		return nil, fail("get range", key, fmt.Errorf("%d bytes from %d of %d: %w", n, off, size, io.ErrUnexpectedEOF))
	}
	return io.NopCloser(&reader{ctx: ctx, r: bytes.NewReader(o.data[off : off+n])}), nil
}

// List implements store.Store.
func (m *Memory) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		m.mu.Lock()
		objects := maps.Clone(m.objects)
		m.mu.Unlock()
		if err := ctx.Err(); err != nil {
			yield(store.Info{}, fail("list", prefix, err))
			return
		}
		for _, key := range slices.Sorted(maps.Keys(objects)) {
			o := objects[key]
			if strings.HasPrefix(key, prefix) && !yield(store.Info{Key: key, Size: int64(len(o.data)), ModTime: o.modTime}, nil) {
				return
			}
		}
	}
}

// Delete implements store.Store.
func (m *Memory) Delete(ctx context.Context, key string) error {
	if err := check(ctx, "delete", key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if until := m.objects[key].until; until.After(m.now()) {
		return fail("delete", key, &store.LockedError{Until: until})
	}
	delete(m.objects, key)
	return nil
}

// LockedUntil implements store.Locker.
func (m *Memory) LockedUntil(ctx context.Context, key string) (time.Time, error) {
	o, err := m.get(ctx, "look at the lock of", key)
	if err != nil || !o.until.After(m.now()) {
		return time.Time{}, err
	}
	return o.until, nil
}

// Checksum implements store.Checksummer.
func (m *Memory) Checksum(ctx context.Context, key string) (store.Checksum, int64, error) {
	o, err := m.get(ctx, "checksum", key)
	if err != nil {
		return store.Checksum{}, 0, err
	}
	sum := md5.Sum(o.data)
	return store.Checksum{Algorithm: store.MD5, Sum: sum[:]}, int64(len(o.data)), nil
}

// Damage changes the stored bytes of key in place, as a failing disk does. It
// tells whether there is such an object.
func (m *Memory) Damage(key string, change func(data []byte) []byte) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.objects[key]
	if ok {
		o.data = change(bytes.Clone(o.data))
		m.objects[key] = o
	}
	return ok
}

// reader fails when its context ends.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
