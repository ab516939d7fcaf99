package service

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/litekeep/litekeep"
)

// A countingCore counts how often the folder is read.
type countingCore struct {
	*play
	lists, plans atomic.Int64
	slow         time.Duration
}

func (c *countingCore) ListBackups(ctx context.Context) ([]*litekeep.Backup, error) {
	c.lists.Add(1)
	time.Sleep(c.slow)
	return c.play.ListBackups(ctx)
}

func (c *countingCore) CleanupOldBackups(ctx context.Context, dryRun bool) ([]litekeep.Decision, error) {
	c.plans.Add(1)
	return []litekeep.Decision{{Path: "/played/app/x", Keep: true, Reason: "newest"}}, nil
}

// TestFolderIsReadOnce has many ask for a listing at once, and again.
func TestFolderIsReadOnce(t *testing.T) {
	w := newWorld(t, "databases:\n"+database("app", "off"))
	core := &countingCore{play: w.plays["app"], slow: 20 * time.Millisecond}
	w.core = func(litekeep.Config) Core { return core }
	w.start()
	defer w.stop()
	k := w.find("app")
	if err := os.MkdirAll(k.conf.Load().folder(), 0o700); err != nil {
		t.Fatal(err)
	}
	ask := func() {
		t.Helper()
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				if _, err := w.Backups(context.Background(), admin, "app"); err != nil {
					t.Error(err)
				}
				if _, err := w.Stats(context.Background(), admin, ""); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	}
	ask()
	lists, plans := core.lists.Load(), core.plans.Load()
	if lists > 3 { // the loops look as well, and the folder was made meanwhile
		t.Errorf("the folder was read %d times", lists)
	}
	ask()
	if got := core.lists.Load(); got != lists {
		t.Errorf("a folder that has not changed was read again %d times", got-lists)
	}
	if got := core.plans.Load(); got > plans {
		t.Errorf("the retention was asked again %d times", got-plans)
	}
	later := time.Now().Add(time.Second) // file systems have coarse clocks
	file := filepath.Join(k.conf.Load().folder(), "new")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(k.conf.Load().folder(), later, later); err != nil {
		t.Fatal(err)
	}
	ask()
	if got := core.lists.Load(); got != lists+1 {
		t.Errorf("a folder that has changed was read %d times", got-lists)
	}
	if got := core.plans.Load(); got == plans {
		t.Error("the retention was not asked about what is new")
	}
}

// TestFoldersAreReadSideBySide asks for all databases right after a start, while the
// folder of each takes its time.
func TestFoldersAreReadSideBySide(t *testing.T) {
	const databases, takes = 3 * folderReaders, time.Second
	for name, ask := range map[string]func(*world) error{
		"databases": func(w *world) error { _, err := w.Databases(t.Context(), admin); return err },
		"stats":     func(w *world) error { _, err := w.Stats(t.Context(), admin, ""); return err },
		"metrics":   func(w *world) error { w.Metrics(t.Context()); return nil },
		"watch":     func(w *world) error { w.watch(t.Context()); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var yaml strings.Builder
				yaml.WriteString("databases:\n")
				for i := range databases {
					yaml.WriteString(database(fmt.Sprintf("db%d", i), "off"))
				}
				w := newWorld(t, yaml.String())
				cores := map[string]*countingCore{}
				for name, p := range w.plays {
					cores[name] = &countingCore{play: p, slow: takes}
				}
				w.core = func(c litekeep.Config) Core { return cores[c.Name] }
				w.start()
				defer w.stop()
				began := time.Now()
				if err := ask(w); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took > databases/folderReaders*takes {
					t.Errorf("it took %v", took)
				}
				for name, c := range cores {
					if n := c.lists.Load(); n != 1 {
						t.Errorf("the folder of %s was read %d times", name, n)
					}
				}
			})
		})
	}
}

// TestPinIsOver finds that a backup is pinned until its pin is over, and no longer.
func TestPinIsOver(t *testing.T) {
	w := newWorld(t, "databases:\n"+database("app", "off"))
	w.start()
	defer w.stop()
	forever := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	for name, c := range map[string]struct {
		until, told time.Time
		want        bool
	}{
		"over":    {w.now().Add(-time.Hour), w.now().Add(-time.Hour), false},
		"goes on": {w.now().Add(time.Hour), w.now().Add(time.Hour), true},
		"no end":  {forever, time.Time{}, true},
	} {
		b := &litekeep.Backup{Path: "/played/app/x.json.zst", Pinned: c.until, Pin: &litekeep.Pin{Note: "why", Until: c.told}}
		v := w.find("app").view(b, litekeep.Decision{}, w.now())
		if v.Pinned != c.want || (v.PinNote == "why") != c.want || c.want && !v.PinUntil.Equal(c.told) {
			t.Errorf("%s: %+v", name, v)
		}
	}
}
