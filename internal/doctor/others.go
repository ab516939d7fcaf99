package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime/debug"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/access/tokens"
	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/daemon"
	"github.com/litekeep/litekeep/internal/human"
	"github.com/litekeep/litekeep/internal/notify"
	"github.com/litekeep/litekeep/internal/state"
)

// keys opens the newest sealed backup of each database with each of its keys.
func (d *doctor) keys() {
	sealed := 0
	for i := range d.Config.Databases {
		if db := &d.Config.Databases[i]; len(db.Keys) > 0 {
			sealed++
			d.keysOf(db)
		}
	}
	if sealed == 0 {
		d.add(Skip, "", "backups are not sealed", "whoever can read them has the data", "")
	}
}

func (d *doctor) keysOf(db *config.Database) {
	ctx, cancel := context.WithTimeout(d.ctx, d.Timeout)
	defer cancel()
	checks, err := litekeep.New(db.Core(), litekeep.WithClock(d.Now)).CheckKeys(ctx)
	failed := false
	for _, c := range checks {
		if !c.OK {
			failed = true
			d.add(Fail, db.Name, "key "+c.Key+" does not open "+c.Path+": "+c.Problem, "with this key it cannot be restored",
				"litekeep key list --dir "+d.Quote(db.Core().BackupDirectory)+" says which keys do")
		}
	}
	switch {
	case failed:
	case errors.Is(err, litekeep.ErrNoBackup):
		d.add(Skip, db.Name, "there is no sealed backup yet to try the keys on", "", "")
	case err != nil:
		d.add(Fail, db.Name, err.Error(), "sealed backups cannot be made or restored", "bring the key back from where a copy of it is kept")
	case len(db.Keys) == 1:
		d.ok(db.Name, "its key opens the newest backup")
	default:
		d.ok(db.Name, "each of its %d keys opens the newest backup", len(db.Keys))
	}
}

// expiring is how long before its end a token is worth a word.
const expiring = 14 * 24 * time.Hour

// tokens looks for tokens that end soon, and whether there is one at all.
func (d *doctor) tokens() {
	path := daemon.StatePath(d.Config.State)
	var all []state.Token
	_, err := os.Stat(path)
	if err == nil {
		all, err = state.ReadTokens(d.ctx, path)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.add(Fail, path, "tokens cannot be read: "+err.Error(), "nobody is let in", "docs/OPERATIONS.md, losing the state")
		return
	}
	good := 0
	for _, t := range all {
		left := t.Expires.Sub(d.now())
		switch {
		case !t.Revoked.IsZero() || !t.Expires.IsZero() && left <= 0:
			continue
		case !t.Expires.IsZero() && left < expiring:
			d.add(Warn, t.Name, "the token ends in "+human.Span(left), "who uses it is let in no more",
				"litekeep token create NAME --role "+t.Role+", and then litekeep token revoke "+t.ID)
		}
		good++
	}
	switch ever, err := tokens.New(nil, d.Config.State).EverToken(d.ctx); {
	case good > 0:
		d.ok("", "%s", human.Plural(good, "token"))
	case len(all) > 0 || err == nil && ever:
		d.add(Warn, "", "no token is good any more", "nobody is let in", "litekeep token create NAME --role admin")
	default:
		d.add(Warn, "", "there is no token", "every user and program of this machine may restore and delete, until there is one", "litekeep token create NAME --role "+string(access.Admin))
	}
}

// channels sends a test message on each channel, if it may.
func (d *doctor) channels() {
	list := d.Config.Notifications.Channels
	switch {
	case len(list) == 0:
		return // config says so
	case !d.Send:
		d.add(Skip, "", human.Plural(len(list), "channel")+" not tried", "whether messages arrive is not known", "litekeep notify test --config "+d.Quote(d.File))
		return
	}
	targets, err := daemon.Targets(d.Config, d.Now)
	if err != nil {
		d.add(Fail, "", err.Error(), "nobody is told when something is wrong", "")
		return
	}
	center, err := notify.New(d.ctx, targets, notify.NewMemory(), notify.Options{Now: d.Now, Timeout: d.Timeout})
	if err != nil {
		d.add(Fail, "", err.Error(), "nobody is told when something is wrong", "")
		return
	}
	for _, t := range targets {
		if err := center.Test(d.ctx, t.Name); err != nil {
			d.add(Fail, t.Name, "a test message was not delivered: "+err.Error(), "nobody is told on it when something is wrong", "correct the channel in "+d.Quote(d.File)+", and try: litekeep notify test "+d.Quote(t.Name))
		} else {
			d.ok(t.Name, "took a test message; look whether it arrived")
		}
	}
}

const (
	smallSkew = time.Minute      // schedules and times are off, no more
	largeSkew = 10 * time.Minute // object stores refuse requests that are 15 minutes off
)

// clock compares the clock with what others think.
func (d *doctor) clock() {
	before := len(d.checks)
	if built := builtAt(); d.now().Before(built) {
		d.add(Fail, "", "it is before "+built.Format(time.DateOnly)+", when this program was made", "the clock is wrong: backups get wrong times, and retention keeps the wrong ones", "timedatectl set-ntp true")
	}
	for _, s := range d.skew {
		off, word := s.ahead, "ahead of"
		if off < 0 {
			off, word = -off, "behind"
		}
		found := fmt.Sprintf("the clock there is %s %s this machine's", human.Span(off), word)
		switch {
		case off >= largeSkew:
			d.add(Fail, s.destination, found, "it may refuse every request", "timedatectl set-ntp true")
		case off >= smallSkew:
			d.add(Warn, s.destination, found, "one of the two is wrong", "timedatectl set-ntp true")
		}
	}
	switch yes, known := d.Machine.Synchronised(); {
	case known && !yes:
		d.add(Warn, "", "nothing keeps the clock right (NTP)", "schedules drift, and tokens and certificates end at the wrong time", "timedatectl set-ntp true")
	case len(d.checks) == before && known:
		d.ok("", "is kept right")
	case len(d.checks) == before:
		d.add(Skip, "", "whether something keeps the clock right cannot be told here", "", "")
	}
}

// builtAt is the time of the commit that this program was built from, zero if it is not known.
func builtAt() time.Time {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return time.Time{}
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.time" {
			t, _ := time.Parse(time.RFC3339, s.Value) // the zero time is before any
			return t
		}
	}
	return time.Time{}
}

// fewFiles is what a service needs at least: each run has a dozen files open, and each
// client a connection.
const fewFiles = 1024

func (d *doctor) limits() {
	n := d.Machine.OpenFiles()
	if n > 0 && n < fewFiles {
		d.add(Warn, "", fmt.Sprintf("%d files may be open at once", n), "runs and clients fail when there are many", "ulimit -n 65536, or LimitNOFILE=65536 in the unit")
		return
	}
	d.ok("", "enough files may be open at once")
}
