package dashboard

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/litekeep/litekeep/internal/human"
	"github.com/litekeep/litekeep/internal/service"
)

// perPage is how many backups a page of the list has.
const perPage = 50

// databasePage is the data of the page database.
type databasePage struct {
	page
	DB       service.Status
	Zone     *time.Location
	ZoneName string
	Charts   []*chart
	Calendar *calendar
	Backups  []service.BackupView // of this page of the list
	Day      string               // only the backups of this day
	DayText  string
	Pages    paging
	Runs     []service.Run
	Restore  string // file of the backup that is offered for a restore, "" for none
	Failing  bool   // backups fail: a restore is offered first
}

// paging says which part of a list is shown.
type paging struct {
	Page, Last, First, End, Total int
}

// Before and After are the pages beside this one, 0 if there is none.
func (p paging) Before() int { return p.Page - 1 }

// After is the next page, 0 if there is none.
func (p paging) After() int {
	if p.Page >= p.Last {
		return 0
	}
	return p.Page + 1
}

// pageOf cuts a list to the page that a call asks for.
func pageOf[T any](c *call, list []T) ([]T, paging) {
	n, _ := strconv.Atoi(c.query("page")) // what is no number is the first page
	p := paging{Total: len(list), Last: max(1, (len(list)+perPage-1)/perPage)}
	p.Page = min(max(n, 1), p.Last)
	p.First = min((p.Page-1)*perPage, len(list))
	p.End = min(p.First+perPage, len(list))
	list = list[p.First:p.End]
	p.First++
	return list, p
}

// database shows all of one database.
func (d *Dashboard) database(c *call) error {
	name := c.path("database")
	s, err := d.o.Door.Database(c.ctx, c.by, name)
	if err != nil {
		return err
	}
	backups, err := d.o.Door.Backups(c.ctx, c.by, name)
	if err != nil && !errors.Is(err, service.ErrAway) { // which is among the problems of s
		return err
	}
	zone := d.zone(s.TimeZone)
	now := c.now.In(zone)
	runs, err := d.o.Door.Runs(c.ctx, c.by, service.RunFilter{Database: name, Limit: 500})
	if err != nil {
		return err
	}
	p := databasePage{page: c.page(s.Name, "overview"), DB: *s, Zone: zone, ZoneName: zoneTitle(zone, c.now)}
	p.Live, p.Reload = liveOf(name, ""), 60
	p.Calendar = newCalendar(backups, runs, now)
	for _, one := range []*chart{
		newChart("size", "Size", series(s.Trend, sizeOf), byteScale, zone),
		newChart("rows", "Rows", series(s.Trend, rowsOf), rowScale, zone),
		newChart("duration", "Duration", series(s.Trend, secondsOf), timeScale, zone),
	} {
		if one != nil {
			p.Charts = append(p.Charts, one)
		}
	}
	p.Restore, p.Failing = restorable(s, backups), failing(s)
	if day, err := time.ParseInLocation(time.DateOnly, c.query("day"), zone); err == nil {
		p.Day, p.DayText = day.Format(time.DateOnly), day.Format("Monday 2 January 2006")
		backups = ofDay(backups, p.Day, zone)
	}
	p.Backups, p.Pages = pageOf(c, backups)
	p.Runs = runs[:min(10, len(runs))]
	return c.render(http.StatusOK, "database", p)
}

// restorable returns the file of the newest backup that a database can be restored to,
// "" if there is none. The list is newest first.
func restorable(s *service.Status, backups []service.BackupView) string {
	for _, b := range backups {
		if b.Problem == "" && !b.Damaged && !b.VerifiedAt.IsZero() && !b.Timestamp.After(s.RestorableTo) {
			return b.File
		}
	}
	return ""
}

// failing reports whether the last backup of a database failed.
func failing(s *service.Status) bool {
	if s.Condition == service.ConditionFailing {
		return true
	}
	r := s.LastRun
	return s.Condition == service.ConditionOverdue && r != nil && r.Outcome != service.OutcomeOK && r.Outcome != service.OutcomePartial &&
		r.Outcome != service.OutcomeCancelled
}

// ofDay returns the backups of one day.
func ofDay(list []service.BackupView, day string, zone *time.Location) (of []service.BackupView) {
	for _, b := range list {
		if b.Timestamp.In(zone).Format(time.DateOnly) == day {
			of = append(of, b)
		}
	}
	return of
}

// zoneTitle names a zone in full: "Europe/Berlin (CET)".
func zoneTitle(zone *time.Location, now time.Time) string {
	name, now := zone.String(), now.In(zone)
	if short := zoneName(now); short != name {
		return name + " (" + short + ")"
	}
	return name
}

// Whole counts the places that hold a backup as it should be.
func (p databasePage) Whole(b service.BackupView) int { return whole(b) }

func whole(b service.BackupView) (n int) {
	for _, c := range b.Places {
		if c.OK {
			n++
		}
	}
	return n
}

// startBackup begins a backup, and shows its run.
func (d *Dashboard) startBackup(c *call) error {
	return c.began(d.o.Door.StartBackup(c.ctx, c.by, c.path("database")))
}

// startSync begins to copy what a destination lacks.
func (d *Dashboard) startSync(c *call) error {
	return c.began(d.o.Door.StartSync(c.ctx, c.by, c.path("database")))
}

// began redirects to a run that has begun.
func (c *call) began(r *service.Run, err error) error {
	if err != nil {
		return err
	}
	c.redirect(runPath(r.ID))
	return nil
}

// acceptSize says that a shrunken database is as it should be.
func (d *Dashboard) acceptSize(c *call) error {
	name := c.path("database")
	if err := d.o.Door.AcceptSize(c.ctx, c.by, name, c.form("reason")); err != nil {
		return err
	}
	return c.done(databasePath(name), "accepted")
}

// problemNames are the kinds of problems as people say them.
var problemNames = map[string]string{
	"failed": "Failed", "overdue": "Overdue", "shrunken": "Shrunken",
	"destination-down": "Destination down", "verification-failed": "Verification failed", "disk-low": "Disk running low",
	"gone": "File gone",
}

// ProblemName names the kind of a problem.
func (p page) ProblemName(kind string) string {
	if name, ok := problemNames[kind]; ok {
		return name
	}
	return capital(kind)
}

// Sum is how much the backups and the trash of a database take, in words.
func (p databasePage) Sum() string {
	text := human.Plural(p.DB.Count, "backup") + ", " + human.Bytes(p.DB.SizeBytes)
	if p.DB.TrashCount > 0 {
		text += "; " + human.Bytes(p.DB.TrashBytes) + " in the trash"
	}
	return text
}
