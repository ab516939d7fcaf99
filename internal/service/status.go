package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/destination"
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
	s.judge(&st, k, &l, lasting, now)
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

// judge finds the problems of a database, and what they make of its condition.
func (s *Service) judge(st *Status, k *keeper, l *listing, lasting []notify.Condition, now time.Time) {
	conf := k.conf.Load()
	holds := "There is no good backup to restore."
	if !st.RestorableTo.IsZero() {
		holds = "You can restore to " + st.RestorableTo.In(conf.zone).Format("Mon 2 Jan 15:04 MST") + "."
	}
	st.Condition = ConditionOK
	worst := func(c Condition) {
		if slices.Index(conditions, c) < slices.Index(conditions, st.Condition) {
			st.Condition = c
		}
	}
	add := func(c Condition, p Problem) {
		worst(c)
		p.Holds = orElse(p.Holds, holds)
		st.Problems = append(st.Problems, p)
	}
	again, mend := s.nextLine(k, st.LastRun, l), s.mendLine(k)
	if l.keys != nil {
		holds = "The backups are there and untouched."
		if !st.RestorableTo.IsZero() {
			holds += " With the key you can restore to " + st.RestorableTo.In(conf.zone).Format("Mon 2 Jan 15:04 MST") + "."
		}
		why := strings.TrimPrefix(l.keys.Error(), keyOp+": ")
		add(ConditionFailing, Problem{Kind: "failed", Since: l.read, Summary: "The key cannot be read: " + why, Hint: sourceHints[sourceNoKey], Next: s.checkLine()})
	}
	gone := conf.database.Gone
	if gone {
		add(ConditionFailing, Problem{Kind: "gone", Since: s.goneSince(k.name), Summary: "Its file is gone: " + conf.path + "; if that was meant, add " + k.name + " to except: in litekeep.yaml.", Hint: goneHint, Next: s.restoreLine(k, l)})
	}
	switch {
	case errors.Is(l.err, destination.ErrAway):
		add(ConditionFailing, Problem{Kind: "destination-down", Since: began(lasting, notify.Event{Kind: notify.KindDestinationDown, Place: conf.core.BackupDirectory}, l.read), Summary: l.err.Error(), Hint: hintOf(l.err), Holds: "What was backed up before lies there.", Next: again})
	case l.err != nil:
		add(ConditionDamaged, Problem{Kind: "verification-failed", Since: l.read, Summary: "The folder of backups cannot be read: " + l.err.Error(), Holds: "Nothing is known of the backups."})
	case st.RestorableTo.IsZero():
		add(ConditionUnprotected, Problem{Kind: "overdue", Since: k.since, Summary: "There is no good backup.", Holds: "Nothing can be restored.", Next: again})
	}
	if !st.Overdue.IsZero() && !now.Before(st.Overdue) && l.err == nil && !st.RestorableTo.IsZero() {
		add(ConditionOverdue, Problem{Kind: "overdue", Since: st.Overdue, Summary: "No verified backup since " + st.RestorableTo.In(conf.zone).Format("Mon 2 Jan 15:04 MST") + ".", Next: again})
	}
	told := func(r *Run) bool { // by what was found in the folder
		return l.keys != nil && sourceOf(r) == sourceNoKey || errors.Is(l.err, destination.ErrAway) && r.Error == l.err.Error()
	}
	if r := st.LastRun; r != nil && !gone && !r.Outcome.good() && r.Outcome != OutcomeCancelled && !told(r) {
		add(ConditionFailing, Problem{Kind: "failed", Since: began(lasting, notify.Event{Kind: notify.KindFailed, Database: k.name}, k.failedFrom(r)), Summary: "The last backup ended as " + string(r.Outcome) + ": " + r.Error, Hint: r.Hint, Next: again})
	}
	if b := l.damaged(); b != nil {
		add(ConditionDamaged, Problem{Kind: "verification-failed", Since: b.Checked, Summary: fileOf(b) + " is damaged: " + orElse(b.Problem, "it is not what was written"), Next: mend})
	}
	k.judgeCopies(add, mend, s.placeLine, lasting)
	k.mu.Lock()
	x := k.shrunken
	k.mu.Unlock()
	if x != nil {
		add(ConditionWarning, Problem{Kind: "shrunken", Since: time.UnixMilli(x.Since), Summary: x.String() + "; no backup is removed until somebody looks.", Next: conf.infoLine(x.Backup)})
	}
	if free := st.Copies[0].FreeBytes; conf.diskLow > 0 && free >= 0 && free < conf.diskLow { // of the primary folder
		add(ConditionWarning, Problem{Kind: "disk-low", Since: now, Summary: fmt.Sprintf("%s has %d MiB left.", conf.core.BackupDirectory, free>>20)})
	}
	st.Words = words(st)
}

// failedFrom is when the first of the runs failed that end in the run last, as far as is
// known here.
func (k *keeper) failedFrom(last *Run) time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failing.IsZero() {
		return last.Ended
	}
	return k.failing
}

// began is when the trouble that e raises began, or found if it is not among those that
// last: an attempt that fails again begins nothing.
func began(lasting []notify.Condition, e notify.Event, found time.Time) time.Time {
	for _, t := range lasting {
		if t.Kind == e.Kind && t.Subject == e.Subject() && t.Since.Before(found) {
			return t.Since
		}
	}
	return found
}

// judgeCopies adds the problems of the other destinations; mend is what mends copies,
// and check what says more of a place.
func (k *keeper) judgeCopies(add func(Condition, Problem), mend string, check func(string) string, lasting []notify.Condition) {
	conf := k.conf.Load()
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, place := range conf.core.Copies {
		l := k.looks[place]
		if l.problem != "" {
			add(ConditionWarning, Problem{Kind: "destination-down", Since: began(lasting, notify.Event{Kind: notify.KindDestinationDown, Place: place}, l.at), Summary: place + " cannot be used: " + l.problem, Next: check(place)})
			continue
		}
		if d := l.sum(place); d.Problem != "" {
			add(ConditionDamaged, Problem{Kind: "verification-failed", Since: l.at, Summary: "In " + place + ", " + d.Problem + ".", Next: mend})
		}
	}
}

// words says the condition as a sentence.
func words(st *Status) string {
	if st.Condition == ConditionOK {
		return "All is well."
	}
	text := st.Problems[0].Summary
	if st.Problems[0].Kind == "gone" {
		return text // whatever else there is comes of that
	}
	for _, p := range st.Problems { // that of the worst condition
		if st.Condition == ConditionOverdue && p.Kind == "overdue" || st.Condition == ConditionFailing && p.Kind == "failed" {
			text = p.Summary
		}
	}
	return text
}
