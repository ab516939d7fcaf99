package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/notify"
)

// An order says what a job is to do.
type order struct {
	kind    Kind
	trigger string
	by      string
	slot    time.Time // of the schedule, zero for none
	attempt int
	backup  string // file name, for kinds that read one
	reason  string // that somebody gave
	dryRun  bool
	act     func(ctx context.Context, j *job, core Core) error
	ended   func(Run) // hears of the end, if it is not nil
}

// The triggers of runs.
const (
	triggerSchedule = "schedule"
	triggerCatchUp  = "catch-up" // a slot that was missed
	triggerRetry    = "retry"
	triggerFirst    = "first"    // there is no good backup yet
	triggerRecovery = "recovery" // a destination is back
	triggerRequest  = "request"
)

// begin makes a job and starts it. It waits for its turn by itself.
func (s *Service) begin(k *keeper, o order) (*job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return nil, ErrStopping
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.job != nil {
		r := k.job.snapshot(false)
		return nil, fmt.Errorf("%w: a %s since %s", ErrRunning, r.Kind, r.Started.In(k.conf.Load().zone).Format("15:04:05"))
	}
	ctx, cancel := context.WithCancelCause(s.base)
	now := s.now()
	j := &job{
		now: s.now, cancel: cancel, done: make(chan struct{}), say: throttle{every: progressEvery},
		run: Run{
			ID: newRunID(now), Database: k.name, Kind: o.kind, Trigger: o.trigger, By: o.by, Slot: o.slot,
			Attempt: max(o.attempt, 1), Started: now, Outcome: OutcomeQueued, Backup: o.backup, DryRun: o.dryRun, reason: o.reason,
		},
	}
	j.told = func(r Run) { s.tell(r) }
	k.job = j
	if o.trigger == triggerRecovery {
		k.syncDue = false // what becomes due from here on is more than this one may copy
	}
	s.running.Go(func() {
		defer cancel(nil)
		s.do(ctx, k, j, o)
	})
	return j, nil
}

// tell tells those who watch how a run is.
func (s *Service) tell(r Run) {
	s.hub.send(Event{Time: s.now(), Type: "run", Database: r.Database, Run: &r})
}

// do runs a job to its end.
func (s *Service) do(ctx context.Context, k *keeper, j *job, o order) {
	s.tell(j.snapshot(false))
	err := s.turns.take(ctx)
	if err == nil {
		err = s.limited(ctx, k, j, o)
	}
	s.finish(k, j, o, err)
}

// limited runs a job within its time. One that does not stop when it is told to
// is left behind: it loses its turn, so that others go on, but its database
// stays taken until it ends.
func (s *Service) limited(ctx context.Context, k *keeper, j *job, o order) error {
	conf := k.conf.Load()
	if limit := conf.timeLimit; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, errTimeLimit)
		defer cancel()
	}
	j.change(func(r *Run) { r.Started, r.Outcome = s.now(), OutcomeRunning })
	fresh := s.books.begin(j.snapshot(false))
	if !o.slot.IsZero() {
		k.setSlot(o.slot)
	}
	defer s.turns.give()
	if !fresh {
		return errSlotTaken
	}
	s.tell(j.snapshot(false))
	if o.kind == KindBackup {
		s.o.Teller.Report(ctx, notify.Event{Kind: notify.KindBegun, Database: k.name, Time: s.now().In(conf.zone), RunID: j.snapshot(false).ID})
	}
	core := s.core(conf.core, litekeep.WithProgress(j.progress), litekeep.WithLogger(slog.New(jobHandler{s.log.Handler(), j})))
	result := make(chan error, 1)
	go func() {
		err := s.guarded(func() error { return o.act(ctx, j, core) })
		if err != nil && ctx.Err() != nil && isContext(err) {
			err = context.Cause(ctx)
		}
		result <- err
	}()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-result:
		return err
	case <-time.After(stopGrace):
	}
	cause := context.Cause(ctx)
	// The caller records the end now; the database is free when it really ends.
	s.running.Go(func() {
		<-result
		s.release(k, j)
	})
	return &hungError{cause}
}

