package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

var (
	// ErrHost: the Host of a request is none of ours, as after DNS rebinding. 421.
	ErrHost = errors.New("this service does not answer under that host name")
	// ErrCrossOrigin: a page of another site made a browser send a request. 403.
	ErrCrossOrigin = errors.New("the request comes from another site")
)

// GuardConfig is what a Guard needs. Registry, Sessions, Throttle, Limiter and Now
// are required.
type GuardConfig struct {
	Registry *Registry
	Sessions *Sessions
	Throttle *Throttle
	Limiter  *Limiter
	Now      func() time.Time
	// Hosts are the names under which the service may be asked for, without ports.
	// Loopback hosts are always among them. Empty for any name, which is right
	// only where there are tokens; a service that is open takes loopback hosts
	// alone whatever stands here.
	Hosts []string
	// Proxies are the addresses whose X-Forwarded-For counts.
	Proxies []netip.Prefix
	// Secure says that browsers reach the service over TLS.
	Secure bool
	// Open lets in whoever is at the machine, with this role, while there never
	// was a token. "" lets in nobody.
	Open Role
	// MaxBody bounds bodies; 0 for the constant MaxBody.
	MaxBody int64
	// Refuse writes the answer to a request that does not get further, with the
	// status that Status gives for the error. Default: RefuseText.
	Refuse func(w http.ResponseWriter, r *http.Request, err error)
	// Note, if set, is told of each refusal that the audit log should have: a
	// wrong token, a request from another site, the beginning of a wait. Not of
	// each request in a flood. from is the address, "" if that cannot be told.
	Note func(r *http.Request, from string, err error)
}

// A Guard stands before the handlers of the service. It is safe for concurrent use.
type Guard struct {
	c      GuardConfig
	origin *http.CrossOriginProtection
	notes  *rate.Limiter
}

// NewGuard returns a Guard.
func NewGuard(c GuardConfig) *Guard {
	if c.Refuse == nil {
		c.Refuse = RefuseText
	}
	if c.Note == nil {
		c.Note = func(*http.Request, string, error) {}
	}
	if c.MaxBody <= 0 {
		c.MaxBody = MaxBody
	}
	c.Hosts = slices.Clone(c.Hosts)
	for i, h := range c.Hosts {
		c.Hosts[i] = hostOf(h)
	}
	return &Guard{c: c, origin: http.NewCrossOriginProtection(), notes: rate.NewLimiter(globalPerSec, globalBurst)}
}

// key is the type of the keys of contexts.
type key struct{}

// WithPrincipal returns a context that carries who asks.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, key{}, p)
}

// FromContext returns who asks; the zero Principal, who may nothing, if nobody does.
func FromContext(ctx context.Context) Principal {
	p, _ := ctx.Value(key{}).(Principal)
	return p
}

// Protect puts everything before a handler: security headers, the check of the
// host, the limits, and Authenticate. Handlers find who asks with FromContext, and
// MUST ask Principal.May before they do anything; a request without any token gets
// as far as to them, so that there can be a page to sign in and a /healthz.
func (g *Guard) Protect(next http.Handler) http.Handler {
	return SecurityHeaders(LimitBody(g.Authenticate(next), g.c.MaxBody, g.c.Now), g.c.Secure)
}

// Authenticate finds out who asks and puts it into the context. It refuses requests
// for other hosts, with a token or session that is wrong, from pages of other sites,
// and those that are too many. A cookie whose session is over is no cookie.
func (g *Guard) Authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, err := g.identify(r)
		if err == nil {
			err = g.c.Limiter.Allow(limitKey(p))
		}
		if err != nil {
			g.c.Refuse(w, r, err)
			return
		}
		next.ServeHTTP(w, r.WithContext(WithPrincipal(r.Context(), p)))
	})
}

// limitKey tells clients apart: by token, or by address.
func limitKey(p Principal) string {
	if p.Known() && p.Via != ViaLocal {
		return p.ID
	}
	addr, _ := parseAddr(p.From)
	return BucketOf(addr).String()
}

