package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/notify"
	"github.com/litekeep/litekeep/internal/service"
	"github.com/litekeep/litekeep/internal/state"
)

// ada may do all.
var ada = access.Principal{ID: "tk_ada", Name: "ada", Role: access.Admin}

const faultYAML = `
state: %[1]s/state
server: {listen: off}
runs: {parallel: 2, grace: 2s, retries: 0}
notifications: {disk_low: 0}
defaults:
  destinations: [%[1]s/backups]
  schedule: "0 2 * * *"
`

// configIn writes a configuration into a folder.
func configIn(t *testing.T, dir, yaml string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "litekeep.yaml"), fmt.Appendf(nil, faultYAML+yaml, dir), 0o600); err != nil {
		t.Fatal(err)
	}
}

func loadIn(dir string) (*config.Config, error) {
	return config.Load(filepath.Join(dir, "litekeep.yaml"), func(string) (string, bool) { return "", false })
}

// serveIn runs a service in this process until stop is called, which returns
// what Run did.
func serveIn(t *testing.T, dir string) (d *Daemon, stop func() error) {
	t.Helper()
	return serveWith(t, dir, func(*config.Config) {})
}

// serveWith does so after a change of the configuration.
func serveWith(t *testing.T, dir string, change func(*config.Config)) (d *Daemon, stop func() error) {
	t.Helper()
	c, err := loadIn(dir)
	if err != nil {
		t.Fatal(err)
	}
	change(c)
	d, err = Open(t.Context(), Options{Config: c, Load: func() (*config.Config, error) { return loadIn(dir) }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = stop() }) // the test has looked at the error, or has failed
	return d, stop
}

// lastRun returns the last backup run of a database that has ended, nil if there
// is none.
func lastRun(t *testing.T, d *Daemon, name string) *service.Run {
	t.Helper()
	st, err := d.service.Database(t.Context(), ada, name)
	if err != nil {
		t.Fatal(err)
	}
	return st.LastRun
}

// waitForRun waits until a backup run of a database has ended.
func waitForRun(t *testing.T, d *Daemon, name string, want service.Outcome) {
	t.Helper()
	waitFor(t, "a run of "+name, func() bool { return lastRun(t, d, name) != nil })
	if r := lastRun(t, d, name); r.Outcome != want {
		t.Errorf("the run of %s: %s: %s", name, r.Outcome, r.Error)
	}
}

// deafListener takes connections and never answers.
func deafListener(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var open []net.Conn
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-done
		for _, c := range open {
			_ = c.Close()
		}
	})
	return l.Addr().String()
}

// TestNothingAnswers has a destination and a webhook that take connections and
// never answer.
func TestNothingAnswers(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "nobody")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "nothing")
	dir, deaf := t.TempDir(), deafListener(t)
	yaml := "databases:\n"
	for i := range 6 {
		name := fmt.Sprintf("db%d", i)
		makeDatabase(t, filepath.Join(dir, name+".db"), 100)
		yaml += fmt.Sprintf("  - {name: %s, path: %s/%s.db", name, dir, name)
		if i == 0 {
			yaml += fmt.Sprintf(", destinations: [%s/backups, 's3://bucket/x?endpoint=http://%s&region=us-east-1&path_style=true'], min_copies: 1", dir, deaf)
		}
		yaml += "}\n"
	}
	configIn(t, dir, yaml)
	replace(t, dir, "notifications: {disk_low: 0}", fmt.Sprintf(
		"notifications: {disk_low: 0, group: 1ms, channels: [{name: hook, type: webhook, url: 'http://%s/', secret: 'sixteen bytes and more'}]}", deaf))
	began := time.Now()
	d, stop := serveIn(t, dir)
	for i := 1; i < 6; i++ {
		waitForRun(t, d, fmt.Sprintf("db%d", i), service.OutcomeOK)
	}
	t.Logf("five databases were backed up after %v, while the destination of another and the webhook hung", time.Since(began).Round(time.Millisecond))
	// The backup itself is there all the same.
	waitFor(t, "the backup of the database whose destination hangs", func() bool {
		list, err := d.service.Backups(t.Context(), ada, "db0")
		if err != nil || len(list) > 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		return len(list) == 1 && !list[0].Verified.IsZero()
	})
	if r := lastRun(t, d, "db0"); r != nil {
		t.Errorf("the run that hangs has ended as %s: %s", r.Outcome, r.Error)
	}
	began = time.Now()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("the end took %v", took)
	}
	if left := leftovers(t, filepath.Join(dir, "backups")); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
}

