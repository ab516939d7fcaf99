package service

import (
	"cmp"
	"context"
	"os"
	"slices"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/notify"
)

// maxTrend is how many backups a trend has at most.
const maxTrend = 90

// Names returns the names of the databases that by may see, sorted.
func (s *Service) Names(ctx context.Context, by access.Principal) ([]string, error) {
	if _, err := s.may(ctx, by, access.See, ""); err != nil {
		return nil, err
	}
	var names []string
	for _, k := range s.seen(by) {
		names = append(names, k.name)
	}
	slices.Sort(names)
	return names, nil
}

// Count is how many databases the service keeps.
func (s *Service) Count() int { return len(s.all()) }

// seen returns the databases that by may see.
func (s *Service) seen(by access.Principal) []*keeper {
	return slices.DeleteFunc(s.all(), func(k *keeper) bool { return !by.Sees(k.name) })
}

// Databases returns the status of all databases that by may see, those with
// problems first.
func (s *Service) Databases(ctx context.Context, by access.Principal) ([]Status, error) {
	if _, err := s.may(ctx, by, access.See, ""); err != nil {
		return nil, err
	}
	keepers := s.seen(by)
	s.readAhead(ctx, keepers)
	var all []Status
	lasting := s.o.Teller.Troubles()
	for _, k := range keepers {
		all = append(all, s.status(ctx, k, lasting))
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(all, func(a, b Status) int {
		return cmp.Or(
			cmp.Compare(slices.Index(conditions, a.Condition), slices.Index(conditions, b.Condition)),
			cmp.Compare(a.Name, b.Name),
		)
	})
	return all, nil
}

// conditions are all conditions, worst first.
var conditions = []Condition{
	ConditionUnprotected, ConditionOverdue, ConditionFailing, ConditionDamaged, ConditionWarning, ConditionOK,
}

// Database returns the status of one.
func (s *Service) Database(ctx context.Context, by access.Principal, name string) (*Status, error) {
	k, err := s.may(ctx, by, access.See, name)
	if err != nil {
		return nil, err
	}
	st := s.status(ctx, k, s.o.Teller.Troubles())
	return &st, nil
}

// status tells how a database is. lasting are the troubles that people know of.
func (s *Service) status(ctx context.Context, k *keeper, lasting []notify.Condition) Status {
	now, conf := s.now(), k.conf.Load()
	l := k.listing(ctx, now)
	st := Status{
		Name: k.name, Path: conf.path, Schedule: conf.scheduleText, TimeZone: conf.zone.String(), Next: k.next(now),
		Count: len(l.backups), Retention: conf.retention, PruningPaused: k.pruningPaused(),
		Encrypted: len(conf.core.Keys) > 0, TrashCount: len(l.trash), Copies: k.destinations(&l),
		Trend: trend(l.backups), Problems: []Problem{},
	}
	for _, b := range l.backups {
		st.SizeBytes += b.SizeBytes
	}
	for _, t := range l.trash {
		st.TrashBytes += t.SizeBytes
	}
	if info, err := os.Stat(conf.path); err == nil {
		st.SourceBytes = info.Size()
	}
	if b := l.newestGood(); b != nil {
		st.RestorableTo, st.LastSuccess = b.Timestamp, b.Timestamp.Add(b.Duration)
	}
	k.mu.Lock()
	st.LastRun = k.last
	j := k.job
	k.mu.Unlock()
	if j != nil {
		r := j.snapshot(false)
		st.Running = &r
	}
	if l.err == nil && !conf.database.Gone {
		st.Overdue = s.overdue(k, &l)
	}
	f := findings{s: s, k: k, conf: conf, list: &l, lasting: lasting, now: now, st: &st}
	f.all()
	return st
}

// trend returns the sizes of the newest backups, oldest first.
func trend(newestFirst []*litekeep.Backup) []Point {
	points := []Point{}
	for _, b := range newestFirst {
		if b.Problem != "" || b.Timestamp.IsZero() {
			continue
		}
		points = append(points, Point{b.Timestamp, b.SizeBytes, b.RecordCount, b.Duration.Seconds()})
		if len(points) == maxTrend {
			break
		}
	}
	slices.Reverse(points)
	return points
}
