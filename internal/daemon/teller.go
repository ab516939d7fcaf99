package daemon

import (
	"context"
	"sync"

	"github.com/litekeep/litekeep/internal/notify"
)

// A teller is the Center of the configuration in force. What one Center has not
// told yet lies in the store, where the next one finds it.
type teller struct {
	mu     sync.RWMutex
	center *notify.Center
	stop   context.CancelFunc
	done   chan struct{}
}

// use makes c the Center, and waits until the one before has ended.
func (t *teller) use(c *notify.Center) {
	ctx, stop := context.WithCancel(context.Background())
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end()
	t.center, t.stop, t.done = c, stop, make(chan struct{})
	go func(done chan struct{}) {
		defer close(done)
		c.Run(ctx)
	}(t.done)
}

func (t *teller) end() {
	if t.stop != nil {
		t.stop()
		<-t.done
	}
}

// close ends the Center.
func (t *teller) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end()
}

func (t *teller) Report(ctx context.Context, e notify.Event) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	t.center.Report(ctx, e)
}

func (t *teller) Status() []notify.ChannelStatus {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.center.Status()
}

func (t *teller) Troubles() []notify.Condition {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.center.Troubles()
}

func (t *teller) Test(ctx context.Context, channel string) error {
	t.mu.RLock()
	c := t.center
	t.mu.RUnlock()
	return c.Test(ctx, channel)
}
