package dashboard

import (
	"net/http"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/service"
)

// A databaseRow is a database on the overview.
type databaseRow struct {
	service.Status
	Zone       *time.Location
	Size, Rows *sparkline
	Latest     service.Point // the newest of the trend
	Whole      int           // how many of its copies are whole
}

// overviewPage is the data of the page overview.
type overviewPage struct {
	page
	Health   service.Health
	Query    string
	Show     string // all, problems, running or ok
	Total    int    // databases that there are
	Problems []databaseRow
	Fine     []databaseRow
	Counts   struct{ Problems, Running, OK int }
	Backups  int
	Bytes    int64
}

// overview shows all databases, those with problems first.
func (d *Dashboard) overview(c *call) error {
	list, err := d.o.Door.Databases(c.ctx, c.by)
	if err != nil {
		return err
	}
	p := overviewPage{page: c.page("Overview", "overview"), Health: d.o.Door.Health(c.ctx), Query: c.query("q"), Show: c.query("show"), Total: len(list)}
	p.Live, p.Reload = "/live", 60
	for _, s := range list {
		p.Backups += s.Count
		p.Bytes += s.SizeBytes
		fine := s.Condition == service.ConditionOK
		if fine {
			p.Counts.OK++
		} else {
			p.Counts.Problems++
		}
		if s.Running != nil {
			p.Counts.Running++
		}
		if !p.shows(s) {
			continue
		}
		row := d.row(s)
		if fine {
			p.Fine = append(p.Fine, row)
		} else {
			p.Problems = append(p.Problems, row)
		}
	}
	return c.render(http.StatusOK, "overview", p)
}

// shows reports whether the filters of the page let a database through.
func (p overviewPage) shows(s service.Status) bool {
	switch p.Show {
	case "problems":
		if s.Condition == service.ConditionOK {
			return false
		}
	case "running":
		if s.Running == nil {
			return false
		}
	case "ok":
		if s.Condition != service.ConditionOK {
			return false
		}
	}
	text := strings.ToLower(s.Name + " " + s.Path + " " + conditionBadge(s.Condition).Word)
	for word := range strings.FieldsSeq(strings.ToLower(p.Query)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// row makes what the overview shows of a database.
func (d *Dashboard) row(s service.Status) databaseRow {
	r := databaseRow{Status: s, Zone: d.zone(s.TimeZone)}
	r.Size = newSparkline("Size", series(s.Trend, sizeOf), byteScale)
	r.Rows = newSparkline("Rows", series(s.Trend, rowsOf), rowScale)
	if n := len(s.Trend); n > 0 {
		r.Latest = s.Trend[n-1]
	}
	for _, p := range s.Copies {
		if p.OK {
			r.Whole++
		}
	}
	return r
}
