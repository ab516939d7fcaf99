package metrics

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var made = time.Date(2026, 11, 22, 2, 0, 0, 250e6, time.UTC)

func snapshot() Snapshot {
	return Snapshot{
		Databases: []Database{
			{
				Name: "app", LastVerified: made, NextRun: made.Add(24 * time.Hour), Promise: 26 * time.Hour, Backups: 9, Duration: 1500 * time.Millisecond,
				SizeBytes: 4096, DocumentBytes: 16384, Rows: 48112, Tables: 7, Running: true,
				Copies: map[string]bool{"s3://backups/prod": false}, Troubles: []string{"failed", "shrunken"},
			},
			{Name: "new", Overdue: true},
		},
		Destinations:  []Destination{{"s3://backups/prod", false}, {"/backups", true}},
		Folders:       []Folder{{"/backups\xff", 5 << 30}, {"/tmp", -1}},
		Channels:      []Channel{{"ops", 3, true}},
		StateWritable: true,
	}
}

// filled is a Metrics with each metric that there is.
func filled() *Metrics {
	m := New(Build{"0.1.0", "3.54.1"}, snapshot)
	m.RunEnded("app", "backup", "ok", 90*time.Second)
	m.RunEnded("app", "backup", "ok", 100*time.Millisecond)
	m.RunEnded("new", "backup", "failed", time.Second)
	return m
}

func TestNames(t *testing.T) {
	problems, err := testutil.GatherAndLint(filled().registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestValues(t *testing.T) {
	m := filled()
	want := `
# HELP litekeep_runs_total Runs that have ended since the service started, by kind (backup, verify, restore, ...) and outcome (ok, failed, ...).
# TYPE litekeep_runs_total counter
litekeep_runs_total{database="app",kind="backup",outcome="failed"} 0
litekeep_runs_total{database="app",kind="backup",outcome="ok"} 2
litekeep_runs_total{database="new",kind="backup",outcome="failed"} 1
litekeep_runs_total{database="new",kind="backup",outcome="ok"} 0
# HELP litekeep_last_verified_backup_timestamp_seconds When the newest verified backup was made; 0 if there is none.
# TYPE litekeep_last_verified_backup_timestamp_seconds gauge
litekeep_last_verified_backup_timestamp_seconds{database="app"} 1.79531280025e+09
litekeep_last_verified_backup_timestamp_seconds{database="new"} 0
# HELP litekeep_backup_size_bytes Size of the newest verified backup as it is stored.
# TYPE litekeep_backup_size_bytes gauge
litekeep_backup_size_bytes{database="app"} 4096
# HELP litekeep_backup_rows Rows in the newest verified backup.
# TYPE litekeep_backup_rows gauge
litekeep_backup_rows{database="app"} 48112
# HELP litekeep_backup_overdue 1 if there is no verified backup within the promised time.
# TYPE litekeep_backup_overdue gauge
litekeep_backup_overdue{database="app"} 0
litekeep_backup_overdue{database="new"} 1
# HELP litekeep_disk_free_bytes Bytes that are available in a folder that the service needs.
# TYPE litekeep_disk_free_bytes gauge
litekeep_disk_free_bytes{folder="/backups` + "\uFFFD" + `"} 5.36870912e+09
# HELP litekeep_trouble 1 for each kind of trouble that the database is in.
# TYPE litekeep_trouble gauge
litekeep_trouble{database="app",kind="failed"} 1
litekeep_trouble{database="app",kind="shrunken"} 1
`
	if err := testutil.GatherAndCompare(m.registry, strings.NewReader(want), "litekeep_runs_total", "litekeep_last_verified_backup_timestamp_seconds",
		"litekeep_backup_size_bytes", "litekeep_backup_rows", "litekeep_backup_overdue", "litekeep_disk_free_bytes", "litekeep_trouble"); err != nil {
		t.Error(err)
	}
}

// get asks the handler as one who may see the databases; nil is all.
func get(t *testing.T, m *Metrics, databases []string) string {
	t.Helper()
	h := m.Handler(func(*http.Request) func(string) bool {
		if databases == nil {
			return nil
		}
		return func(name string) bool { return slices.Contains(databases, name) }
	})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text, err := io.ReadAll(w.Body)
	if err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d, %v: %s", w.Code, err, text)
	}
	return string(text)
}

// TestHandler shows nobody what is not for them.
func TestHandler(t *testing.T) {
	m := filled()
	all := get(t, m, nil)
	for _, want := range []string{
		`litekeep_build_info{goversion="go`, `litekeep_run_duration_seconds_bucket{kind="backup",le="1"} 2`, `litekeep_destination_up{destination="s3://backups/prod"} 0`,
		`litekeep_notifications_pending{channel="ops"} 3`, `litekeep_copy_ok{database="app",destination="s3://backups/prod"} 0`, "go_goroutines", "litekeep_state_writable 1",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no %s in\n%s", want, all)
		}
	}
	some := get(t, m, []string{"new"})
	if !strings.Contains(some, `litekeep_backup_overdue{database="new"} 1`) || strings.Contains(some, "app") || strings.Contains(some, "ops") || strings.Contains(some, "go_") {
		t.Errorf("one who may see only new sees\n%s", some)
	}
	for line := range strings.Lines(some) {
		if !strings.HasPrefix(line, "#") && !strings.Contains(line, `database="new"`) {
			t.Errorf("and this: %s", line)
		}
	}
	if none := get(t, m, []string{}); none != "" {
		t.Errorf("one who may see nothing sees\n%s", none)
	}
}

