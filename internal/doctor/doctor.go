package doctor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/daemon"
	"github.com/litekeep/litekeep/internal/state"
)

// Status is how a Check came out.
type Status string

// The statuses.
const (
	OK   Status = "ok"
	Warn Status = "warn"
	Fail Status = "fail"
	Skip Status = "skip" // it was not tried
)

// A Check is one thing that was looked at. All texts are one line.
type Check struct {
	Area    string // one of Areas
	Subject string // a database, a folder, a channel …; "" for the machine
	Status  Status
	Found   string // what is
	Means   string // what comes of it, "" if that goes without saying
	Fix     string // a command, or what to change; "" where there is nothing to do
}

// The areas.
const (
	areaConfig       = "config"
	areaUser         = "user"
	areaState        = "state"
	areaService      = "service"
	areaDatabases    = "databases"
	areaBackups      = "backups"
	areaDestinations = "destinations"
	areaPromise      = "promise"
	areaKeys         = "keys"
	areaTokens       = "tokens"
	areaChannels     = "channels"
	areaClock        = "clock"
	areaLimits       = "limits"
)

// steps are the areas in their order, and who looks at them.
var steps = []struct {
	area string
	look func(*doctor)
}{
	{areaConfig, (*doctor).config},
	{areaUser, (*doctor).user},
	{areaState, (*doctor).state},
	{areaService, (*doctor).service},
	{areaDatabases, (*doctor).databases},
	{areaBackups, (*doctor).backups},
	{areaDestinations, (*doctor).destinations},
	{areaPromise, (*doctor).promises},
	{areaKeys, (*doctor).keys},
	{areaTokens, (*doctor).tokens},
	{areaChannels, (*doctor).channels},
	{areaClock, (*doctor).clock},
	{areaLimits, (*doctor).limits},
}

// Areas are the names of the areas, in the order of the checks.
func Areas() []string {
	var names []string
	for _, s := range steps {
		names = append(names, s.area)
	}
	return names
}

// Options are what Run looks at, and with.
type Options struct {
	Config *config.Config // as it was read; Run looks for what its patterns match
	File   string         // path of the configuration
	Now    func() time.Time
	Env    func(string) (string, bool)
	// Only are the areas to look at; empty is all.
	Only []string
	// Send sends a test message on each channel.
	Send bool
	// Quote writes an argument for a shell.
	Quote func(string) string
	// Machine is what is asked about this machine. Members that are nil ask it.
	Machine Machine
	// Timeout bounds each call of another machine. Default 30 seconds.
	Timeout time.Duration
}

// Run looks at everything. It ends early, with what it has, when ctx ends.
func Run(ctx context.Context, o Options) []Check {
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second // a bucket far away takes some for all that is tried
	}
	o.Machine = o.Machine.filled()
	o.Config = daemon.Expanded(ctx, o.Config)
	d := &doctor{Options: o, ctx: ctx}
	for _, s := range steps {
		if ctx.Err() != nil {
			break
		}
		if len(o.Only) == 0 || slices.Contains(o.Only, s.area) {
			d.area = s.area
			s.look(d)
		}
	}
	return d.checks
}

// doctor is one Run.
type doctor struct {
	Options
	ctx    context.Context
	area   string // the one that is looked at
	checks []Check
	skew   []skew // of destinations, for the clock
	known  *troubles
	places map[string]state.Place // what the service remembers of folders; nil before it is read
}

// A skew says how far the clock of a destination is ahead of this machine's.
type skew struct {
	destination string
	ahead       time.Duration
}

func (d *doctor) add(s Status, subject, found, means, fix string) {
	d.checks = append(d.checks, Check{Area: d.area, Subject: subject, Status: s, Found: found, Means: means, Fix: fix})
}

func (d *doctor) ok(subject, format string, args ...any) {
	d.add(OK, subject, fmt.Sprintf(format, args...), "", "")
}

// now is the time.
func (d *doctor) now() time.Time { return d.Now() }

// config takes over what `litekeep config check` finds.
func (d *doctor) config() {
	found, _ := d.Config.Check(d.ctx, config.CheckOptions{File: d.File, Now: d.now(), Env: d.Env})
	for _, f := range found {
		status := Fail
		if f.Warning {
			status = Warn
		}
		d.add(status, f.Key, f.Message, "", f.Hint)
	}
	if len(found) == 0 {
		d.ok(d.File, "is valid, and this machine is what it asks for")
	}
}
