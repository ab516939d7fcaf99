package api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/litekeep/litekeep/internal/service"
)

// ProblemDetails is an error as callers get it (RFC 9457).
type ProblemDetails struct {
	Type      string       `json:"type" doc:"Always about:blank: the status says what kind of problem it is"`
	Title     string       `json:"title" doc:"The text of the status"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail" doc:"What is wrong, for people"`
	Success   bool         `json:"success" doc:"Always false"`
	RequestID string       `json:"request_id" doc:"The log and the audit log have it too"`
	RunID     string       `json:"run_id,omitempty" doc:"The run that failed: /api/runs/{id} says why"`
	Databases []string     `json:"databases,omitempty" doc:"What the parameter database may be"`
	Errors    []FieldError `json:"errors,omitempty" doc:"What is wrong with the request, field by field"`

	headers http.Header
}

// FieldError says what is wrong with one field of a request.
type FieldError struct {
	Location string `json:"location" doc:"Such as query.wait or body.confirm"`
	Message  string `json:"message"`
}

// problem returns the ProblemDetails of a status.
func problem(status int, detail string) *ProblemDetails {
	return &ProblemDetails{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// badRequest is a problem with a field of the request.
func badRequest(location, message string) *ProblemDetails {
	p := problem(http.StatusBadRequest, location+": "+message)
	p.Errors = []FieldError{{location, message}}
	return p
}

// Error returns the detail.
func (p *ProblemDetails) Error() string { return p.Detail }

// GetStatus returns the status, for huma.
func (p *ProblemDetails) GetStatus() int { return p.Status }

// GetHeaders returns the headers that go with the answer, for huma.
func (p *ProblemDetails) GetHeaders() http.Header { return p.headers }

// ContentType makes the content type that of problems, for huma.
func (p *ProblemDetails) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

// with adds a header to the answer.
func (p *ProblemDetails) with(name, value string) *ProblemDetails {
	if p.headers == nil {
		p.headers = http.Header{}
	}
	p.headers.Set(name, value)
	return p
}

// write answers with p where huma is not at hand.
func (p *ProblemDetails) write(w http.ResponseWriter, r *http.Request) {
	p.RequestID = service.RequestID(r.Context())
	for name, values := range p.headers {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = format.Marshal(w, p) // there is nobody else to tell
}

// An exchange is huma's context, with a status that transform may change.
type exchange struct {
	below
	status int
}

// below is huma.Context under a name that leaves its method Context alone.
type below = huma.Context

// Unwrap returns the context below.
func (e *exchange) Unwrap() huma.Context { return e.below }

// SetStatus begins the answer.
func (e *exchange) SetStatus(status int) {
	if e.status != 0 {
		status = e.status
	}
	e.below.SetStatus(status)
}

// settle is the middleware that makes an exchange of every context.
func settle(ctx huma.Context, next func(huma.Context)) { next(&exchange{below: ctx}) }

// transform makes problems of huma's own errors, which come of requests that
// are not as the document says, and gives all problems the id of the request.
// What was sent is not sent back.
func (a *API) transform(ctx huma.Context, _ string, v any) (any, error) {
	switch e := v.(type) {
	case *huma.ErrorModel:
		p := fromModel(e)
		if own, ok := ctx.(*exchange); ok {
			own.status = p.Status
		}
		p.RequestID = service.RequestID(ctx.Context())
		return p, nil
	case *ProblemDetails:
		e.RequestID = service.RequestID(ctx.Context())
	}
	return v, nil
}

// fromModel makes a problem of an error of huma's. All of them are about the
// request: 422 is what it says of values that do not fit, 500 of a body that
// ended early.
func fromModel(e *huma.ErrorModel) *ProblemDetails {
	status := e.Status
	if status == http.StatusUnprocessableEntity || status == http.StatusInternalServerError {
		status = http.StatusBadRequest
	}
	p := problem(status, e.Detail)
	var said []string
	for _, d := range e.Errors {
		if d == nil || e.Status == http.StatusInternalServerError {
			continue
		}
		p.Errors = append(p.Errors, FieldError{d.Location, d.Message})
		said = append(said, strings.TrimPrefix(d.Location+": "+d.Message, ": "))
	}
	if len(said) > 0 {
		p.Detail = strings.Join(said, "; ")
	}
	return p
}

// documented are the responses of an operation that are problems.
func (a *API) documented(statuses []int) map[string]*huma.Response {
	ref := a.schema(problemDetailsType)
	all := map[string]*huma.Response{}
	for _, s := range statuses {
		all[strconv.Itoa(s)] = &huma.Response{
			Description: http.StatusText(s),
			Content:     map[string]*huma.MediaType{problemType: {Schema: ref}},
		}
	}
	return all
}
