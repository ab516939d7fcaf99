package service

import (
	"context"
	"sync"
)

// turns bounds how many runs go on at once. Those that wait get theirs in the
// order in which they came.
type turns struct {
	mu     sync.Mutex
	free   int // below zero after the bound was lowered
	bound  int
	queue  []chan struct{}
	closed chan struct{}
	once   sync.Once
}

func newTurns(n int) *turns { return &turns{free: n, bound: n, closed: make(chan struct{})} }

// take waits for a turn. It returns the cause when ctx ends first, and
// errStopped after close.
func (t *turns) take(ctx context.Context) error {
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	t.queue = append(t.queue, turn)
	t.mu.Unlock()
	err := errStopped
	select {
	case <-turn:
		return nil
	case <-t.closed:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, q := range t.queue {
		if q == turn {
			t.queue = append(t.queue[:i], t.queue[i+1:]...)
			return err
		}
	}
	return nil // it came in the last moment
}

// give gives a turn back.
func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free++
	t.serve()
}

func (t *turns) resize(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free += n - t.bound
	t.bound = n
	t.serve()
}

func (t *turns) serve() {
	for t.free > 0 && len(t.queue) > 0 {
		close(t.queue[0])
		t.queue = t.queue[1:]
		t.free--
	}
}

// close lets nobody begin any more who waits.
func (t *turns) close() { t.once.Do(func() { close(t.closed) }) }
