package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// dryRunHolds is how long a dry run lets somebody restore. What it found may be
// otherwise later.
const dryRunHolds = time.Hour

// restorePage is the data of the page restore.
type restorePage struct {
	*backupPage
	Check  *service.Run // the dry run, nil if there was none
	Ready  bool         // it went well, and is not too old
	Stale  bool         // it is too old
	Reason string       // as it was typed
	Safety bool         // a backup of what is there now is taken first
	Error  string       // why the form does not do
	Hint   string
}

// restorePage shows the way to a restore: the dry run, and after it the form.
func (d *Dashboard) restorePage(c *call) error {
	p, err := d.restoreData(c, c.query("run"))
	if err != nil {
		return err
	}
	return c.render(http.StatusOK, "restore", p)
}

// restoreData reads what the page shows. id is the dry run, "" if there was none.
func (d *Dashboard) restoreData(c *call, id string) (*restorePage, error) {
	b, err := d.backupPage(c)
	if err != nil {
		return nil, err
	}
	p := &restorePage{backupPage: b, Safety: true}
	p.Title = "Restore " + b.DB.Name
	if id == "" {
		return p, nil
	}
	r, err := d.o.Door.Run(c.ctx, c.by, id)
	if err != nil && !errors.Is(err, service.ErrNotFound) {
		return nil, err
	}
	if err != nil || r.Kind != service.KindRestore || r.Database != b.DB.Name || r.Backup != b.B.File {
		return p, nil // a run of something else proves nothing
	}
	if !going(*r) && r.Outcome == service.OutcomeOK && !dryRun(*r) {
		return p, nil
	}
	p.Check = r
	if going(*r) {
		p.Live, p.Reload = liveOf(b.DB.Name, r.ID), 3
		return p, nil
	}
	p.Stale = c.now.Sub(r.Ended) > dryRunHolds
	p.Ready = r.Outcome == service.OutcomeOK && !p.Stale
	if p.Ready {
		p.Live = "" // a form that somebody fills in stays as it is
	}
	return p, nil
}

// startDryRun finds out what a restore would do.
func (d *Dashboard) startDryRun(c *call) error {
	name, file := c.path("database"), c.path("file")
	r, err := d.o.Door.StartRestore(c.ctx, c.by, name, service.RestoreRequest{File: file, DryRun: true})
	if err != nil {
		return err
	}
	c.redirect(backupPath(name, file) + "/restore?" + url.Values{"run": {r.ID}}.Encode())
	return nil
}

// startRestore restores, if a dry run went well and the form says what it must.
// Otherwise it shows the form again, and says what is missing.
func (d *Dashboard) startRestore(c *call) error {
	name, file := c.path("database"), c.path("file")
	p, err := d.restoreData(c, c.form("run"))
	if err != nil {
		return err
	}
	p.Reason, p.Safety = c.form("reason"), c.form("safety") != ""
	switch {
	case !p.Ready:
		p.Error = "There is no dry run of this restore from the last hour that went well. Begin with that."
	case c.form("confirm") != name:
		p.Error = "What was typed is not the name of the database. It is " + name + "."
	case p.Reason == "":
		p.Error = "A reason is needed. It goes into the audit log."
	}
	if p.Error != "" && c.by.May(access.Restore, name) == nil { // the door refuses others, and records it
		return c.render(http.StatusBadRequest, "restore", p)
	}
	r, err := d.o.Door.StartRestore(c.ctx, c.by, name, service.RestoreRequest{
		File: file, Confirm: c.form("confirm"), Reason: p.Reason, NoSafetyBackup: !p.Safety,
	})
	if errors.Is(err, service.ErrRequest) || errors.Is(err, litekeep.ErrTarget) {
		p.Error, p.Hint = words(err)
		return c.render(http.StatusBadRequest, "restore", p)
	}
	return c.began(r, err)
}
