package notify

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// firstRetry is the pause after the first failure; it doubles with each.
	firstRetry = 30 * time.Second
	lastRetry  = time.Hour
	// giveUp is after how long a story is too old to be told.
	giveUp = 24 * time.Hour
)

// run sends what is due until ctx ends.
func (l *lane) run(ctx context.Context) {
	for ctx.Err() == nil {
		wait, ok := l.wait()
		if ok && wait <= 0 {
			l.send(ctx)
			continue
		}
		if !ok {
			wait = 24 * time.Hour // until something comes
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-l.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// wait returns how long it is until the queue is to be sent; false if it is empty.
func (l *lane) wait() (time.Duration, bool) {
	l.center.mu.Lock()
	defer l.center.mu.Unlock()
	now := l.center.options.Now()
	at, ok := l.due(now)
	return at.Sub(now), ok
}

// send makes one attempt.
func (l *lane) send(ctx context.Context) {
	m, batch := l.pack()
	if len(batch) == 0 {
		return
	}
	limited, cancel := context.WithTimeout(ctx, l.center.options.Timeout)
	err := l.target.Channel.Deliver(limited, m)
	cancel()

	l.center.mu.Lock()
	defer l.center.mu.Unlock()
	for _, it := range batch {
		delete(l.flying, it.ID)
	}
	if err != nil && ctx.Err() != nil {
		return // the service stops; the next one sends it
	}
	l.note(err)
	if _, partial := errors.AsType[*PartialError](err); err == nil || partial {
		l.delivered(ctx, batch)
	} else {
		l.failed(ctx, batch, err)
	}
}

// pack makes the message of what is due. A pulse sends one story at a time, so that
// one that is not taken does not send others again.
func (l *lane) pack() (*Message, []Item) {
	l.center.mu.Lock()
	defer l.center.mu.Unlock()
	now := l.center.options.Now()
	batch := slices.Clone(l.pending)
	if l.pulse {
		batch = slices.DeleteFunc(batch, func(it Item) bool { return it.Next.After(now) })
		batch = batch[:min(1, len(batch))]
	}
	if len(batch) == 0 {
		return nil, nil
	}
	var stories []Story
	for _, it := range batch {
		l.flying[it.ID] = true
		stories = append(stories, it.Story)
	}
	notes := l.center.keeper.note()
	if !l.pulse {
		notes = append(notes, l.notes(now, stories[0])...)
	}
	return newMessage(stories, now, l.center.options.Host, notes...), batch
}

// notes are what the channel has to say of itself.
func (l *lane) notes(now time.Time, s Story) (notes []string) {
	if l.dropped > 0 {
		notes = append(notes, fmt.Sprintf("This channel could not be reached for long: %d older messages were dropped.", l.dropped))
	}
	before := l.sent
	l.sent = append(slices.Clone(l.sent), now)
	free := l.freeAt(now)
	l.sent = before
	if next := now.Add(l.center.options.Group); free.After(next) {
		notes = append(notes, fmt.Sprintf("This channel has had %d messages in a day, its limit: what comes now is told in one message, not before %s.",
			len(before)+1, s.when(free)))
	}
	return notes
}

// delivered takes a batch out of the queue.
func (l *lane) delivered(ctx context.Context, batch []Item) {
	now := l.center.options.Now()
	if l.failures > 0 {
		l.center.options.Log.Info("channel works again", "channel", l.target.Name)
	}
	l.failures, l.retry, l.dropped = 0, time.Time{}, 0
	if !l.pulse {
		l.sent = append(l.sent, now)
		l.step = min(l.step+1, lastStep)
		l.remember(batch)
	}
	l.remove(ctx, batch)
	l.opened = now // of those that came meanwhile
}

// remember notes which troubles the channel was told, see sooner.
func (l *lane) remember(batch []Item) {
	if l.told == nil {
		l.told = map[Kind]Severity{}
	}
	for _, it := range batch {
		if natures[it.Story.Kind].trouble {
			l.told[it.Story.Kind] = max(l.told[it.Story.Kind], it.Story.Severity)
		}
	}
}

func (l *lane) remove(ctx context.Context, batch []Item) {
	var ids []string
	for _, it := range batch {
		ids = append(ids, it.ID)
	}
	l.pending = slices.DeleteFunc(l.pending, func(it Item) bool { return slices.Contains(ids, it.ID) })
	l.center.keeper.delivered(ctx, ids)
}

// failed plans the next attempt, and drops what is too old for one.
func (l *lane) failed(ctx context.Context, batch []Item, err error) {
	now := l.center.options.Now()
	l.failures++
	attempts := l.failures
	if l.pulse {
		attempts = batch[0].Attempts + 1
	}
	next := now.Add(pause(attempts, err))
	l.retry = next
	reason := cut(oneLine(err.Error()), 500)
	var ids []string
	var old []Item
	for _, it := range batch {
		i := slices.IndexFunc(l.pending, func(p Item) bool { return p.ID == it.ID })
		switch {
		case i < 0: // replaced meanwhile
		case now.Sub(it.Created) >= giveUp:
			old = append(old, it)
		default:
			l.pending[i].Attempts++
			l.pending[i].Next, l.pending[i].LastError = next, reason
			ids = append(ids, it.ID)
		}
	}
	if len(ids) > 0 {
		l.center.keeper.failed(ctx, next, reason, ids)
	}
	if len(old) > 0 {
		l.dropped += len(old)
		l.remove(ctx, old)
	}
	l.center.options.Log.Warn("channel could not be reached", "channel", l.target.Name, "error", reason, "next", next)
}

// pause is how long to wait after so many failures: twice as long after each, and
// a fifth more or less, so that services do not come back all at once. A channel
// that asked for more gets it.
func pause(attempts int, err error) time.Duration {
	d := lastRetry
	if attempts <= 7 {
		d = min(firstRetry<<(attempts-1), lastRetry)
	}
	d += time.Duration((rand.Float64() - 0.5) * 0.4 * float64(d))
	if asked, ok := errors.AsType[*RetryError](err); ok {
		d = max(d, asked.After)
	}
	return d
}
