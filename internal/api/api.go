package api

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Options are the choices of New. The zero value works, but lets nobody in.
type Options struct {
	// Authenticate finds out who asks, and puts it into the context of the
	// request or answers by itself, with Refuse. It is that of an access.Guard.
	// Default: nobody is let in.
	Authenticate func(http.Handler) http.Handler
	// Metrics answers /metrics. Default: there is no such path.
	Metrics http.Handler
	// Stopping is closed when the server is about to end: streams of events end
	// then, and nobody waits for runs any more. Default: never.
	Stopping <-chan struct{}
	// Heartbeat is how often a stream of events in which nothing happens shows
	// that it lives. Default 15 seconds.
	Heartbeat time.Duration
	// MaxStreams is how many streams of events there may be at once. Default 100.
	MaxStreams int
	// Now is the clock for deadlines. Default time.Now.
	Now func() time.Time
	// Log gets what callers are not told. Default: nothing is logged.
	Log *slog.Logger
}

func (o *Options) fill() {
	if o.Authenticate == nil {
		o.Authenticate = func(h http.Handler) http.Handler { return h }
	}
	if o.Heartbeat <= 0 {
		o.Heartbeat = 15 * time.Second
	}
	if o.MaxStreams <= 0 {
		o.MaxStreams = 100
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// An API is the HTTP handler of all operations.
type API struct {
	door    Door
	o       Options
	mux     *http.ServeMux
	huma    huma.API
	streams chan struct{} // a place for each stream of events
	text    []byte        // the OpenAPI document
	page    []byte        // the same for people
	handler http.Handler
}

// New returns the API of a door.
func New(door Door, o Options) *API {
	o.fill()
	a := &API{door: door, o: o, mux: http.NewServeMux(), streams: make(chan struct{}, o.MaxStreams)}
	a.huma = humago.New(a.mux, a.config())
	a.huma.UseMiddleware(settle)
	a.registerBackups()
	a.registerStarts()
	a.registerDownload()
	a.registerKeeping()
	a.registerDatabases()
	a.registerRuns()
	a.registerEvents()
	a.registerTokens()
	a.registerRecords()
	a.registerSettings()
	a.registerHealth()
	a.registerMetrics()
	a.registerDocument()
	a.handler = a.chain()
	return a
}

// ServeHTTP answers a request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// paths are what the API answers for on a mux that serves others too.
var paths = []string{"/api/", "/healthz", "/readyz", "/openapi.json", "/metrics"}

// Answers reports whether a path of a request is one of the API's, so that a
// program and no person asks for it.
func Answers(path string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { return path == p || strings.HasSuffix(p, "/") && strings.HasPrefix(path, p) })
}

// Mount gives the API its paths on a mux that serves others too. They are for
// all methods, so that no other pattern of mux may be for some methods and all
// paths ("GET /" is one).
func (a *API) Mount(mux *http.ServeMux) {
	for _, path := range paths {
		if path != "/metrics" || a.o.Metrics != nil {
			mux.Handle(path, a)
		}
	}
}

// config is huma's, without what it would serve by itself: its page loads
// scripts from another host, and its links to schemas are of no use here.
func (a *API) config() huma.Config {
	c := huma.DefaultConfig("litekeep", documentVersion)
	c.OpenAPIPath, c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", "", nil
	c.Formats = map[string]huma.Format{"application/json": format, "json": format}
	c.RejectUnknownQueryParameters = true
	c.AllowAdditionalPropertiesByDefault = true // of answers; bodies of requests forbid them
	c.Transformers = []huma.Transformer{a.transform}
	describe(c.OpenAPI)
	return c
}
