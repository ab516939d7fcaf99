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

// use makes what open returns the Center. The one before has ended when open is
// called, so that what it was told last is in the store and in no other hands. If
// open fails, it goes on.
func (t *teller) use(open func() (*notify.Center, error)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end()
	c, err := open()
	if err == nil {
		t.center = c
	}
	if t.center == nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	t.stop, t.done = stop, make(chan struct{})
	go func(c *notify.Center, done chan struct{}) {
		defer close(done)
		c.Run(ctx)
	}(t.center, t.done)
	return err
}

func (t *teller) end() {
	if t.stop != nil {
		t.stop()
		<-t.done
		t.stop = nil
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
