package service

import (
	"context"
	"time"

	"github.com/litekeep/litekeep/internal/schedule"
)

// lookEvery is how long the loops sleep at most. Clocks are set and machines
// are suspended; timers see neither, so what is due is asked of the clock.
const lookEvery = 30 * time.Second

// scheduleLoop begins what is due until ctx ends.
func (s *Service) scheduleLoop(ctx context.Context) {
	every(ctx, 0, s.wake, func() time.Duration {
		now := s.now()
		wait := lookEvery
		for _, k := range s.all() {
			if next := s.tick(ctx, k, now); !next.IsZero() {
				wait = min(wait, max(next.Sub(now), 0))
			}
		}
		return wait
	})
}

// all returns all databases.
func (s *Service) all() []*keeper {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]*keeper, 0, len(s.databases))
	for _, c := range s.cfg.Databases { // in the order of the configuration
		all = append(all, s.databases[c.Name])
	}
	return all
}

// tick begins the run of a database that is due at now, if there is one. It
// returns when to look again, zero if that is not known.
func (s *Service) tick(ctx context.Context, k *keeper, now time.Time) time.Time {
	conf := k.conf.Load()
	k.mu.Lock()
	busy, slot, retry, begun, syncDue := k.job != nil, k.slot, k.retry, k.begun, k.syncDue
	k.mu.Unlock()
	if busy {
		return time.Time{} // its end wakes the loop
	}
	if syncDue { // until it begins: a run that somebody asks for may come first
		s.beginOwn(k, order{kind: KindSync, trigger: triggerRecovery, act: s.syncAct(k)})
		return time.Time{}
	}
	if conf.schedule == nil || conf.database.Gone {
		return time.Time{}
	}
	if !begun {
		l := k.listing(ctx, now)
		k.mu.Lock()
		k.begun = l.err == nil // else nobody knows whether there is a backup
		k.mu.Unlock()
		if l.err == nil && l.newestGood() == nil && retry.at.IsZero() {
			o := order{trigger: triggerFirst}
			if slot.IsZero() {
				o.slot, _, _ = schedule.Due(conf.schedule, conf.spread, slot, now)
			}
			s.beginScheduled(k, o)
			return time.Time{}
		}
	}
	if slot.IsZero() { // the state does not know; the backups do
		if l := k.listing(ctx, now); l.newestGood() != nil {
			slot = l.newestGood().Timestamp
			k.setSlot(slot)
		}
	}
	at, due, next := k.due(conf, slot, now)
	switch {
	case due:
		trigger := triggerSchedule
		if now.Sub(at) > conf.spread+lateAfter {
			trigger = triggerCatchUp
		}
		s.beginScheduled(k, order{trigger: trigger, slot: at})
		return time.Time{}
	case slot.IsZero(): // a new database waits for its next slot
		k.setSlot(at)
		s.books.setSlot(k.name, at)
	case !retry.at.IsZero() && !now.Before(retry.at):
		s.beginScheduled(k, order{trigger: triggerRetry, slot: retry.slot, attempt: retry.attempt})
		return time.Time{}
	case !retry.at.IsZero() && retry.at.Before(next):
		return retry.at
	}
	return next
}

// lateAfter is how much later than planned a run may begin before it is called
// one that catches up. The loop looks every half minute.
const lateAfter = 2 * time.Minute

// beginScheduled begins a backup that nobody asked for.
func (s *Service) beginScheduled(k *keeper, o order) {
	o.kind, o.act = KindBackup, s.backupAct(k)
	s.beginOwn(k, o)
}

// beginOwn begins a run that nobody asked for.
func (s *Service) beginOwn(k *keeper, o order) {
	if _, err := s.begin(k, o); err != nil {
		s.log.Debug("run did not begin", "database", k.name, "kind", o.kind, "error", err)
	}
}

// A pause is a time in which nothing is due.
type pause struct {
	conf       *conf
	slot       time.Time // the newest that was handled
	from, next time.Time
}

// due is schedule.Due, which is not asked again while nothing can be due: all
// databases are looked at whenever a run ends, and the search takes its time.
func (k *keeper) due(conf *conf, slot, now time.Time) (at time.Time, due bool, next time.Time) {
	k.mu.Lock()
	p := k.pause
	k.mu.Unlock()
	if p.conf == conf && p.slot.Equal(slot) && !now.Before(p.from) && now.Before(p.next) {
		return time.Time{}, false, p.next
	}
	at, due, next = schedule.Due(conf.schedule, conf.spread, slot, now)
	if !due && !slot.IsZero() {
		k.mu.Lock()
		k.pause = pause{conf, slot, now, next}
		k.mu.Unlock()
	}
	return at, due, next
}

func (k *keeper) setSlot(slot time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.slot = slot
}

// next returns when the next scheduled run of a database begins, zero if never.
func (k *keeper) next(now time.Time) time.Time {
	conf := k.conf.Load()
	if conf.schedule == nil || conf.database.Gone {
		return time.Time{}
	}
	k.mu.Lock()
	slot, retry := k.slot, k.retry
	k.mu.Unlock()
	_, due, next := k.due(conf, slot, now)
	if due {
		next = now
	}
	if !retry.at.IsZero() && retry.at.Before(next) {
		return retry.at
	}
	return next
}
