package dashboard_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/dashboard"
	"github.com/litekeep/litekeep/internal/service"
)

// tokenStore keeps tokens in memory.
type tokenStore struct {
	mu   sync.Mutex
	list []access.Token
}

func (s *tokenStore) PutToken(_ context.Context, t access.Token) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, t)
	return nil
}

func (s *tokenStore) Tokens(context.Context) ([]access.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.list), nil
}

func (s *tokenStore) EverToken(context.Context) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.list) > 0, nil
}

func (s *tokenStore) RevokeToken(_ context.Context, id string, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.list {
		if s.list[i].ID == id {
			s.list[i].Revoked = at
		}
	}
	return nil
}

func (s *tokenStore) TouchToken(context.Context, string, time.Time) error { return nil }

// world is a dashboard behind a real guard, in front of a fake service.
type world struct {
	t       *testing.T
	fake    *fake
	server  *httptest.Server
	secrets map[access.Role]string // of the tokens for all databases
	narrow  string                 // of a token of an admin for wiki alone
	log     *strings.Builder
}

// newWorld starts one. Without tokens it is open to its machine.
func newWorld(t *testing.T, tokens bool) *world {
	t.Helper()
	w := &world{t: t, fake: newFake(), secrets: map[access.Role]string{}, log: &strings.Builder{}}
	clock := func() time.Time { return now }
	store := &tokenStore{}
	registry := access.NewRegistry(store, clock)
	for name, role := range map[string]access.Role{"vic": access.Viewer, "olga": access.Operator, "ada": access.Admin, "wim": access.Admin} {
		if !tokens {
			break
		}
		n := access.NewToken{Name: name, Role: role}
		if name == "wim" {
			n.Databases = []string{"wiki"}
		}
		secret, _, err := registry.Create(t.Context(), n)
		if err != nil {
			t.Fatal(err)
		}
		if name == "wim" {
			w.narrow = secret
		} else {
			w.secrets[role] = secret
		}
	}
	w.serve(w.fake, registry, clock)
	return w
}

// serve puts a dashboard and a real guard before a door.
func (w *world) serve(door service.Door, registry *access.Registry, clock func() time.Time) {
	w.t.Helper()
	var d *dashboard.Dashboard
	guard := access.NewGuard(access.GuardConfig{
		Registry: registry, Sessions: access.NewSessions(time.Hour, clock), Throttle: access.NewThrottle(clock), Limiter: access.NewLimiter(0, 1, clock),
		Now: time.Now, Open: access.Admin,
		Refuse: func(w http.ResponseWriter, r *http.Request, err error) { d.Refuse(w, r, err) },
	})
	d, err := dashboard.New(dashboard.Options{
		Door: door, Sessions: guard, Now: clock, Log: slog.New(slog.NewTextHandler(w.log, nil)), Heartbeat: 20 * time.Millisecond,
		RequestID: func(context.Context) string { return "req-1" },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.server = httptest.NewServer(guard.Protect(d))
	w.t.Cleanup(w.server.Close)
}

// answer is what a request brought.
type answer struct {
	status int
	header http.Header
	body   string
}

// get asks for a page with the token of a role; "" asks without.
func (w *world) get(role access.Role, path string) answer {
	return w.do(http.MethodGet, w.secrets[role], path, nil)
}

// post sends a form.
func (w *world) post(role access.Role, path string, form url.Values) answer {
	return w.do(http.MethodPost, w.secrets[role], path, form)
}

func (w *world) do(method, secret, path string, form url.Values) answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if secret != "" {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	return w.send(&http.Client{}, r)
}

// send sends a request, follows no redirect, and reads the answer.
func (w *world) send(c *http.Client, r *http.Request) answer {
	w.t.Helper()
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	got, err := c.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{got.StatusCode, got.Header, string(body)}
}

// browser is a client that keeps cookies.
func (w *world) browser() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}
