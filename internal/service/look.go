package service

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/durable"
)

// A look is what was found at a destination.
type look struct {
	at      time.Time
	full    bool
	problem string                        // why nothing could be seen
	copies  map[string]litekeep.CopyCheck // by file name
}

// lookAround is how often the service looks at the destinations by itself, and
// lookTimeout how long that may take: one that hangs must not keep the service
// from the others.
const (
	lookAround  = 6 * time.Hour
	lookTimeout = 2 * time.Minute
	lookers     = 4 // at once
)

// lookLoop looks at destinations until ctx ends.
func (s *Service) lookLoop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		var group errgroup.Group
		group.SetLimit(lookers)
		for _, k := range s.all() {
			if !s.lookDue(ctx, k, s.now()) {
				continue
			}
			group.Go(func() error {
				ctx, cancel := context.WithTimeout(ctx, lookTimeout)
				defer cancel()
				if err := s.look(ctx, k, false); err != nil {
					s.log.Warn("destinations cannot be looked at", "database", k.name, "error", err)
				}
				return nil
			})
		}
		_ = group.Wait() // no look fails the others
		timer.Reset(watchEvery)
	}
}

// lookDue reports whether the destinations of a database have not been looked at
// for long.
func (s *Service) lookDue(ctx context.Context, k *keeper, now time.Time) bool {
	conf := k.conf.Load()
	if len(conf.core.Copies) == 0 {
		return false
	}
	if l := k.listing(ctx, now); len(l.backups) == 0 {
		return false // the first backup makes the places that are not there yet
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, place := range conf.core.Copies {
		if at := k.looks[place].at; at.IsZero() || now.Sub(at) >= lookAround || now.Before(at) {
			return true
		}
	}
	return false
}

// look looks at the copies in all destinations of a database, and remembers what
// it saw. The error is that of a destination that cannot be used.
func (s *Service) look(ctx context.Context, k *keeper, full bool) error {
	conf := k.conf.Load()
	checks, _ := conf.whole.VerifyCopies(ctx, full) // what is wrong is in the checks
	looks := map[string]look{}
	for _, c := range checks {
		l, ok := looks[c.Destination]
		if !ok {
			l = look{at: s.now(), full: full, copies: map[string]litekeep.CopyCheck{}}
		}
		l.copies[filepath.Base(c.Path)] = c
		looks[c.Destination] = l
	}
	var failed error
	for _, place := range conf.core.Copies { // the primary folder is listed
		l, ok := looks[place]
		if !ok { // nothing is there, or nothing could be seen
			_, err := conf.whole.VerifyCopies(ctx, false, place)
			l = look{at: s.now(), full: full}
			if err != nil {
				l.problem, failed = err.Error(), err
			}
		}
		if err := ctx.Err(); err != nil {
			if errors.Is(err, context.DeadlineExceeded) {
				s.saw(k, place, look{at: s.now(), problem: "it does not answer"})
			}
			return err
		}
		s.saw(k, place, l)
	}
	return failed
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
		for name, check := range l.copies {
			copies[name] = check
		}
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

// copyViews tells where a backup lies, the primary folder first.
func (k *keeper) copyViews(b *litekeep.Backup) []CopyView {
	conf, file := k.conf.Load(), filepath.Base(b.Path)
	k.mu.Lock()
	defer k.mu.Unlock()
	views := []CopyView{{
		Destination: conf.core.BackupDirectory, OK: good(b), Problem: b.Problem, Looked: b.Checked, Full: !b.Checked.IsZero(),
	}}
	for _, place := range conf.core.Copies {
		l := k.looks[place]
		v := CopyView{Destination: place, Looked: l.at, Full: l.full}
		c, there := l.copies[file]
		switch {
		case l.at.IsZero():
			v.Problem = "not looked at yet"
		case l.problem != "":
			v.Problem = l.problem
		case !there:
			v.Missing = true
		default:
			v.OK, v.Missing, v.Problem = c.OK, c.Missing, c.Problem
		}
		views = append(views, v)
	}
	return views
}

// destinations sums up the places of a database.
func (k *keeper) destinations(l *listing) []Destination {
	conf := k.conf.Load()
	primary := Destination{
		Name: conf.core.BackupDirectory, Primary: true, OK: l.err == nil, Looked: l.read, Count: len(l.backups),
		FreeBytes: freeBytes(conf.core.BackupDirectory),
	}
	if l.err != nil {
		primary.Problem = l.err.Error()
	}
	for _, b := range l.backups {
		primary.SizeBytes += b.SizeBytes
		if b.Problem != "" || b.Damaged {
			primary.OK, primary.Problem = false, filepath.Base(b.Path)+": "+orDamaged(b.Problem)
		}
	}
	if b := l.newestGood(); b != nil {
		primary.Newest = b.Timestamp
	}
	all := []Destination{primary}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, place := range conf.core.Copies {
		all = append(all, k.looks[place].sum(place))
	}
	return all
}

func (l look) sum(place string) Destination {
	out := Destination{
		Name: place, OK: !l.at.IsZero() && l.problem == "", Looked: l.at, Full: l.full,
		Problem: l.problem, FreeBytes: freeBytes(place),
	}
	for file, c := range l.copies {
		switch {
		case c.OK:
			out.Count++
			out.SizeBytes += c.SizeBytes
			if c.Timestamp.After(out.Newest) {
				out.Newest = c.Timestamp
			}
		case c.Missing:
			out.OK = false
			out.Problem = orElse(out.Problem, file+" is missing")
		default:
			out.OK = false
			out.Problem = orElse(out.Problem, file+": "+orDamaged(c.Problem))
		}
	}
	return out
}

func orElse(text, other string) string {
	if text != "" {
		return text
	}
	return other
}

func orDamaged(problem string) string { return orElse(problem, "damaged") }

// freeBytes tells how much room a folder has, -1 if that cannot be told.
func freeBytes(place string) int64 {
	if destination.IsURL(place) {
		return -1
	}
	free, err := durable.FreeSpace(place)
	if err != nil {
		return -1
	}
	return free
}
