package service

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/litekeep/litekeep/internal/audit"
	"github.com/litekeep/litekeep/internal/notify"
)

// report tells people how a run ended, as far as they must know.
func (s *Service) report(k *keeper, r *Run) {
	e := s.event(k, r)
	switch {
	case r.Kind == KindBackup && r.Outcome.good():
		s.reportBackup(k, r, e)
		return
	case r.Kind == KindRestore && r.Outcome == OutcomeOK && !r.DryRun:
		e.Kind = notify.KindRestoreDone
		e.Summary = k.name + " was restored from " + r.Backup
		if r.Restored != nil && r.Restored.SafetyBackup != "" {
			e.Holds = "What it held before is kept as " + r.Restored.SafetyBackup + "."
			e.Next = s.undoLine(k, r.Restored.SafetyBackup) + "   # takes it back"
		}
	case r.Outcome == OutcomeDamaged:
		e.Kind = notify.KindVerificationFailed
		e.Next = s.mendLine(k)
		if len(k.conf.Load().core.Copies) > 0 {
			e.Hint = "" // it need not be done without
		}
	case r.Kind == KindVerify && r.Outcome == OutcomeOK:
		l := k.listing(s.base, s.now())
		s.reportWhole(k, &l)
		return
	case r.Kind != KindBackup || r.Trigger == triggerRequest && r.Outcome != OutcomeTimeout:
		return // whoever asked for it sees how it ended
	case r.Outcome == OutcomeCancelled:
		return
	case r.Outcome == OutcomeTimeout:
		e.Kind = notify.KindHung
	default:
		e.Kind = notify.KindFailed
		s.mu.Lock()
		retries := s.cfg.Runs.Retries
		s.mu.Unlock()
		if r.Outcome.transient() && r.Outcome != OutcomeCrashed && r.Attempt <= retries {
			return // it is tried again before anybody is woken
		}
	}
	s.o.Teller.Report(s.base, e)
}

// event returns what all events of a run have in common.
func (s *Service) event(k *keeper, r *Run) notify.Event {
	e := notify.Event{
		Database: k.name, Time: r.Ended.In(k.conf.Load().zone), Cause: r.Error, Hint: r.Hint, RunID: r.ID,
		Next: s.backupLine(k), Link: s.link("runs", r.ID),
	}
	l := k.listing(s.base, s.now())
	if b := l.newestGood(); b != nil {
		e.LastGood = b.Timestamp
	}
	return e
}

// reportBackup tells of a backup that was made.
func (s *Service) reportBackup(k *keeper, r *Run, e notify.Event) {
	if r.Verified {
		e.Kind, e.Next, e.Cause, e.Hint = notify.KindSucceeded, "", "", ""
		s.o.Teller.Report(s.base, e)
	}
	k.mu.Lock()
	x := k.shrunken
	k.mu.Unlock()
	if x == nil {
		s.reportSizeAccepted(k)
		return
	}
	e.Kind = notify.KindShrunken
	e.Summary = k.name + " holds far less than before"
	e.Cause = fmt.Sprintf("%d rows, %d before", x.Now, x.Rows)
	e.Holds = "No backup is removed until somebody looks."
	e.Next = k.conf.Load().infoLine(r.Backup) + "   # if it is right: accept it on the dashboard, or POST /api/databases/" + k.name + "/accept-size"
	s.o.Teller.Report(s.base, e)
}

// reportPlace tells when a destination went down or came back.
func (s *Service) reportPlace(k *keeper, place, before, problem string) {
	e := notify.Event{Kind: notify.KindDestinationDown, Place: place, Cause: problem, Time: s.now().In(k.conf.Load().zone)}
	e.Next = "litekeep destinations check " + quote(place)
	if problem == "" {
		e.Kind, e.Next = notify.KindDestinationUp, ""
	}
	if problem != "" || !s.downForAny(place) {
		s.o.Teller.Report(s.base, e)
	}
	if before != "" && problem == "" {
		s.log.Info("destination is back", "destination", place)
		s.catchUp(k)
	}
}

// downForAny reports whether some database cannot use a place, which then is not up
// because another one can.
func (s *Service) downForAny(place string) bool {
	return slices.ContainsFunc(s.all(), func(k *keeper) bool { return k.down(place) })
}

// reportCopies tells that copies in a place are damaged or missing. The end of it
// is told by the next look at which all places of the database are whole.
func (s *Service) reportCopies(k *keeper, place, problem string) {
	conf := k.conf.Load()
	e := notify.Event{
		Kind: notify.KindVerificationFailed, Database: k.name, Place: place, Time: s.now().In(conf.zone), Cause: problem,
		Next: s.mendLine(k), Link: s.link("databases", k.name),
	}
	if problem == "" {
		l := k.listing(s.base, s.now())
		s.reportWhole(k, &l)
		return
	}
	s.o.Teller.Report(s.base, e)
}

// reportWhole tells the end of damage, unless some is left: that one backup or one
// place is whole says nothing of the others.
func (s *Service) reportWhole(k *keeper, l *listing) {
	if l.err != nil || l.damaged() != nil {
		return
	}
	for _, d := range k.sums() {
		if d.Problem != "" || d.Looked.IsZero() {
			return
		}
	}
	s.o.Teller.Report(s.base, notify.Event{
		Kind: notify.KindRecovered, Database: k.name, Time: s.now().In(k.conf.Load().zone), Clears: []notify.Kind{notify.KindVerificationFailed},
	})
}

