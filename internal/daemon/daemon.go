package daemon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/access/tokens"
	"github.com/litekeep/litekeep/internal/audit"
	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/metrics"
	"github.com/litekeep/litekeep/internal/notify"
	"github.com/litekeep/litekeep/internal/service"
	"github.com/litekeep/litekeep/internal/state"
	"github.com/litekeep/litekeep/internal/state/outbox"
)

// Files in the folder of the state.
const (
	stateFile   = "state.db"
	auditFolder = "audit"
	lockFile    = "service.lock"
)

// StatePath and AuditPath are where a service whose folder is given keeps its
// state and its audit log.
func StatePath(folder string) string { return filepath.Join(folder, stateFile) }

// AuditPath is the folder of the audit log.
func AuditPath(folder string) string { return filepath.Join(folder, auditFolder) }

// Expanded returns a configuration as it was read with the databases of its patterns, also
// those whose files are gone, as the state of the service remembers them. Where that cannot
// be read, they are those whose files are there.
func Expanded(ctx context.Context, c *config.Config) *config.Config {
	if len(c.Patterns) == 0 {
		return c
	}
	members, err := service.Members(ctx, StatePath(c.State))
	if err != nil {
		members = nil
	}
	return c.Expand(ctx, members)
}

// LockPath is the file that a service locks for as long as it runs.
func LockPath(folder string) string { return filepath.Join(folder, lockFile) }

