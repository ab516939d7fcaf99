package notify

import (
	"context"
	"slices"
	"time"
)

const (
	// calm is after how long without news a channel, or an episode, begins anew.
	calm = time.Hour
	// mostPending bounds the queue of a channel. Troubles have one place each, so
	// that only very many databases or one-off events come so far.
	mostPending = 2000
)

// lane is the queue of a channel. All fields but target, pulse and perDatabase
// are guarded by the mutex of the Center.
type lane struct {
	center      *Center
	target      Target
	pulse       bool
	perDatabase bool
	wake        chan struct{}

	pending  []Item // in the order in which they came
	flying   map[string]bool
	opened   time.Time         // when the first of pending came
	step     int               // of the windows
	told     map[Kind]Severity // the worst trouble of each kind since the windows began
	sent     []time.Time       // of the last day
	failures int               // attempts since the last success
	retry    time.Time         // not before this, after a failure
	dropped  int               // stories since the last success
	status   ChannelStatus
}

func newLane(c *Center, t Target) *lane {
	l := &lane{center: c, target: t, wake: make(chan struct{}, 1), flying: map[string]bool{}}
	if p, ok := t.Channel.(Pulse); ok {
		l.pulse, l.perDatabase = true, p.PerDatabase()
	}
	return l
}

// wants reports whether the channel is told such an event.
func (l *lane) wants(k Kind, database string) bool {
	return l.target.Filter.kind(k) && l.target.Filter.about(database)
}

// take puts an item of the store into the queue.
func (l *lane) take(it Item) {
	if len(l.pending) == 0 {
		l.opened = l.center.options.Now()
	}
	l.pending = append(l.pending, it)
	l.failures = max(l.failures, it.Attempts)
	if it.LastError != "" {
		l.status.LastError = it.LastError
	}
	if it.Attempts > 0 && it.Next.After(l.retry) {
		l.retry = it.Next
	}
}

// add queues a story, in the place of one in the same slot.
func (l *lane) add(ctx context.Context, s Story, slot string) {
	now := l.center.options.Now()
	s.ID = newID(now)
	if slot == "" {
		slot = s.ID
	}
	it := Item{ID: s.ID, Channel: l.target.Name, Slot: slot, Story: s, Created: now, Next: now}
	var gone []string
	if i := l.find(slot); i >= 0 {
		gone = append(gone, l.pending[i].ID)
		l.pending = slices.Delete(l.pending, i, i+1)
	}
	if natures[s.Kind].trouble && !l.pulse {
		// A trouble that came back before its end was told has not ended.
		if i := l.find(endSlot(s.Event)); i >= 0 && !l.flying[l.pending[i].ID] {
			gone = append(gone, l.pending[i].ID)
			l.pending = slices.Delete(l.pending, i, i+1)
			it.Story.Again = true
		}
	}
	if len(l.pending) >= mostPending {
		gone = append(gone, l.pending[0].ID)
		l.pending = l.pending[1:]
		l.dropped++
	}
	if len(l.pending) == 0 {
		l.opened = now
	}
	l.pending = append(l.pending, it)
	l.center.keeper.enqueue(ctx, it)
	l.center.keeper.delivered(ctx, gone)
	wake(l.wake)
}

// endSlot is the place of the end of a trouble.
func endSlot(e Event) string { return e.Subject() + " end" }

func (l *lane) find(slot string) int {
	return slices.IndexFunc(l.pending, func(it Item) bool { return it.Slot == slot })
}

// refresh replaces a waiting story by what is known now, with its id, unless it
// is on its way or may have arrived.
func (l *lane) refresh(ctx context.Context, story func(again bool) Story, slot string) {
	i := l.find(slot)
	if i < 0 || l.flying[l.pending[i].ID] || l.pending[i].Attempts > 0 {
		return
	}
	s := story(l.pending[i].Story.Again)
	s.ID = l.pending[i].ID
	l.pending[i].Story = s
	l.center.keeper.enqueue(ctx, l.pending[i])
}

// clear queues the end of troubles, unless their beginning was not told either.
func (l *lane) clear(ctx context.Context, e Event, over []*Condition) {
	var told []*Condition
	var gone []string
	for _, t := range over {
		if !l.wants(t.Kind, t.Event.Database) {
			continue
		}
		i := l.find(t.slot())
		if i >= 0 && !l.flying[l.pending[i].ID] {
			it := l.pending[i]
			gone = append(gone, it.ID)
			l.pending = slices.Delete(l.pending, i, i+1)
			if it.Attempts == 0 && !it.Story.Again {
				continue
			}
		}
		told = append(told, t)
	}
	l.center.keeper.delivered(ctx, gone)
	if len(told) == 0 || !l.wants(e.Kind, e.Database) {
		return
	}
	s := Story{Event: e, Since: told[0].Since, Thread: told[0].Thread}
	for _, t := range told {
		s.Count += t.Count
		if t.Since.Before(s.Since) {
			s.Since = t.Since
		}
	}
	l.add(ctx, s, endSlot(e))
}

// windows are how long the channel waits after so many messages in a row.
func (l *lane) window() time.Duration {
	o := l.center.options
	return []time.Duration{o.First, o.Group, 3 * o.Group, 6 * o.Group, 12 * o.Group}[l.step]
}

const lastStep = 4

// due returns when the queue is to be sent; false if it is empty.
func (l *lane) due(now time.Time) (time.Time, bool) {
	if len(l.pending) == 0 {
		return time.Time{}, false
	}
	if l.pulse {
		return slices.MinFunc(l.pending, func(a, b Item) int { return a.Next.Compare(b.Next) }).Next, true
	}
	at := l.opened.Add(l.center.options.First)
	if len(l.sent) > 0 {
		last := l.sent[len(l.sent)-1]
		if l.opened.Sub(last) > calm {
			l.step, l.told = 0, nil
		} else if next := l.sooner(last.Add(l.window())); next.After(at) {
			at = next
		}
	}
	return latest(at, l.freeAt(now), l.retry), true
}

// sooner returns when a window that ends at next does so for a trouble of which the
// channel was told nothing since the windows began, neither of its kind nor so bad: what
// others have begun is not to hold it back.
func (l *lane) sooner(next time.Time) time.Time {
	for _, it := range l.pending {
		worst, told := l.told[it.Story.Kind]
		if !natures[it.Story.Kind].trouble || told && it.Story.Severity <= worst {
			continue
		}
		if at := it.Created.Add(l.center.options.First); at.Before(next) {
			next = at
		}
	}
	return next
}

// freeAt returns when the limit allows the next message. However many there were,
// that is not later than six hours after the last one.
func (l *lane) freeAt(now time.Time) time.Time {
	const longest = 6 * time.Hour
	o := l.center.options
	l.sent = slices.DeleteFunc(l.sent, func(t time.Time) bool { return now.Sub(t) >= 24*time.Hour })
	n := len(l.sent)
	if n < o.PerDay {
		return time.Time{}
	}
	free, most := l.sent[n-o.PerDay].Add(24*time.Hour), l.sent[n-1].Add(longest)
	if free.After(most) {
		return most
	}
	return free
}

func latest(list ...time.Time) time.Time { return slices.MaxFunc(list, time.Time.Compare) }
