package service

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/audit"
	"github.com/litekeep/litekeep/internal/human"
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
		e.Details = append(e.Details, notify.Field{Name: "By", Value: byWhom(r)})
		switch x := r.Restored; {
		case x == nil || !x.Replaced:
		case x.SafetyBackup != "":
			e.Holds = "What it held before is kept as " + x.SafetyBackup + "."
			e.Next = s.undoLine(k, x.SafetyBackup) + "   # takes it back"
		case len(x.KeptFiles) > 0:
			e.Holds = "What it held before was too damaged to be backed up; its files are kept as " + strings.Join(x.KeptFiles, " and ") + "."
		default:
			e.Holds = "What it held before was not kept."
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
	case r.Outcome == OutcomeCancelled, s.vanished(k, r):
		return
	case r.Outcome == OutcomeTimeout:
		e.Kind = notify.KindHung
	default:
		e.Kind = notify.KindFailed
		retries := s.config().Runs.Retries
		if r.Outcome.transient() && r.Outcome != OutcomeCrashed && r.Attempt <= retries {
			return // it is tried again before anybody is woken
		}
	}
	s.o.Teller.Report(s.base, e)
}

// byWhom says who asked for a run, and why: `ada ("ticket 4711")`.
func byWhom(r *Run) string {
	if r.reason == "" {
		return r.By
	}
	return fmt.Sprintf("%s (%q)", r.By, r.reason)
}

// event returns what all events of a run have in common.
func (s *Service) event(k *keeper, r *Run) notify.Event {
	e := notify.Event{
		Database: k.name, Time: r.Ended.In(k.conf.Load().zone), Cause: r.Error, Hint: r.Hint, RunID: r.ID,
		Link: s.link("runs", r.ID),
	}
	l := k.listing(s.base, s.now())
	if b := l.newestGood(); b != nil {
		e.LastGood = b.Timestamp
	}
	e.Next = s.nextLine(k, r, &l)
	if sourceOf(r) == sourceDamaged {
		e.Severity = notify.Critical
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
	e.Cause = x.difference()
	e.Holds = "No backup is removed until somebody looks."
	e.Next = k.conf.Load().infoLine(r.Backup) + "   # if it is right: accept it on the dashboard, or POST /api/databases/" + k.name + "/accept-size"
	s.o.Teller.Report(s.base, e)
}

// reportPlace tells when a destination went down or came back.
func (s *Service) reportPlace(k *keeper, place, before, problem string) {
	e := notify.Event{Kind: notify.KindDestinationDown, Place: place, Cause: problem, Time: s.now().In(k.conf.Load().zone)}
	e.Next = s.placeLine(place)
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
		Cause: fileOf(b) + ": " + orDamaged(b.Problem), Next: s.mendLine(k), Link: s.link("databases", k.name),
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
	base := s.config().Server.PublicURL
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
	trim := throttle{every: trimEvery}
	var head audit.Head // as the state has it
	every(ctx, 0, nil, func() time.Duration {
		s.watch(ctx)
		s.books.catchUp()
		if h := s.o.Audit.Head(); h != head && h != (audit.Head{}) {
			head = h
			s.books.setAuditHead(h)
		}
		if trim.ready(s.now()) {
			s.books.trim(ctx, s.now(), s.history())
		}
		return watchEvery
	})
}

// watchEvery is how often that is, and trimEvery how often what is too old is
// removed from the state.
const (
	watchEvery = time.Minute
	trimEvery  = 24 * time.Hour
)

func (s *Service) history() time.Duration { return s.config().Runs.History }

func (s *Service) watch(ctx context.Context) {
	now := s.now()
	disks := map[string]bool{}
	keepers := s.all()
	s.reportUnkept(keepers)
	s.readAhead(ctx, keepers)
	for _, k := range keepers {
		conf := k.conf.Load()
		l := k.listing(ctx, now)
		s.watchPrimary(k, &l, now)
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

// reportUnkept tells the end of the troubles of databases and places that the
// configuration does not have any more: nothing else would, and a heartbeat for all
// databases would stand still.
func (s *Service) reportUnkept(keepers []*keeper) {
	databases, places := map[string]bool{}, map[string]bool{}
	for _, k := range keepers {
		databases[k.name] = true
		core := k.conf.Load().core
		for _, place := range append([]string{core.BackupDirectory}, core.Copies...) {
			places[place] = true
		}
	}
	for _, t := range s.o.Teller.Troubles() {
		e := notify.Event{Kind: notify.KindRecovered, Time: s.now()}
		database, place := t.Event.Database, t.Event.Place
		switch {
		case database != "" && !databases[database]:
			e.Database, e.Summary = database, database+" is no longer kept, as the configuration says; its backups stay"
			e.Clears = []notify.Kind{notify.KindGone, notify.KindFailed, notify.KindOverdue, notify.KindHung, notify.KindShrunken, notify.KindVerificationFailed}
		case (t.Kind == notify.KindDestinationDown || t.Kind == notify.KindDiskLow) && !places[place]:
			e.Place, e.Summary = place, place+" is no destination any more, as the configuration says"
			e.Clears = []notify.Kind{notify.KindDestinationDown, notify.KindDiskLow}
		default:
			continue
		}
		s.o.Teller.Report(s.base, e)
	}
}

func (s *Service) watchOverdue(k *keeper, l *listing, now time.Time) {
	if l.err != nil || k.conf.Load().database.Gone {
		return // that is told elsewhere, and says nothing of the age
	}
	at := s.overdue(k, l)
	if at.IsZero() || now.Before(at) {
		return
	}
	e := notify.Event{
		Kind: notify.KindOverdue, Database: k.name, Time: now.In(k.conf.Load().zone),
		Link: s.link("databases", k.name),
	}
	if b := l.newestGood(); b != nil {
		e.LastGood = b.Timestamp
	}
	k.mu.Lock()
	last := k.last
	k.mu.Unlock()
	if last != nil && !last.Outcome.good() {
		e.Cause, e.Hint, e.RunID = last.Error, last.Hint, last.ID
	} else {
		e.Cause = "nothing ran"
	}
	e.Next = s.nextLine(k, last, l)
	s.o.Teller.Report(s.base, e)
}

// overdue returns when the database is overdue, zero if never. One without any
// good backup has as long from when the service began to keep it, one whose file was
// gone from when that was back.
func (s *Service) overdue(k *keeper, l *listing) time.Time {
	from := k.since
	if b := l.newestGood(); b != nil {
		from = b.Timestamp
	}
	k.mu.Lock()
	back := k.back
	k.mu.Unlock()
	if back.After(from) {
		from = back
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
		e.Next = "litekeep trash empty --dir " + human.ShellWord(folder)
	}
	s.o.Teller.Report(s.base, e)
}