// TestConcurrent asks and counts at once; for the race detector.
func TestConcurrent(t *testing.T) {
	m := filled()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 20 {
				m.RunEnded("app", "backup", "ok", time.Second)
				if _, err := m.registry.Gather(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

// exists returns the names and labels that Prometheus knows after a request.
func exists(t *testing.T) map[string][]string {
	t.Helper()
	families, err := filled().registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string][]string{}
	for _, f := range families {
		names := []string{f.GetName()}
		if f.GetType().String() == "HISTOGRAM" {
			names = []string{f.GetName() + "_bucket", f.GetName() + "_sum", f.GetName() + "_count"}
		}
		var labels []string
		for _, l := range f.Metric[0].Label {
			labels = append(labels, l.GetName())
		}
		for _, n := range names {
			known[n] = labels
			if strings.HasSuffix(n, "_bucket") {
				known[n] = append(slices.Clone(labels), "le")
			}
		}
	}
	return known
}

var (
	metricName = regexp.MustCompile(`\b(?:litekeep|go|process)_[a-z_]+\b`)
	selector   = regexp.MustCompile(`\b(litekeep_[a-z_]+)\{([^}]*)\}`)
	labelName  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)`)
)

// checkQuery wants each metric and label of a query to exist.
func checkQuery(t *testing.T, where, query string, known map[string][]string) {
	t.Helper()
	names := metricName.FindAllString(query, -1)
	if len(names) == 0 && !strings.Contains(query, "up{") {
		t.Errorf("%s asks for nothing of ours: %s", where, query)
	}
	for _, n := range names {
		if _, ok := known[n]; !ok {
			t.Errorf("%s: there is no metric %s", where, n)
		}
	}
	for _, s := range selector.FindAllStringSubmatch(query, -1) {
		for _, l := range labelName.FindAllStringSubmatch(s[2], -1) {
			if !slices.Contains(append(known[s[1]], "job", "instance"), l[1]) {
				t.Errorf("%s: %s has no label %s", where, s[1], l[1])
			}
		}
	}
}

func TestCheckQuery(t *testing.T) {
	known := map[string][]string{"litekeep_x": {"database"}}
	for query, ok := range map[string]bool{
		`litekeep_x{database="a"} > 0`: true, `litekeep_x{job="a"}`: true, `up{job="litekeep"} == 0`: true,
		`litekeep_y > 0`: false, `litekeep_x{kind="a"}`: false, `1 > 0`: false, `rate(litekeep_x_total[5m])`: false,
	} {
		inner := &testing.T{}
		checkQuery(inner, "", query, known)
		if inner.Failed() == ok {
			t.Errorf("%s: failed %v", query, inner.Failed())
		}
	}
}
