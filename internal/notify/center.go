package notify

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

// Options are the choices of New. The zero value is the default of each.
type Options struct {
	// First is how long a channel that was quiet waits for more to tell. Default
	// 1 minute.
	First time.Duration
	// Group is how long it waits after it has told something. It grows with each
	// message: to 3, 6 and 12 times as long. Default 5 minutes.
	Group time.Duration
	// Repeat is after how long a trouble that persists is told again. Default
	// 24 hours.
	Repeat time.Duration
	// PerDay bounds the messages of a channel within 24 hours. Default 20.
	PerDay int
	// Timeout bounds one delivery. Default 45 seconds.
	Timeout time.Duration
	// Host is the name of this machine, for the texts.
	Host string
	// Now is the clock. Default time.Now. Timers run by the clock of package time.
	Now func() time.Time
	// Log gets what goes wrong with channels and the store; nil is silence.
	Log *slog.Logger
}

func (o Options) filled() Options {
	o.First = cmp.Or(o.First, time.Minute)
	o.Group = cmp.Or(o.Group, 5*time.Minute)
	o.Repeat = cmp.Or(o.Repeat, 24*time.Hour)
	o.PerDay = cmp.Or(o.PerDay, 20)
	o.Timeout = cmp.Or(o.Timeout, 45*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// troubleKey is what makes two troubles the same.
type troubleKey struct {
	subject string
	kind    Kind
}

// A Center decides who is told what, and sends it. Its methods may be called
// concurrently.
type Center struct {
	options Options
	keeper  *keeper
	lanes   []*lane
	wake    chan struct{} // the troubles have changed

	mu       sync.Mutex
	troubles map[troubleKey]*Condition
	episode  string    // the thread of troubles that come together
	lastRise time.Time // when the last trouble of the episode was raised
}

// New returns a Center for the channels, and takes up what the store has: troubles,
// and what was not delivered. A store that cannot be read is no error, see
// StoreError. The error matches ErrChannel.
//
// After a change of the configuration, end Run and make another Center on the same
// store.
func New(ctx context.Context, targets []Target, store Store, o Options) (*Center, error) {
	o = o.filled()
	c := &Center{options: o, keeper: newKeeper(store, o), wake: make(chan struct{}, 1), troubles: map[troubleKey]*Condition{}}
	seen := map[string]bool{}
	for _, t := range targets {
		if t.Name == "" || seen[t.Name] {
			return nil, fmt.Errorf("%w: the name %q is empty or there twice", ErrChannel, t.Name)
		}
		seen[t.Name] = true
		if err := t.Filter.Validate(); err != nil {
			return nil, fmt.Errorf("channel %s: %w", t.Name, err)
		}
		c.lanes = append(c.lanes, newLane(c, t))
	}
	c.load(ctx)
	c.keeper.everything = c.everything
	return c, nil
}

// load takes up what the store has.
func (c *Center) load(ctx context.Context) {
	items, conditions := c.keeper.load(ctx)
	for _, cond := range conditions {
		c.troubles[troubleKey{cond.Subject, cond.Kind}] = &cond
	}
	slices.SortFunc(items, func(a, b Item) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	var gone []string
	for _, it := range items {
		if l := c.lane(it.Channel); l != nil {
			l.take(it)
		} else {
			gone = append(gone, it.ID) // the channel is no longer configured
		}
	}
	c.keeper.delivered(ctx, gone)
}

// lane returns the lane of a channel, or nil.
func (c *Center) lane(name string) *lane {
	for _, l := range c.lanes {
		if l.target.Name == name {
			return l
		}
	}
	return nil
}

// Run delivers until ctx ends, and returns when all that it started has ended.
// What waits then is in the store.
func (c *Center) Run(ctx context.Context) {
	var group sync.WaitGroup
	for _, l := range c.lanes {
		group.Go(func() { l.run(ctx) })
	}
	group.Go(func() { c.repeat(ctx) })
	group.Wait()
}

// Report takes an event. It does not wait for any delivery. Every success is to
// be reported too: that is what ends troubles, and what heartbeats wait for.
func (c *Center) Report(ctx context.Context, e Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.options.Now()
	e = e.filled(now)
	n, known := natures[e.Kind]
	switch {
	case !known:
		c.options.Log.Warn("event of an unknown kind", "kind", e.Kind)
		return
	case n.trouble:
		c.raise(ctx, e, now)
	case n.clears != nil:
		c.clear(ctx, e)
	case !n.mute:
		c.tell(ctx, Story{Event: e}, "")
	}
	if n.pulse {
		c.pulse(ctx, e)
	}
	wake(c.wake)
}

// raise notes a trouble, and tells it if it is new, worse than ever, or was told long ago.
func (c *Center) raise(ctx context.Context, e Event, now time.Time) {
	key := troubleKey{e.Subject(), e.Kind}
	t := c.troubles[key]
	if t == nil {
		if c.episode == "" || now.Sub(c.lastRise) > calm {
			c.episode = newID(now)
		}
		c.lastRise = now
		t = &Condition{Subject: key.subject, Kind: key.kind, Since: e.Time, Thread: c.episode}
		c.troubles[key] = t
	}
	t.Event = e
	t.Count++
	again := !t.Told.IsZero()
	worse := e.Severity > t.Worst
	t.Worst = max(t.Worst, e.Severity)
	if !again || worse || !natures[t.Kind].once && now.Sub(t.Told) >= c.options.Repeat {
		t.Told = now
		c.tell(ctx, t.story(again), t.slot())
	} else {
		c.refresh(ctx, t)
	}
	c.keeper.put(ctx, *t)
}

// story is what there is to tell of a trouble.
func (t *Condition) story(again bool) Story {
	return Story{Event: t.Event, Since: t.Since, Count: t.Count, Again: again, Thread: t.Thread}
}

func (t *Condition) slot() string { return t.Subject + " " + string(t.Kind) }

// tell queues a story for the people who want it.
func (c *Center) tell(ctx context.Context, s Story, slot string) {
	for _, l := range c.lanes {
		if !l.pulse && l.wants(s.Kind, s.Database) {
			l.add(ctx, s, slot)
		}
	}
}

// refresh brings the stories that still wait up to date.
func (c *Center) refresh(ctx context.Context, t *Condition) {
	for _, l := range c.lanes {
		if !l.pulse {
			l.refresh(ctx, t.story, t.slot())
		}
	}
}

// clear ends troubles, and tells it where they were told.
func (c *Center) clear(ctx context.Context, e Event) {
	var over []*Condition
	for _, kind := range e.Clears {
		key := troubleKey{e.Subject(), kind}
		if t := c.troubles[key]; t != nil {
			over = append(over, t)
			delete(c.troubles, key)
			c.keeper.remove(ctx, key)
		}
	}
	if len(over) == 0 {
		return
	}
	if e.Kind == KindSucceeded {
		e.Kind = KindRecovered
	}
	for _, l := range c.lanes {
		if !l.pulse {
			l.clear(ctx, e, over)
		}
	}
}

// pulse tells heartbeats of a run.
func (c *Center) pulse(ctx context.Context, e Event) {
	for _, l := range c.lanes {
		if !l.pulse || !l.target.Filter.about(e.Database) || e.Database == "" {
			continue
		}
		slot := "pulse"
		if l.perDatabase {
			slot += " " + e.Database
		} else if e.Kind == KindSucceeded && c.ailing(l.target.Filter) {
			continue // the heart of all is not well while one is not
		}
		if e.Kind == KindBegun {
			slot += " begun"
		}
		l.add(ctx, Story{Event: e}, slot)
	}
}

// ailing reports whether a database of the filter is in a trouble that a
// heartbeat is told.
func (c *Center) ailing(f Filter) bool {
	for key, t := range c.troubles {
		if natures[key.kind].pulse && f.about(t.Event.Database) {
			return true
		}
	}
	return false
}

// Troubles returns what is wrong now, the oldest first.
func (c *Center) Troubles() []Condition {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sorted()
}

func (c *Center) sorted() []Condition {
	list := make([]Condition, 0, len(c.troubles))
	for _, t := range slices.SortedFunc(maps.Values(c.troubles), func(a, b *Condition) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.slot(), b.slot()))
	}) {
		list = append(list, *t)
	}
	return list
}

