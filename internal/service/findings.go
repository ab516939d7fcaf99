package service

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/notify"
)

// findings finds the problems of a database, and what they make of its condition.
type findings struct {
	s       *Service
	k       *keeper
	conf    *conf
	list    *listing
	lasting []notify.Condition // the troubles that people know of
	now     time.Time
	st      *Status // gets them; the rest of it is filled in
	holds   string  // what still holds, for a problem that does not say
}

// all finds all problems. The first is the one that matters where several do.
func (f *findings) all() {
	f.st.Condition = ConditionOK
	f.holds = "There is no good backup to restore."
	if !f.st.RestorableTo.IsZero() {
		f.holds = "You can restore to " + f.restorableTo() + "."
	}
	f.key()
	f.gone()
	f.folder()
	f.overdue()
	f.lastRun()
	f.damage()
	f.copies()
	f.shrinkage()
	f.room()
	f.st.Words = words(f.st)
}

// add adds a problem, which makes the condition no better than c.
func (f *findings) add(c Condition, p Problem) {
	if slices.Index(conditions, c) < slices.Index(conditions, f.st.Condition) {
		f.st.Condition = c
	}
	p.Holds = cmp.Or(p.Holds, f.holds)
	f.st.Problems = append(f.st.Problems, p)
}

// restorableTo writes the time of the newest good backup.
func (f *findings) restorableTo() string {
	return f.st.RestorableTo.In(f.conf.zone).Format("Mon 2 Jan 15:04 MST")
}

// again is the command that makes another backup.
func (f *findings) again() string { return f.s.nextLine(f.k, f.st.LastRun, f.list) }

// began is when the trouble that e raises began, or found if it is not among those that
// last: an attempt that fails again begins nothing.
func (f *findings) began(e notify.Event, found time.Time) time.Time {
	for _, t := range f.lasting {
		if t.Kind == e.Kind && t.Subject == e.Subject() && t.Since.Before(found) {
			return t.Since
		}
	}
	return found
}

// downSince is since when a place cannot be used, which was found at a time.
func (f *findings) downSince(place string, found time.Time) time.Time {
	return f.began(notify.Event{Kind: notify.KindDestinationDown, Place: place}, found)
}

// key adds that no key can be read. The backups are listed without one then.
func (f *findings) key() {
	if f.list.keys == nil {
		return
	}
	f.holds = "The backups are there and untouched."
	if !f.st.RestorableTo.IsZero() {
		f.holds += " With the key you can restore to " + f.restorableTo() + "."
	}
	f.add(ConditionFailing, Problem{
		Kind: string(notify.KindFailed), Since: f.list.read, Hint: sourceHints[sourceNoKey], Next: f.s.checkLine(),
		Summary: "The key cannot be read: " + strings.TrimPrefix(f.list.keys.Error(), keyOp+": "),
	})
}

// gone adds that the file of the database is gone.
func (f *findings) gone() {
	if !f.conf.database.Gone {
		return
	}
	f.add(ConditionFailing, Problem{
		Kind: string(notify.KindGone), Since: f.s.goneSince(f.k.name), Hint: goneHint, Next: f.s.restoreLine(f.k, f.list),
		Summary: "Its file is gone: " + f.conf.path + "; if that was meant, add " + f.k.name + " to except: in litekeep.yaml.",
	})
}

// folder adds what is wrong with the folder of the backups as a whole.
func (f *findings) folder() {
	switch err := f.list.err; {
	case errors.Is(err, destination.ErrAway):
		f.add(ConditionFailing, Problem{
			Kind: string(notify.KindDestinationDown), Since: f.downSince(f.conf.core.BackupDirectory, f.list.read),
			Summary: err.Error(), Hint: hintOf(err), Holds: "What was backed up before lies there.", Next: f.again(),
		})
	case err != nil:
		f.add(ConditionDamaged, Problem{
			Kind: string(notify.KindVerificationFailed), Since: f.list.read,
			Summary: "The folder of backups cannot be read: " + err.Error(), Holds: "Nothing is known of the backups.",
		})
	case f.st.RestorableTo.IsZero():
		f.add(ConditionUnprotected, Problem{
			Kind: string(notify.KindOverdue), Since: f.k.since,
			Summary: "There is no good backup.", Holds: "Nothing can be restored.", Next: f.again(),
		})
	}
}

