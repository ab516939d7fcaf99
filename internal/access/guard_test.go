package access_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/litekeep/litekeep/internal/access"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a service that answers with who asks.
type world struct {
	*access.Guard
	clock    *clock
	registry *access.Registry
	sessions *access.Sessions
	store    *memory
	notes    []string
}

func newWorld(change func(*access.GuardConfig)) *world {
	w := &world{clock: newClock(), store: &memory{}}
	w.registry = access.NewRegistry(w.store, w.clock.now)
	w.sessions = access.NewSessions(0, w.clock.now)
	c := access.GuardConfig{
		Registry: w.registry, Sessions: w.sessions, Throttle: access.NewThrottle(w.clock.now),
		Limiter: access.NewLimiter(100, 200, w.clock.now), Now: time.Now, Open: access.Admin, // Now is for deadlines of connections
		Note: func(_ *http.Request, from string, err error) { w.notes = append(w.notes, from+" "+err.Error()) },
	}
	if change != nil {
		change(&c)
	}
	w.Guard = access.NewGuard(c)
	return w
}

// ask sends a request through the guard. The answer's body is who asks.
func (w *world) ask(change func(*http.Request)) *http.Response {
	return w.askMethod("POST", change)
}

func (w *world) askMethod(method string, change func(*http.Request)) *http.Response {
	r := httptest.NewRequest(method, "http://127.0.0.1:8420/", nil)
	r.RemoteAddr = "127.0.0.1:40000"
	if change != nil {
		change(r)
	}
	rec := httptest.NewRecorder()
	w.Protect(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		p := access.FromContext(r.Context())
		if secret := r.Header.Get("X-Login"); secret != "" {
			var err error
			if p, err = w.Login(rw, r, secret); err != nil {
				access.RefuseText(rw, r, err)
				return
			}
		}
		if r.Header.Get("X-Logout") != "" {
			w.Logout(rw, r)
		}
		fmt.Fprintf(rw, "%s %s %s %s %v", p.Via, p.Name, p.Role, p.From, p.Databases)
	})).ServeHTTP(rec, r)
	return rec.Result()
}

func header(pairs ...string) func(*http.Request) {
	return func(r *http.Request) {
		for i := 0; i < len(pairs); i += 2 {
			switch pairs[i] {
			case "Host":
				r.Host = pairs[i+1]
			case "peer":
				r.RemoteAddr = pairs[i+1]
			default:
				r.Header.Add(pairs[i], pairs[i+1])
			}
		}
	}
}

func wantAnswer(t *testing.T, what string, r *http.Response, status int, text string) {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if r.StatusCode != status || text != "" && strings.TrimSuffix(string(b), "\n") != text {
		t.Errorf("%s: %d %q, not %d %q", what, r.StatusCode, b, status, text)
	}
}

const nobodyHere = "   127.0.0.1 []"

// TestOpen is a service that never had a token.
func TestOpen(t *testing.T) {
	const local = "local local admin 127.0.0.1 []"
	for name, c := range map[string]struct {
		change func(*http.Request)
		want   string
	}{
		"here":                  {nil, local},
		"by name":               {header("Host", "LocalHost:8420"), local},
		"IPv6":                  {header("Host", "[::1]:8420", "peer", "[::1]:999"), "local local admin ::1 []"},
		"same origin":           {header("Sec-Fetch-Site", "same-origin", "Origin", "http://127.0.0.1:8420"), local},
		"from elsewhere":        {header("peer", "192.0.2.1:999"), "   192.0.2.1 []"},
		"rebound name":          {header("Host", "evil.example:8420"), nobodyHere},
		"rebound, looks local":  {header("Host", "127.0.0.1.evil.example"), nobodyHere},
		"through a proxy":       {header("X-Forwarded-For", "192.0.2.1"), nobodyHere},
		"through a proxy, Via":  {header("Via", "1.1 x"), nobodyHere},
		"through one that lies": {header("X-Forwarded-For", "127.0.0.1"), nobodyHere},
		"empty host":            {header("Host", ""), nobodyHere},
	} {
		wantAnswer(t, name, newWorld(nil).ask(c.change), 200, c.want)
	}
	w := newWorld(nil)
	for name, change := range map[string]func(*http.Request){
		"other site":          header("Sec-Fetch-Site", "cross-site"),
		"other port":          header("Sec-Fetch-Site", "same-site"),
		"old browser":         header("Origin", "http://evil.example"),
		"old browser, no one": header("Origin", "null"),
	} {
		wantAnswer(t, name, w.ask(change), 403, "")
	}
	if len(w.notes) != 4 {
		t.Error(w.notes)
	}
	secret, token := create(t, w.registry, access.NewToken{Name: "ada", Role: access.Viewer})
	wantAnswer(t, "with a token", w.ask(nil), 200, nobodyHere)
	if _, err := w.registry.Revoke(t.Context(), token.ID); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, "with a token that was revoked", w.ask(nil), 200, nobodyHere)
	wantAnswer(t, "revoked", w.ask(header("Authorization", "Bearer "+secret)), 401, "not signed in: token is not valid")
	w = newWorld(nil)
	w.store.ever = true
	wantAnswer(t, "tokens were lost", w.ask(nil), 200, nobodyHere)
	w = newWorld(nil)
	w.store.fails = errors.New("secret path of the disk")
	wantAnswer(t, "the store cannot be read", w.ask(nil), 503, "who asks cannot be found out at the moment")
	wantAnswer(t, "closed", newWorld(func(c *access.GuardConfig) { c.Open = "" }).ask(nil), 200, nobodyHere)
	viewer := newWorld(func(c *access.GuardConfig) { c.Open = access.Viewer })
	wantAnswer(t, "viewer", viewer.ask(nil), 200, "local local viewer 127.0.0.1 []")
}