// watchDamage tells that the primary folder holds a backup that is not what was
// written, also if that came to light without any run, and when none is left.
func (s *Service) watchDamage(k *keeper, l *listing, now time.Time) {
	b := l.damaged()
	if b == nil {
		s.reportWhole(k, l)
		return
	}
	conf := k.conf.Load()
	e := notify.Event{
		Kind: notify.KindVerificationFailed, Database: k.name, Place: conf.core.BackupDirectory, Time: now.In(conf.zone),
		Cause: fileOf(b) + ": " + orDamaged(b.Problem), Next: "litekeep verify --all --database " + k.name, Link: s.link("databases", k.name),
	}
	if b := l.newestGood(); b != nil {
		e.LastGood = b.Timestamp
	}
	s.o.Teller.Report(s.base, e)
}

// catchUp copies to a destination that is back what it missed.
func (s *Service) catchUp(k *keeper) {
	k.mu.Lock()
	k.syncDue, k.supplied = true, s.now() // the look that found it back finds what it lacks, too
	k.mu.Unlock()
	s.poke()
}

// link returns the URL of a page of the dashboard, "" where nobody said how
// people reach it.
func (s *Service) link(parts ...string) string {
	s.mu.Lock()
	base := s.cfg.Server.PublicURL
	s.mu.Unlock()
	if base == "" {
		return ""
	}
	for _, p := range parts {
		base += "/" + p
	}
	return base
}

// reportSizeAccepted tells that somebody has looked at a shrunken backup.
func (s *Service) reportSizeAccepted(k *keeper) {
	s.o.Teller.Report(s.base, notify.Event{
		Kind: notify.KindRecovered, Database: k.name, Time: s.now().In(k.conf.Load().zone), Clears: []notify.Kind{notify.KindShrunken},
	})
}

// watchLoop looks every minute for what no run tells: that a database is
// overdue, and that a disk runs low.
func (s *Service) watchLoop(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	trim := throttle{every: trimEvery}
	var head audit.Head // as the state has it
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		s.watch(ctx)
		s.books.catchUp()
		if h := s.o.Audit.Head(); h != head && h != (audit.Head{}) {
			head = h
			s.books.setAuditHead(h)
		}
		if trim.ready(s.now()) {
			s.books.trim(ctx, s.now(), s.history())
		}
		timer.Reset(watchEvery)
	}
}

// watchEvery is how often that is, and trimEvery how often what is too old is
// removed from the state.
const (
	watchEvery = time.Minute
	trimEvery  = 24 * time.Hour
)

func (s *Service) history() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg.Runs.History
}

func (s *Service) watch(ctx context.Context) {
	now := s.now()
	disks := map[string]bool{}
	keepers := s.all()
	s.readAhead(ctx, keepers)
	for _, k := range keepers {
		conf := k.conf.Load()
		l := k.listing(ctx, now)
		s.watchOverdue(k, &l, now)
		s.watchDamage(k, &l, now)
		if folder := conf.core.BackupDirectory; l.err == nil && !disks[folder] {
			disks[folder] = true
			s.watchDisk(folder, conf.diskLow, now)
		}
		if ctx.Err() != nil {
			return
		}
	}
	s.hub.send(Event{Time: now, Type: "status"})
}

func (s *Service) watchOverdue(k *keeper, l *listing, now time.Time) {
	if l.err != nil {
		return // that is told elsewhere, and says nothing of the age
	}
	at := s.overdue(k, l)
	if at.IsZero() || now.Before(at) {
		return
	}
	e := notify.Event{
		Kind: notify.KindOverdue, Database: k.name, Time: now.In(k.conf.Load().zone),
		Next: s.backupLine(k), Link: s.link("databases", k.name),
	}
	if b := l.newestGood(); b != nil {
		e.LastGood = b.Timestamp
	}
	k.mu.Lock()
	if k.last != nil && !k.last.Outcome.good() {
		e.Cause, e.Hint, e.RunID = k.last.Error, k.last.Hint, k.last.ID
	} else {
		e.Cause = "nothing ran"
	}
	k.mu.Unlock()
	s.o.Teller.Report(s.base, e)
}

// overdue returns when the database is overdue, zero if never. One without any
// good backup has as long from when the service began to keep it.
func (s *Service) overdue(k *keeper, l *listing) time.Time {
	from := k.since
	if b := l.newestGood(); b != nil {
		from = b.Timestamp
	}
	return k.conf.Load().overdueAt(from)
}

func (s *Service) watchDisk(folder string, low int64, now time.Time) {
	free := freeBytes(folder)
	if low <= 0 || free < 0 {
		return
	}
	e := notify.Event{Kind: notify.KindDiskOK, Place: folder, Time: now}
	if free < low {
		e.Kind = notify.KindDiskLow
		e.Cause = fmt.Sprintf("%d MiB are left", free>>20)
		e.Next = "litekeep trash empty --dir " + quote(folder)
	}
	s.o.Teller.Report(s.base, e)
}
