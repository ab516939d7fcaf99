package service

import (
	"context"
	"iter"
	"sync"
	"time"
)

// watchBuffer is how many events may wait for one who watches, before some are
// dropped. Progress comes a few times a second for each run.
const watchBuffer = 256

// A hub hands events to all who watch.
type hub struct {
	mu       sync.Mutex
	last     uint64
	watchers map[*watcher]struct{}
	of       map[string]int // how many each has who watches
	closed   bool
}

// maxWatches is how many one token may have: every page of the dashboard has one,
// and nobody is to take all that there are.
const maxWatches = 25

// A watcher is one who watches.
type watcher struct {
	who    string
	events chan Event
	sees   func(database string) bool
	missed int
}

func newHub() *hub { return &hub{watchers: map[*watcher]struct{}{}, of: map[string]int{}} }

// send numbers an event and hands it on. It never waits: a watcher that is too
// slow misses it.
func (h *hub) send(e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last++
	e.ID = h.last
	for w := range h.watchers {
		if e.Database != "" && !w.sees(e.Database) {
			continue
		}
		e.Missed = w.missed
		select {
		case w.events <- e:
			w.missed = 0
		default:
			w.missed++
		}
	}
}

// close ends all watching.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for w := range h.watchers {
		close(w.events)
		h.drop(w)
	}
}

// drop forgets a watcher. The caller holds mu.
func (h *hub) drop(w *watcher) {
	if _, there := h.watchers[w]; !there {
		return
	}
	delete(h.watchers, w)
	if h.of[w.who]--; h.of[w.who] == 0 {
		delete(h.of, w.who)
	}
}

// watch returns the events from now on about databases that sees reports, until
// ctx or the hub ends. who is the ID of whoever watches.
func (h *hub) watch(ctx context.Context, who string, sees func(string) bool) (iter.Seq[Event], error) {
	w := &watcher{who: who, events: make(chan Event, watchBuffer), sees: sees}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		close(w.events)
	case h.of[who] >= maxWatches:
		return nil, ErrWatches
	default:
		h.watchers[w] = struct{}{}
		h.of[who]++
	}
	leave := func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.drop(w)
	}
	stop := context.AfterFunc(ctx, leave) // also if nobody ever ranges over it
	return func(yield func(Event) bool) {
		defer stop()
		defer leave()
		for {
			select {
			case <-ctx.Done():
				return
			case e, ok := <-w.events:
				if !ok || !yield(e) {
					return
				}
			}
		}
	}, nil
}

// A throttle lets a thing happen once in a while.
type throttle struct {
	every time.Duration
	mu    sync.Mutex
	last  time.Time
}

// ready reports whether it may happen at now, and takes it for done then.
func (t *throttle) ready(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if since := now.Sub(t.last); since >= 0 && since < t.every { // below 0 the clock was set back
		return false
	}
	t.last = now
	return true
}
