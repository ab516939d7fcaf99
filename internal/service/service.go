package service

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/audit"
	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/notify"
	"github.com/litekeep/litekeep/internal/state"
)

// The errors of a Service that are not those of package litekeep.
var (
	// ErrNotFound: there is no such database, backup or run, or none that
	// whoever asks may see.
	ErrNotFound = errors.New("not found")
	// ErrRunning: a run of that database goes on already.
	ErrRunning = errors.New("a run of this database goes on")
	// ErrRequest: what is asked for makes no sense. The text says why.
	ErrRequest = errors.New("bad request")
	// ErrWatches: whoever asks has as many streams of events as one may have.
	ErrWatches = errors.New("too many streams of events")
	// ErrStopping: the service is about to end.
	ErrStopping = errors.New("the service is stopping")
	// ErrAudit: what was asked for changes something, and cannot be recorded.
	ErrAudit = errors.New("the audit log cannot be written")
	// ErrAway: the folder of the backups is not the one that it was, see destination.Known.
	ErrAway = destination.ErrAway
)

// Options are what a Service is made from.
type Options struct {
	Config *config.Config
	// Load reads the configuration again, for Reload; nil refuses that.
	Load func() (*config.Config, error)
	// Adopted is told of a configuration that was loaded again, once the schedules
	// have it; nil is not told.
	Adopted func(*config.Config) error
	// State, Audit and Tokens are the service's own files and what stands on them.
	// The caller closes them after Serve has returned. A nil State is one that
	// cannot be used.
	State *state.Store
	Audit *audit.Log
	// AuditFolder is where the files of Audit lie.
	AuditFolder string
	Tokens      *access.Registry
	// Teller tells people.
	Teller Teller
	// RunEnded hears of each run that has ended; nil does not.
	RunEnded func(database, kind, outcome string, took time.Duration)
	// Core makes what does the work; nil is litekeep.New.
	Core NewCore
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Log is for the operator; nil discards.
	Log *slog.Logger
	// File is the path of the configuration, for the notes beside backups and the
	// commands that people are told to run; absolute, "" if it is not known.
	File string
}

// A Teller tells people what they must know: a *notify.Center.
type Teller interface {
	Report(context.Context, notify.Event)
	Status() []notify.ChannelStatus
	Troubles() []notify.Condition
	Test(ctx context.Context, channel string) error
}

// A Service is the one door to the databases that it keeps: every method says
// whether whoever asks may, records that in the audit log, acts, and tells those
// who watch.
//
// Errors match ErrNotFound, ErrRunning, ErrRequest, ErrStopping, ErrAudit, ErrAway,
// access.ErrUnauthenticated, access.ErrForbidden, or one of package litekeep.
type Service struct {
	o       Options
	now     func() time.Time
	log     *slog.Logger
	hub     *hub
	started time.Time
	wake    chan struct{}  // something may be due
	adopted chan struct{}  // there is a configuration whose retention is to be noted
	running sync.WaitGroup // jobs
	turns   *turns
	recent  *recent // runs that ended, with their results
	books   *books  // what is kept in the state
	finder  config.Finder
	hanging sync.Map // destinations that do not answer to a look, by their texts

	auditTrouble atomic.Pointer[error] // of the last write to the audit log

	adopting sync.Mutex               // one configuration after the other
	deaf     map[string]*atomic.Int32 // conf.deaf by the first destination, under adopting

	mu        sync.Mutex
	cfg       *config.Config
	databases map[string]*keeper
	retired   map[string]*keeper // no longer configured; a run of one may go on
	fleet     *fleet             // as it was last told
	base      context.Context    // of all jobs
	stop      context.CancelCauseFunc
	stopping  bool
}

