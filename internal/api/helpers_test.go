package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// byRole lets in whoever sends a role as the token; "app-viewer" is one that may
// see one database.
func byRole(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := access.Principal{From: "127.0.0.1"}
		switch role := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "); role {
		case "":
		case "wrong":
			api.Refuse(w, r, access.ErrUnauthenticated)
			return
		case "flood":
			api.Refuse(w, r, &access.LimitedError{After: 3 * time.Second})
			return
		case "app-viewer":
			p.ID, p.Name, p.Role, p.Databases = "t", role, access.Viewer, []string{"app"}
		default:
			p.ID, p.Name, p.Role = "t", role, access.Role(role)
		}
		next.ServeHTTP(w, r.WithContext(access.WithPrincipal(r.Context(), p)))
	})
}

// options are those of every test; log may be nil.
func options(log io.Writer) api.Options {
	o := api.Options{
		Authenticate: byRole, Now: func() time.Time { return night },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "litekeep_up 1\n") }),
	}
	if log != nil {
		o.Log = slog.New(slog.NewTextHandler(log, nil))
	}
	return o
}

// A call is one request.
type call struct {
	method, target, body, role string
	header                     http.Header
}

// do sends it to a handler.
func (c call) do(t *testing.T, h http.Handler) *http.Response {
	t.Helper()
	var body io.Reader = http.NoBody
	if c.body != "" {
		body = strings.NewReader(c.body)
	}
	r := httptest.NewRequestWithContext(t.Context(), c.method, "http://litekeep.test/", body)
	path, query, _ := strings.Cut(c.target, "?")
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery = unescape(path), path, query
	r.RequestURI = c.target
	if c.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.role != "" {
		r.Header.Set("Authorization", "Bearer "+c.role)
	}
	for name, values := range c.header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// object reads the JSON of an answer.
func object(t *testing.T, r *http.Response) map[string]any {
	t.Helper()
	text := content(t, r)
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("status %d, no JSON: %v\n%s", r.StatusCode, err, text)
	}
	return v
}

func content(t *testing.T, r *http.Response) string {
	t.Helper()
	defer func() { _ = r.Body.Close() }()
	var b bytes.Buffer
	if _, err := b.ReadFrom(r.Body); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