// overdue adds that the newest good backup is older than was promised.
func (f *findings) overdue() {
	if f.st.Overdue.IsZero() || f.now.Before(f.st.Overdue) || f.list.err != nil || f.st.RestorableTo.IsZero() {
		return
	}
	f.add(ConditionOverdue, Problem{
		Kind: string(notify.KindOverdue), Since: f.st.Overdue,
		Summary: "No verified backup since " + f.restorableTo() + ".", Next: f.again(),
	})
}

// lastRun adds that the last backup went wrong, unless what was found before says why.
func (f *findings) lastRun() {
	r := f.st.LastRun
	if r == nil || f.conf.database.Gone || r.Outcome.good() || r.Outcome == OutcomeCancelled {
		return
	}
	noKey := f.list.keys != nil && sourceOf(r) == sourceNoKey
	away := errors.Is(f.list.err, destination.ErrAway) && r.Error == f.list.err.Error()
	if noKey || away {
		return
	}
	f.add(ConditionFailing, Problem{
		Kind: string(notify.KindFailed), Hint: r.Hint, Next: f.again(),
		Since:   f.began(notify.Event{Kind: notify.KindFailed, Database: f.k.name}, f.k.failedFrom(r)),
		Summary: "The last backup ended as " + string(r.Outcome) + ": " + r.Error,
	})
}

// damage adds the newest backup that is damaged.
func (f *findings) damage() {
	b := f.list.damaged()
	if b == nil {
		return
	}
	f.add(ConditionDamaged, Problem{
		Kind: string(notify.KindVerificationFailed), Since: b.Checked, Next: f.s.mendLine(f.k),
		Summary: fileOf(b) + " is damaged: " + cmp.Or(b.Problem, "it is not what was written"),
	})
}

// copies adds the problems of the other destinations.
func (f *findings) copies() {
	mend := f.s.mendLine(f.k) // asks for the configuration, whose lock is taken before this one
	f.k.mu.Lock()
	defer f.k.mu.Unlock()
	for _, place := range f.conf.core.Copies {
		l := f.k.looks[place]
		if l.problem != "" {
			f.add(ConditionWarning, Problem{
				Kind: string(notify.KindDestinationDown), Since: f.downSince(place, l.at),
				Summary: place + " cannot be used: " + l.problem, Next: f.s.placeLine(place),
			})
		} else if d := l.sum(place); d.Problem != "" {
			f.add(ConditionDamaged, Problem{
				Kind: string(notify.KindVerificationFailed), Since: l.at,
				Summary: "In " + place + ", " + d.Problem + ".", Next: mend,
			})
		}
	}
}

// shrinkage adds that backups hold far less than before, which nobody has accepted.
func (f *findings) shrinkage() {
	f.k.mu.Lock()
	x := f.k.shrunken
	f.k.mu.Unlock()
	if x == nil {
		return
	}
	f.add(ConditionWarning, Problem{
		Kind: string(notify.KindShrunken), Since: time.UnixMilli(x.Since), Next: f.conf.infoLine(x.Backup),
		Summary: x.String() + "; no backup is removed until somebody looks.",
	})
}

// room adds that the primary folder runs out of room.
func (f *findings) room() {
	free := f.st.Copies[0].FreeBytes // -1 if it cannot be told
	if f.conf.diskLow <= 0 || free < 0 || free >= f.conf.diskLow {
		return
	}
	f.add(ConditionWarning, Problem{
		Kind: string(notify.KindDiskLow), Since: f.now,
		Summary: fmt.Sprintf("%s has %d MiB left.", f.conf.core.BackupDirectory, free>>20),
	})
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

// words says the condition as a sentence.
func words(st *Status) string {
	if st.Condition == ConditionOK {
		return "All is well."
	}
	text := st.Problems[0].Summary
	if st.Problems[0].Kind == string(notify.KindGone) {
		return text // whatever else there is comes of that
	}
	for _, p := range st.Problems { // that of the worst condition
		if st.Condition == ConditionOverdue && p.Kind == string(notify.KindOverdue) || st.Condition == ConditionFailing && p.Kind == string(notify.KindFailed) {
			text = p.Summary
		}
	}
	return text
}
