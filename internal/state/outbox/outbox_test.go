package outbox

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/litekeep/litekeep/internal/notify"
	"github.com/litekeep/litekeep/internal/state"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func at(n int) time.Time { return time.Date(2026, 5, 5, 2, 0, n, 0, time.UTC) }

// event has something in fields of each kind.
func event() notify.Event {
	return notify.Event{Kind: "failed", Database: "app", Time: at(1), Summary: "ä <b> \x00"}
}

// script does the same with any Store, and returns what it holds in the end.
func script(t *testing.T, s notify.Store) (items []notify.Item, conditions []notify.Condition) {
	t.Helper()
	ctx := t.Context()
	item := func(id, channel string, next int) notify.Item {
		return notify.Item{
			ID: id, Channel: channel, Slot: "s" + id, Created: at(0), Next: at(next),
			Story: notify.Story{Event: event(), ID: "story", Since: at(1), Count: 3, Again: true, Thread: "th"},
		}
	}
	retried := item("4", "slack", 2)
	retried.Attempts, retried.LastError = 5, "before"
	condition := func(subject string, count int) notify.Condition {
		return notify.Condition{Subject: subject, Kind: "failed", Since: at(1), Told: at(2), Count: count, Thread: "th", Event: event()}
	}
	for _, err := range []error{
		s.Enqueue(ctx, item("1", "mail", 9), item("2", "mail", 5), item("3", "slack", 1), retried),
		s.Enqueue(ctx, item("2", "mail", 7)),
		s.Enqueue(ctx),
		s.Failed(ctx, at(40), "refused", "1", "4", "unknown"),
		s.Failed(ctx, at(50), "refused again", "1"),
		s.Delivered(ctx, at(6), "3", "unknown"),
		s.PutCondition(ctx, condition("database:app", 1)),
		s.PutCondition(ctx, condition("database:app", 2)),
		s.PutCondition(ctx, condition("place:s3", 1)),
		s.PutCondition(ctx, condition("place:gone", 1)),
		s.DeleteCondition(ctx, "place:gone", "failed"),
		s.DeleteCondition(ctx, "place:gone", "failed"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	items, err := s.Undelivered(ctx)
	if err != nil {
		t.Fatal(err)
	}
	conditions, err = s.AllConditions(ctx)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(items, func(a, b notify.Item) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(conditions, func(a, b notify.Condition) int { return strings.Compare(a.Subject, b.Subject) })
	return items, conditions
}

// TestLikeMemory compares the outbox, also after a restart, with the Store of
// package notify that lives in memory.
func TestLikeMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	now := func() time.Time { return at(30) }
	open := func() *state.Store {
		s, err := state.Open(t.Context(), path, now)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open()
	items, conditions := script(t, New(s, now))
	wantItems, wantConditions := script(t, notify.NewMemory())
	check := func(when string) {
		t.Helper()
		if d := cmp.Diff(wantItems, items, cmpopts.EquateEmpty()); d != "" || len(items) != 3 {
			t.Errorf("%s, items (- memory, + state):\n%s", when, d)
		}
		if d := cmp.Diff(wantConditions, conditions, cmpopts.EquateEmpty()); d != "" || len(conditions) != 2 {
			t.Errorf("%s, conditions (- memory, + state):\n%s", when, d)
		}
	}
	check("at first")
	messages, err := s.Waiting(t.Context())
	if err != nil || !slices.ContainsFunc(messages, func(m state.Message) bool { return m.Failed.Equal(at(30)) }) {
		t.Errorf("when one failed is not kept: %+v, %v", messages, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open()
	defer s.Close()
	items, err = New(s, now).Undelivered(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(items, func(a, b notify.Item) int { return strings.Compare(a.ID, b.ID) })
	if conditions, err = New(s, now).AllConditions(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("after a restart")
}

// TestWithoutState checks that an outbox without a state answers with its error.
func TestWithoutState(t *testing.T) {
	o := New(nil, time.Now)
	ctx := context.Background()
	_, items := o.Undelivered(ctx)
	_, conditions := o.AllConditions(ctx)
	for _, err := range []error{items, conditions, o.Enqueue(ctx, notify.Item{ID: "1"}), o.PutCondition(ctx, notify.Condition{}), o.Failed(ctx, at(0), "x", "1")} {
		if !errors.Is(err, state.ErrUnavailable) {
			t.Error(err)
		}
	}
}
