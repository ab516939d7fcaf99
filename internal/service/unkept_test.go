package service

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/litekeep/litekeep"
)

// untroubled compares what people were told with what they should be, and looks that no
// trouble is left.
func (w *world) untroubled(want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.events.all()); diff != "" {
		w.t.Errorf("told: %s", diff)
	}
	for _, c := range w.o.Teller.Troubles() {
		w.t.Errorf("a trouble is left: %s %s", c.Subject, c.Kind)
	}
}

// TestTroubleOfUnkept: a database that fails and is taken out of the configuration fails
// no more.
func TestTroubleOfUnkept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("main", "0 12 * * *"))
		main := w.yaml
		w.yaml += database("app", "0 12 * * *")
		w.addPlays()
		w.play("app").fail = func(int) error {
			return &litekeep.Error{Op: "backup", Kind: litekeep.ErrRefused, Err: errors.New("no database")}
		}
		w.start()
		defer w.stop()
		time.Sleep(time.Hour)
		w.yaml = main
		if _, err := w.Reload(context.Background(), admin); err != nil {
			t.Fatal(err)
		}
		time.Sleep(72 * time.Hour)
		w.untroubled("failed app", "recovered app")
	})
}

// A far is a play whose copies can be away.
type far struct {
	*play
	away *atomic.Bool
}

func (f far) VerifyCopies(context.Context, bool, ...string) ([]litekeep.CopyCheck, error) {
	if f.away.Load() {
		return nil, errors.New("no route to it")
	}
	return nil, nil
}

// TestTroubleOfUnkeptPlace: a place that is down and that a database does not have any
// more is no trouble of it, and none at all where no other has it.
func TestTroubleOfUnkeptPlace(t *testing.T) {
	for name, want := range map[string]string{"one database": "destination-up ", "all databases": "recovered "} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nas := filepath.Join(t.TempDir(), "nas")
				if err := os.Mkdir(nas, 0o700); err != nil {
					t.Fatal(err)
				}
				w := newWorld(t, "databases:\n"+database("app", "0 12 * * *")+database("web", "0 12 * * *"))
				away := &atomic.Bool{}
				w.core = func(c litekeep.Config) Core { return far{w.play(c.Name), away} }
				alone, both := w.yaml, "destinations: ["+w.dir+", "+nas+"]"
				w.yaml = strings.Replace(alone, "destinations: ["+w.dir+"]", both, 1)
				w.start()
				defer w.stop()
				time.Sleep(time.Hour)
				away.Store(true)
				time.Sleep(lookAround)
				w.yaml = alone
				if name == "one database" {
					w.yaml = strings.Replace(alone, "name: web,", "name: web, "+both+",", 1)
				}
				if _, err := w.Reload(context.Background(), admin); err != nil {
					t.Fatal(err)
				}
				away.Store(false)
				time.Sleep(72 * time.Hour)
				w.untroubled("destination-down ", want)
			})
		})
	}
}