func TestBearer(t *testing.T) {
	w := newWorld(nil)
	secret, _ := create(t, w.registry, access.NewToken{Name: "ci", Role: access.Operator, Databases: []string{"app"}})
	const ci = "token ci operator 127.0.0.1 [app]"
	for name, c := range map[string]struct {
		change func(*http.Request)
		status int
		want   string
	}{
		"right":           {header("Authorization", "Bearer "+secret), 200, ci},
		"small letters":   {header("Authorization", "bearer  "+secret+" "), 200, ci},
		"from a program":  {header("Authorization", "Bearer "+secret, "Origin", "http://elsewhere.example"), 200, ci},
		"none":            {nil, 200, nobodyHere},
		"empty":           {header("Authorization", ""), 401, ""},
		"other scheme":    {header("Authorization", "Basic "+secret), 401, ""},
		"two":             {header("Authorization", "Bearer "+secret, "Authorization", "Bearer "+secret), 401, ""},
		"slip":            {header("Authorization", "Bearer "+secret[1:]), 401, "not signed in: " + access.ErrToken.Error()},
		"unknown":         {header("Authorization", "Bearer "+access.SecretOf([32]byte{3})), 401, "not signed in: token is not valid"},
		"wrong as cookie": {header("Cookie", "litekeep="+secret), 200, nobodyHere},
	} {
		r := w.ask(c.change)
		wantAnswer(t, name, r, c.status, c.want)
		if got := r.Header.Get("WWW-Authenticate") != ""; got != (c.status == 401) {
			t.Errorf("%s: WWW-Authenticate %v", name, got)
		}
	}
	if len(w.notes) != 2 { // a slip and a token that is unknown
		t.Error(w.notes)
	}
}

// TestBearerFlood guesses. The one with the right token gets through all the same.
func TestBearerFlood(t *testing.T) {
	w := newWorld(nil)
	secret, _ := create(t, w.registry, access.NewToken{Name: "ci", Role: access.Operator})
	wrong := header("Authorization", "Bearer "+access.SecretOf([32]byte{3}))
	for i := range 50 {
		r := w.ask(wrong)
		want := 401
		if i > 5 {
			want = 429
		}
		wantAnswer(t, fmt.Sprint("guess ", i), r, want, "")
		if got := r.Header.Get("Retry-After"); (got == "1") != (want == 429) {
			t.Errorf("Retry-After %q", got)
		}
	}
	if len(w.notes) != 7 { // six guesses, and that the address has to wait
		t.Errorf("%q", w.notes)
	}
	wantAnswer(t, "the right one", w.ask(header("Authorization", "Bearer "+secret)), 200, "")
	wantAnswer(t, "another guess", w.ask(wrong), 429, "")
	wantAnswer(t, "the right one at the page", w.ask(header("X-Login", secret)), 429, "")
	w.clock.pass(time.Second)
	wantAnswer(t, "the right one at the page", w.ask(header("X-Login", secret)), 200, "session ci operator 127.0.0.1 []")
	wantAnswer(t, "a slip", w.ask(wrong), 401, "")
}

