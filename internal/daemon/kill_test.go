package daemon

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/audit"
	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/state"
)

// playUsers has people ask for things all the time.
func (d *Daemon) playUsers(ctx context.Context, c *config.Config) (wait func()) {
	var group sync.WaitGroup
	ada := access.Principal{ID: "tk_ada", Name: "ada", Role: access.Admin}
	group.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			name := c.Databases[i%len(c.Databases)].Name
			// What is busy refuses, which is recorded all the same.
			switch list, err := d.service.Backups(ctx, ada, name); {
			case i%7 == 3:
				_ = d.Reload(ctx)
			case err == nil && len(list) > 1 && i%3 == 0:
				_, _ = d.service.StartVerify(ctx, ada, name, list[1].File)
			default:
				_, _ = d.service.StartBackup(ctx, ada, name)
			}
			time.Sleep(25 * time.Millisecond)
		}
	})
	return group.Wait
}

// A killScene is a service that is killed again and again, with databases that
// are written to.
type killScene struct {
	dir   string
	names []string
	cut   map[string]bool // runs that were under way at a kill
}

const killYAML = `
state: %[1]s/state
server: {listen: off}
runs: {parallel: 3, grace: 5s, retries: 2, retry_after: 1m}
notifications: {disk_low: 0}
defaults:
  destinations: [%[1]s/backups]
  schedule: "* * * * *"
  time_zone: UTC
  spread: 0s
  shrink: 0%%
  time_limit: 1m
  retention: {within: 0s, last: %[2]d, trash: 0s}
databases:
`

func newKillScene(t *testing.T) *killScene {
	t.Helper()
	c := &killScene{dir: t.TempDir(), cut: map[string]bool{}}
	yaml := fmt.Sprintf(killYAML, c.dir, killKeeps)
	stop, stopped := make(chan struct{}), sync.WaitGroup{}
	for i := range 5 {
		name := fmt.Sprintf("db%d", i)
		path := filepath.Join(c.dir, name+".db")
		c.names = append(c.names, name)
		yaml += fmt.Sprintf("  - {name: %s, path: %s}\n", name, path)
		db := makeDatabase(t, path, 500*(i+1))
		stopped.Go(func() { // the write load
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				case <-time.After(10 * time.Millisecond):
				}
				if _, err := db.ExecContext(context.WithoutCancel(t.Context()), "UPDATE item SET n=n+1, data=randomblob(500) WHERE id%50=?", n%50); err != nil {
					t.Errorf("%s cannot be written to: %v", name, err)
					return
				}
			}
		})
	}
	t.Cleanup(func() { close(stop); stopped.Wait() })
	if err := os.WriteFile(filepath.Join(c.dir, "litekeep.yaml"), []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *killScene) service(name string) *litekeep.Service {
	cfg := litekeep.DefaultConfig(filepath.Join(c.dir, name+".db"))
	cfg.Name, cfg.BackupDirectory = name, filepath.Join(c.dir, "backups")
	return litekeep.New(cfg)
}

