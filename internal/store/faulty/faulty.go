// Package faulty is a store that lies and fails as it is told, for tests: around
// any other store, or around Memory.
//
// What goes wrong is said by rules. A rule is for one kind of operation and for
// the keys that hold a text; the first rule that fits an operation is applied,
// and no other.
package faulty

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/litekeep/litekeep/internal/store"
)

// Op is a kind of operation.
type Op string

// The operations. Get is GetRange too, Put is PutUntil too.
const (
	Put      Op = "put"
	Get      Op = "get"
	List     Op = "list"
	Delete   Op = "delete"
	Checksum Op = "checksum"
)

// Do is what goes wrong.
type Do int

// What a rule can do.
const (
	// Fail returns Rule.Err, from Put before anything was read.
	Fail Do = iota
	// Ignore answers with success and does nothing: a delete that keeps the
	// object, a put (which reads all) that loses it, a listing of nothing.
	Ignore
	// Truncate ends the content after Rule.At bytes, as if that were its end:
	// what is read, or what is stored.
	Truncate
	// Flip inverts the byte of the content at Rule.At: of what is read, or of
	// what is stored. At counts from the beginning of a range.
	Flip
	// Break fails with Rule.Err after Rule.At bytes of the content.
	Break
	// Lag gives the listing as it was when the rule was added, with what was
	// deleted since and without what was put since.
	Lag
	// Hang waits until the context ends.
	Hang
	// Slow waits for Rule.Delay and then does what it should.
	Slow
)

// Rule says what goes wrong, and where.
type Rule struct {
	Op    Op
	Key   string // a part of the key, or of the prefix of a listing; "" fits all
	Do    Do
	At    int64
	Err   error // nil is an error of this package
	Delay time.Duration
	Times int // how often the rule applies; 0 is always
}

// errFault is the error of rules that name none.
var errFault = errors.New("fault that the test asked for")

// Store is a store that follows rules.
type Store struct {
	inner store.Store

	mu    sync.Mutex
	rules []*active
	count map[Op]int
}

// active is a rule with its state.
type active struct {
	Rule
	left   int
	frozen []store.Info
}

var (
	_ store.Store       = (*Store)(nil)
	_ store.Checksummer = (*Store)(nil)
	_ store.Locker      = (*Store)(nil)
)

// New returns a store that does what inner does until a rule is added.
func New(inner store.Store) *Store { return &Store{inner: inner, count: map[Op]int{}} }

// Add adds a rule. A rule that lags lists the whole store now; its errors are
// returned.
func (s *Store) Add(r Rule) error {
	a := &active{Rule: r, left: r.Times}
	if a.Err == nil {
		a.Err = errFault
	}
	if r.Do == Lag {
		for info, err := range s.inner.List(context.Background(), "") {
			if err != nil {
				return err
			}
			a.frozen = append(a.frozen, info)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = append(s.rules, a)
	return nil
}

// Heal removes all rules.
func (s *Store) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
}

// Count returns how many operations of a kind there were.
func (s *Store) Count(op Op) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count[op]
}

// rule returns the rule for an operation, nil for none, after its delay. The
// error is that of the operation.
func (s *Store) rule(ctx context.Context, op Op, key string) (*active, error) {
	s.mu.Lock()
	s.count[op]++
	i := slices.IndexFunc(s.rules, func(a *active) bool { return a.Op == op && strings.Contains(key, a.Key) })
	var a *active
	if i >= 0 {
		a = s.rules[i]
		if a.left > 0 {
			if a.left--; a.left == 0 {
				s.rules = slices.Delete(s.rules, i, i+1)
			}
		}
	}
	s.mu.Unlock()
	if a == nil {
		return nil, nil
	}
	switch a.Do {
	case Fail:
		return nil, fail(string(op), key, a.Err)
	case Hang:
		<-ctx.Done()
		return nil, fail(string(op), key, ctx.Err())
	case Slow:
		timer := time.NewTimer(a.Delay)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return nil, fail(string(op), key, ctx.Err())
		case <-timer.C:
			return nil, nil
		}
	}
	return a, nil
}

