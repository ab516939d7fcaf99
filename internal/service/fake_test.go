package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/audit"
	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/notify"
	"github.com/litekeep/litekeep/internal/state"
)

// A world is a service whose databases are played.
type world struct {
	t      *testing.T
	dir    string
	yaml   string
	mu     sync.Mutex // a reload adds plays while the service looks for one
	plays  map[string]*play
	events *events
	out    chan error // what Serve returned
	cancel context.CancelFunc
	store  *state.Store
	log    *audit.Log
	core   func(litekeep.Config) Core // what the databases are played by
	listen func(Teller) Teller        // if set, what hears beside people
	memory notify.Store               // of messages, if it is to outlive the service
	offset atomic.Int64               // by how much the clock is wrong, in nanoseconds
	gauge  gauge
	file   string                 // path of the configuration, for messages
	looked atomic.Pointer[func()] // if set, hears of each look at the clock
	*Service
}

// now is the clock of the service.
func (w *world) now() time.Time {
	if looked := w.looked.Load(); looked != nil {
		(*looked)()
	}
	return time.Now().Add(time.Duration(w.offset.Load()))
}

// A gauge counts the backups of all databases that go on at once.
type gauge struct{ now, most atomic.Int64 }

func (g *gauge) add(n int64) {
	now := g.now.Add(n)
	for most := g.most.Load(); now > most && !g.most.CompareAndSwap(most, now); most = g.most.Load() {
	}
}

// A play is a database that is played: what Core would do, in no time or in as
// much as the test says.
type play struct {
	name string
	w    *world

	mu      sync.Mutex
	backups []*litekeep.Backup // newest first
	runs    []time.Time        // when backups began
	atOnce  int
	most    int // backups of it at once
	takes   time.Duration
	deaf    time.Duration // for how long it goes on after it was told to stop
	rows    int64
	fail    func(n int) error // of the nth backup, from 1
	pruned  int
	noted   []string
	shared  string // the other database in its folder
}

func (p *play) CreateBackup(ctx context.Context) (*litekeep.Backup, error) {
	p.w.gauge.add(1)
	defer p.w.gauge.add(-1)
	p.mu.Lock()
	now := p.w.now()
	p.runs = append(p.runs, now)
	n := len(p.runs)
	p.atOnce++
	p.most = max(p.most, p.atOnce)
	takes, deaf, fail, rows, shared := p.takes, p.deaf, p.fail, p.rows, p.shared
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.atOnce--
	}()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		time.Sleep(deaf)
		return nil, ctx.Err()
	}
	if fail != nil {
		if err := fail(n); err != nil {
			return nil, err
		}
	}
	b := &litekeep.Backup{
		Path: fmt.Sprintf("/played/%s/%s.json.zst", p.name, now.UTC().Format("20060102T150405.000Z")), Database: p.name,
		Timestamp: now, Verified: p.w.now(), Checked: p.w.now(), SizeBytes: rows * 10, RecordCount: rows, DocumentBytes: rows * 40,
		Duration: takes, SharedWith: shared,
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.backups = slices.Insert(p.backups, 0, b)
	return b, nil
}

func (p *play) ListBackups(context.Context) ([]*litekeep.Backup, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.backups), nil
}

func (p *play) CleanupOldBackups(_ context.Context, dryRun bool) ([]litekeep.Decision, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !dryRun {
		p.pruned++
	}
	return nil, nil
}

func (p *play) NoteRetention(_ context.Context, configuration string, prune bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.noted = append(p.noted, fmt.Sprint(configuration, " prune ", prune, ", ", len(p.runs), " runs, ", p.pruned, " pruned"))
	return nil
}

func (p *play) RestoreBackup(_ context.Context, path, target string, o litekeep.RestoreOptions) (*litekeep.Restored, error) {
	return &litekeep.Restored{Backup: path, Target: target, DryRun: o.DryRun, Proven: true}, nil
}

func (p *play) VerifyBackup(_ context.Context, path string) (*litekeep.Verification, error) {
	return &litekeep.Verification{Path: path, OK: true}, nil
}

func (p *play) SyncCopies(context.Context, litekeep.SyncOptions) ([]litekeep.SyncAction, error) {
	return nil, nil
}

func (p *play) VerifyCopies(context.Context, bool, ...string) ([]litekeep.CopyCheck, error) {
	return nil, nil
}