// New returns a Service that knows what an earlier life of it has left in the
// state. It does nothing by itself until Serve is called.
func New(ctx context.Context, o Options) *Service {
	if o.Core == nil {
		o.Core = newCore
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.RunEnded == nil {
		o.RunEnded = func(string, string, string, time.Duration) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{
		o: o, now: o.Now, log: o.Log, hub: newHub(), started: o.Now(),
		wake: make(chan struct{}, 1), adopted: make(chan struct{}, 1), recent: newRecent(), databases: map[string]*keeper{}, retired: map[string]*keeper{},
		deaf: map[string]*atomic.Int32{},
	}
	s.books = &books{store: o.State, log: o.Log, places: map[string]destination.Known{}}
	s.turns = newTurns(o.Config.Runs.Parallel)
	s.base, s.stop = context.WithCancelCause(context.Background())
	crashed := s.books.cutOff(ctx, s.now())
	s.fleet = s.books.fleet(context.WithoutCancel(ctx)) // Serve stores what follows it, also where it ends at once
	s.adopt(ctx, s.expand(ctx, o.Config), true)
	for _, r := range crashed {
		s.log.Warn("a run was cut off", "database", r.Database, "run", r.ID, "kind", r.Kind)
		if k := s.find(r.Database); k != nil {
			s.report(k, &r)
		}
	}
	return s
}

// adopt makes the databases those of c. One that stays keeps what is known of it. Where
// not all are to be looked at anew, one whose settings are the same goes on as it is.
func (s *Service) adopt(ctx context.Context, c *config.Config, all bool) {
	s.mu.Lock()
	old := maps.Clone(s.retired) // one that comes back must not run beside itself
	maps.Copy(old, s.databases)
	s.mu.Unlock()
	databases := make(map[string]*keeper, len(c.Databases))
	for i := range c.Databases {
		db := &c.Databases[i]
		k := old[db.Name]
		if k == nil || all || !reflect.DeepEqual(*db, k.conf.Load().database) {
			k = s.keep(ctx, c, db, k)
		}
		databases[db.Name] = k
		delete(old, db.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg, s.databases, s.retired = c, databases, old
	s.turns.resize(c.Runs.Parallel)
	if !all {
		return // what has come is noted in its first run
	}
	select {
	case s.adopted <- struct{}{}:
	default:
	}
}

// core makes what does the work on a database.
func (s *Service) core(c litekeep.Config, o ...litekeep.Option) Core {
	return s.o.Core(c, append(o, litekeep.WithClock(s.now), litekeep.WithPlaceCheck(s.checkPlace))...)
}

// keep gives a database what c says of it. k is nil for one that is new.
func (s *Service) keep(ctx context.Context, c *config.Config, db *config.Database, k *keeper) *keeper {
	sp := specOf(c, db)
	local := sp.core
	local.Copies, local.MinCopies = nil, 0
	blind := local
	blind.Keys = nil
	next := &conf{
		spec: sp, local: s.core(local), blind: s.core(blind), whole: s.core(sp.core), deaf: s.deaf[sp.core.BackupDirectory],
	}
	if next.deaf == nil {
		next.deaf = &atomic.Int32{}
		s.deaf[sp.core.BackupDirectory] = next.deaf
	}
	if k == nil {
		k = &keeper{name: sp.name, since: s.now(), looks: map[string]look{}, reading: make(chan struct{}, 1)}
		k.conf.Store(next)
		s.recall(ctx, k, c.Runs)
	}
	if before := k.conf.Swap(next); before.scheduleText != next.scheduleText {
		k.setSlot(s.now()) // slots of the new schedule that have passed were never promised
		s.books.setSlot(k.name, s.now())
	}
	if !db.Gone && !s.goneSince(k.name).IsZero() {
		k.mu.Lock()
		k.back = s.now()
		k.mu.Unlock()
	}
	k.forget()
	return k
}

// recall takes what the state knows of a database. A run that the end of an
// earlier life of the service has stopped is tried again, and so is one that
// waited for its next try.
func (s *Service) recall(ctx context.Context, k *keeper, runs config.Runs) {
	k.slot = s.books.slot(ctx, k.name)
	k.last = s.books.lastBackup(ctx, k.name)
	k.shrunken = s.books.shrinkage(ctx, k.name)
	k.sized = s.books.size(ctx, k.name)
	r := k.last
	if r == nil || r.Trigger == triggerRequest || r.Attempt > runs.Retries {
		return
	}
	at := s.now()
	switch {
	case r.Outcome == OutcomeCancelled && r.Error == errCancelled.Error():
		return // somebody wanted that
	case r.Outcome == OutcomeCrashed || r.Outcome == OutcomeCancelled:
	case r.Outcome.transient():
		// Not later than it would have been: the clock may have been set back.
		wait := backoff(runs.RetryAfter, r.Attempt)
		if planned := r.Ended.Add(wait); planned.After(at) {
			at = at.Add(min(planned.Sub(at), wait))
		}
	default:
		return
	}
	k.retry = retry{at: at, slot: r.Slot, attempt: r.Attempt + 1}
}

// Serve runs the schedules until ctx ends. It then waits for what goes on, for as
// long as the configuration grants, and stops the rest.
func (s *Service) Serve(ctx context.Context) error {
	s.reportLoaded() // by an earlier life, it may have been refused
	s.adopting.Lock()
	s.reportFleet(s.config())
	s.adopting.Unlock()
	var loops sync.WaitGroup
	loops.Go(func() { s.scheduleLoop(ctx) })
	loops.Go(func() { s.watchLoop(ctx) })
	loops.Go(func() { s.lookLoop(ctx) })
	loops.Go(func() { s.noteLoop(ctx) })
	loops.Go(func() { s.matchLoop(ctx) })
	<-ctx.Done()
	s.mu.Lock()
	s.stopping = true
	grace := s.cfg.Runs.Grace
	s.mu.Unlock()
	ended := make(chan struct{})
	go func() { loops.Wait(); s.running.Wait(); close(ended) }()
	s.turns.close() // what is queued does not begin
	defer s.hub.close()
	select {
	case <-ended:
		return nil
	case <-time.After(grace):
	}
	s.stop(errStopped)
	select {
	case <-ended:
		return nil
	case <-time.After(max(grace, stopGrace+stateTimeout)): // so that the end of one that hangs is recorded
		return errors.New("what does not stop was left behind")
	}
}

// stopGrace is how long a run may take to stop once it was told to: it closes
// files and removes what it has written so far.
const stopGrace = 10 * time.Second

// poke makes the schedules be looked at again.
func (s *Service) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// every calls do after a time, and then again after what it returns each time, or when
// wake says so, until ctx ends.
func every(ctx context.Context, first time.Duration, wake <-chan struct{}, do func() (next time.Duration)) {
	timer := time.NewTimer(first)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-wake:
		}
		timer.Reset(do())
	}
}

// config returns the configuration in force.
func (s *Service) config() *config.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg
}

func (s *Service) find(name string) *keeper {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.databases[name]
}
