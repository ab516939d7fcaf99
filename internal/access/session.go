package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"sync"
	"time"
)

// The limits of sessions.
const (
	// IdleTimeout ends a session that was not used.
	IdleTimeout = 2 * time.Hour
	// DefaultSession is how long a session lasts at most, unless NewSessions is
	// told otherwise.
	DefaultSession = 12 * time.Hour
	// MaxSessions is how many there are at most, and MaxSessionsOfToken how many
	// of one token. A new one takes the place of the one that was idle for longest.
	MaxSessions        = 1000
	MaxSessionsOfToken = 20

	sessionBytes = 32
)

// The names of the cookie. Browsers take the first only over TLS, for this host
// alone and the whole site.
const (
	secureCookie = "__Host-litekeep"
	plainCookie  = "litekeep"
)

// session is a person at the dashboard.
type session struct {
	tokenID       string
	created, used time.Time
}

// alive reports whether a session that may last so long goes on. One that begins in
// the future, after the clock was set back, does not.
func (s session) alive(lasts time.Duration, now time.Time) bool {
	return now.Sub(s.used) < IdleTimeout && now.Sub(s.created) < lasts && !now.Before(s.created)
}

// Sessions are the sessions of the dashboard, in memory: a restart ends them all.
// It is safe for concurrent use. The id of a session is known to its browser only;
// what is held here is the hash.
type Sessions struct {
	lasts time.Duration
	now   func() time.Time
	mu    sync.Mutex
	all   map[[sha256.Size]byte]session
}

// NewSessions returns no sessions. Each will last for so long at most; 0 stands for
// DefaultSession.
func NewSessions(lasts time.Duration, now func() time.Time) *Sessions {
	if lasts <= 0 {
		lasts = DefaultSession
	}
	return &Sessions{lasts: lasts, now: now, all: map[[sha256.Size]byte]session{}}
}

// Begin makes a session for a token and returns its id.
func (s *Sessions) Begin(tokenID string) (id string) {
	var b [sessionBytes]byte
	rand.Read(b[:])
	id = base64.RawURLEncoding.EncodeToString(b[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.sweep(now)
	s.makeRoom(MaxSessionsOfToken, func(x session) bool { return x.tokenID == tokenID })
	s.makeRoom(MaxSessions, func(session) bool { return true })
	s.all[hashSecret(id)] = session{tokenID, now, now}
	return id
}

// Use returns the token of a session that is alive, and counts as a use of it.
func (s *Sessions) Use(id string) (tokenID string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, now := hashSecret(id), s.now()
	x, ok := s.all[key]
	if !ok {
		return "", false
	}
	if !x.alive(s.lasts, now) {
		delete(s.all, key)
		return "", false
	}
	x.used = now
	s.all[key] = x
	return x.tokenID, true
}

// End ends one session.
func (s *Sessions) End(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, hashSecret(id))
}

// EndToken ends all sessions of a token.
func (s *Sessions) EndToken(tokenID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, x := range s.all {
		if x.tokenID == tokenID {
			delete(s.all, key)
		}
	}
}

// Len returns how many sessions are alive.
func (s *Sessions) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweep(s.now())
	return len(s.all)
}

func (s *Sessions) sweep(now time.Time) {
	for key, x := range s.all {
		if !x.alive(s.lasts, now) {
			delete(s.all, key)
		}
	}
}

// makeRoom ends the sessions of a kind that were idle for longest until one more
// fits.
func (s *Sessions) makeRoom(limit int, of func(session) bool) {
	var keys [][sha256.Size]byte
	for key, x := range s.all {
		if of(x) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b [sha256.Size]byte) int { return s.all[a].used.Compare(s.all[b].used) })
	for len(keys) >= limit {
		delete(s.all, keys[0])
		keys = keys[1:]
	}
}

// cookie is the cookie of a session, without its value. Under TLS, which a proxy may
// take care of, secure is set.
func cookie(secure bool) *http.Cookie {
	c := &http.Cookie{Name: plainCookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: secure}
	if secure {
		c.Name = secureCookie
	}
	return c
}

// SetCookie sends the id of a session to the browser, which forgets it when the
// session cannot be alive any more.
func (s *Sessions) SetCookie(w http.ResponseWriter, id string, secure bool) {
	c := cookie(secure)
	c.Value, c.MaxAge = id, int(s.lasts.Seconds())
	http.SetCookie(w, c)
}

// ClearCookie makes the browser forget it.
func ClearCookie(w http.ResponseWriter, secure bool) {
	c := cookie(secure)
	c.MaxAge = -1
	http.SetCookie(w, c)
}

// CookieOf returns the id of a session that a request has, "" if it has none or
// more than one.
func CookieOf(r *http.Request, secure bool) string {
	found := r.CookiesNamed(cookie(secure).Name)
	if len(found) != 1 || len(found[0].Value) != base64.RawURLEncoding.EncodedLen(sessionBytes) {
		return ""
	}
	return found[0].Value
}