func TestSession(t *testing.T) {
	for _, secure := range []bool{false, true} {
		w := newWorld(func(c *access.GuardConfig) { c.Secure = secure })
		secret, token := create(t, w.registry, access.NewToken{Name: "ada", Role: access.Admin})
		login := func() *http.Cookie {
			t.Helper()
			r := w.ask(header("X-Login", " "+secret+"\n"))
			wantAnswer(t, "login", r, 200, "session ada admin 127.0.0.1 []")
			if len(r.Cookies()) != 1 {
				t.Fatal(r.Cookies())
			}
			return r.Cookies()[0]
		}
		c := login()
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.Secure != secure ||
			strings.HasPrefix(c.Name, "__Host-") != secure || c.MaxAge != 12*3600 || strings.Contains(c.Value, secret) {
			t.Errorf("%+v", c)
		}
		with := func(pairs ...string) func(*http.Request) {
			return header(append(pairs, "Cookie", c.Name+"="+c.Value)...)
		}
		const ada = "session ada admin 127.0.0.1 []"
		wantAnswer(t, "session", w.ask(with()), 200, ada)
		wantAnswer(t, "own page", w.ask(with("Sec-Fetch-Site", "same-origin")), 200, ada)
		wantAnswer(t, "own page, old browser", w.ask(with("Origin", "http://127.0.0.1:8420")), 200, ada)
		wantAnswer(t, "other site", w.ask(with("Sec-Fetch-Site", "cross-site")), 403, "")
		wantAnswer(t, "other site, old browser", w.ask(with("Origin", "http://evil.example")), 403, "")
		wantAnswer(t, "look", w.askMethod("GET", with("Sec-Fetch-Site", "cross-site")), 200, ada)
		wantAnswer(t, "two cookies", w.ask(with("Cookie", c.Name+"=x")), 200, nobodyHere)
		wantAnswer(t, "another cookie", w.ask(header("Cookie", c.Name+"="+strings.Repeat("x", 43))), 200, nobodyHere)

		r := w.ask(with("X-Logout", "1"))
		if gone := r.Cookies(); len(gone) != 1 || gone[0].MaxAge >= 0 || gone[0].Name != c.Name || gone[0].Secure != secure {
			t.Errorf("%+v", gone)
		}
		wantAnswer(t, "after logout", w.ask(with()), 200, nobodyHere)

		first := c
		c = login()
		r = w.ask(with("X-Login", secret)) // again: the old session ends
		wantAnswer(t, "login again", r, 200, ada)
		wantAnswer(t, "old session", w.ask(with()), 200, nobodyHere)
		c = r.Cookies()[0]
		if c.Value == first.Value {
			t.Error("the id of a session is used twice")
		}
		wantAnswer(t, "new session", w.ask(with()), 200, ada)
		if _, err := w.registry.Revoke(t.Context(), token.ID); err != nil {
			t.Fatal(err)
		}
		wantAnswer(t, "token revoked", w.ask(with()), 200, nobodyHere)
		if w.sessions.Len() != 0 {
			t.Error("sessions of the token that was revoked are left")
		}
		wantAnswer(t, "login, revoked", w.ask(header("X-Login", secret)), 401, "")
	}
}

func TestHosts(t *testing.T) {
	w := newWorld(func(c *access.GuardConfig) { c.Hosts = []string{"Backup.example.com", "192.0.2.9:8420"} })
	for host, status := range map[string]int{
		"backup.example.com": 200, "BACKUP.example.com.:8420": 200, "192.0.2.9": 200, "localhost:1": 200, "127.0.0.1": 200, "[::1]:8420": 200,
		"example.com": 421, "": 421, "evil.example": 421, "192.0.2.8:8420": 421,
	} {
		wantAnswer(t, host, w.ask(header("Host", host)), status, "")
	}
}

func TestProxy(t *testing.T) {
	w := newWorld(func(c *access.GuardConfig) { c.Proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} })
	wantAnswer(t, "client", w.ask(header("X-Forwarded-For", "192.0.2.1")), 200, "   192.0.2.1 []")
	wantAnswer(t, "local client", w.ask(header("X-Forwarded-For", "127.0.0.2")), 200, "   127.0.0.2 []")
	wrong := access.SecretOf([32]byte{3})
	for range 7 {
		w.ask(header("X-Forwarded-For", "192.0.2.1", "Authorization", "Bearer "+wrong))
	}
	wantAnswer(t, "who guessed", w.ask(header("X-Forwarded-For", "192.0.2.1", "Authorization", "Bearer "+wrong)), 429, "")
	wantAnswer(t, "another", w.ask(header("X-Forwarded-For", "192.0.2.2", "Authorization", "Bearer "+wrong)), 401, "")
}

