// Package metrics shows the service to Prometheus.
//
// Most metrics are a snapshot: what the service knows when it is asked. What
// happened is counted, by Metrics.RunEnded. All names begin with litekeep_, all
// units are base units (seconds, bytes), times are seconds since 1970. A database
// that was never backed up has 0 as the time of its last backup, so that its age
// is an alarm too.
//
// Labels name databases, destinations, folders and channels: whoever reads the
// metrics learns these. So the handler wants to be told, for each request, which
// databases may be seen: one who may see only some gets only what has the label
// database with one of them, and nothing of the rest. The service must ask for a
// token unless it listens on loopback alone. Names of destinations must hold no
// secret.
package metrics