// Options are what a Daemon is made from.
type Options struct {
	Config *config.Config
	// Load reads the configuration again when somebody asks for it.
	Load func() (*config.Config, error)
	// File is the absolute path of the configuration, which messages name; "" if it is
	// in none.
	File string
	// Log is for the operator; nil discards.
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// A Daemon is a whole service.
type Daemon struct {
	o        Options
	lock     *durable.Lock
	store    *state.Store // nil if it cannot be used
	log      *audit.Log
	tokens   *access.Registry
	teller   *teller
	memory   notify.Store // of messages, where there is no state
	service  *service.Service
	metrics  *metrics.Metrics
	listener net.Listener // nil without a server
	server   *http.Server
	stopping chan struct{}
}

// Open takes what the service needs. Close gives it back if Run is not called.
func Open(ctx context.Context, o Options) (*Daemon, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d := &Daemon{o: o, teller: &teller{}, memory: notify.NewMemory(), stopping: make(chan struct{})}
	if err := d.open(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// open takes what the service needs; what it took when it fails, Close gives back.
func (d *Daemon) open(ctx context.Context) error {
	o := d.o
	if err := d.openState(ctx); err != nil {
		return err
	}
	d.log = audit.New(AuditPath(o.Config.State), audit.Options{Now: o.Now})
	if err := d.log.Check(); err != nil {
		o.Log.Error("the audit log cannot be written; what changes something is refused", "error", err)
	}
	d.tokens = access.NewRegistry(tokens.New(d.store, o.Config.State), o.Now)
	if err := d.useChannels(ctx, o.Config); err != nil {
		return err
	}
	d.metrics = metrics.New(metrics.Build{Version: litekeep.Version, SQLite: litekeep.SQLiteVersion()}, func() metrics.Snapshot {
		return d.service.Metrics(context.Background())
	})
	d.service = service.New(ctx, service.Options{
		Config: o.Config, Load: o.Load, Adopted: d.adopted, State: d.store, Audit: d.log, AuditFolder: AuditPath(o.Config.State),
		Tokens: d.tokens, Teller: d.teller, RunEnded: d.metrics.RunEnded, Now: o.Now, Log: o.Log, File: o.File,
	})
	return d.listen(ctx)
}

// lookPatience is how long the lock of the state may be held by somebody who only looks
// whether a service runs, as the doctor does.
const lookPatience = 2 * time.Second

// openState locks the folder of the state and opens it. A state that cannot be
// used is no reason not to back up.
func (d *Daemon) openState(ctx context.Context) error {
	folder := d.o.Config.State
	if err := os.MkdirAll(folder, 0o700); err != nil {
		d.o.Log.Error("the folder of the state cannot be made; nothing is remembered", "folder", folder, "error", err)
		return nil
	}
	lock, err := durable.Wait(ctx, LockPath(folder), durable.Self(d.o.Now(), "serve"), lookPatience)
	var held *durable.HeldError
	switch {
	case errors.As(err, &held):
		return &litekeep.Error{Op: "serve", Path: folder, Kind: litekeep.ErrBusy, Err: err, Hint: "another litekeep service uses this state: stop it, or give this one a state of its own"}
	case err != nil:
		d.o.Log.Error("the state cannot be locked; nothing is remembered", "folder", folder, "error", err)
		return nil
	}
	d.lock = lock
	d.store, err = state.Open(ctx, StatePath(folder), d.o.Now)
	switch {
	case errors.Is(err, state.ErrNewer), errors.Is(err, state.ErrForeign):
		return &litekeep.Error{Op: "serve", Path: StatePath(folder), Kind: litekeep.ErrConfig, Err: err, Hint: "update litekeep, or name another folder with state:"}
	case err != nil:
		d.o.Log.Error("the state cannot be used; nothing is remembered", "path", StatePath(folder), "error", err)
		d.store = nil
	case d.store.PutAside() != "":
		d.o.Log.Error("the state was damaged; a new one was begun, without history and tokens", "put_aside", d.store.PutAside())
	}
	return nil
}

// useChannels makes the channels those of c.
func (d *Daemon) useChannels(ctx context.Context, c *config.Config) error {
	list, err := Targets(c, d.o.Now)
	if err != nil {
		return &litekeep.Error{Op: "serve", Kind: litekeep.ErrConfig, Err: err}
	}
	host, err := os.Hostname()
	if err != nil {
		host = "" // messages do without
	}
	var store notify.Store = d.memory
	if d.store != nil {
		store = outbox.New(d.store, d.o.Now)
	}
	n := c.Notifications
	err = d.teller.use(func() (*notify.Center, error) {
		return notify.New(ctx, list, store, notify.Options{
			Group: n.Group, First: min(n.Group, time.Minute), Repeat: n.Repeat, PerDay: cmp.Or(n.Limit, unlimited),
			Host: host, Now: d.o.Now, Log: d.o.Log,
		})
	})
	if err != nil {
		return &litekeep.Error{Op: "serve", Kind: litekeep.ErrConfig, Err: err}
	}
	return nil
}

// unlimited is more messages than a channel can be sent.
const unlimited = 1 << 30

// adopted takes from a configuration that was loaded again what the schedules do
// not need.
func (d *Daemon) adopted(c *config.Config) error {
	old := d.o.Config
	d.o.Config = c
	if old.Server.Listen != c.Server.Listen || old.State != c.State {
		d.o.Log.Warn("a new address or state folder takes effect at the next start")
	}
	return d.useChannels(context.Background(), c)
}

// Addr is the address that the service listens on, "" if it does not.
func (d *Daemon) Addr() string {
	if d.listener == nil {
		return ""
	}
	return d.listener.Addr().String()
}

// URL is how the service is reached from this machine, "" if it does not listen.
func (d *Daemon) URL() string {
	switch {
	case d.listener == nil:
		return ""
	case d.o.Config.Server.TLS.Certificate != "":
		return "https://" + d.Addr()
	}
	return "http://" + d.Addr()
}

// Databases is how many databases the service keeps.
func (d *Daemon) Databases() int { return d.service.Count() }

// Reload reads the configuration again, as a signal asks for.
func (d *Daemon) Reload(ctx context.Context) error {
	_, err := d.service.Reload(ctx, access.Service())
	return err
}

// Run serves until ctx ends, and closes everything then.
func (d *Daemon) Run(ctx context.Context) error {
	failed := make(chan error, 1)
	if d.listener != nil {
		go func() {
			if err := d.server.Serve(d.listener); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serve: %w", err)
			}
		}()
	}
	d.teller.Report(ctx, notify.Event{Kind: notify.KindStarted, Time: d.o.Now()})
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- d.service.Serve(running) }()
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		stop() // nobody could see or reach it
	}
	close(d.stopping)
	err = errors.Join(err, d.shutdown(), <-ended)
	return errors.Join(err, d.Close())
}

// drain is how long requests may take to end.
const drain = 5 * time.Second

func (d *Daemon) shutdown() error {
	if d.server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	if err := d.server.Shutdown(ctx); err != nil {
		return d.server.Close() // downloads are begun again
	}
	return nil
}

// Close gives back what Open took.
func (d *Daemon) Close() error {
	var errs []error
	if d.listener != nil {
		if err := d.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	d.teller.close()
	if d.log != nil {
		errs = append(errs, d.log.Close())
	}
	if d.store != nil {
		errs = append(errs, d.store.Close())
	}
	if d.lock != nil {
		errs = append(errs, d.lock.Unlock())
	}
	return errors.Join(errs...)
}
