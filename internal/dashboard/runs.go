package dashboard

import (
	"net/http"
	"net/url"
	"time"

	"github.com/litekeep/litekeep/internal/service"
)

// runsPerPage is how many runs the list shows at once.
const runsPerPage = 50

// runRow is a run in a list.
type runRow struct {
	service.Run
	Zone *time.Location
}

// runsPage is the data of the page runs.
type runsPage struct {
	page
	Filter    service.RunFilter
	Databases []string
	Runs      []runRow
	Older     string // the address of older ones, "" if there are none
	Kinds     []option
	Outcomes  []option
}

// An option is one of a list to choose from.
type option struct {
	Value, Text string
	Chosen      bool
}

// runs lists runs, newest first.
func (d *Dashboard) runs(c *call) error {
	f := service.RunFilter{
		Database: c.query("database"), Kind: service.Kind(c.query("kind")), Outcome: service.Outcome(c.query("outcome")),
		Before: c.query("before"), Limit: runsPerPage + 1,
	}
	list, err := d.o.Door.Runs(c.ctx, c.by, f)
	if err != nil {
		return err
	}
	zones, names, err := d.databaseZones(c)
	if err != nil {
		return err
	}
	p := runsPage{page: c.page("Runs", "runs"), Filter: f, Databases: names}
	if f.Before == "" {
		p.Live, p.Reload = liveOf(f.Database, ""), 30
	}
	if len(list) > runsPerPage {
		list = list[:runsPerPage]
		p.Older = "/runs?" + url.Values{
			"database": {f.Database}, "kind": {string(f.Kind)}, "outcome": {string(f.Outcome)}, "before": {list[len(list)-1].ID},
		}.Encode()
	}
	for _, r := range list {
		zone := zones[r.Database]
		if zone == nil {
			zone = d.o.Location
		}
		p.Runs = append(p.Runs, runRow{r, zone})
	}
	for _, k := range []service.Kind{service.KindBackup, service.KindVerify, service.KindRestore, service.KindCleanup, service.KindSync} {
		p.Kinds = append(p.Kinds, option{string(k), kindNames[k], k == f.Kind})
	}
	for _, o := range []service.Outcome{
		service.OutcomeQueued, service.OutcomeRunning, service.OutcomeOK, service.OutcomePartial, service.OutcomeFailed,
		service.OutcomeRefused, service.OutcomeDamaged, service.OutcomeBusy, service.OutcomeTimeout, service.OutcomeCancelled, service.OutcomeCrashed,
	} {
		p.Outcomes = append(p.Outcomes, option{string(o), outcomeBadge(o).Word, o == f.Outcome})
	}
	return c.render(http.StatusOK, "runs", p)
}

// databaseZones returns the zones of the databases that whoever asks may see,
// and their names.
func (d *Dashboard) databaseZones(c *call) (map[string]*time.Location, []string, error) {
	list, err := d.o.Door.Databases(c.ctx, c.by)
	if err != nil {
		return nil, nil, err
	}
	zones, names := make(map[string]*time.Location, len(list)), make([]string, 0, len(list))
	for _, s := range list {
		zones[s.Name] = d.zone(s.TimeZone)
		names = append(names, s.Name)
	}
	return zones, names, nil
}

// runPage is the data of the page run.
type runPage struct {
	page
	R    service.Run
	Zone *time.Location
}

// run shows one run: how far it is, or what came of it, and its log.
func (d *Dashboard) run(c *call) error {
	r, err := d.o.Door.Run(c.ctx, c.by, c.path("id"))
	if err != nil {
		return err
	}
	s, err := d.o.Door.Database(c.ctx, c.by, r.Database)
	if err != nil {
		return err
	}
	p := runPage{page: c.page(kindName(*r)+" of "+r.Database, "runs"), R: *r, Zone: d.zone(s.TimeZone)}
	if going(*r) {
		p.Live, p.Reload = liveOf(r.Database, r.ID), 3
	}
	return c.render(http.StatusOK, "run", p)
}

// cancelRun stops a run.
func (d *Dashboard) cancelRun(c *call) error {
	r, err := d.o.Door.CancelRun(c.ctx, c.by, c.path("id"))
	if err != nil {
		return err
	}
	return c.done(runPath(r.ID), "cancelled")
}

// Clock is the time of day to the second, for logs.
func (p runPage) Clock(t time.Time) string { return t.In(p.Zone).Format("15:04:05") }
