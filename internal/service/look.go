package service

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/litekeep/litekeep"
)

// A look is what was found at a destination.
type look struct {
	at      time.Time
	full    bool
	problem string                        // why nothing could be seen
	copies  map[string]litekeep.CopyCheck // by file name
}

// lookAround is how often the service looks at a destination by itself, lookAgain
// how often at one that could not be used, and lookTimeout how long that may take:
// one that hangs must not keep the service from the others.
const (
	lookAround  = 6 * time.Hour
	lookAgain   = 15 * time.Minute
	lookTimeout = 2 * time.Minute
	lookers     = 4 // at once
)

// errSilent is what is wrong with a destination that takes its time.
var errSilent = errors.New("it does not answer")

// A round is one time of looking at the destinations of all databases. A
// destination that does not answer for one is not asked for the others.
type round struct {
	mu     sync.Mutex
	silent map[string]bool
}

func (r *round) isSilent(place string) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.silent[place]
}

func (r *round) setSilent(place string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.silent[place] = true
}

// lookLoop looks at destinations until ctx ends.
func (s *Service) lookLoop(ctx context.Context) {
	every(ctx, 0, nil, func() time.Duration {
		r := &round{silent: map[string]bool{}}
		var group errgroup.Group
		group.SetLimit(lookers)
		for _, k := range s.all() {
			places := s.lookDue(ctx, k, s.now())
			if len(places) == 0 {
				continue
			}
			group.Go(func() error {
				if err := s.look(ctx, k, r, places); err != nil && ctx.Err() == nil {
					s.log.Warn("destinations cannot be looked at", "database", k.name, "error", err)
				}
				return nil
			})
		}
		_ = group.Wait() // no look fails the others
		return watchEvery
	})
}

// lookDue returns the destinations of a database that have not been looked at
// for long.
func (s *Service) lookDue(ctx context.Context, k *keeper, now time.Time) (due []string) {
	conf := k.conf.Load()
	if len(conf.core.Copies) == 0 {
		return nil
	}
	if l := k.listing(ctx, now); len(l.backups) == 0 {
		return nil // the first backup makes the places that are not there yet
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, place := range conf.core.Copies { // the primary folder is listed
		l, every := k.looks[place], lookAround
		if l.problem != "" {
			every = lookAgain
		}
		if l.at.IsZero() || now.Sub(l.at) >= every || now.Before(l.at) {
			due = append(due, place)
		}
	}
	return due
}

// look looks at the copies in destinations of a database, and remembers what it
// saw. Each destination has its own time, so that one that hangs says nothing of
// the others. The error is that of a destination that cannot be used.
func (s *Service) look(ctx context.Context, k *keeper, r *round, places []string) error {
	whole := k.conf.Load().whole
	var failed error
	for _, place := range places {
		if r.isSilent(place) {
			failed = errSilent
			s.saw(k, place, look{at: s.now(), problem: errSilent.Error()})
			continue
		}
		one, cancel := context.WithTimeoutCause(ctx, lookTimeout, errSilent)
		checks, err := s.verifyCopies(one, whole, place)
		if one.Err() != nil {
			err = context.Cause(one)
		}
		cancel()
		if ctx.Err() != nil {
			return context.Cause(ctx) // that says nothing of the place
		}
		l := look{at: s.now(), copies: checksByFile(checks)}
		switch {
		case errors.Is(err, errSilent):
			r.setSilent(place)
			l.problem, failed = err.Error(), err
		case err != nil && len(checks) == 0:
			l.problem, failed = placeProblem(err), err
		}
		s.saw(k, place, l)
	}
	return errors.Join(failed, s.lookForMissing(ctx, k))
}

// verifyCopies looks at the copies in destinations. A folder on a file system that is
// away does not hear of the end of ctx: it is left behind then, and not asked by itself
// again before it answers.
func (s *Service) verifyCopies(ctx context.Context, whole Core, places ...string) ([]litekeep.CopyCheck, error) {
	if _, hangs := s.hanging.Load(places[0]); hangs && len(places) == 1 {
		return nil, errSilent
	}
	var checks []litekeep.CopyCheck
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		checks, err = whole.VerifyCopies(ctx, false, places...)
	}()
	select {
	case <-done:
		return checks, err
	case <-ctx.Done():
	}
	select {
	case <-done:
		return checks, err
	case <-time.After(stopGrace):
	}
	if len(places) == 1 {
		s.hanging.Store(places[0], true)
		go func() {
			<-done
			s.hanging.Delete(places[0])
		}()
	}
	return nil, context.Cause(ctx)
}