// Put implements store.Store.
func (s *Store) Put(ctx context.Context, key string, r io.Reader) error {
	return s.put(ctx, key, r, func(r io.Reader) error { return s.inner.Put(ctx, key, r) })
}

// PutUntil implements store.Locker, where the inner store does.
func (s *Store) PutUntil(ctx context.Context, key string, r io.Reader, until time.Time) error {
	l, ok := s.inner.(store.Locker)
	if !ok {
		return fail("put", key, errors.ErrUnsupported)
	}
	return s.put(ctx, key, r, func(r io.Reader) error { return l.PutUntil(ctx, key, r, until) })
}

func (s *Store) put(ctx context.Context, key string, r io.Reader, put func(io.Reader) error) error {
	a, err := s.rule(ctx, Put, key)
	switch {
	case err != nil:
		return err
	case a == nil:
		return put(r)
	case a.Do == Ignore:
		_, err := io.Copy(io.Discard, r)
		return err
	}
	err = put(a.content(io.NopCloser(r)))
	if err == nil {
		_, err = io.Copy(io.Discard, r) // as one who took it all
	}
	return err
}

// Get implements store.Store.
func (s *Store) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	a, err := s.rule(ctx, Get, key)
	if err != nil {
		return nil, err
	}
	r, err := s.inner.Get(ctx, key)
	if a == nil || err != nil {
		return r, err
	}
	return a.content(r), nil
}

// GetRange implements store.Store.
func (s *Store) GetRange(ctx context.Context, key string, off, n int64) (io.ReadCloser, error) {
	a, err := s.rule(ctx, Get, key)
	if err != nil {
		return nil, err
	}
	r, err := s.inner.GetRange(ctx, key, off, n)
	if a == nil || err != nil {
		return r, err
	}
	return a.content(r), nil
}

// List implements store.Store.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[store.Info, error] {
	return func(yield func(store.Info, error) bool) {
		a, err := s.rule(ctx, List, prefix)
		switch {
		case err != nil:
			yield(store.Info{}, err)
		case a != nil && a.Do == Ignore:
		case a != nil && a.Do == Lag:
			for _, info := range a.frozen {
				if strings.HasPrefix(info.Key, prefix) && !yield(info, nil) {
					return
				}
			}
		default:
			s.inner.List(ctx, prefix)(yield)
		}
	}
}

// Delete implements store.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	a, err := s.rule(ctx, Delete, key)
	if err != nil || a != nil && a.Do == Ignore {
		return err
	}
	return s.inner.Delete(ctx, key)
}

// Checksum implements store.Checksummer. There is none where the inner store has
// none; Ignore hides the inner one, and Flip inverts its first byte.
func (s *Store) Checksum(ctx context.Context, key string) (store.Checksum, int64, error) {
	a, err := s.rule(ctx, Checksum, key)
	if err != nil {
		return store.Checksum{}, 0, err
	}
	if c, ok := s.inner.(store.Checksummer); ok {
		sum, size, err := c.Checksum(ctx, key)
		switch {
		case a != nil && a.Do == Ignore:
			sum = store.Checksum{}
		case a != nil && a.Do == Flip && len(sum.Sum) > 0:
			sum.Sum = bytes.Clone(sum.Sum)
			sum.Sum[0] ^= 0xff
		}
		return sum, size, err
	}
	for info, err := range s.inner.List(ctx, key) {
		if err != nil {
			return store.Checksum{}, 0, err
		}
		if info.Key == key {
			return store.Checksum{}, info.Size, nil
		}
	}
	return store.Checksum{}, 0, fail("checksum", key, store.ErrNotExist)
}

// LockedUntil implements store.Locker. Nothing is locked where the inner store
// has no locks.
func (s *Store) LockedUntil(ctx context.Context, key string) (time.Time, error) {
	if l, ok := s.inner.(store.Locker); ok {
		return l.LockedUntil(ctx, key)
	}
	return time.Time{}, nil
}