// replace changes the configuration in a folder.
func replace(t *testing.T, dir, old, text string) {
	t.Helper()
	path := filepath.Join(dir, "litekeep.yaml")
	was, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(was), old) {
		t.Fatalf("the configuration has no %q", old)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(was), old, text, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestStateIsTakenAway removes the state in the middle, and puts a folder in its
// place.
func TestStateIsTakenAway(t *testing.T) {
	dir := t.TempDir()
	makeDatabase(t, filepath.Join(dir, "app.db"), 100)
	configIn(t, dir, fmt.Sprintf("databases:\n  - {name: app, path: %s/app.db}\n", dir))
	d, stop := serveIn(t, dir)
	waitForRun(t, d, "app", service.OutcomeOK)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(StatePath(filepath.Join(dir, "state")) + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(StatePath(filepath.Join(dir, "state")), "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	r, err := d.service.StartBackup(t.Context(), ada, "app")
	if err != nil {
		t.Fatal(err)
	}
	r, err = d.service.Wait(t.Context(), ada, r.ID)
	if err != nil || r.Outcome != service.OutcomeOK {
		t.Errorf("%+v, %v", r, err)
	}
	if h := d.service.Health(t.Context()); h.OK || !strings.Contains(strings.Join(h.Problems, " "), "state") {
		t.Errorf("health: %+v", h)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	// And the next start finds what it cannot use.
	d, stop = serveIn(t, dir)
	r, err = d.service.StartBackup(t.Context(), ada, "app")
	if err != nil {
		t.Fatal(err)
	}
	if r, err = d.service.Wait(t.Context(), ada, r.ID); err != nil || r.Outcome != service.OutcomeOK {
		t.Errorf("%+v, %v", r, err)
	}
	if h := d.service.Health(t.Context()); h.OK {
		t.Error("all is well, without a state")
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestSecondServiceIsRefused(t *testing.T) {
	dir := t.TempDir()
	makeDatabase(t, filepath.Join(dir, "app.db"), 10)
	configIn(t, dir, fmt.Sprintf("databases:\n  - {name: app, path: %s/app.db}\n", dir))
	d, stop := serveIn(t, dir)
	waitForRun(t, d, "app", service.OutcomeOK)
	c, err := loadIn(dir)
	if err != nil {
		t.Fatal(err)
	}
	var e *litekeep.Error
	if _, err := Open(t.Context(), Options{Config: c}); !errors.Is(err, litekeep.ErrBusy) || !errors.As(err, &e) || e.Hint == "" {
		t.Errorf("a second service on one state: %v", err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	again, err := Open(t.Context(), Options{Config: c}) // the lock is given back
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// TestStartWhileSomebodyLooks starts while the doctor looks whether a service runs, for
// which it takes the lock for a moment.
func TestStartWhileSomebodyLooks(t *testing.T) {
	dir := t.TempDir()
	makeDatabase(t, filepath.Join(dir, "app.db"), 10)
	configIn(t, dir, fmt.Sprintf("databases:\n  - {name: app, path: %s/app.db}\n", dir))
	c, err := loadIn(dir)
	if err != nil {
		t.Fatal(err)
	}
	do(t, os.Mkdir(c.State, 0o700))
	look, err := durable.TryLock(LockPath(c.State), durable.Self(time.Now(), "doctor"))
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, func() { _ = look.Unlock() })
	d, err := Open(t.Context(), Options{Config: c})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// TestTerminatedInTheMiddle sends SIGTERM while a backup goes on that is longer
// than the grace.
func TestTerminatedInTheMiddle(t *testing.T) {
	dir := t.TempDir()
	db := makeDatabase(t, filepath.Join(dir, "app.db"), 100_000/sparse) // 60 MB
	configIn(t, dir, fmt.Sprintf("databases:\n  - {name: app, path: %s/app.db, compression_level: 19}\n", dir))
	replace(t, dir, "grace: 2s", "grace: 100ms")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	p := startService(t, dir)
	partial := func() bool {
		found, _ := filepath.Glob(filepath.Join(dir, "backups", "app", "*.partial"))
		return len(found) > 0
	}
	waitFor(t, "an object is being written", partial)
	if took := p.terminate(); took > 12*time.Second {
		t.Errorf("the end took %v", took)
	} else {
		t.Logf("the end took %v", took.Round(time.Millisecond))
	}
	if left := leftovers(t, filepath.Join(dir, "backups")); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
	store, err := state.Open(t.Context(), StatePath(filepath.Join(dir, "state")), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	runs, err := store.Runs(t.Context(), state.RunFilter{})
	if err != nil || len(runs) != 1 || runs[0].Outcome != string(service.OutcomeCancelled) || runs[0].Ended.IsZero() {
		t.Errorf("%+v, %v", runs, err)
	}
}

// TestHangup sends SIGHUP with a file that is not valid, and with one that is.
func TestHangup(t *testing.T) {
	dir := t.TempDir()
	makeDatabase(t, filepath.Join(dir, "app.db"), 10)
	makeDatabase(t, filepath.Join(dir, "new.db"), 10)
	configIn(t, dir, fmt.Sprintf("databases:\n  - {name: app, path: %s/app.db}\n", dir))
	p := startService(t, dir)
	backups := func(name string) int {
		found, _ := filepath.Glob(filepath.Join(dir, "backups", name, "*.manifest.json"))
		return len(found)
	}
	waitFor(t, "the first backup", func() bool { return backups("app") == 1 })
	replace(t, dir, "schedule:", "shedule:")
	hangUp(p)
	if line := p.line(); line != "reloaded false" {
		t.Error(line)
	}
	configIn(t, dir, fmt.Sprintf("databases:\n  - {name: app, path: %[1]s/app.db}\n  - {name: new, path: %[1]s/new.db}\n", dir))
	hangUp(p)
	if line := p.line(); line != "reloaded true" {
		t.Error(line)
	}
	waitFor(t, "a backup of the new database", func() bool { return backups("new") == 1 })
	p.terminate()
}

func hangUp(p *daemonProcess) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		p.t.Fatal(err)
	}
}

// TestReloadKeepsMessages changes the channels while a message waits for one
// that does not answer.
func TestReloadKeepsMessages(t *testing.T) {
	dir, deaf := t.TempDir(), deafListener(t)
	makeDatabase(t, filepath.Join(dir, "app.db"), 10)
	configIn(t, dir, fmt.Sprintf("databases:\n  - {name: app, path: %s/app.db}\n", dir))
	replace(t, dir, "notifications: {disk_low: 0}", fmt.Sprintf(
		"notifications: {disk_low: 0, group: 1h, channels: [{name: hook, type: webhook, url: 'http://%s/', secret: 'sixteen bytes and more'}]}", deaf))
	d, stop := serveIn(t, dir)
	waitForRun(t, d, "app", service.OutcomeOK)
	pending := func() int {
		list, err := d.service.Channels(t.Context(), ada)
		if err != nil || len(list) != 1 {
			t.Fatalf("%+v, %v", list, err)
		}
		return list[0].Pending
	}
	var told sync.WaitGroup
	before := pending()
	for i := range 40 { // beside the reloads
		told.Go(func() {
			d.teller.Report(context.WithoutCancel(t.Context()), notify.Event{Kind: notify.KindDiskLow, Place: fmt.Sprint("/disk", i), Time: time.Now()})
		})
		if i%10 == 5 {
			if err := d.Reload(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	told.Wait()
	if got := pending() - before; got != 40 {
		t.Errorf("%d of 40 messages wait", got)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
