package dashboard

import (
	"fmt"
	"mime"
	"net/http"
	"time"

	"github.com/litekeep/litekeep/internal/service"
)

// maxTables is how many tables of a backup are shown. More are in its manifest.
const maxTables = 1000

// A tableRow is one table of a backup beside what it was in the one before.
type tableRow struct {
	Name    string
	Rows    int64
	Before  int64 // -1 if it was not there, or there is nothing to compare with
	Changed bool
	New     bool
	Gone    bool
}

// backupPage is the data of the page backup.
type backupPage struct {
	page
	DB       service.Status
	B        service.BackupDetails
	Zone     *time.Location
	ZoneName string
	When     string // of the backup, for the title
	Tables   []tableRow
	Changed  int // how many tables changed
	Hidden   int // tables that are not shown
	Compared bool
	Tomorrow string // the first day that a pin may end
	Newer    string // file name of the next backup, "" if it is the newest
	Older    string
}

// backup shows one backup.
func (d *Dashboard) backup(c *call) error {
	p, err := d.backupPage(c)
	if err != nil {
		return err
	}
	return c.render(http.StatusOK, "backup", p)
}

// backupPage reads what the pages about one backup show.
func (d *Dashboard) backupPage(c *call) (*backupPage, error) {
	name, file := c.path("database"), c.path("file")
	s, err := d.o.Door.Database(c.ctx, c.by, name)
	if err != nil {
		return nil, err
	}
	b, err := d.o.Door.Backup(c.ctx, c.by, name, file)
	if err != nil {
		return nil, err
	}
	all, err := d.o.Door.Backups(c.ctx, c.by, name)
	if err != nil {
		return nil, err
	}
	zone := d.zone(s.TimeZone)
	at := b.Timestamp.In(zone)
	p := &backupPage{DB: *s, B: *b, Zone: zone, ZoneName: zoneTitle(zone, c.now), Compared: b.Before != ""}
	p.When = at.Format("Mon 2 Jan 2006 15:04 ") + zoneName(at)
	p.page = c.page(s.Name+", "+p.When, "overview")
	p.Live = liveOf(name, "")
	p.Tomorrow = c.now.In(zone).AddDate(0, 0, 1).Format(time.DateOnly)
	p.Tables, p.Changed = tables(b)
	if n := len(p.Tables); n > maxTables {
		p.Tables, p.Hidden = p.Tables[:maxTables], n-maxTables
	}
	for i, one := range all {
		if one.File != file {
			continue
		}
		if i > 0 {
			p.Newer = all[i-1].File
		}
		if i+1 < len(all) {
			p.Older = all[i+1].File
		}
	}
	return p, nil
}

// tables joins the tables of a backup with what changed in them: what changed
// first, as the door orders it, then the others in the order of the document.
func tables(b *service.BackupDetails) (rows []tableRow, changed int) {
	shown := map[string]bool{}
	for _, ch := range b.Changes {
		row := tableRow{Name: ch.Table, Rows: ch.Rows, Before: ch.Before, Gone: ch.Gone, New: ch.Before < 0}
		row.Changed = row.Gone || row.New || ch.Rows != ch.Before
		if !row.Changed {
			continue
		}
		changed++
		shown[ch.Table] = true
		rows = append(rows, row)
	}
	if b.Details == nil {
		return rows, changed
	}
	for _, t := range b.Details.Tables {
		if shown[t.Name] {
			continue
		}
		row := tableRow{Name: t.Name, Rows: t.Rows, Before: -1}
		if b.Before != "" {
			row.Before = t.Rows
		}
		rows = append(rows, row)
	}
	return rows, changed
}

// Whole counts the places that hold the backup as it should be.
func (p backupPage) Whole() int { return whole(p.B.BackupView) }

// download sends the object of a backup, or its manifest.
func (d *Dashboard) download(c *call) error {
	name, file := c.path("database"), c.path("file")
	body, err := d.o.Door.Download(c.ctx, c.by, name, file, c.query("manifest") != "")
	if err != nil {
		return err
	}
	defer body.Close()
	h := c.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name + "-" + body.Name}))
	if body.SHA256 != "" {
		h.Set("ETag", `"`+body.SHA256+`"`)
	}
	http.ServeContent(c.w, c.r, "", body.Time, body)
	return nil
}

// startVerify begins to read a backup from end to end.
func (d *Dashboard) startVerify(c *call) error {
	return c.began(d.o.Door.StartVerify(c.ctx, c.by, c.path("database"), c.path("file")))
}

// pin keeps a backup whatever the retention says.
func (d *Dashboard) pin(c *call) error {
	name, file := c.path("database"), c.path("file")
	s, err := d.o.Door.Database(c.ctx, c.by, name)
	if err != nil {
		return err
	}
	var until time.Time
	if day := c.form("until"); day != "" {
		t, err := time.ParseInLocation(time.DateOnly, day, d.zone(s.TimeZone))
		if err != nil {
			return fmt.Errorf("%w: the day %q is not written as 2026-12-31", service.ErrRequest, day)
		}
		until = t.AddDate(0, 0, 1) // that day is still part of it
		if !until.After(c.now) {
			return fmt.Errorf("%w: the day %s is over", service.ErrRequest, day)
		}
	}
	if err := d.o.Door.Pin(c.ctx, c.by, name, file, c.form("note"), until); err != nil {
		return err
	}
	return c.done(backupPath(name, file), "pinned")
}

// unpin leaves a backup to the retention.
func (d *Dashboard) unpin(c *call) error {
	name, file := c.path("database"), c.path("file")
	if err := d.o.Door.Unpin(c.ctx, c.by, name, file); err != nil {
		return err
	}
	return c.done(backupPath(name, file), "unpinned")
}