func (p *play) BackupDetails(context.Context, string) (*litekeep.Details, error) {
	return &litekeep.Details{}, nil
}
func (p *play) PinBackup(context.Context, string, string, time.Time) error  { return nil }
func (p *play) UnpinBackup(context.Context, string) error                   { return nil }
func (p *play) ListTrash(context.Context) ([]litekeep.TrashedBackup, error) { return nil, nil }
func (p *play) Undelete(context.Context, string) error                      { return nil }
func (p *play) began() []time.Time                                          { p.mu.Lock(); defer p.mu.Unlock(); return slices.Clone(p.runs) }

// change changes a play while the service runs.
func (p *play) change(f func(*play)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p)
}

// events collects what people would be told.
type events struct {
	mu   sync.Mutex
	list []string
}

func (e *events) Deliver(_ context.Context, m *notify.Message) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range m.Stories {
		e.list = append(e.list, string(s.Event.Kind)+" "+s.Event.Database)
	}
	return nil
}

func (e *events) all() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.list)
}

// count counts the events that begin with prefix.
func (e *events) count(prefix string) (n int) {
	for _, s := range e.all() {
		if strings.HasPrefix(s, prefix) {
			n++
		}
	}
	return n
}

const head = `
state: %s
defaults:
  destinations: [%s]
`

// newWorld makes a service of what yaml says below the head of the file.
func newWorld(t *testing.T, yaml string) *world {
	t.Helper()
	return newWorldIn(t, t.TempDir(), yaml)
}

func newWorldIn(t *testing.T, dir, yaml string) *world {
	t.Helper()
	w := &world{t: t, dir: dir, yaml: fmt.Sprintf(head, dir, dir) + yaml, plays: map[string]*play{}}
	w.core = func(c litekeep.Config) Core { return w.play(c.Name) }
	w.addPlays()
	return w
}

func (w *world) play(name string) *play {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.plays[name]
}

// addPlays makes plays of the databases that the configuration has.
func (w *world) addPlays() {
	w.t.Helper()
	databases := w.config().Databases
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range databases {
		if w.plays[d.Name] == nil {
			w.plays[d.Name] = &play{name: d.Name, w: w, takes: time.Minute, rows: 1000}
		}
	}
}

func (w *world) config() *config.Config {
	w.t.Helper()
	c, err := config.Parse("litekeep.yaml", []byte(w.yaml), func(string) (string, bool) { return "", false })
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// start starts the service, as after a start of the machine.
func (w *world) start() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var err error
	if w.store, err = state.Open(ctx, filepath.Join(w.dir, "state.db"), w.now); err != nil {
		w.t.Fatal(err)
	}
	w.log = audit.New(filepath.Join(w.dir, "audit"), audit.Options{Now: w.now})
	w.events = &events{}
	memory := w.memory
	if memory == nil {
		memory = notify.NewMemory()
	}
	center, err := notify.New(ctx, []notify.Target{{Name: "test", Type: "test", Channel: w.events}}, memory, notify.Options{
		First: time.Second, Group: time.Second, PerDay: 10000, Now: w.now,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	teller := Teller(center)
	if w.listen != nil {
		teller = w.listen(center)
	}
	w.Service = New(ctx, Options{
		Config: w.config(), Load: func() (*config.Config, error) {
			return config.Parse("litekeep.yaml", []byte(w.yaml), func(string) (string, bool) { return "", false })
		},
		File: w.file, State: w.store, Audit: w.log, AuditFolder: filepath.Join(w.dir, "audit"), Teller: teller,
		Core: func(c litekeep.Config, _ ...litekeep.Option) Core { return w.core(c) }, Now: w.now,
		Log: slog.New(slog.NewTextHandler(w.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	w.cancel, w.out = cancel, make(chan error, 1)
	told := make(chan struct{})
	go func() { center.Run(ctx); close(told) }()
	go func() {
		err := w.Serve(ctx)
		<-told
		w.out <- errors.Join(err, w.log.Close(), w.store.Close())
	}()
}

// stop ends the service in an orderly way.
func (w *world) stop() {
	w.t.Helper()
	w.cancel()
	if err := <-w.out; err != nil {
		w.t.Error(err)
	}
}

// admin is somebody who may do all.
var admin = access.Principal{ID: "tk_1", Name: "ada", Role: access.Admin}
