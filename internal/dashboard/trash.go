package dashboard

import (
	"net/http"
	"time"

	"github.com/litekeep/litekeep/internal/service"
)

// A trashBin is what is in the trash of one database.
type trashBin struct {
	Database string
	Zone     *time.Location
	ZoneName string
	Bytes    int64
	Backups  []service.TrashView
}

// trashPage is the data of the page trash.
type trashPage struct {
	page
	Only string // one database, "" for all
	Bins []trashBin
}

// trash shows what was removed and can be had back.
func (d *Dashboard) trash(c *call) error {
	list, err := d.o.Door.Databases(c.ctx, c.by)
	if err != nil {
		return err
	}
	p := trashPage{page: c.page("Trash", "trash"), Only: c.query("database")}
	for _, s := range list {
		if s.TrashCount == 0 || p.Only != "" && s.Name != p.Only {
			continue
		}
		found, err := d.o.Door.Trash(c.ctx, c.by, s.Name)
		if err != nil {
			return err
		}
		zone := d.zone(s.TimeZone)
		bin := trashBin{Database: s.Name, Zone: zone, ZoneName: zoneTitle(zone, c.now), Backups: found}
		for _, b := range found {
			bin.Bytes += b.SizeBytes
		}
		p.Bins = append(p.Bins, bin)
	}
	return c.render(http.StatusOK, "trash", p)
}

// undelete takes a backup out of the trash.
func (d *Dashboard) undelete(c *call) error {
	if err := d.o.Door.Undelete(c.ctx, c.by, c.path("database"), c.path("file")); err != nil {
		return err
	}
	return c.done("/trash", "undeleted")
}