// identify returns who sends a request; for nobody a Principal with From alone.
func (g *Guard) identify(r *http.Request) (Principal, error) {
	client := ClientAddr(r, g.c.Proxies)
	nobody := Principal{From: addressText(client)}
	host := hostOf(r.Host)
	if len(g.c.Hosts) > 0 && !isLoopbackHost(host) && !slices.Contains(g.c.Hosts, host) {
		return nobody, ErrHost
	}
	secret, bearer, err := bearerOf(r)
	if err != nil {
		return nobody, err
	}
	if bearer {
		t, err := g.try(r, client, secret, false)
		if err != nil {
			return nobody, err
		}
		return t.principal(nobody.From, ViaToken), nil
	}
	// What a browser sends by itself must not be what another site asked for.
	if err := g.origin.Check(r); err != nil {
		err = fmt.Errorf("%w: %w", ErrCrossOrigin, err)
		// The address is not to blame: it is that of somebody whose browser was
		// made to. So it does not have to wait, and only the notes are limited.
		if g.notes.AllowN(g.c.Now(), 1) {
			g.c.Note(r, nobody.From, err)
		}
		return nobody, err
	}
	p, err := g.session(r, nobody)
	if err != nil || p.Known() {
		return p, err
	}
	return g.local(r, client, nobody)
}

// bearerOf returns the token in the Authorization header.
func bearerOf(r *http.Request) (secret string, ok bool, err error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return "", false, nil
	}
	scheme, secret, _ := strings.Cut(values[0], " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return "", false, fmt.Errorf("%w: the header Authorization must be: Bearer lk_…", ErrUnauthenticated)
	}
	return strings.TrimSpace(secret), true, nil
}

// session returns who has the session of a request, or nobody.
func (g *Guard) session(r *http.Request, nobody Principal) (Principal, error) {
	id := CookieOf(r, g.c.Secure)
	if id == "" {
		return nobody, nil
	}
	tokenID, ok := g.c.Sessions.Use(id)
	if !ok {
		return nobody, nil
	}
	t, err := g.c.Registry.ByID(r.Context(), tokenID)
	if errors.Is(err, ErrUnknownToken) {
		g.c.Sessions.EndToken(tokenID)
		return nobody, nil
	}
	if err != nil {
		return nobody, err
	}
	return t.principal(nobody.From, ViaSession), nil
}

// local returns whoever is at the machine of a service that is open, or nobody. The
// host must be a loopback one, or a page of any site could have its name point to
// this machine and read the answers.
func (g *Guard) local(r *http.Request, client netip.Addr, nobody Principal) (Principal, error) {
	here := g.c.Open != "" && client.IsLoopback() && peerAddr(r).IsLoopback() && isLoopbackHost(hostOf(r.Host)) && !forwarded(r)
	if !here {
		return nobody, nil
	}
	ever, err := g.c.Registry.Any(r.Context())
	if err != nil || ever {
		return nobody, err
	}
	return Principal{ID: ViaLocal, Name: ViaLocal, Role: g.c.Open, From: nobody.From, Via: ViaLocal}, nil
}

// try checks a token. Strict refuses even the right one while its address has to
// wait.
func (g *Guard) try(r *http.Request, client netip.Addr, secret string, strict bool) (Token, error) {
	bucket, from := BucketOf(client), addressText(client)
	wait := g.c.Throttle.Wait(bucket)
	if wait != nil && strict {
		return Token{}, wait
	}
	t, err := g.c.Registry.Authenticate(r.Context(), secret)
	switch {
	case err == nil:
		if wait == nil {
			g.c.Throttle.Succeeded(bucket)
		}
		return t, nil
	case !errors.Is(err, ErrToken) && !errors.Is(err, ErrUnknownToken):
		return Token{}, err
	case wait != nil:
		return Token{}, wait
	}
	blocked := g.c.Throttle.Failed(bucket)
	g.c.Note(r, from, err)
	if blocked {
		g.c.Note(r, from, g.c.Throttle.Wait(bucket))
	}
	if errors.Is(err, ErrToken) {
		return Token{}, fmt.Errorf("%w: %w", ErrUnauthenticated, ErrToken)
	}
	return Token{}, fmt.Errorf("%w: %w", ErrUnauthenticated, ErrUnknownToken) // not why
}

// Login takes a token at the page to sign in: it begins a session, sends its cookie,
// and returns who has signed in. The request has passed Authenticate. The error is
// one of the kinds that Status knows.
func (g *Guard) Login(w http.ResponseWriter, r *http.Request, secret string) (Principal, error) {
	client := ClientAddr(r, g.c.Proxies)
	t, err := g.try(r, client, strings.TrimSpace(secret), true)
	if err != nil {
		return Principal{}, err
	}
	if old := CookieOf(r, g.c.Secure); old != "" {
		g.c.Sessions.End(old)
	}
	g.c.Sessions.SetCookie(w, g.c.Sessions.Begin(t.ID), g.c.Secure)
	return t.principal(addressText(client), ViaSession), nil
}

// Logout ends the session of a request, if it has one.
func (g *Guard) Logout(w http.ResponseWriter, r *http.Request) {
	if id := CookieOf(r, g.c.Secure); id != "" {
		g.c.Sessions.End(id)
	}
	ClearCookie(w, g.c.Secure)
}
