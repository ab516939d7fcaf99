package notify

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	_ "time/tzdata"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// night is where simulated time begins.
var night = time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)

// recorder is a channel that keeps what it gets.
type recorder struct {
	mu    sync.Mutex
	got   []*Message
	tried int
	fail  error
	hang  bool
}

func (r *recorder) Deliver(ctx context.Context, m *Message) error {
	r.mu.Lock()
	r.tried++
	hang, fail := r.hang, r.fail
	if fail == nil && !hang {
		r.got = append(r.got, m)
	}
	r.mu.Unlock()
	if hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return fail
}

func (r *recorder) set(fail error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fail = fail
}

func (r *recorder) messages() []*Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*Message(nil), r.got...)
}

func (r *recorder) attempts() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tried
}

// subjects lists what the recorder got, for comparisons.
func (r *recorder) subjects() string {
	var list []string
	for _, m := range r.messages() {
		list = append(list, strings.TrimPrefix(m.Subject, "litekeep: "))
	}
	return strings.Join(list, "\n")
}

// heart is a recorder that is a pulse.
type heart struct {
	recorder
	each bool
}

func (h *heart) PerDatabase() bool { return h.each }

// bench is a Center that runs in a bubble of synctest.
type bench struct {
	*Center
	t    *testing.T
	stop func()
}

// begin starts a Center on a store; stop ends it and waits.
func begin(t *testing.T, store Store, o Options, targets ...Target) *bench {
	t.Helper()
	c, err := New(t.Context(), targets, store, o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { c.Run(ctx); close(done) }()
	b := &bench{Center: c, t: t, stop: func() { cancel(); <-done }}
	return b
}

// at waits until so long after night, and lets everything come to rest.
func at(d time.Duration) {
	time.Sleep(time.Until(night.Add(d)))
	synctest.Wait()
}

// bubble runs a test that begins at night.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		at(0)
		f(t)
	})
}

// say reports a kind of event about a database.
func (b *bench) say(kind Kind, database string) {
	b.Report(b.t.Context(), Event{Kind: kind, Database: database, Cause: "no space left on device", LastGood: night.Add(-24 * time.Hour)})
}

func want(t *testing.T, r *recorder, subjects ...string) {
	t.Helper()
	if got := r.subjects(); got != strings.Join(subjects, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(subjects, "\n"))
	}
}

func people(r Channel) Target { return Target{Name: "ops", Type: "email", Channel: r} }

// brokenStore fails as it is told.
type brokenStore struct {
	*Memory
	mu    sync.Mutex
	err   error
	asked int
}

// calls returns how often it failed.
func (s *brokenStore) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

func (s *brokenStore) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *brokenStore) problem() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		s.asked++
	}
	return s.err
}

func (s *brokenStore) Enqueue(ctx context.Context, items ...Item) error {
	return ifOK(s.problem(), func() error { return s.Memory.Enqueue(ctx, items...) })
}

func (s *brokenStore) Delivered(ctx context.Context, at time.Time, ids ...string) error {
	return ifOK(s.problem(), func() error { return s.Memory.Delivered(ctx, at, ids...) })
}

func (s *brokenStore) PutCondition(ctx context.Context, c Condition) error {
	return ifOK(s.problem(), func() error { return s.Memory.PutCondition(ctx, c) })
}

func (s *brokenStore) DeleteCondition(ctx context.Context, subject string, kind Kind) error {
	return ifOK(s.problem(), func() error { return s.Memory.DeleteCondition(ctx, subject, kind) })
}

func ifOK(err error, f func() error) error {
	if err != nil {
		return err
	}
	return f()
}

func database(i int) string { return fmt.Sprintf("db%03d", i) }

// keepID is a channel that is away and notes the ids of the attempts.
type keepID struct{ ids []string }

func (k *keepID) Deliver(_ context.Context, m *Message) error {
	k.ids = append(k.ids, m.ID)
	return errAway
}
