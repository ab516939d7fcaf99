package access

import (
	"fmt"
	"math"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A LimitedError says that a client has to wait. The answer is 429 with Retry-After.
type LimitedError struct {
	What  string        // "requests" or "failed attempts to sign in"
	After time.Duration // how long to wait, over 0
}

// Error names what there was too much of.
func (e *LimitedError) Error() string {
	return fmt.Sprintf("too many %s; try again in %d s", e.What, e.Seconds())
}

// Seconds is the value of Retry-After, at least 1.
func (e *LimitedError) Seconds() int { return max(1, int(math.Ceil(e.After.Seconds()))) }

const (
	// freeFailures is how many attempts may fail before the first wait: slips.
	freeFailures = 5
	firstWait    = time.Second
	longestWait  = 15 * time.Minute
	// forgiveAfter is how long after the last failure an address begins anew.
	forgiveAfter = time.Hour
	// maxAddresses bounds the tables. An entry takes some 200 bytes.
	maxAddresses = 10_000
	// All addresses together may fail so often in a row, and then so often in a
	// second. From then on only addresses that signed in lately may try: the
	// flood of somebody with many addresses is not to fill the audit log.
	globalBurst  = 100
	globalPerSec = 1
	goodFor      = 7 * 24 * time.Hour
)

// A Throttle makes those wait who try tokens. Its clients are addresses, as
// BucketOf gives them. It is safe for concurrent use.
type Throttle struct {
	now    func() time.Time
	mu     sync.Mutex
	failed *recent[netip.Prefix, failures]
	good   *recent[netip.Prefix, time.Time] // when an address last signed in
	global *rate.Limiter
}

// failures are those of one address.
type failures struct {
	count int
	last  time.Time
	until time.Time // no attempt before
}

// NewThrottle returns a Throttle that has seen nobody yet.
func NewThrottle(now func() time.Time) *Throttle {
	return &Throttle{
		now: now, failed: newRecent[netip.Prefix, failures](maxAddresses),
		good: newRecent[netip.Prefix, time.Time](maxAddresses), global: rate.NewLimiter(globalPerSec, globalBurst),
	}
}

// Wait returns nil if an address may try now, and otherwise a *LimitedError.
func (t *Throttle) Wait(client netip.Prefix) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	// A clock that was set back makes nobody wait for longer than the longest wait.
	if f := t.failed.get(client); f != nil && now.Before(f.until) {
		return &LimitedError{"failed attempts to sign in", min(f.until.Sub(now), longestWait)}
	}
	if missing := 1 - t.global.TokensAt(now); missing > 0 && !t.knows(client, now) {
		return &LimitedError{"failed attempts to sign in", time.Duration(missing / globalPerSec * float64(time.Second))}
	}
	return nil
}

func (t *Throttle) knows(client netip.Prefix, now time.Time) bool {
	when := t.good.get(client)
	return when != nil && now.Sub(*when) < goodFor
}

// Failed counts an attempt that failed, and reports whether the address has to wait
// from now on and did not before.
func (t *Throttle) Failed(client netip.Prefix) (blocked bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	t.global.AllowN(now, 1)
	f := t.failed.get(client)
	if f == nil {
		f = t.failed.put(client, failures{})
	}
	if now.Sub(f.last) > forgiveAfter {
		*f = failures{}
	}
	f.count++
	f.last = now
	over := f.count - freeFailures
	if over <= 0 {
		return false
	}
	wait := longestWait
	if doublings := over - 1; doublings < 20 {
		wait = min(firstWait<<doublings, longestWait)
	}
	f.until = now.Add(wait)
	return over == 1
}

// Succeeded forgets the failures of an address.
func (t *Throttle) Succeeded(client netip.Prefix) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed.remove(client)
	t.good.put(client, t.now())
}

// A Limiter bounds the requests of each client: so many a second, and so many at
// once. It is safe for concurrent use.
type Limiter struct {
	now     func() time.Time
	limit   rate.Limit
	burst   int
	mu      sync.Mutex
	clients *recent[string, *rate.Limiter]
}

// NewLimiter returns a Limiter. perSecond of 0 bounds nothing; burst is at least 1.
func NewLimiter(perSecond float64, burst int, now func() time.Time) *Limiter {
	l := rate.Limit(perSecond)
	if perSecond <= 0 {
		l = rate.Inf
	}
	return &Limiter{now: now, limit: l, burst: max(burst, 1), clients: newRecent[string, *rate.Limiter](maxAddresses)}
}

// Allow counts a request. It returns a *LimitedError if it is one too many.
func (l *Limiter) Allow(client string) error {
	if l.limit == rate.Inf {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.clients.get(client)
	if c == nil {
		c = l.clients.put(client, rate.NewLimiter(l.limit, l.burst))
	}
	now := l.now()
	if (*c).AllowN(now, 1) {
		return nil
	}
	missing := 1 - (*c).TokensAt(now)
	return &LimitedError{"requests", time.Duration(missing / float64(l.limit) * float64(time.Second))}
}