// guarded makes an error of a panic: what is wrong with one database must not end
// the service of all others.
func (s *Service) guarded(act func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("a run panicked", "panic", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("a mistake in litekeep stopped the run: %v", v)
		}
	}()
	return act()
}

// isContext reports whether an error is that of a context that ended.
func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// hungError is the end of a run that does not stop.
type hungError struct{ cause error }

func (e *hungError) Error() string { return e.cause.Error() + ", and it does not stop" }
func (e *hungError) Unwrap() error { return e.cause }

// finish records the end of a run, and then lets it be seen and the next one begin: who
// sees it finds what it has left everywhere.
func (s *Service) finish(k *keeper, j *job, o order, err error) {
	now := s.now()
	outcome := outcomeOf(err)
	// It never began, and is due again at the next start; thousands may wait for their turn.
	untouched := errors.Is(err, errStopped) && j.snapshot(false).Outcome == OutcomeQueued
	wasGood := false
	if outcome == OutcomeRefused {
		l := k.listing(s.base, now)
		wasGood = l.newestGood() != nil
	}
	j.change(func(r *Run) {
		r.Ended, r.Seconds, r.Progress = now, now.Sub(r.Started).Seconds(), nil
		if err == nil && r.Outcome == OutcomePartial {
			return // the act knows better
		}
		r.Outcome = outcome
		if err != nil {
			r.Error, r.Hint = err.Error(), cmp.Or(sourceHint(r.Kind, err, wasGood), s.hint(k, err))
		}
	})
	r := j.snapshot(true)
	if !errors.Is(err, errSlotTaken) && !untouched {
		s.books.end(r)
	}
	s.recent.add(r)
	s.o.RunEnded(r.Database, string(r.Kind), string(r.Outcome), r.Ended.Sub(r.Started))
	k.forget()
	s.planRetry(k, &r)
	if !untouched {
		s.report(k, &r)
	}
	if o.ended != nil {
		o.ended(r)
	}
	var hung *hungError
	k.end(j, &r, !errors.As(err, &hung))
	close(j.done)
	s.tell(j.snapshot(false))
	s.poke()
}

// end takes the end of a run, and lets the next one of the database begin if it is free.
func (k *keeper) end(j *job, r *Run, free bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if free && k.job == j {
		k.job = nil
	}
	if r.Kind != KindBackup || r.Outcome == OutcomeCancelled {
		return
	}
	last := r.brief()
	k.last = &last
	switch {
	case r.Outcome.good():
		k.failing = time.Time{}
	case k.failing.IsZero():
		k.failing = r.Ended
	}
}

// release lets the next run of the database begin.
func (s *Service) release(k *keeper, j *job) {
	k.mu.Lock()
	if k.job == j {
		k.job = nil
	}
	k.mu.Unlock()
	s.poke()
}

// planRetry arranges for another try of a scheduled run that failed in a way
// that may pass.
func (s *Service) planRetry(k *keeper, r *Run) {
	if r.Kind != KindBackup || r.Trigger == triggerRequest {
		return
	}
	runs := s.config().Runs
	k.mu.Lock()
	defer k.mu.Unlock()
	k.retry = retry{}
	if r.Outcome.transient() && r.Attempt <= runs.Retries {
		k.retry = retry{at: r.Ended.Add(backoff(runs.RetryAfter, r.Attempt)), slot: r.Slot, attempt: r.Attempt + 1}
	}
}

// maxBackoff bounds the time between two tries.
const maxBackoff = time.Hour

// backoff doubles with each attempt.
func backoff(first time.Duration, attempt int) time.Duration {
	wait := first
	for i := 1; i < attempt && wait < maxBackoff; i++ {
		wait *= 2
	}
	return min(wait, maxBackoff)
}
