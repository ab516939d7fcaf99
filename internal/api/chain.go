package api

import (
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// requestHeader carries the id of a request, in and out.
const requestHeader = "X-Request-Id"

// goodID is an id of a request that is taken over from whoever asks: what can
// do no harm in a log.
var goodID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// chain is what every request passes, outermost first.
func (a *API) chain() http.Handler {
	return Identify(a.head(a.recover(http.HandlerFunc(a.route))))
}

// Identify gives each request an id, unless it has one in its context already,
// and sends it with the answer.
func Identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if service.RequestID(r.Context()) == "" {
			id := r.Header.Get(requestHeader)
			if !goodID.MatchString(id) {
				id = rand.Text()
			}
			r = r.WithContext(service.WithRequestID(r.Context(), id))
		}
		w.Header().Set(requestHeader, service.RequestID(r.Context()))
		next.ServeHTTP(w, r)
	})
}

// head gives the answer the headers that all have.
func (a *API) head(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// recover answers for what panics, and logs it.
func (a *API) recover(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &begun{ResponseWriter: w}
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			a.o.Log.ErrorContext(r.Context(), "request panicked", "path", r.URL.Path, "request_id", service.RequestID(r.Context()),
				"panic", v, "stack", string(debug.Stack()))
			if s.yes {
				panic(http.ErrAbortHandler) // so that what was sent does not look whole
			}
			problem(http.StatusInternalServerError, "the request failed").write(w, r)
		}()
		next.ServeHTTP(s, r)
	})
}

// begun knows whether an answer was begun.
type begun struct {
	http.ResponseWriter
	yes bool
}

// Unwrap returns the writer below, for http.ResponseController.
func (b *begun) Unwrap() http.ResponseWriter { return b.ResponseWriter }

// SetReadDeadline does nothing. How long a body may take is the guard's to say, for requests
// that have one; huma sets five seconds for all, and the server takes what is late for a
// caller that has gone, for whose run nobody waits.
func (b *begun) SetReadDeadline(time.Time) error { return nil }

// WriteHeader begins the answer.
func (b *begun) WriteHeader(status int) {
	b.yes = true
	b.ResponseWriter.WriteHeader(status)
}

// Write begins the answer too.
func (b *begun) Write(p []byte) (int, error) {
	b.yes = true
	return b.ResponseWriter.Write(p)
}

// ReadFrom lets the system copy a file to the connection by itself.
func (b *begun) ReadFrom(r io.Reader) (int64, error) {
	b.yes = true
	return io.Copy(b.ResponseWriter, r)
}

// route finds the operation, and who asks where that matters.
func (a *API) route(w http.ResponseWriter, r *http.Request) {
	_, pattern := a.mux.Handler(r)
	if pattern == "" {
		a.noRoute(w, r)
		return
	}
	if name := doubled(r.URL.RawQuery); name != "" {
		badRequest("query."+plain(name), "given more than once").write(w, r)
		return
	}
	a.o.Authenticate(a.mux).ServeHTTP(w, r)
}

// Refuse answers a request that an access.Guard refuses.
func Refuse(w http.ResponseWriter, r *http.Request, err error) {
	access.SetRefusalHeaders(w.Header(), err)
	problem(access.Status(err), access.RefusalText(err)).write(w, r)
}

// doubled returns the name of a parameter that is given more than once, of which
// only one would count.
func doubled(query string) string {
	values, err := url.ParseQuery(query)
	if err != nil {
		return "(not a query)"
	}
	for name, v := range values {
		if len(v) > 1 {
			return name
		}
	}
	return ""
}

// noRoute answers for a path that is not there, or not with this method.
func (a *API) noRoute(w http.ResponseWriter, r *http.Request) {
	said := &silent{header: http.Header{}}
	a.mux.ServeHTTP(said, r) // the mux knows the methods of the path
	p := problem(http.StatusNotFound, "there is no such path; /api/docs lists what there is")
	if allow := said.header.Get("Allow"); said.status == http.StatusMethodNotAllowed {
		p = problem(said.status, "this path takes "+strings.ReplaceAll(allow, ", ", " or ")).with("Allow", allow)
	}
	p.write(w, r)
}

// silent keeps the status and the headers of an answer alone.
type silent struct {
	header http.Header
	status int
}

// Header returns the headers.
func (s *silent) Header() http.Header { return s.header }

// Write throws the body away.
func (s *silent) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader notes the status.
func (s *silent) WriteHeader(status int) { s.status = status }
