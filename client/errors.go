package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// The kinds of failure that a caller can act on, one a status.
var (
	// ErrBadRequest: the request makes no sense, or a restore is refused (400,
	// 413, 415).
	ErrBadRequest = errors.New("bad request")
	// ErrUnauthenticated: there is no token, or one that is not valid (401).
	ErrUnauthenticated = errors.New("not authenticated")
	// ErrForbidden: the token's role does not allow it (403).
	ErrForbidden = errors.New("forbidden")
	// ErrNotFound: there is no such database, backup or run, or none that the
	// token may see (404).
	ErrNotFound = errors.New("not found")
	// ErrConflict: a run of the database goes on, somebody else holds it, or the
	// backup cannot be used (409).
	ErrConflict = errors.New("conflict")
	// ErrTooMany: too many requests; see Error.RetryAfter (429).
	ErrTooMany = errors.New("too many requests")
	// ErrServer: the service failed. Its log says why, beside the request's id
	// (500).
	ErrServer = errors.New("the service failed")
	// ErrUnavailable: the service is stopping, or does not do its work (502, 503,
	// 504).
	ErrUnavailable = errors.New("the service is not available")
)

// kinds leads from statuses to kinds.
var kinds = map[int]error{
	http.StatusBadRequest: ErrBadRequest, http.StatusRequestEntityTooLarge: ErrBadRequest, http.StatusUnsupportedMediaType: ErrBadRequest,
	http.StatusUnauthorized: ErrUnauthenticated, http.StatusForbidden: ErrForbidden, http.StatusNotFound: ErrNotFound,
	http.StatusConflict: ErrConflict, http.StatusTooManyRequests: ErrTooMany, http.StatusInternalServerError: ErrServer,
	http.StatusBadGateway: ErrUnavailable, http.StatusServiceUnavailable: ErrUnavailable, http.StatusGatewayTimeout: ErrUnavailable,
}

// Error is an answer of the service that tells of failure.
type Error struct {
	Status    int      `json:"status"`
	Title     string   `json:"title"`
	Detail    string   `json:"detail"`
	RequestID string   `json:"request_id"` // the service's log has it too
	RunID     string   `json:"run_id"`     // the run that failed, "" if there is none
	Databases []string `json:"databases"`  // the names to choose from, where one is needed
	// RetryAfter is how long the service asks to wait, 0 if it does not.
	RetryAfter time.Duration `json:"-"`
}

// Error returns the detail, with the request's id where only the log knows more.
func (e *Error) Error() string {
	msg := e.Detail
	if msg == "" {
		msg = fmt.Sprintf("the service answers %d %s", e.Status, e.Title)
	}
	if e.Status >= http.StatusInternalServerError && e.RequestID != "" {
		msg += " (request " + e.RequestID + ")"
	}
	return msg
}

// Unwrap returns the kind, or nil.
func (e *Error) Unwrap() error { return kinds[e.Status] }

// maxProblem bounds the JSON of an error, in bytes.
const maxProblem = 1 << 20

// readError reads the answer of a failure, whoever it comes from.
func readError(r *http.Response) *Error {
	e := &Error{}
	text, err := io.ReadAll(io.LimitReader(r.Body, maxProblem))
	if err != nil || json.Unmarshal(text, e) != nil {
		e = &Error{} // from something in between
	}
	e.Status = r.StatusCode
	if e.Title == "" {
		e.Title = http.StatusText(r.StatusCode)
	}
	if e.RequestID == "" {
		e.RequestID = r.Header.Get("X-Request-Id")
	}
	if s, err := strconv.Atoi(r.Header.Get("Retry-After")); err == nil && s > 0 {
		e.RetryAfter = time.Duration(s) * time.Second
	}
	return e
}

// RunError is a run that did not do what it was to do.
type RunError struct{ Run *Run }

// Error returns what the run says.
func (e *RunError) Error() string {
	if e.Run.Error != "" {
		return e.Run.Error
	}
	return fmt.Sprintf("%s of %s: %s", e.Run.Kind, e.Run.Database, e.Run.Outcome)
}