// check looks at what a kill has left.
func (c *killScene) check(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	store, err := state.Open(ctx, StatePath(filepath.Join(c.dir, "state")), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if aside := store.PutAside(); aside != "" {
		t.Fatalf("the state was damaged: %s", aside)
	}
	runs, err := store.Runs(ctx, state.RunFilter{})
	if err != nil {
		t.Fatal(err)
	}
	c.checkRuns(t, runs)
	for _, name := range c.names {
		list, err := c.service(name).ListBackups(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range list {
			if b.Problem != "" || b.Verified.IsZero() {
				t.Errorf("%s: %s", b.Path, b.Problem)
			}
			if _, err := c.service(name).VerifyBackup(ctx, b.Path); err != nil {
				t.Error(err)
			}
		}
		newest := slices.IndexFunc(runs, func(r state.Run) bool {
			return r.Database == name && r.Kind == "backup" && r.Outcome == state.OutcomeOK
		})
		if newest >= 0 && !hasOrSucceeded(list, runs[newest].Backup) {
			t.Errorf("%s: %s, which is recorded as made, is not listed", name, runs[newest].Backup)
		}
	}
	report, err := audit.Verify(AuditPath(filepath.Join(c.dir, "state")), audit.VerifyOptions{})
	if err != nil || !report.OK() {
		t.Errorf("audit log: %+v, %v", report.Problems, err)
	}
}

// hasOrSucceeded reports whether a backup is listed, or as many newer ones as the
// retention keeps: a run that is killed when it has pruned is not recorded as good, but
// its backup is, and on a slow machine that may happen several times on end.
func hasOrSucceeded(list []*litekeep.Backup, name string) bool {
	newer := 0
	for _, b := range list {
		base := filepath.Base(b.Path)
		if base == name {
			return true
		}
		if base > name { // names begin with the time
			newer++
		}
	}
	return newer >= killKeeps
}

// killKeeps is how many backups the retention of killYAML keeps.
const killKeeps = 4

// checkRuns takes the runs of the state, newest first.
func (c *killScene) checkRuns(t *testing.T, runs []state.Run) {
	t.Helper()
	open, slots := map[string]int{}, map[string]int{}
	for _, r := range runs {
		if r.Ended.IsZero() {
			c.cut[r.ID] = true
			open[r.Database]++
		}
		if !r.Slot.IsZero() && r.Trigger != "retry" {
			slots[r.Database+" "+r.Slot.String()]++
		}
		if c.cut[r.ID] && !r.Ended.IsZero() && r.Outcome != state.OutcomeCrashed {
			t.Errorf("a run that was killed is recorded as %s", r.Outcome)
		}
	}
	for what, n := range slots {
		if n > 1 {
			t.Errorf("%s ran %d times", what, n)
		}
	}
	for name, n := range open {
		if n > 1 {
			t.Errorf("%d runs of %s were under way", n, name)
		}
	}
}

// TestKilledAgainAndAgain kills a service at random moments.
func TestKilledAgainAndAgain(t *testing.T) {
	const kills, limit, speed = 30 / sparse, 30 * time.Second, 600
	c := newKillScene(t)
	random := rand.New(rand.NewPCG(20261123, 4))
	began := time.Now()
	args := []string{fmt.Sprint(began.UnixMilli()), fmt.Sprint(speed), "busy"}
	found, n := map[string]int{}, 0
	nothing := func() bool { return len(c.cut) == 0 || len(found) == 0 }
	late := 500_000
	for ; n < 8/sparse || n < kills && time.Since(began) < limit || nothing() && time.Since(began) < 2*patience; n++ {
		p := startService(t, c.dir, args...)
		time.Sleep(time.Duration(random.IntN(late)) * time.Microsecond)
		if n >= 4 && nothing() {
			late *= 2 // the machine is slow
		}
		if err := p.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = p.cmd.Wait() // killed
		if text := p.said.String(); strings.Contains(text, "state") {
			t.Errorf("the service complains: %s", text)
		}
		for _, path := range leftovers(t, filepath.Join(c.dir, "backups")) {
			found[kindOfLeftover(path)]++
		}
		c.check(t)
		if t.Failed() {
			t.Fatalf("after kill %d", n)
		}
	}
	// A last time, which cleans up and ends as it should.
	dirty, since := leftovers(t, filepath.Join(c.dir, "backups")), fastClock(began, speed)
	p := startService(t, c.dir, args...)
	waitFor(t, "each database has two more backups, and nothing is left of the kills", func() bool {
		return c.backedUpTwice(t, since) && !slices.ContainsFunc(dirty, exists)
	})
	p.terminate()
	c.check(t)
	if left := leftovers(t, filepath.Join(c.dir, "backups")); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
	cut := len(c.cut)
	c.account(t)
	t.Logf("%d kills in %v, %d runs were cut off; what was found: %v", n, time.Since(began).Round(time.Second), cut, found)
	if cut == 0 || len(found) == 0 {
		t.Error("no kill has hit anything")
	}
}

// backedUpTwice reports whether all databases have two backups made after a moment.
// The run that made the first has ended then.
func (c *killScene) backedUpTwice(t *testing.T, since time.Time) bool {
	t.Helper()
	return !slices.ContainsFunc(c.names, func(name string) bool {
		list, err := c.service(name).ListBackups(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(list) < 2 || !list[1].Timestamp.After(since) // newest first
	})
}

func kindOfLeftover(path string) string {
	if strings.HasSuffix(path, ".partial") {
		return "an unfinished object"
	}
	if filepath.Base(filepath.Dir(path)) == ".tmp" {
		return "a snapshot or a note"
	}
	return filepath.Ext(path)
}

// account checks that no run is without an end.
func (c *killScene) account(t *testing.T) {
	t.Helper()
	store, err := state.Open(t.Context(), StatePath(filepath.Join(c.dir, "state")), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	runs, err := store.Runs(t.Context(), state.RunFilter{})
	if err != nil {
		t.Fatal(err)
	}
	outcomes := map[string]int{}
	for _, r := range runs {
		if outcomes[r.Outcome]++; r.Ended.IsZero() {
			t.Errorf("a run without an end: %+v", r)
		}
		delete(c.cut, r.ID)
	}
	t.Logf("%d runs: %v", len(runs), outcomes)
	if outcomes[state.OutcomeOK] == 0 || outcomes["crashed"] == 0 {
		t.Errorf("%v", outcomes)
	}
	for id := range c.cut {
		t.Errorf("run %s is not known any more", id)
	}
}
