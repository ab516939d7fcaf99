package service

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/audit"
	"github.com/litekeep/litekeep/internal/state"
)

// A fleetWorld is a world with a pattern, which matches files in a folder.
type fleetWorld struct {
	*world
	folder string
	cores  atomic.Int64 // that were made
}

func (f *fleetWorld) made() int64 { return f.cores.Load() }

// told compares what people were told since the start with what they should be.
func (f *fleetWorld) told(want ...string) {
	f.t.Helper()
	if diff := cmp.Diff(want, f.events.all()); diff != "" {
		f.t.Errorf("told: %s", diff)
	}
}

func newFleet(t *testing.T, settings string, tenants ...string) *fleetWorld {
	t.Helper()
	f := &fleetWorld{folder: t.TempDir()}
	f.world = newWorld(t, settings+"databases:\n"+database("main", "0 12 * * *")+
		`  - {name: "{name}", match: "`+f.folder+`/*.db", schedule: "0 2 * * *", time_zone: Europe/Berlin, spread: 0s}`+"\n")
	f.core = func(c litekeep.Config) Core {
		f.cores.Add(1)
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.plays[c.Name] == nil { // they come while the service runs
			f.plays[c.Name] = &play{name: c.Name, w: f.world, takes: time.Minute, rows: 1000}
		}
		return f.plays[c.Name]
	}
	f.add(tenants...)
	return f
}

// add makes the files of tenants.
func (f *fleetWorld) add(names ...string) {
	f.t.Helper()
	for _, name := range names {
		if err := os.WriteFile(f.path(name), nil, 0o600); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *fleetWorld) path(name string) string { return filepath.Join(f.folder, name+".db") }

// names are the databases that the service keeps.
func (f *fleetWorld) names() string {
	f.t.Helper()
	names, err := f.Names(context.Background(), admin)
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.Join(names, " ")
}

// TestFleetOfFiles: a reload takes the files that there are, and each is backed up by its
// schedule.
func TestFleetOfFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, "", "acme")
		f.start()
		defer f.stop()
		if got := f.names(); got != "acme main" {
			t.Errorf("it keeps %s", got)
		}
		time.Sleep(time.Second)
		f.add("zebra")
		changed, err := f.Reload(context.Background(), admin)
		if diff := cmp.Diff([]string{"database zebra: added"}, changed); diff != "" || err != nil {
			t.Error(diff, err)
		}
		time.Sleep(48 * time.Hour)
		for _, name := range []string{"acme", "zebra"} {
			if runs := f.play(name).began(); len(runs) != 3 { // at once, and each night
				t.Errorf("%s: %v", name, runs)
			}
		}
	})
}

// TestFleetGrows: a file that appears is backed up without anybody's doing, and that is
// told once; so is one that appeared while no service ran.
func TestFleetGrows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, "", "acme")
		f.start()
		time.Sleep(90 * time.Second)
		f.add("zebra")
		made := f.made()
		time.Sleep(3 * time.Minute)
		if got := f.names(); got != "acme main zebra" {
			t.Errorf("it keeps %s", got)
		}
		if n := f.made() - made; n != 4 { // three to look with and one of its run: nobody else is made anew
			t.Errorf("%d cores were made for one database", n)
		}
		if runs := f.play("zebra").began(); len(runs) != 1 {
			t.Errorf("zebra: %v", runs)
		}
		f.told("joined zebra")
		f.stop()
		f.add("beta")
		f.start()
		time.Sleep(3 * time.Minute)
		f.told("joined beta")
		f.stop()
		f.start()
		time.Sleep(26 * time.Hour)
		f.told()
		if runs := f.play("beta").began(); len(runs) != 3 { // two nights
			t.Errorf("beta: %v", runs)
		}
		f.stop()
	})
}

// TestFleetLeftOut: what cannot be a database is told once, and its end.
func TestFleetLeftOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, "notifications: {repeat: 7d}\n", "acme")
		f.start()
		time.Sleep(2 * time.Minute)
		f.add("a:b")
		time.Sleep(2 * time.Hour)
		f.told("left-out ")
		x := f.o.Teller.Troubles()
		if len(x) != 1 || x[0].Event.Place != f.path("a:b") || !strings.Contains(x[0].Event.Hint, `except: ["a:b"]`) || x[0].Count != 1 {
			t.Errorf("%+v", x)
		}
		if got := f.names(); got != "acme main" {
			t.Errorf("it keeps %s", got)
		}
		if err := os.Rename(f.path("a:b"), f.path("a-b")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		f.told("left-out ", "recovered ", "joined a-b")
		f.stop()
	})
}

// TestFleetLeftOutUnseen: a look that did not come to its end says nothing of the files
// that were left out before.
func TestFleetLeftOutUnseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, "notifications: {repeat: 7d}\n", "acme", "a:b")
		f.start()
		time.Sleep(30 * time.Second)
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		before := f.Service.config()
		f.take(context.Background(), before, before.Expand(ended, before.Members()))
		time.Sleep(time.Hour)
		f.told("left-out ", "left-out ", "recovered ")
		if x := f.o.Teller.Troubles(); len(x) != 1 || x[0].Event.Place != f.path("a:b") {
			t.Errorf("%+v", x)
		}
		f.stop()
	})
}

// TestFleetWhileReloading: a look that a reload overtook changes nothing.
func TestFleetWhileReloading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, "", "acme", "zebra")
		f.start()
		before, ctx := f.Service.config(), context.Background()
		f.add("beta")
		looked := f.expand(ctx, before)
		f.yaml = strings.Replace(f.yaml, "*.db", "z*.db", 1)
		if _, err := f.Reload(ctx, admin); err != nil {
			t.Fatal(err)
		}
		f.take(ctx, before, looked)
		if got := f.names(); got != "main zebra" {
			t.Errorf("it keeps %s", got)
		}
		f.stop()
	})
}

