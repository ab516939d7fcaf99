package daemon

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/api"
	"github.com/litekeep/litekeep/internal/audit"
	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/dashboard"
	"github.com/litekeep/litekeep/internal/service"
)

// Requests that one client may make: a page and its files, and then as fast as a
// program that looks after many databases.
const (
	requestsPerSecond = 50
	requestsAtOnce    = 200
)

// listen begins to listen, if the configuration says so, and makes the server.
func (d *Daemon) listen(ctx context.Context) error {
	c := d.o.Config.Server
	if c.Listen == config.Off {
		return nil
	}
	known, err := d.tokens.Any(ctx)
	if err != nil {
		d.o.Log.Error("tokens cannot be read; nobody is let in", "error", err)
		known = true // so that the service is not open to anybody
	}
	secure := c.TLS.Certificate != ""
	if err := (access.Listener{Addr: c.Listen, Tokens: known, TLS: secure, ProxyTLS: c.TLSProxy}).Check(); err != nil {
		return &litekeep.Error{Op: "serve", Kind: litekeep.ErrConfig, Err: err}
	}
	handler, err := d.handler(known)
	if err != nil {
		return err
	}
	d.server = &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(d.o.Log.Handler(), slog.LevelDebug)}
	access.Harden(d.server)
	var lc net.ListenConfig
	if d.listener, err = lc.Listen(ctx, "tcp", c.Listen); err != nil {
		return &litekeep.Error{Op: "serve", Err: err, Hint: "another program may listen there: choose another address with server.listen"}
	}
	if !secure {
		return nil
	}
	cert := &certificate{files: c.TLS, now: d.o.Now}
	if _, err := cert.get(nil); err != nil {
		return &litekeep.Error{Op: "serve", Kind: litekeep.ErrConfig, Err: err}
	}
	d.listener = tls.NewListener(d.listener, &tls.Config{
		MinVersion: tls.VersionTLS12, GetCertificate: cert.get, NextProtos: []string{"h2", "http/1.1"},
	})
	return nil
}

// handler puts the API and the dashboard behind the guard.
func (d *Daemon) handler(tokensKnown bool) (http.Handler, error) {
	c := d.o.Config.Server
	secure := c.TLS.Certificate != "" || c.TLSProxy
	proxies, err := prefixes(c.TrustedProxies)
	if err != nil {
		return nil, err
	}
	g := access.GuardConfig{
		Registry: d.tokens, Sessions: access.NewSessions(c.Sessions, d.o.Now), Throttle: access.NewThrottle(d.o.Now),
		Limiter: access.NewLimiter(requestsPerSecond, requestsAtOnce, d.o.Now), Now: d.o.Now, Proxies: proxies,
		Secure: secure, Note: d.noteRefusal,
	}
	if d.store != nil && !tokensKnown {
		g.Open = access.Admin // whoever is at the machine, until there is a token
	}
	var pages *dashboard.Dashboard
	g.Refuse = func(w http.ResponseWriter, r *http.Request, err error) {
		if api.Answers(r.URL.Path) {
			api.Refuse(w, r, err)
			return
		}
		pages.Refuse(w, r, err)
	}
	guard := access.NewGuard(g)
	mux := http.NewServeMux()
	api.New(d.service, api.Options{
		Metrics: d.metrics.Handler(allowed), Stopping: d.stopping, Now: d.o.Now, Log: d.o.Log,
	}).Mount(mux)
	pages, err = dashboard.New(dashboard.Options{
		Door: d.service, Sessions: sessions{d, guard}, RequestID: service.RequestID, Now: d.o.Now, Location: time.Local, Secure: secure, Log: d.o.Log,
	})
	if err != nil {
		return nil, fmt.Errorf("make the dashboard: %w", err)
	}
	mux.Handle("/", pages)
	return api.Identify(guard.Protect(mux)), nil
}

func prefixes(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, &litekeep.Error{Op: "serve", Kind: litekeep.ErrConfig, Err: fmt.Errorf("trusted_proxies: %w", err)}
		}
		out = append(out, p)
	}
	return out, nil
}

// allowed says which databases the metrics may show to whoever asks.
func allowed(r *http.Request) func(string) bool {
	p := access.FromContext(r.Context())
	if len(p.Databases) == 0 {
		return nil
	}
	return p.Sees
}

// noteRefusal puts into the audit log what the guard has refused.
func (d *Daemon) noteRefusal(r *http.Request, from string, err error) {
	_, failed := d.log.Append(audit.Entry{
		Actor: "unknown", From: from, Action: "authenticate", Object: r.Method + " " + r.URL.Path, Outcome: audit.Refused,
		Detail: access.RefusalText(err), Request: service.RequestID(r.Context()),
	})
	if failed != nil {
		d.o.Log.Error("audit log cannot be written", "error", failed)
	}
}

// sessions signs people in and out of the dashboard.
type sessions struct {
	d     *Daemon
	guard *access.Guard
}

func (s sessions) Login(w http.ResponseWriter, r *http.Request, token string) (access.Principal, error) {
	p, err := s.guard.Login(w, r, token)
	if err == nil { // else the guard has noted it
		s.note(r, p, access.Login)
	}
	return p, err
}

func (s sessions) Logout(w http.ResponseWriter, r *http.Request) {
	s.note(r, access.FromContext(r.Context()), access.Logout)
	s.guard.Logout(w, r)
}

func (s sessions) note(r *http.Request, p access.Principal, action access.Action) {
	_, err := s.d.log.Append(audit.Entry{
		Actor: p.Name, ActorID: p.ID, Role: string(p.Role), From: p.From, Action: string(action), Outcome: audit.Done,
		Request: service.RequestID(r.Context()),
	})
	if err != nil {
		s.d.o.Log.Error("audit log cannot be written", "error", err)
	}
}

// A certificate is read again from its files once in a while, since they are
// renewed by others.
type certificate struct {
	files config.TLS
	now   func() time.Time

	mu   sync.Mutex
	read time.Time
	cert *tls.Certificate
}

// certificateFor is how long a certificate is used before its files are read
// again.
const certificateFor = time.Minute

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cert != nil && c.now().Sub(c.read) < certificateFor {
		return c.cert, nil
	}
	fresh, err := tls.LoadX509KeyPair(c.files.Certificate, c.files.Key)
	c.read = c.now()
	switch {
	case err == nil:
		c.cert = &fresh
	case c.cert == nil:
		return nil, fmt.Errorf("certificate: %w", err)
	}
	return c.cert, nil // half of a renewal may be there: the old one still works
}
