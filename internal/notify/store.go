package notify

import (
	"context"
	"time"
)

// A Store keeps what must survive a restart. Its methods may be called
// concurrently. An error means that nothing is known of what was written; the
// Center goes on from memory then, and writes everything again later.
type Store interface {
	Outbox
	Conditions
}

// An Outbox is the queue of what is to be sent.
type Outbox interface {
	// Enqueue keeps items. It MUST accept an item whose id it has already, and
	// replace it.
	Enqueue(ctx context.Context, items ...Item) error
	// Undelivered returns all items that were neither delivered nor dropped, in
	// any order.
	Undelivered(ctx context.Context) ([]Item, error)
	// Delivered marks items that need not be sent (again). It MUST ignore ids
	// that it does not know.
	Delivered(ctx context.Context, at time.Time, ids ...string) error
	// Failed notes an attempt that failed, and when the next one is due. It MUST
	// ignore ids that it does not know.
	Failed(ctx context.Context, next time.Time, reason string, ids ...string) error
}

// Conditions are the troubles that a Store keeps, by Subject and Kind.
type Conditions interface {
	// PutCondition keeps a trouble, or replaces the one that it has.
	PutCondition(ctx context.Context, c Condition) error
	// DeleteCondition removes a trouble. It MUST ignore one that is not there.
	DeleteCondition(ctx context.Context, subject string, kind Kind) error
	// AllConditions returns all troubles in any order.
	AllConditions(ctx context.Context) ([]Condition, error)
}

// An Item is a story in the queue of a channel.
type Item struct {
	ID      string    `json:"id"` // unique, and the same for each attempt
	Channel string    `json:"channel"`
	Slot    string    `json:"slot"` // a queue has one item for a slot
	Story   Story     `json:"story"`
	Created time.Time `json:"created"`
	// Next is when it is to be sent. Attempts and LastError tell of the attempts
	// so far.
	Next      time.Time `json:"next"`
	Attempts  int       `json:"attempts"`
	LastError string    `json:"last_error,omitempty"`
}

// A Condition is a trouble that lasts.
type Condition struct {
	Subject string    `json:"subject"` // "database:NAME" or "place:NAME"
	Kind    Kind      `json:"kind"`
	Since   time.Time `json:"since"` // of the first event
	Told    time.Time `json:"told"`  // when it was last put into the queues
	Count   int       `json:"count"` // of events
	Thread  string    `json:"thread"`
	Event   Event     `json:"event"` // the newest
	// Worst is the worst severity of its events.
	Worst Severity `json:"worst,omitempty"`
}

// A Story is what a channel is to be told of an event.
type Story struct {
	Event
	ID string `json:"id"`
	// Since is when the trouble began, and Count how often it was reported.
	// Zero in stories that are about no trouble.
	Since time.Time `json:"since,omitzero"`
	Count int       `json:"count,omitempty"`
	// Again says that the trouble was told before.
	Again bool `json:"again,omitempty"`
	// Thread is the same for troubles that came together, and for their ends.
	Thread string `json:"thread,omitempty"`
}