func checksByFile(checks []litekeep.CopyCheck) map[string]litekeep.CopyCheck {
	byFile := make(map[string]litekeep.CopyCheck, len(checks))
	for _, c := range checks {
		byFile[fileName(c.Path)] = c
	}
	return byFile
}

// lookForMissing finds out what a destination lacks that another one has. A
// destination has a retention of its own, so that all have to be asked together;
// but only where they differ.
func (s *Service) lookForMissing(ctx context.Context, k *keeper) error {
	conf := k.conf.Load()
	list := k.listing(ctx, s.now())
	places, differ := k.answering(conf, &list)
	if !differ {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, lookTimeout, errSilent)
	defer cancel()
	began := k.settled(s.now())
	checks, _ := s.verifyCopies(ctx, conf.whole, places...) // what is wrong is in the checks
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	missing := false
	for _, c := range checks {
		if !c.Missing || c.Destination == conf.core.BackupDirectory { // what that holds is its listing
			continue
		}
		if !c.Timestamp.Before(began) && !c.Timestamp.After(s.now()) {
			continue // its run is still copying it
		}
		missing = true
		k.mu.Lock()
		l := k.looks[c.Destination]
		l.copies = maps.Clone(l.copies) // answering has seen that there are some
		l.copies[fileName(c.Path)] = c
		k.looks[c.Destination] = l
		k.mu.Unlock()
	}
	if missing {
		s.supply(k)
	}
	return nil
}

// settled returns since when there may be backups whose run goes on: now, or when
// that run began. The names of backups have milliseconds.
func (k *keeper) settled(now time.Time) time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.job != nil {
		if began := k.job.snapshot(false).Started; began.Before(now) {
			now = began
		}
	}
	return now.Truncate(time.Millisecond)
}

// answering returns the destinations that answered at the last look, and whether
// they hold different backups.
func (k *keeper) answering(conf *conf, list *listing) (places []string, differ bool) {
	if list.err != nil {
		return nil, false
	}
	places = append(places, conf.core.BackupDirectory)
	files := map[string]int{}
	for _, b := range list.backups {
		files[fileOf(b)]++
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, place := range conf.core.Copies {
		if l := k.looks[place]; l.problem == "" && l.copies != nil {
			places = append(places, place)
			for file, c := range l.copies {
				if !c.Missing {
					files[file]++
				}
			}
		}
	}
	for _, n := range files {
		differ = differ || n < len(places)
	}
	return places, differ
}

// supply has a destination get what it lacks, unless that was tried lately.
func (s *Service) supply(k *keeper) {
	now := s.now()
	k.mu.Lock()
	again := k.supplied.IsZero() || now.Sub(k.supplied) >= lookAround || now.Before(k.supplied)
	k.mu.Unlock()
	if again {
		s.catchUp(k)
	}
}

// saw remembers a look, and tells when a place went down or came back.
func (s *Service) saw(k *keeper, place string, l look) {
	k.mu.Lock()
	before := k.looks[place]
	if l.problem != "" {
		l.copies = before.copies // the last that is known
	}
	k.looks[place] = l
	k.mu.Unlock()
	s.reportPlace(k, place, before.problem, l.problem)
	if l.problem == "" {
		s.reportCopies(k, place, l.sum(place).Problem)
	}
}

// noteCopies remembers what a run has found out about destinations.
func (s *Service) noteCopies(k *keeper, b *litekeep.Backup) {
	now, file := s.now(), filepath.Base(b.Path)
	for _, c := range b.Copies {
		k.mu.Lock()
		l := k.looks[c.Destination]
		k.mu.Unlock()
		copies := make(map[string]litekeep.CopyCheck, len(l.copies)+1)
		maps.Copy(copies, l.copies)
		l.problem = c.Error
		if c.OK {
			l.problem = ""
			copies[file] = litekeep.CopyCheck{
				Destination: c.Destination, Path: c.Path, Database: k.name, Timestamp: b.Timestamp,
				SizeBytes: b.SizeBytes, OK: true,
			}
		}
		l.at, l.copies = now, copies
		s.saw(k, c.Destination, l)
	}
}