func TestRateLimit(t *testing.T) {
	w := newWorld(func(c *access.GuardConfig) { c.Limiter = access.NewLimiter(1, 3, newClock().now) })
	secret, _ := create(t, w.registry, access.NewToken{Name: "ci", Role: access.Operator})
	for range 3 {
		wantAnswer(t, "few", w.ask(nil), 200, "")
	}
	r := w.ask(nil)
	wantAnswer(t, "many", r, 429, "too many requests; try again in 1 s")
	if r.Header.Get("Retry-After") != "1" {
		t.Error(r.Header)
	}
	wantAnswer(t, "somebody else", w.ask(header("Authorization", "Bearer "+secret)), 200, "")
}

func TestHeaders(t *testing.T) {
	for _, c := range []struct {
		host   string
		secure bool
		hsts   string
	}{{"backup.example.com", true, "max-age=31536000"}, {"backup.example.com", false, ""}, {"localhost:8420", true, ""}} {
		w := newWorld(func(g *access.GuardConfig) { g.Secure = c.secure })
		for _, change := range []func(*http.Request){header("Host", c.host), header("Host", c.host, "Authorization", "x")} {
			h := w.ask(change).Header
			for name, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Cache-Control": "no-store",
				"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Strict-Transport-Security": c.hsts,
			} {
				if h.Get(name) != want && !(name == "Cache-Control" && h.Get(name) == "") { // http.Error takes that away
					t.Errorf("%s: %s is %q", c.host, name, h.Get(name))
				}
			}
			csp := h.Get("Content-Security-Policy")
			for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} {
				if !strings.Contains(csp, want) {
					t.Errorf("the policy %q has no %s", csp, want)
				}
			}
			if strings.Contains(csp, "unsafe") || strings.Contains(csp, "*") {
				t.Error(csp)
			}
		}
	}
}

// TestServer has a real server hold the limits.
func TestServer(t *testing.T) {
	reached := make(chan error, 1)
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		if err == nil && r.Header.Get("X-Slow") != "" { // longer than the deadline of the body
			select {
			case <-r.Context().Done():
				err = context.Cause(r.Context())
			case <-time.After(2 * time.Second):
			}
		}
		reached <- err
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	})
	// The deadline is 30 s after this clock, so 1.5 s from now.
	early := func() time.Time { return time.Now().Add(1500*time.Millisecond - 30*time.Second) }
	s := httptest.NewUnstartedServer(access.LimitBody(echo, access.MaxBody, early))
	access.Harden(s.Config)
	s.Start()
	defer s.Close()
	defer s.Client().CloseIdleConnections()
	send := func(body io.Reader, pairs ...string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "POST", s.URL, body)
		if err != nil {
			t.Fatal(err)
		}
		header(pairs...)(r)
		a, err := s.Client().Do(r)
		if err != nil {
			t.Logf("%v", err)
			return 0
		}
		a.Body.Close()
		return a.StatusCode
	}
	if got := send(strings.NewReader(strings.Repeat("x", access.MaxBody))); got != 200 || <-reached != nil {
		t.Error(got)
	}
	if got := send(strings.NewReader(strings.Repeat("x", access.MaxBody+1))); got != 413 || <-reached == nil {
		t.Error(got)
	}
	if got := send(strings.NewReader("small"), "X-Slow", "1"); got != 200 {
		t.Error(got)
	}
	if err := <-reached; err != nil {
		t.Errorf("a handler that takes long: %v", err)
	}
	r, w := io.Pipe() // a body that never ends
	told := make(chan error, 1)
	go func() { told <- <-reached; w.Close() }()
	send(r)
	if err := <-told; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a body that never ends: %v", err)
	}
	if got := send(nil, "X-Large", strings.Repeat("x", 64<<10)); got != 431 {
		t.Error(got)
	}
	if s.Config.ReadHeaderTimeout == 0 || s.Config.IdleTimeout == 0 {
		t.Error("a client may take for ever")
	}
}
