// Package daemon puts the service together: the state, the audit log, the
// channels and the schedules below, the HTTP API and the dashboard above, and
// runs all of it until it is told to stop.
//
// # Order
//
// Open takes everything that can fail: it locks the folder of the state, so that
// there is one service only, and listens. Run serves until its context ends, and
// then goes the other way round: streams of events end, no request is taken any
// more, runs get their grace, messages are sent or stay for the next start, files
// are closed.
//
// # What may be missing
//
// A state that is damaged is put aside and a new one begun; one that cannot be
// opened at all, and an audit log that cannot be written, do not keep databases
// from being backed up, but show in /readyz, on the dashboard and in the log.
package daemon
