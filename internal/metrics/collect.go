package metrics

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func gauge(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("litekeep_"+name, help, labels, nil)
}

// The gauges of a snapshot.
var (
	lastVerified = gauge("last_verified_backup_timestamp_seconds", "When the newest verified backup was made; 0 if there is none.", "database")
	nextRun      = gauge("next_run_timestamp_seconds", "When the next backup is planned.", "database")
	overdue      = gauge("backup_overdue", "1 if there is no verified backup within the promised time.", "database")
	promise      = gauge("backup_promise_seconds", "How old the newest verified backup may be.", "database")
	running      = gauge("run_in_progress", "1 while a run works on the database.", "database")
	backups      = gauge("backups", "Good backups that are kept.", "database")
	duration     = gauge("backup_duration_seconds", "How long the newest verified backup took.", "database")
	size         = gauge("backup_size_bytes", "Size of the newest verified backup as it is stored.", "database")
	document     = gauge("backup_document_bytes", "Size of the document of the newest verified backup.", "database")
	rows         = gauge("backup_rows", "Rows in the newest verified backup.", "database")
	tables       = gauge("backup_tables", "Tables in the newest verified backup.", "database")
	copyOK       = gauge("copy_ok", "1 if the destination has the newest backup whole.", "database", "destination")
	trouble      = gauge("trouble", "1 for each kind of trouble that the database is in.", "database", "kind")
	up           = gauge("destination_up", "1 if the destination could be used when it was last tried.", "destination")
	free         = gauge("disk_free_bytes", "Bytes that are available in a folder that the service needs.", "folder")
	pending      = gauge("notifications_pending", "Notifications that wait to be delivered.", "channel")
	failing      = gauge("notification_channel_failing", "1 if the last delivery failed.", "channel")
	writable     = gauge("state_writable", "1 if the state of the service can be written.")
)

var gauges = []*prometheus.Desc{
	lastVerified, nextRun, overdue, promise, running, backups, duration, size, document, rows, tables,
	copyOK, trouble, up, free, pending, failing, writable,
}

// Describe is part of prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range gauges {
		ch <- d
	}
	m.runs.Describe(ch)
}

// Collect is part of prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, v float64, labels ...string) {
		for i, l := range labels {
			labels[i] = strings.ToValidUTF8(l, "\uFFFD") // a path need not be
		}
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	s := m.snapshot()
	for _, d := range s.Databases {
		// A counter must be there before it counts: the first failure would be no
		// increase otherwise.
		m.runs.WithLabelValues(d.Name, "backup", "ok")
		m.runs.WithLabelValues(d.Name, "backup", "failed")
		d.send(send)
	}
	for _, d := range s.Destinations {
		send(up, truth(d.Up), d.Name)
	}
	for _, f := range s.Folders {
		if f.Free >= 0 {
			send(free, float64(f.Free), f.Path)
		}
	}
	for _, c := range s.Channels {
		send(pending, float64(c.Pending), c.Name)
		send(failing, truth(c.Failing), c.Name)
	}
	send(writable, truth(s.StateWritable))
	m.runs.Collect(ch)
}

func (d *Database) send(send func(*prometheus.Desc, float64, ...string)) {
	send(lastVerified, seconds(d.LastVerified), d.Name)
	send(overdue, truth(d.Overdue), d.Name)
	send(running, truth(d.Running), d.Name)
	send(backups, float64(d.Backups), d.Name)
	if !d.NextRun.IsZero() {
		send(nextRun, seconds(d.NextRun), d.Name)
	}
	if d.Promise > 0 {
		send(promise, d.Promise.Seconds(), d.Name)
	}
	if !d.LastVerified.IsZero() {
		send(duration, d.Duration.Seconds(), d.Name)
		send(size, float64(d.SizeBytes), d.Name)
		send(document, float64(d.DocumentBytes), d.Name)
		send(rows, float64(d.Rows), d.Name)
		send(tables, float64(d.Tables), d.Name)
	}
	for destination, ok := range d.Copies {
		send(copyOK, truth(ok), d.Name, destination)
	}
	for _, kind := range d.Troubles {
		send(trouble, 1, d.Name, kind)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// seconds are since 1970, 0 for the zero time.
func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
