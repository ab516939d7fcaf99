package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// failures leads from the errors of the door to statuses; the first match
// counts, and what matches none is 500. An empty text is that of the error.
var failures = []struct {
	kind   error
	status int
	text   string
}{
	{access.ErrUnauthenticated, http.StatusUnauthorized, "who asks is not known: send a token as `Authorization: Bearer …`"},
	{access.ErrForbidden, http.StatusForbidden, ""}, // it names the role that it takes
	{service.ErrNotFound, http.StatusNotFound, "there is no such database, backup, run or token, or none that whoever asks may see"},
	{service.ErrRunning, http.StatusConflict, "a run of this database goes on"},
	{service.ErrWatches, http.StatusTooManyRequests, ""},
	{service.ErrStopping, http.StatusServiceUnavailable, "the service is stopping"},
	{service.ErrAudit, http.StatusServiceUnavailable, "the audit log cannot be written, so nothing is changed"},
	{service.ErrAway, http.StatusServiceUnavailable, "the folder of the backups is not the one that it was: is it mounted? The status of the database says more"},
	{service.ErrRequest, http.StatusBadRequest, ""},
	{litekeep.ErrConfig, http.StatusBadRequest, ""},
	{litekeep.ErrTarget, http.StatusBadRequest, ""},
	{litekeep.ErrBusy, http.StatusConflict, "somebody else holds the database or its backups; try again"},
	{litekeep.ErrDamaged, http.StatusConflict, "the backup is damaged"},
	{litekeep.ErrNoKey, http.StatusConflict, "the backup is sealed, and the service has no key"},
	{litekeep.ErrWrongKey, http.StatusConflict, "the backup is sealed, and no key of the service opens it"},
}

// refusals are the errors that an operation which refuses answers with 400.
var refusals = []error{litekeep.ErrRefused, litekeep.ErrDamaged, litekeep.ErrNoKey, litekeep.ErrWrongKey}

// retryAfter is what callers are told to wait, in seconds, when the service is
// busy or about to end.
const retryAfter = "5"

// fail turns an error of the door into what the caller gets. What is internal
// goes to the log only.
func (a *API) fail(ctx context.Context, op *operation, err error) *ProblemDetails {
	var own *ProblemDetails
	if errors.As(err, &own) {
		return own
	}
	status, text := http.StatusInternalServerError, op.failed
	for _, f := range failures {
		if errors.Is(err, f.kind) {
			status, text = f.status, f.text
			break
		}
	}
	if op.refuses {
		for _, kind := range refusals {
			if errors.Is(err, kind) {
				status, text = http.StatusBadRequest, ""
			}
		}
	}
	switch {
	case text != "":
	case errors.Is(err, litekeep.ErrConfig):
		text = bounded(err.Error()) // it shows lines of a file
	default:
		text = plain(strings.TrimPrefix(err.Error(), service.ErrRequest.Error()+": "))
	}
	p := problem(status, text)
	switch status {
	case http.StatusUnauthorized:
		p.with("WWW-Authenticate", `Bearer realm="litekeep"`)
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		p.with("Retry-After", retryAfter)
	}
	a.log(ctx, op.id, status, slog.Any("error", err))
	return p
}

// log tells the operator of a request that failed.
func (a *API) log(ctx context.Context, id string, status int, more ...any) {
	level := slog.LevelInfo
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	by := access.FromContext(ctx)
	more = append([]any{"operation", id, "status", status, "request_id", service.RequestID(ctx), "principal", by.Name, "from", by.From}, more...)
	a.o.Log.Log(ctx, level, "request failed", more...)
}

// maxDetail bounds the text of an error that is told, in bytes.
const maxDetail = 1000

// plain is a text on one line, of bounded length.
func plain(s string) string { return bounded(strings.Join(strings.Fields(s), " ")) }

// bounded is a text of bounded length.
func bounded(s string) string {
	if len(s) > maxDetail {
		s = strings.ToValidUTF8(s[:maxDetail], "") + "…"
	}
	return s
}

// An ending says what becomes of a run that did not do what it was to do.
type ending struct {
	outcome service.Outcome
	refused int // status where the operation refuses
	status  int // elsewhere
	text    string
}

// endings leads from outcomes to statuses. An empty text is that of the
// operation, "Backup failed".
var endings = []ending{
	{service.OutcomeFailed, 500, 500, ""},
	{service.OutcomeTimeout, 500, 500, ""},
	{service.OutcomeCrashed, 500, 500, ""},
	{service.OutcomeRefused, 400, 500, ""},
	{service.OutcomeDamaged, 400, 500, ""},
	{service.OutcomeBusy, 409, 409, "somebody else holds the database or its backups; try again"},
	{service.OutcomeCancelled, 409, 409, "the run was cancelled"},
}

// failedRun turns a run that ended badly into what the caller gets; nil for one
// that ended well.
func (a *API) failedRun(ctx context.Context, op *operation, run *service.Run) error {
	for _, e := range endings {
		if e.outcome != run.Outcome || op.tellsDamage && e.outcome == service.OutcomeDamaged {
			continue
		}
		status, text := e.status, e.text
		if op.refuses {
			status = e.refused
		}
		if run.Outcome == service.OutcomeCancelled && a.stopping() {
			status, text = http.StatusServiceUnavailable, "the service is stopping"
		}
		switch {
		case text != "":
		case status == http.StatusBadRequest: // who may restore may know why not
			text = plain(op.refused + ": " + run.Error)
		default:
			text = op.failed
		}
		p := problem(status, text)
		p.RunID = run.ID
		if status == http.StatusServiceUnavailable {
			p.with("Retry-After", retryAfter)
		}
		a.log(ctx, op.id, status, "run", run.ID, "outcome", run.Outcome, "error", run.Error)
		return p
	}
	return nil
}

// stopping reports whether the server is about to end.
func (a *API) stopping() bool {
	select {
	case <-a.o.Stopping:
		return true
	default:
		return false
	}
}
