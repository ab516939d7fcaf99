// Package probe finds out what a store can do by trying it with small objects,
// and removes them again.
//
// A check is one ability. It is ok, or missing where litekeep works without it
// in a lesser way, or failed. The objects lie under a prefix of their own, which
// no run has twice; after all checks, whatever they gave, everything under it is
// removed, and that is a check too.
package probe

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/store"
)

// Status is the outcome of a check.
type Status string

// The outcomes.
const (
	OK      Status = "ok"
	Missing Status = "missing" // and litekeep can do without
	Failed  Status = "failed"
)

// Check is one ability of a store.
type Check struct {
	Name   string // see the Name constants
	Status Status
	Detail string // one line; "" where there is nothing to say
}

// The names of the checks, in the order in which they are made.
const (
	NameWrite     = "write"
	NameRead      = "read back"
	NameRange     = "read a range"
	NameExclusive = "exclusive create"
	NameList      = "list"
	NameChecksum  = "stored checksum"
	NameClock     = "clock"
	NameLock      = "object lock"
	NameDelete    = "delete"
	NameRelist    = "list after delete"
	NameCleanup   = "leave nothing"
)

// Report is what a probe found.
type Report struct {
	Checks []Check
	// Skew is how far the clock of the store is ahead of ours; negative is
	// behind. Stores tell whole seconds only.
	Skew time.Duration
}

// OK tells whether no check failed.
func (r *Report) OK() bool {
	for _, c := range r.Checks {
		if c.Status == Failed {
			return false
		}
	}
	return true
}

// Options are the choices of Run. The zero value is for use.
type Options struct {
	// Lock checks that the store keeps an object until a date; a store that
	// cannot do so fails.
	Lock bool
	// LockFor is the time of that lock, which Run waits for; 0 is 5 seconds.
	LockFor time.Duration
	// Settle is how long a listing may lag; 0 is 5 seconds.
	Settle time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// MaxSkew is how far clocks may be apart. S3 refuses requests at 15 minutes, and
// retention counts in the time of the store.
const MaxSkew = 2 * time.Minute

// cleanupTime bounds the removing of what was written.
const cleanupTime = time.Minute

// prober is one run.
type prober struct {
	store    store.Store
	options  Options
	prefix   string
	data     []byte
	report   *Report
	unlocked time.Time // when the lock that we made ends
}

// Powers that a driver may have for a probe only.
type (
	unlocker interface{ WithoutLock() store.Store }
	purger   interface {
		Purge(ctx context.Context, key string) error
	}
	folderRemover interface {
		RemoveFolder(ctx context.Context, name string) error
	}
	conditional interface {
		HonoursCondition(ctx context.Context, key string) (bool, error)
	}
	forcer interface {
		DeleteLocked(ctx context.Context, key string) error
	}
)

// Run tries what s can do. What s lacks is in the report; the error is that of
// ctx, and then the report holds what was found before.
func Run(ctx context.Context, s store.Store, o Options) (*Report, error) {
	if o.LockFor <= 0 {
		o.LockFor = 5 * time.Second
	}
	if o.Settle <= 0 {
		o.Settle = 5 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if u, ok := s.(unlocker); ok {
		s = u.WithoutLock() // else nothing could be removed again
	}
	p := &prober{store: s, options: o, prefix: "litekeep-probe-" + strings.ToLower(rand.Text()) + "/", report: &Report{}}
	p.data = []byte(strings.Repeat(rand.Text()+"\n", 40))
	p.run(ctx)
	p.add(NameCleanup, p.cleanup(ctx), "")
	if err := context.Cause(ctx); err != nil {
		return p.report, fmt.Errorf("probe: %w", err)
	}
	return p.report, nil
}

// run makes all checks until one fails that the others need.
func (p *prober) run(ctx context.Context) {
	before := p.options.Now()
	if !p.add(NameWrite, p.store.Put(ctx, p.key("a"), bytes.NewReader(p.data)), "") {
		return
	}
	after := p.options.Now()
	p.add(NameRead, p.read(ctx), "")
	p.add(NameRange, p.readRange(ctx), "")
	p.exclusive(ctx)
	info, err := p.find(ctx, "a")
	if p.add(NameList, err, "") {
		p.checksum(ctx)
		p.clock(info.ModTime, before, after)
	}
	if p.options.Lock {
		detail, err := p.lock(ctx)
		p.add(NameLock, err, detail)
	}
	if p.add(NameDelete, p.remove(ctx), "") {
		p.add(NameRelist, p.relist(ctx), "")
	}
}

func (p *prober) key(name string) string { return p.prefix + name }

// add notes a check and tells whether it is ok. Without an error detail is noted.
func (p *prober) add(name string, err error, detail string) bool {
	c := Check{Name: name, Status: OK, Detail: detail}
	if err != nil {
		c.Status, c.Detail = Failed, p.explain(err)
	}
	p.report.Checks = append(p.report.Checks, c)
	return err == nil
}

// explain makes one line without the name of our object.
func (p *prober) explain(err error) string {
	var e *store.Error
	if errors.As(err, &e) && strings.HasPrefix(e.Key, p.prefix) && !errors.Is(err, store.ErrUndeleted) {
		err = e.Err
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// missing notes an ability that litekeep can do without.
func (p *prober) missing(name, detail string) {
	p.report.Checks = append(p.report.Checks, Check{Name: name, Status: Missing, Detail: detail})
}