// remove takes the file of a tenant away.
func (f *fleetWorld) remove(name string) {
	f.t.Helper()
	if err := os.Remove(f.path(name)); err != nil {
		f.t.Fatal(err)
	}
}

// TestFleetGone: a database whose file goes stays, is told once and waits; when the file is
// back it is backed up again.
func TestFleetGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, "", "acme", "zebra")
		f.start()
		time.Sleep(26 * time.Hour)
		f.remove("acme")
		time.Sleep(10 * 24 * time.Hour)
		f.told("gone acme") // and not that it is overdue
		runs := len(f.play("acme").began())
		if runs != 3 { // at once, and at 02:00 in Berlin on the two days before
			t.Errorf("%d runs", runs)
		}
		st, err := f.Database(context.Background(), admin, "acme")
		if err != nil || st.Condition != ConditionFailing || len(st.Problems) != 1 || !strings.Contains(st.Words, "is gone") || !st.Next.IsZero() || !st.Overdue.IsZero() {
			t.Fatalf("%+v, %v", st, err)
		}
		p := st.Problems[0]
		if age := f.now().Sub(p.Since); p.Kind != "gone" || age < 10*24*time.Hour-matchEvery || age > 10*24*time.Hour || !strings.Contains(p.Hint, "except:") {
			t.Errorf("%+v", p)
		}
		if !strings.Contains(p.Next, "restore") || !strings.Contains(p.Next, "--reason 'its file is gone'") {
			t.Errorf("run next: %s", p.Next)
		}
		f.add("acme")
		time.Sleep(5 * time.Minute) // the slots that were missed are made up for once
		f.told("gone acme", "recovered acme")
		if got := len(f.play("acme").began()); got != runs+1 {
			t.Errorf("%d runs, then %d", runs, got)
		}
		f.stop()
	})
}

// TestFleetGoneWhileOff: what goes while no service runs is told at the next start, and
// not again at the one after that; nor does it leave.
func TestFleetGoneWhileOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, "", "acme", "zebra")
		f.start()
		time.Sleep(90 * time.Minute)
		f.stop()
		f.remove("acme")
		for _, told := range [][]string{{"gone acme"}, nil} {
			time.Sleep(time.Hour)
			f.start()
			time.Sleep(30 * time.Hour)
			f.told(told...)
			if got := f.names(); got != "acme main zebra" {
				t.Errorf("it keeps %s", got)
			}
			f.stop()
		}
		// Said that it was meant.
		f.yaml = strings.Replace(f.yaml, `{name: "{name}",`, `{name: "{name}", except: [acme],`, 1)
		f.start()
		if got := f.names(); got != "main zebra" {
			t.Errorf("it keeps %s", got)
		}
		time.Sleep(time.Hour)
		f.told() // the memory of this service's messages ended with the last
		f.stop()
	})
}

// TestFleetStoppedAtStart: a service that is ended while it starts forgets nobody.
func TestFleetStoppedAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, "", "acme", "zebra")
		f.start()
		time.Sleep(time.Hour)
		f.stop()
		f.remove("acme")
		store, err := state.Open(context.Background(), filepath.Join(f.dir, "state.db"), f.now)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		o := f.o
		o.State, o.Audit = store, audit.New(t.TempDir(), audit.Options{Now: f.now})
		if err := errors.Join(New(ctx, o).Serve(ctx), o.Audit.Close(), store.Close()); err != nil {
			t.Error(err)
		}
		f.start()
		if got := f.names(); got != "acme main zebra" {
			t.Errorf("it keeps %s", got)
		}
		f.stop()
	})
}

// TestFleetLeaves: a reload with an exception ends the trouble.
func TestFleetLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, "", "acme", "zebra")
		f.start()
		time.Sleep(time.Hour)
		f.remove("acme")
		time.Sleep(time.Hour)
		f.yaml = strings.Replace(f.yaml, `{name: "{name}",`, `{name: "{name}", except: [acme],`, 1)
		changed, err := f.Reload(context.Background(), admin)
		if err != nil || !slices.Contains(changed, "database acme: removed") {
			t.Errorf("%q, %v", changed, err)
		}
		time.Sleep(time.Hour)
		f.told("gone acme", "recovered acme")
		if x := f.o.Teller.Troubles(); len(x) > 0 {
			t.Errorf("troubles are left: %+v", x)
		}
		f.stop()
	})
}

// TestFleetGoneAtItsSlot: a run that finds no file is told as that, and not as a failure.
func TestFleetGoneAtItsSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFleet(t, "", "acme")
		f.plays["acme"] = &play{name: "acme", w: f.world, takes: time.Second, rows: 1, fail: func(n int) error {
			if n == 2 {
				return &litekeep.Error{Op: "backup", Kind: litekeep.ErrRefused, Err: os.ErrNotExist}
			}
			return nil
		}}
		time.Sleep(30 * time.Second)
		f.start() // so it looks in the middle of each minute
		berlin, _ := time.LoadLocation("Europe/Berlin")
		time.Sleep(time.Until(time.Date(2000, 1, 1, 1, 59, 45, 0, berlin)))
		f.remove("acme") // the next look is later than the slot
		time.Sleep(time.Hour)
		if got := len(f.play("acme").began()); got != 2 {
			t.Errorf("%d runs", got)
		}
		f.told("gone acme")
		f.stop()
	})
}
