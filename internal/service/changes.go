package service

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
)

// Pin keeps a backup until a time, or for ever if it is zero.
func (s *Service) Pin(ctx context.Context, by access.Principal, database, file, note string, until time.Time) error {
	a := act{action: access.Pin, database: database, object: file, detail: note}
	return s.onBackup(ctx, by, a, func(c Core, path string) error {
		return c.PinBackup(litekeep.WithActor(ctx, by.Name), path, note, until)
	})
}

// Unpin ends that.
func (s *Service) Unpin(ctx context.Context, by access.Principal, database, file string) error {
	a := act{action: access.Pin, database: database, object: file, detail: "unpin"}
	return s.onBackup(ctx, by, a, func(c Core, path string) error { return c.UnpinBackup(ctx, path) })
}

// onBackup does something to a backup that takes no run.
func (s *Service) onBackup(ctx context.Context, by access.Principal, a act, do func(Core, string) error) error {
	k, err := s.check(ctx, by, a)
	if err != nil {
		return err
	}
	b, err := s.backupOf(ctx, k, a.object)
	if err != nil {
		return err
	}
	return s.change(ctx, by, a, k, func(c Core) error { return do(c, b.Path) })
}

// change admits a change, does it, and records how it ended.
func (s *Service) change(ctx context.Context, by access.Principal, a act, k *keeper, do func(Core) error) error {
	if _, err := s.admit(ctx, by, a); err != nil {
		return err
	}
	err := do(k.conf.Load().whole)
	k.forget()
	s.hub.send(Event{Time: s.now(), Type: "status", Database: k.name})
	return s.done(ctx, by, a, err)
}

// Undelete takes a backup out of the trash.
func (s *Service) Undelete(ctx context.Context, by access.Principal, database, file string) error {
	a := act{action: access.Undelete, database: database, object: file}
	k, err := s.check(ctx, by, a)
	if err != nil {
		return err
	}
	l := k.listing(ctx, s.now())
	for _, t := range l.trash {
		if fileName(t.Path) == file {
			return s.change(ctx, by, a, k, func(c Core) error { return c.Undelete(ctx, t.Path) })
		}
	}
	return fmt.Errorf("backup %q in the trash of %s: %w", file, database, ErrNotFound)
}

// AcceptSize ends the pause of pruning that a shrunken backup began: what the
// database holds now is right.
func (s *Service) AcceptSize(ctx context.Context, by access.Principal, database, reason string) error {
	a := act{action: access.Prune, database: database, detail: cmp.Or(reason, "the size is right")}
	k, err := s.check(ctx, by, a)
	if err != nil {
		return err
	}
	if k.pruningPaused() == "" {
		return fmt.Errorf("%w: pruning is not paused", ErrRequest)
	}
	return s.change(ctx, by, a, k, func(Core) error {
		k.mu.Lock()
		k.shrunken, k.sized = nil, nil
		k.mu.Unlock()
		s.books.setShrinkage(database, nil)
		s.books.setSize(database, nil)
		s.reportSizeAccepted(k)
		return nil
	})
}
