package service

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/notify"
	"github.com/litekeep/litekeep/internal/state"
)

// A fleet is what the service knows of the patterns of its configuration and of the
// databases that they have brought. The state keeps it, so that a database which comes or
// goes while no service runs is told too.
type fleet struct {
	Patterns []string             `json:"patterns"`
	Members  []config.Member      `json:"members"`
	Gone     map[string]time.Time `json:"gone,omitempty"` // members without a file, since when by their names
}

// Members returns the databases that patterns have brought to the service whose state is
// in the file path, for somebody who only looks. The error matches state.ErrUnavailable.
func Members(ctx context.Context, path string) ([]config.Member, error) {
	note, err := state.ReadNote(ctx, path, fleetNote)
	if err != nil || note == nil {
		return nil, err
	}
	var f fleet
	if err := json.Unmarshal(note, &f); err != nil {
		return nil, fmt.Errorf("%w: read the fleet: %w", state.ErrUnavailable, err)
	}
	return f.Members, nil
}

// next is the fleet that follows f, of a configuration that was expanded.
func (f *fleet) next(c *config.Config, now time.Time) *fleet {
	next := &fleet{Members: c.Members()}
	for _, p := range c.Patterns {
		next.Patterns = append(next.Patterns, p.Match)
	}
	for _, db := range c.Databases {
		if !db.Gone {
			continue
		}
		if next.Gone == nil {
			next.Gone = map[string]time.Time{}
		}
		next.Gone[db.Name] = now
		if since, known := f.Gone[db.Name]; known {
			next.Gone[db.Name] = since
		}
	}
	return next
}

// sameFleet reports whether two looks have found the same.
func sameFleet(a, b *config.Config) bool {
	return slices.EqualFunc(a.Databases, b.Databases, func(x, y config.Database) bool {
		return x.Name == y.Name && x.Path == y.Path && x.Gone == y.Gone
	})
}

// matchEvery is how often the service looks for files that patterns match.
const matchEvery = time.Minute

// matchLoop looks for them until ctx ends.
func (s *Service) matchLoop(ctx context.Context) {
	every(ctx, matchEvery, nil, func() time.Duration {
		s.match(ctx)
		return matchEvery
	})
}

// match takes in what has come since the last look.
func (s *Service) match(ctx context.Context) {
	before := s.config()
	if len(before.Patterns) == 0 {
		return
	}
	next := s.expand(ctx, before) // may take its time, for which nobody is kept from a reload
	if ctx.Err() == nil {
		s.take(ctx, before, next)
	}
}

// take puts into force what a look for the databases of a configuration has found.
func (s *Service) take(ctx context.Context, before, next *config.Config) {
	s.adopting.Lock()
	defer s.adopting.Unlock()
	if s.config() != before { // a reload has looked itself
		return
	}
	if !sameFleet(before, next) {
		s.adopt(ctx, next, false)
		for _, change := range config.Changes(before, next) {
			s.log.Info("the fleet changed", "what", change)
		}
		s.hub.send(Event{Time: s.now(), Type: "config"})
		s.poke()
	}
	s.reportFleet(next)
}

// expand returns the configuration with a database for each file that its patterns
// match. A folder that does not answer holds up nothing for long.
func (s *Service) expand(ctx context.Context, c *config.Config) *config.Config {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	s.mu.Lock()
	members := s.fleet.Members
	s.mu.Unlock()
	return s.finder.Expand(ctx, c, members)
}

