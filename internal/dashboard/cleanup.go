package dashboard

import (
	"net/http"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/service"
)

// cleanupPage is the data of the page cleanup.
type cleanupPage struct {
	page
	DB        service.Status
	Zone      *time.Location
	ZoneName  string
	Goes      []litekeep.Decision
	Stays     []litekeep.Decision
	GoesBytes int64
}

// previewCleanup shows what a cleanup would do, and why.
func (d *Dashboard) previewCleanup(c *call) error {
	name := c.path("database")
	s, err := d.o.Door.Database(c.ctx, c.by, name)
	if err != nil {
		return err
	}
	list, err := d.o.Door.PreviewCleanup(c.ctx, c.by, name)
	if err != nil {
		return err
	}
	zone := d.zone(s.TimeZone)
	p := cleanupPage{page: c.page("Clean up "+s.Name, "overview"), DB: *s, Zone: zone, ZoneName: zoneTitle(zone, c.now)}
	for _, one := range list {
		if one.Keep {
			p.Stays = append(p.Stays, one)
			continue
		}
		p.Goes = append(p.Goes, one)
		p.GoesBytes += one.Size
	}
	return c.render(http.StatusOK, "cleanup", p)
}

// startCleanup removes what the retention does not keep.
func (d *Dashboard) startCleanup(c *call) error {
	return c.began(d.o.Door.StartCleanup(c.ctx, c.by, c.path("database")))
}
