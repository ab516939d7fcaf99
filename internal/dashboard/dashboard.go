package dashboard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// Sessions turns tokens into cookies and back. *access.Guard does.
type Sessions interface {
	// Login checks a token and sends the cookie of a session for it. Its errors
	// are those that access.Status knows.
	Login(w http.ResponseWriter, r *http.Request, secret string) (access.Principal, error)
	// Logout ends the session of the request, if it has one, and takes the
	// cookie away.
	Logout(w http.ResponseWriter, r *http.Request)
}

// Options say how a Dashboard works. Door and Sessions are required.
type Options struct {
	Door     service.Door
	Sessions Sessions
	// RequestID names a request in the log, "" if it has no name. Optional.
	RequestID func(context.Context) string
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Location is the zone of times that belong to no database. Default UTC.
	Location *time.Location
	// Secure says that browsers reach the service over TLS.
	Secure bool
	// Log gets errors that people are not told the inside of. Default: none.
	Log *slog.Logger
	// Heartbeat is how often the stream of events says that it lives. Default 15
	// seconds.
	Heartbeat time.Duration
}

// A Dashboard is the handler of all its pages.
type Dashboard struct {
	o       Options
	files   *assets
	pages   *pages
	handler http.Handler
	zones   sync.Map // of string to *time.Location
}

// New returns a Dashboard. The error is a mistake in Options or in a template.
func New(o Options) (*Dashboard, error) {
	if o.Door == nil || o.Sessions == nil {
		return nil, errors.New("a dashboard needs a door and sessions")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Location == nil {
		o.Location = time.UTC
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Heartbeat <= 0 {
		o.Heartbeat = 15 * time.Second
	}
	if o.RequestID == nil {
		o.RequestID = func(context.Context) string { return "" }
	}
	files, err := loadAssets()
	if err != nil {
		return nil, fmt.Errorf("load static files: %w", err)
	}
	d := &Dashboard{o: o, files: files}
	if d.pages, err = loadPages(files); err != nil {
		return nil, fmt.Errorf("load templates: %w", err)
	}
	mux := http.NewServeMux()
	d.routes(mux)
	d.handler = mux
	return d, nil
}

// routes lists every address.
func (d *Dashboard) routes(mux *http.ServeMux) {
	const db, backup = "/databases/{database}", "/databases/{database}/backups/{file}"
	for pattern, h := range map[string]handler{
		"GET /{$}": d.overview,

		"GET " + db:               d.database,
		"POST " + db + "/backup":  d.startBackup,
		"POST " + db + "/sync":    d.startSync,
		"POST " + db + "/accept":  d.acceptSize,
		"GET " + db + "/cleanup":  d.previewCleanup,
		"POST " + db + "/cleanup": d.startCleanup,

		"GET " + backup:                       d.backup,
		"GET " + backup + "/download":         d.download,
		"POST " + backup + "/verify":          d.startVerify,
		"POST " + backup + "/pin":             d.pin,
		"POST " + backup + "/unpin":           d.unpin,
		"GET " + backup + "/restore":          d.restorePage,
		"POST " + backup + "/restore":         d.startRestore,
		"POST " + backup + "/restore/dry-run": d.startDryRun,

		"GET /runs":              d.runs,
		"GET /runs/{id}":         d.run,
		"POST /runs/{id}/cancel": d.cancelRun,

		"GET /trash":                            d.trash,
		"POST " + db + "/trash/{file}/undelete": d.undelete,

		"GET /audit":                           d.audit,
		"GET /settings":                        d.settings,
		"POST /settings/reload":                d.reload,
		"POST /settings/channels/{name}/test":  d.testChannel,
		"GET /settings/tokens":                 d.tokens,
		"POST /settings/tokens":                d.createToken,
		"POST /settings/tokens/{token}/revoke": d.revokeToken,
		"GET /live":                            d.live,
	} {
		mux.Handle(pattern, d.known(h))
	}
	for pattern, h := range map[string]handler{
		"GET /login":         d.loginPage,
		"POST /login":        d.login,
		"POST /logout":       d.logout,
		"POST /theme":        d.theme,
		"GET /static/{file}": d.static,
		"/":                  d.missing,
	} {
		mux.Handle(pattern, d.anybody(h))
	}
}

// ServeHTTP answers a request that access.Guard has let pass: it knows who asks
// from the context, and it relies on the guard's headers and its check that a
// form comes from one of our own pages.
func (d *Dashboard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	d.handler.ServeHTTP(w, r)
}

// Refuse answers a request that a guard does not let pass, for
// access.GuardConfig.
func (d *Dashboard) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	w.Header().Set("Cache-Control", "no-store")
	c := d.call(w, r)
	if e := access.Status(err); e == http.StatusUnauthorized && r.Method == http.MethodGet && r.URL.Path != "/live" {
		c.toLogin()
		return
	}
	c.fail(err)
}

// static serves a file with its hash in its name.
func (d *Dashboard) static(c *call) error {
	if !d.files.serve(c.w, c.r) {
		return d.missing(c)
	}
	return nil
}

// zone returns the zone of a database by its name, or that of the service if it
// has none that this machine knows.
func (d *Dashboard) zone(name string) *time.Location {
	if name == "" {
		return d.o.Location
	}
	if z, ok := d.zones.Load(name); ok {
		return z.(*time.Location)
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return d.o.Location
	}
	d.zones.Store(name, z)
	return z
}
