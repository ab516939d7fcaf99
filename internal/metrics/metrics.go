package metrics

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics has a registry of its own. Its methods may be called concurrently.
type Metrics struct {
	registry  *prometheus.Registry
	snapshot  func() Snapshot
	runs      *prometheus.CounterVec
	durations *prometheus.HistogramVec
}

// Build says what runs.
type Build struct{ Version, SQLite string }

// durations are the upper bounds of the histogram in seconds: a small database
// takes a fraction of a second, a large one with copies hours.
var durations = []float64{0.25, 1, 2.5, 5, 10, 30, 60, 150, 300, 600, 1800, 3600, 7200}

// New returns Metrics. snapshot is called for each request; it must be quick and
// must not wait for a database or a destination.
func New(build Build, snapshot func() Snapshot) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		snapshot: snapshot,
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "litekeep_runs_total",
			Help: "Runs that have ended since the service started, by kind (backup, verify, restore, ...) and outcome (ok, failed, ...).",
		}, []string{"database", "kind", "outcome"}),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "litekeep_run_duration_seconds",
			Help:    "How long runs took, of all databases, by kind.",
			Buckets: durations,
		}, []string{"kind"}),
	}
	info := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "litekeep_build_info",
		Help:        "1; the labels say what runs.",
		ConstLabels: prometheus.Labels{"version": build.Version, "sqlite": build.SQLite, "goversion": runtime.Version()},
	}, func() float64 { return 1 })
	m.registry.MustRegister(m, m.durations, info, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// RunEnded counts a run.
func (m *Metrics) RunEnded(database, kind, outcome string, took time.Duration) {
	m.runs.WithLabelValues(database, kind, outcome).Inc()
	m.durations.WithLabelValues(kind).Observe(took.Seconds())
}

// Handler answers requests for the metrics. allowed says for a request which
// databases may be seen: nil for all of them and the rest of the metrics. Whether
// the request may see anything is for the caller to check before.
func (m *Metrics) Handler(allowed func(*http.Request) (see func(database string) bool)) http.Handler {
	options := promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4, Timeout: 10 * time.Second}
	all := promhttp.HandlerFor(m.registry, options)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		see := allowed(r)
		if see == nil {
			all.ServeHTTP(w, r)
			return
		}
		promhttp.HandlerFor(limited{m.registry, see}, options).ServeHTTP(w, r)
	})
}
