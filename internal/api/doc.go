// Package api serves the service's door over HTTP: JSON answers, server-sent
// events, downloads, an OpenAPI document and a page that shows it.
//
// An operation is one method of one path. All are registered in one way, which
// puts them into the OpenAPI document together with the errors that they may
// answer with, and hands them whoever asks. An operation turns a request into
// one or two calls of the door, and what comes back into an answer; what is
// allowed, recorded and done is for the door to decide.
//
// A run is what the door starts: a backup, a verification, a restore, a cleanup
// or a synchronisation. An operation that starts one waits for it as its
// parameter wait says: true, the default, until the run has ended; a time such
// as 30s, at most so long; false, not at all. What has not ended is answered
// with 202 and the run's id, to be asked for at /api/runs/{id}. A run goes on
// when whoever waits goes away.
//
// Errors are problem details (RFC 9457). Those of status 500 say what failed
// and nothing of why: that is in the log beside the request's id, and in the
// run, if there is one. One table leads from errors to statuses (failures), one
// from the outcomes of runs (endings).
//
// A backup is named by the file name of its object. Names in URLs are looked up
// in the door's lists and never joined to a path; a name that no backup can
// have is not even looked up.
//
// Health, readiness, the OpenAPI document and its page need no authority: the
// first two say nothing but that all is well or not unless whoever asks is
// known, the others hold nothing of this installation.
package api