// reportFleet tells what has become of the fleet since it was told last, and remembers
// it. That is done in this order, so that what a crash cuts off is told at the next start.
func (s *Service) reportFleet(c *config.Config) {
	s.reportMisfits(c)
	s.mu.Lock()
	before := s.fleet
	s.mu.Unlock()
	now := before.next(c, s.now())
	if reflect.DeepEqual(before, now) {
		return
	}
	was := map[config.Member]bool{}
	for _, m := range before.Members {
		was[m] = true
	}
	for i := range c.Databases {
		db := &c.Databases[i]
		_, wasGone := before.Gone[db.Name]
		switch {
		case db.Match == "":
		case db.Gone && !wasGone:
			s.reportGone(db)
		case !db.Gone && wasGone:
			s.o.Teller.Report(s.base, notify.Event{
				Kind: notify.KindRecovered, Database: db.Name, Time: s.now(), Summary: "the file of " + db.Name + " is back",
				Clears: []notify.Kind{notify.KindGone},
			})
		// Whoever wrote a new pattern knows that it brings some.
		case slices.Contains(before.Patterns, db.Match) && !was[config.Member{Name: db.Name, Path: db.Path}]:
			s.o.Teller.Report(s.base, notify.Event{
				Kind: notify.KindJoined, Database: db.Name, Time: s.now().In(db.Zone()), Link: s.link("databases", db.Name),
				Details: []notify.Field{{Name: "File", Value: db.Path}, {Name: "Pattern", Value: db.Match}},
			})
		}
	}
	s.mu.Lock()
	s.fleet = now
	s.mu.Unlock()
	s.books.setFleet(now)
}

// goneCause and goneHint are the same for all, so that a folder which is not mounted is
// told in one piece.
const (
	goneCause = "the file is not there any more; what was backed up stays, and nothing of it is pruned"
	goneHint  = "if it was deleted on purpose, add the name to except: of the pattern in litekeep.yaml and run `litekeep config reload`; if not, mount what it was on, or restore it"
)

// reportGone tells that the file of a database is gone.
func (s *Service) reportGone(db *config.Database) {
	k := s.find(db.Name)
	if k == nil {
		return // a reload that is faster tells of its own
	}
	s.log.Warn("the file of a database is gone", "database", db.Name, "path", db.Path)
	l := k.listing(s.base, s.now())
	e := notify.Event{
		Kind: notify.KindGone, Database: db.Name, Time: s.now().In(db.Zone()), Cause: goneCause, Hint: goneHint,
		Details: []notify.Field{{Name: "File", Value: db.Path}}, Next: s.restoreLine(k, &l), Link: s.link("databases", db.Name),
	}
	if b := l.newestGood(); b != nil {
		e.LastGood = b.Timestamp
	}
	s.o.Teller.Report(s.base, e)
}

// goneSince returns since when the file of a database is gone, as far as is known.
func (s *Service) goneSince(name string) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fleet.Gone[name]
}

// vanished reports whether a run was refused since its file is gone, which is told as
// that and not as a failure.
func (s *Service) vanished(k *keeper, r *Run) bool {
	if k.conf.Load().database.Match == "" || sourceOf(r) != sourceMissing {
		return false
	}
	s.match(s.base)
	return k.conf.Load().database.Gone
}

// reportMisfits tells what patterns match and cannot take, and the end of it.
func (s *Service) reportMisfits(c *config.Config) {
	told := map[string]string{} // why, by path
	for _, t := range s.o.Teller.Troubles() {
		if t.Kind == notify.KindLeftOut {
			told[t.Event.Place] = t.Event.Cause
		}
	}
	whole := true // all files that the patterns match were looked at
	for _, m := range c.Misfits {
		cause, known := told[m.Path]
		delete(told, m.Path)
		whole = whole && m.Path != m.Match
		if known && cause == m.Message {
			continue
		}
		s.log.Warn("what a pattern matches is not taken", "path", m.Path, "why", m.Message)
		s.o.Teller.Report(s.base, notify.Event{
			Kind: notify.KindLeftOut, Place: m.Path, Time: s.now(), Cause: m.Message, Hint: m.Hint, Next: s.checkLine(),
		})
	}
	if !whole {
		return // those that are told may be there still
	}
	for path := range told {
		s.o.Teller.Report(s.base, notify.Event{
			Kind: notify.KindRecovered, Place: path, Time: s.now(), Summary: path + " keeps no pattern from its databases any more",
			Clears: []notify.Kind{notify.KindLeftOut},
		})
	}
}
