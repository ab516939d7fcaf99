package dashboard

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/human"
)

//go:embed templates
var templateFiles embed.FS

// pages are the parsed templates: each page with the layout around it.
type pages struct{ byName map[string]*template.Template }

// loadPages parses the templates. The folder parts belongs to every page.
func loadPages(files *assets) (*pages, error) {
	base, err := template.New("").Funcs(functions(files)).ParseFS(templateFiles, "templates/parts/*.html")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	p := &pages{byName: map[string]*template.Template{}}
	for _, f := range names {
		name := strings.TrimSuffix(path.Base(f), ".html")
		t, err := base.Clone()
		if err == nil {
			t, err = t.ParseFS(templateFiles, f)
		}
		if err != nil {
			return nil, err
		}
		p.byName[name] = t
	}
	return p, nil
}

// execute writes a page.
func (p *pages) execute(w io.Writer, name string, data any) error {
	t, ok := p.byName[name]
	if !ok {
		return fmt.Errorf("there is no page %s", name)
	}
	return t.ExecuteTemplate(w, "layout", data)
}

// page is what every page has. It is embedded in the data of each.
type page struct {
	Title   string
	Section string // of the navigation
	User    access.Principal
	Known   bool   // somebody is logged in, or needs not be
	Session bool   // there is a session to log out of
	Theme   string // light, dark or "" for what the system says
	Here    string // the address of this page, to come back to
	Request string // the name of the request
	Notice  string // what was just done
	Reload  int    // seconds until the page loads anew without the script, 0 for never
	Live    string // the address of its events, "" for none
	now     time.Time
}

// page begins the data of a page.
func (c *call) page(title, section string) page {
	p := page{
		Title: title, Section: section, User: c.by, Known: c.by.Known(),
		Session: c.by.Via == access.ViaSession,
		Theme:   themeOf(c.r), Here: "/", Request: c.d.o.RequestID(c.ctx), Notice: notices[c.query("done")],
		now: c.now,
	}
	if c.r.Method == "GET" {
		p.Here = local(c.r.URL.RequestURI())
	}
	return p
}

// Time is a time in the zone of the page, with the zone, and how far it is.
func (p page) Time(t time.Time) template.HTML { return p.TimeIn(t, p.now.Location()) }

// TimeIn is a time in a zone.
func (p page) TimeIn(t time.Time, zone *time.Location) template.HTML {
	if t.IsZero() {
		return `<span class="muted">never</span>`
	}
	return stamp(t.In(zone), human.Moment(t, p.now.In(zone))+" "+zoneName(t.In(zone))) +
		template.HTML(` <span class="ago">`+template.HTMLEscapeString(human.Relative(t, p.now))+`</span>`) //nolint:gosec // escaped
}

// Moment is a time as one would say it, and how far it is in brackets: "02:00
// today (6 hours ago)".
func (p page) Moment(t time.Time, zone *time.Location) template.HTML {
	return stamp(t.In(zone), human.Moment(t, p.now.In(zone))) +
		template.HTML(" ("+template.HTMLEscapeString(human.Relative(t, p.now))+")") //nolint:gosec // escaped
}

// Short is a time for tables whose caption names the zone.
func (p page) Short(t time.Time, zone *time.Location) template.HTML {
	if t.IsZero() {
		return `<span class="muted">–</span>`
	}
	t = t.In(zone)
	layout := "Mon 2 Jan 15:04"
	if t.Year() != p.now.In(zone).Year() {
		layout = "2 Jan 2006 15:04"
	}
	return stamp(t, t.Format(layout))
}

// ZoneOf is the short name that a zone has at a time: CET.
func (p page) ZoneOf(t time.Time, zone *time.Location) string { return zoneName(t.In(zone)) }

// Ago says how far a time is.
func (p page) Ago(t time.Time) template.HTML {
	if t.IsZero() {
		return "never"
	}
	return stamp(t.In(p.now.Location()), human.Relative(t, p.now))
}

// stamp marks text as a time, and tells all of it when one points at it.
func stamp(t time.Time, text string) template.HTML {
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`, //nolint:gosec // escaped
		t.Format(time.RFC3339), template.HTMLEscapeString(t.Format("Monday 2 January 2006, 15:04:05 ")+zoneName(t)),
		template.HTMLEscapeString(text)))
}

// zoneName is the name of the zone of t. Zones without letters of their own
// ("+03") get UTC before it.
func zoneName(t time.Time) string {
	name := t.Format("MST")
	if strings.HasPrefix(name, "+") || strings.HasPrefix(name, "-") {
		return "UTC" + name
	}
	return name
}

// notices are what a page says after an action, by the key in its address. Text
// of the address itself is never shown.
var notices = map[string]string{
	"pinned":    "The backup is pinned. No cleanup removes it.",
	"unpinned":  "The pin is gone. The retention decides again.",
	"undeleted": "The backup is back from the trash.",
	"accepted":  "The size is accepted. Cleanups go on.",
	"reloaded":  "The configuration was read again.",
	"tested":    "The test message was handed over. See whether it has arrived.",
	"revoked":   "The token is revoked. It works no more.",
	"cancelled": "The run was told to stop.",
}
