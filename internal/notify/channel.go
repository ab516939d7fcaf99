package notify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A Channel delivers messages. Deliver MUST return when ctx ends, MUST be safe to
// call again with a message that it may have delivered already, and MUST NOT put
// a secret into its error. It MAY return a *RetryError or a *PartialError.
type Channel interface {
	Deliver(ctx context.Context, m *Message) error
}

// A Pulse is a Channel that is told of each run, also where nothing changed, at
// once and without a limit: a heartbeat. It gets no other stories.
type Pulse interface {
	Channel
	// PerDatabase reports whether each database has a heart of its own. If not,
	// a success is left out while another database is in trouble.
	PerDatabase() bool
}

// RetryError is the error of a channel that knows when it can be tried again.
type RetryError struct {
	After time.Duration // from now
	Err   error
}

// Error returns the text of Err.
func (e *RetryError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *RetryError) Unwrap() error { return e.Err }

// PartialError says that a message reached somebody, but not all. It is not sent
// again, so that those are not told twice; the status of the channel shows it.
type PartialError struct{ Err error }

// Error says who was not reached.
func (e *PartialError) Error() string { return "delivered in part: " + e.Err.Error() }

// Unwrap returns Err.
func (e *PartialError) Unwrap() error { return e.Err }

// ErrChannel: a channel that cannot work as it is configured.
var ErrChannel = errors.New("channel is not valid")

// ErrNoChannel: no channel has the name.
var ErrNoChannel = errors.New("no such channel")

// A Filter says what a channel is told. The zero value is everything but
// KindStarted.
type Filter struct {
	// Kinds are the events; empty is all but KindStarted. The end of a trouble is
	// told with KindRecovered, KindDestinationUp or KindDiskOK, and only where
	// the trouble was.
	Kinds []Kind
	// Databases are names; empty is all. Events without a database, such as
	// KindDestinationDown, always pass.
	Databases []string
}

// Validate returns an error that matches ErrChannel and names the kind that does
// not exist.
func (f Filter) Validate() error {
	for _, k := range f.Kinds {
		if !slices.Contains(Kinds(), k) {
			return fmt.Errorf("%w: no event is called %q", ErrChannel, k)
		}
	}
	return nil
}

// kind reports whether the channel is told events of this kind.
func (f Filter) kind(k Kind) bool {
	if len(f.Kinds) == 0 {
		return !natures[k].quiet
	}
	return slices.Contains(f.Kinds, k)
}

// about reports whether the channel is told of the database.
func (f Filter) about(database string) bool {
	return database == "" || len(f.Databases) == 0 || slices.Contains(f.Databases, database)
}

// A Target is a configured channel.
type Target struct {
	Name    string // unique
	Type    string // for people: email, slack, webhook, heartbeat
	Channel Channel
	Filter  Filter
}
