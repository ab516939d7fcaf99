package doctor_test

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/access/tokens"
	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/daemon"
	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/doctor"
	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/notify"
	"github.com/litekeep/litekeep/internal/state"
	"github.com/litekeep/litekeep/internal/state/outbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world is a machine on which nothing is wrong, until a test changes it.
type world struct {
	t       *testing.T
	dir     string
	now     time.Time
	machine doctor.Machine
	config  func(*config.Config) // changes the configuration once it is read
	yaml    string
	lock    *durable.Lock
	state   *state.Store
	tokens  *access.Registry
	admin   access.Token
	ready   int    // what /readyz answers with
	answer  string // and says
	took    int    // messages that the webhook took
	only    []string
	send    bool
}

const yaml = `state: state
defaults:
  destinations: [backups, "file://DIR/copy"]
  keys: ["file:key"]
  schedule: "0 2 * * *"
  time_zone: UTC
  spread: 0s
databases: [{name: app, path: data/app.db}]
notifications:
  disk_low: 1GiB
  channels: [{name: ops, type: webhook, url: "URL/hook", secret: "0123456789abcdef"}]
server: {listen: "ADDRESS"}
`

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, dir: t.TempDir(), now: time.Now().UTC().Truncate(time.Millisecond), ready: http.StatusOK,
		machine: doctor.Machine{
			FreeSpace:    func(string) (int64, error) { return 1 << 40, nil },
			FileSystem:   func(string) (doctor.FileSystem, error) { return doctor.FileSystem{Name: "ext4"}, nil },
			Synchronised: func() (bool, bool) { return true, true },
			OpenFiles:    func() uint64 { return 65536 },
			User:         func() int { return 1000 },
			Owner:        func(fs.FileInfo) (int, bool) { return 1000, true },
			Device:       device,
		},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/readyz", func(out http.ResponseWriter, _ *http.Request) {
		out.WriteHeader(w.ready)
		fmt.Fprint(out, w.answer)
	})
	mux.HandleFunc("/hook", func(http.ResponseWriter, *http.Request) { w.took++ })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	w.yaml = strings.NewReplacer("DIR", w.dir, "URL", server.URL, "ADDRESS", strings.TrimPrefix(server.URL, "http://")).Replace(yaml)
	for _, folder := range []string{"state", "backups", "copy", "data"} {
		w.do(os.Mkdir(w.path(folder), 0o700))
	}
	if _, err := litekeep.NewKeyFile(w.path("key")); err != nil {
		t.Fatal(err)
	}
	w.sql("CREATE TABLE t(a); INSERT INTO t VALUES(1)")
	w.runService()
	w.backup(w.now.Add(-time.Hour))
	return w
}

// device puts the data on one disk, and all else on another.
func device(info fs.FileInfo) (uint64, bool) {
	if strings.HasPrefix(info.Name(), "app.db") {
		return 1, true
	}
	return 2, true
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) do(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// sql changes the database.
func (w *world) sql(text string) {
	w.t.Helper()
	c, err := engine.Open(w.t.Context(), w.path("data/app.db"), engine.OpenOptions{Create: true})
	w.do(err)
	w.do(c.Exec(w.t.Context(), text))
	w.do(c.Close())
}

// runService makes it look as if the service ran: a state with a token, and its lock.
func (w *world) runService() {
	var err error
	clock := func() time.Time { return w.now }
	w.state, err = state.Open(w.t.Context(), daemon.StatePath(w.path("state")), clock)
	w.do(err)
	w.t.Cleanup(func() { w.state.Close() })
	w.tokens = access.NewRegistry(tokens.New(w.state, w.path("state")), clock)
	_, w.admin, err = w.tokens.Create(w.t.Context(), access.NewToken{Name: "ada", Role: access.Admin})
	w.do(err)
	w.lock, err = durable.TryLock(daemon.LockPath(w.path("state")), durable.Self(w.now, "serve"))
	w.do(err)
	w.t.Cleanup(func() { w.lock.Unlock() })
}

func (w *world) load() *config.Config {
	w.t.Helper()
	c, err := config.Parse(w.path("litekeep.yaml"), []byte(w.yaml), func(string) (string, bool) { return "", false })
	w.do(err)
	if w.config != nil {
		w.config(c)
	}
	return c
}

// backup makes a backup at a time.
func (w *world) backup(at time.Time) *litekeep.Backup {
	w.t.Helper()
	b, err := litekeep.New(w.load().Databases[0].Core(), litekeep.WithClock(func() time.Time { return at })).CreateBackup(w.t.Context())
	w.do(err)
	return b
}

func (w *world) run(ctx context.Context) []doctor.Check {
	w.t.Helper()
	return doctor.Run(ctx, doctor.Options{
		Config: w.load(), File: w.path("litekeep.yaml"), Now: func() time.Time { return w.now },
		Env: func(string) (string, bool) { return "", false }, Only: w.only, Send: w.send,
		Quote: func(s string) string { return "'" + s + "'" }, Machine: w.machine, Timeout: 20 * time.Second,
	})
}

// patch overwrites bytes of the database file.
func (w *world) patch(offset int64, bytes []byte) {
	w.t.Helper()
	f, err := os.OpenFile(w.path("data/app.db"), os.O_WRONLY, 0)
	w.do(err)
	_, err = f.WriteAt(bytes, offset)
	w.do(err)
	w.do(f.Close())
}

// key makes a new key file.
func (w *world) key(name string) {
	w.t.Helper()
	_, err := litekeep.NewKeyFile(w.path(name))
	w.do(err)
}

// ran puts the end of a backup run into the state.
func (w *world) ran(id, outcome, failed string) {
	w.t.Helper()
	w.do(w.state.BeginRun(w.t.Context(), state.Run{ID: id, Database: "app", Kind: "backup", Attempt: 1, Started: w.now}))
	w.do(w.state.EndRun(w.t.Context(), state.Run{ID: id, Database: "app", Kind: "backup", Attempt: 1, Started: w.now, Ended: w.now, Outcome: outcome, Error: failed}))
}

// trouble puts a trouble into the state.
func (w *world) trouble(e notify.Event) {
	w.t.Helper()
	w.do(outbox.New(w.state, func() time.Time { return w.now }).PutCondition(w.t.Context(), notify.Condition{
		Subject: "database:" + e.Database, Kind: e.Kind, Since: w.now, Told: w.now, Count: 1, Event: e,
	}))
}

// fails makes it look as if the last n backups had failed.
func (w *world) fails(n int) {
	w.t.Helper()
	w.ran("0", "ok", "")
	for i := range n {
		w.ran(fmt.Sprintf("1.%d", i), "refused", "page 3: database is damaged")
		w.ran(fmt.Sprintf("1.%d.stopped", i), "cancelled", "stopped")
	}
	w.trouble(notify.Event{Kind: notify.KindFailed, Database: "app", Time: w.now, Next: "litekeep restore it"})
}

// away makes it look as if a folder in which the service has made backups were not
// mounted.
func (w *world) away(name string) {
	w.t.Helper()
	id, err := destination.Mark(w.path(name))
	w.do(err)
	w.do(w.state.PutPlace(w.t.Context(), state.Place{Folder: w.path(name), ID: id, Since: w.now}))
	w.do(os.Rename(w.path(name), w.path(name+".away")))
}
