package notify

import (
	"context"
	"time"
)

// repeat tells troubles again that persist, also where no event comes any more.
func (c *Center) repeat(ctx context.Context) {
	for {
		timer := time.NewTimer(c.untilRepeat())
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-c.wake:
			timer.Stop()
		case <-timer.C:
			c.repeatDue(ctx)
			c.heal(ctx)
		}
	}
}

// untilRepeat returns how long it is until the next trouble is due.
func (c *Center) untilRepeat() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.options.Now()
	next := c.options.Repeat
	if c.keeper.problem() != nil {
		next = min(next, storeRest)
	}
	for _, t := range c.troubles {
		if !natures[t.Kind].once {
			next = min(next, t.Told.Add(c.options.Repeat).Sub(now))
		}
	}
	return max(next, 0)
}

// repeatDue tells the troubles that are due. They take along those that will be
// within half of the time, so that a night of many is one message the next day
// too.
func (c *Center) repeatDue(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.options.Now()
	due := false
	for _, t := range c.troubles {
		due = due || !natures[t.Kind].once && now.Sub(t.Told) >= c.options.Repeat
	}
	if !due {
		return
	}
	for _, cond := range c.sorted() {
		t := c.troubles[troubleKey{cond.Subject, cond.Kind}]
		if natures[t.Kind].once || now.Sub(t.Told) < c.options.Repeat/2 {
			continue
		}
		t.Told = now
		c.tell(ctx, t.story(true), t.slot())
		c.keeper.put(ctx, *t)
	}
}

// heal tries the store again if it could not be written.
func (c *Center) heal(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keeper.problem() != nil {
		c.keeper.do(ctx, func(context.Context) error { return nil })
	}
}
