// Package outbox keeps the queue and the troubles of package notify in the state
// of the service. Stories and events are stored as JSON; what the state itself
// counts and sorts by, such as the next attempt, is in columns, which hold when
// the two differ.
package outbox

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/litekeep/litekeep/internal/notify"
	"github.com/litekeep/litekeep/internal/state"
)

// Outbox is a notify.Store. Its errors are those of package state.
type Outbox struct {
	store *state.Store
	now   func() time.Time
}

var _ notify.Store = (*Outbox)(nil)

// New returns the outbox in a state, which may be nil (see package state). Now
// tells when an attempt failed.
func New(store *state.Store, now func() time.Time) *Outbox { return &Outbox{store: store, now: now} }

// Enqueue keeps items, all or none.
func (o *Outbox) Enqueue(ctx context.Context, items ...notify.Item) error {
	messages := make([]state.Message, len(items))
	for i, it := range items {
		body, err := json.Marshal(it)
		if err != nil {
			return fmt.Errorf("queue messages: %w", err)
		}
		messages[i] = state.Message{
			ID: it.ID, Channel: it.Channel, Body: body, Created: it.Created, Next: it.Next,
			Attempts: it.Attempts, Error: it.LastError,
		}
	}
	return o.store.Enqueue(ctx, messages...)
}

// Undelivered returns what was not delivered, in the order in which it is due.
func (o *Outbox) Undelivered(ctx context.Context) ([]notify.Item, error) {
	messages, err := o.store.Waiting(ctx)
	if err != nil {
		return nil, err
	}
	items := make([]notify.Item, len(messages))
	for i, m := range messages {
		if err := json.Unmarshal(m.Body, &items[i]); err != nil {
			return nil, fmt.Errorf("read message %s: %w", m.ID, err)
		}
		items[i].Next, items[i].Attempts, items[i].LastError = m.Next, m.Attempts, m.Error
	}
	return items, nil
}

// Delivered marks items as delivered.
func (o *Outbox) Delivered(ctx context.Context, at time.Time, ids ...string) error {
	return o.store.Delivered(ctx, at, ids...)
}

// Failed notes an attempt that failed now, and when the next one is due.
func (o *Outbox) Failed(ctx context.Context, next time.Time, reason string, ids ...string) error {
	return o.store.Failed(ctx, o.now(), next, reason, ids...)
}

// PutCondition keeps a trouble.
func (o *Outbox) PutCondition(ctx context.Context, c notify.Condition) error {
	detail, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("store condition: %w", err)
	}
	return o.store.PutCondition(ctx, state.Condition{
		Subject: c.Subject, Kind: string(c.Kind), Since: c.Since, Told: c.Told, Count: c.Count, Detail: detail,
	})
}

// DeleteCondition forgets a trouble.
func (o *Outbox) DeleteCondition(ctx context.Context, subject string, kind notify.Kind) error {
	return o.store.DeleteCondition(ctx, subject, string(kind))
}

// AllConditions returns all troubles.
func (o *Outbox) AllConditions(ctx context.Context) ([]notify.Condition, error) {
	return troubles(o.store.Conditions(ctx))
}

// Troubles returns the troubles in the state in the file path, for somebody who only
// looks; see state.ReadConditions.
func Troubles(ctx context.Context, path string) ([]notify.Condition, error) {
	return troubles(state.ReadConditions(ctx, path))
}

// troubles reads what PutCondition wrote.
func troubles(stored []state.Condition, err error) ([]notify.Condition, error) {
	if err != nil {
		return nil, err
	}
	conditions := make([]notify.Condition, len(stored))
	for i, c := range stored {
		if err := json.Unmarshal(c.Detail, &conditions[i]); err != nil {
			return nil, fmt.Errorf("read condition %s of %s: %w", c.Kind, c.Subject, err)
		}
	}
	return conditions, nil
}