// everything returns what the store ought to have. The caller holds mu.
func (c *Center) everything() (items []Item, conditions []Condition) {
	for _, l := range c.lanes {
		items = append(items, l.pending...)
	}
	return items, c.sorted()
}

// StoreError returns why the store cannot be written, or nil.
func (c *Center) StoreError() error { return c.keeper.problem() }

// Test sends a test message through a channel, at once. The error matches
// ErrNoChannel if there is none of the name; else it is that of the channel.
func (c *Center) Test(ctx context.Context, channel string) error {
	l := c.lane(channel)
	if l == nil {
		return fmt.Errorf("%w: %q", ErrNoChannel, channel)
	}
	now := c.options.Now()
	e := Event{Kind: KindTest, Database: "test", Holds: "this channel works: nothing has happened to any backup"}.filled(now)
	e.Details = []Field{{"Channel", channel}}
	m := newMessage([]Story{{Event: e, ID: newID(now)}}, now, c.options.Host)
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	err := l.target.Channel.Deliver(ctx, m)
	c.mu.Lock()
	defer c.mu.Unlock()
	l.note(err)
	if partial, ok := errors.AsType[*PartialError](err); ok {
		return partial
	}
	return err
}

// newID returns an id that sorts by time.
func newID(now time.Time) string { return fmt.Sprintf("%011x-%s", now.UnixMilli(), rand.Text()[:12]) }

// wake sends to a channel of one place, unless it is taken.
func wake(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
