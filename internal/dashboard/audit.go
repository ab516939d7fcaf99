package dashboard

import (
	"fmt"
	"net/http"
	"time"

	"github.com/litekeep/litekeep/internal/service"
)

// auditLimit is how many entries the page shows.
const auditLimit = 200

// auditPage is the data of the page audit.
type auditPage struct {
	page
	Zone     *time.Location
	ZoneName string
	Filter   service.AuditFilter
	Since    string // as it was typed
	Until    string
	Entries  []service.AuditEntry
	Full     bool // there may be more
	Report   *service.AuditReport
	Actions  []string // to choose from
}

// audit shows who did what, newest first.
func (d *Dashboard) audit(c *call) error {
	f := service.AuditFilter{Database: c.query("database"), Action: c.query("action"), Actor: c.query("actor"), Limit: auditLimit}
	p := auditPage{page: c.page("Audit", "audit"), Zone: d.o.Location, ZoneName: zoneTitle(d.o.Location, c.now)}
	p.Since, p.Until = c.query("since"), c.query("until")
	var err error
	if f.Since, err = d.day(p.Since, 0); err != nil {
		return err
	}
	if f.Until, err = d.day(p.Until, 1); err != nil {
		return err
	}
	p.Filter = f
	if p.Entries, err = d.o.Door.Audit(c.ctx, c.by, f); err != nil {
		return err
	}
	p.Full = len(p.Entries) >= auditLimit
	if c.query("verify") != "" {
		if p.Report, err = d.o.Door.VerifyAudit(c.ctx, c.by); err != nil {
			return err
		}
	}
	seen := map[string]bool{}
	for _, e := range p.Entries {
		if !seen[e.Action] {
			seen[e.Action] = true
			p.Actions = append(p.Actions, e.Action)
		}
	}
	return c.render(http.StatusOK, "audit", p)
}

// day reads a day in the zone of the service, and returns when it, or the one
// that is later by so many days, begins. No text is no time.
func (d *Dashboard) day(text string, later int) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, d.o.Location)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: the day %q is not written as 2026-12-31", service.ErrRequest, text)
	}
	return t.AddDate(0, 0, later), nil
}
