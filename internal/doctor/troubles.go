package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/daemon"
	"github.com/litekeep/litekeep/internal/notify"
	"github.com/litekeep/litekeep/internal/service"
	"github.com/litekeep/litekeep/internal/state"
	"github.com/litekeep/litekeep/internal/state/outbox"
)

// notSafe is what comes of backups that fail.
const notSafe = "what was written since is not safe"

// troubles are what the service that runs here has found to be wrong, as its state has
// it: its API would want a token.
type troubles struct {
	failing map[string]*failing // by database
	lasting []notify.Condition  // of this configuration, the oldest first
	err     error
}

// failing are the newest backups of a database that all failed.
type failing struct {
	times   int
	cause   string
	hint    string
	refused bool   // by what the database itself is
	next    string // what the service says to run, "" if it says nothing
}

// troubles reads them once. They are empty where no service runs: what a state says
// that nobody writes to is over, or told by others.
func (d *doctor) troubles() *troubles {
	if d.known != nil {
		return d.known
	}
	d.known = &troubles{failing: map[string]*failing{}}
	if running, _, err := d.running(); err != nil || !running {
		return d.known
	}
	path := daemon.StatePath(d.Config.State)
	runs, err := state.ReadRuns(d.ctx, path, string(service.KindBackup))
	if err == nil {
		d.known.lasting, err = outbox.Troubles(d.ctx, path)
	}
	d.known.err = err
	d.known.lasting = slices.DeleteFunc(d.known.lasting, func(t notify.Condition) bool { return !d.configured(t.Event.Database) })
	slices.SortStableFunc(d.known.lasting, func(a, b notify.Condition) int { return a.Since.Compare(b.Since) })
	d.known.count(runs)
	return d.known
}

// configured reports whether the configuration has a database; "" is none.
func (d *doctor) configured(name string) bool {
	return name == "" || slices.ContainsFunc(d.Config.Databases, func(db config.Database) bool { return db.Name == name })
}

// count counts for each database the runs since the last that went well. They come
// newest first.
func (t *troubles) count(runs []state.Run) {
	over := map[string]bool{}
	for _, r := range runs {
		switch o := service.Outcome(r.Outcome); {
		case over[r.Database], o == service.OutcomeCancelled:
		case o == service.OutcomeOK, o == service.OutcomePartial:
			over[r.Database] = true
		case t.failing[r.Database] == nil:
			t.failing[r.Database] = &failing{times: 1, cause: r.Error, hint: r.Hint, refused: o == service.OutcomeRefused && !service.OfKey(r.Error)}
		default:
			t.failing[r.Database].times++
		}
	}
	for _, c := range t.lasting {
		if f := t.failing[c.Event.Database]; f != nil && ofRuns(c.Kind) {
			f.next = c.Event.Next
		}
	}
}

// ofRuns reports whether a trouble is that backups fail.
func ofRuns(k notify.Kind) bool {
	return k == notify.KindFailed || k == notify.KindHung || k == notify.KindOverdue
}

// failures are the newest backups of a database that failed, nil if the last did not.
func (d *doctor) failures(name string) *failing { return d.troubles().failing[name] }

func (f *failing) words() string {
	if f.times == 1 {
		return "the last backup failed: " + f.cause
	}
	return fmt.Sprintf("the last %d backups failed: %s", f.times, f.cause)
}

// fix is what mends it.
func (f *failing) fix(d *doctor, db *config.Database) string {
	switch {
	case f.next != "":
		return f.next
	case f.hint != "":
		return f.hint
	}
	core := db.Core()
	return d.backupLine(&core)
}

// troubled reports whether anything is to be told by tellTroubles.
func (d *doctor) troubled() bool {
	t := d.troubles()
	return t.err != nil || len(t.lasting) > 0 || slices.ContainsFunc(d.Config.Databases, func(db config.Database) bool { return t.failing[db.Name] != nil })
}

// subject is what an event is about: a database, a place, or a database in a place.
func subject(e notify.Event) string {
	if e.Database != "" && e.Place != "" {
		return e.Database + " in " + e.Place
	}
	return e.Database + e.Place
}

// tellTroubles tells what the service has found to be wrong.
func (d *doctor) tellTroubles() {
	t := d.troubles()
	if t.err != nil {
		d.add(Warn, daemon.StatePath(d.Config.State), "what the service remembers cannot be read: "+t.err.Error(), "whether backups fail is not known", "litekeep status")
	}
	for i := range d.Config.Databases {
		db := &d.Config.Databases[i]
		if f := t.failing[db.Name]; f != nil {
			d.add(Fail, db.Name, f.words(), notSafe, f.fix(d, db))
		}
	}
	for _, c := range t.lasting {
		e := c.Event
		if t.failing[e.Database] != nil && ofRuns(c.Kind) {
			continue // told above
		}
		found := c.Words(d.now())
		if e.Cause != "" {
			found += ": " + strings.Join(strings.Fields(e.Cause), " ")
		}
		d.add(Fail, subject(e), found, "the service tells it until it is over", cmp.Or(e.Next, e.Hint))
	}
}
