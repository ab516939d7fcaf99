package service

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/audit"
	"github.com/litekeep/litekeep/internal/notify"
)

// TestWaitAtTheEnd lets a run end at each point of a call that waits for it: what that
// returns is how the run ended, and never that it goes on. The points are the looks at the
// clock; another run, which goes on, makes some of them.
func TestWaitAtTheEnd(t *testing.T) {
	w := newWorld(t, "databases:\n"+database("other", "off")+database("app", "off"))
	gates := map[string]chan struct{}{}
	for name, p := range w.plays {
		gate := make(chan struct{})
		gates[name] = gate
		p.takes, p.fail = 0, func(int) error { <-gate; return nil }
	}
	w.start()
	defer w.stop()
	if _, err := w.StartBackup(t.Context(), admin, "other"); err != nil {
		t.Fatal(err)
	}
	defer close(gates["other"])
	for n := range int32(8) {
		gate := make(chan struct{})
		w.plays["app"].change(func(p *play) { p.fail = func(int) error { <-gate; return nil } })
		r, err := w.StartBackup(t.Context(), admin, "app")
		if err != nil {
			t.Fatal(err)
		}
		for len(w.plays["app"].began()) == int(n) {
			time.Sleep(time.Millisecond)
		}
		free := func() bool {
			k := w.find("app")
			k.mu.Lock()
			defer k.mu.Unlock()
			return k.job == nil
		}
		var looks atomic.Int32
		end := sync.OnceFunc(func() { close(gate) })
		looked := func() {
			if looks.Add(1) != n+1 {
				return
			}
			end()
			// It cannot end while whoever looks at the clock has its lock.
			for late := time.Now().Add(100 * time.Millisecond); !free() && time.Now().Before(late); {
				time.Sleep(time.Millisecond)
			}
		}
		w.looked.Store(&looked)
		time.AfterFunc(300*time.Millisecond, end) // where there are fewer looks
		got, err := w.Wait(t.Context(), admin, r.ID)
		w.looked.Store(nil)
		if err != nil || got.Ended.IsZero() || got.Outcome != OutcomeOK {
			t.Errorf("it ended at look %d: %+v, %v", n+1, got, err)
		}
		for !free() {
			time.Sleep(time.Millisecond)
		}
	}
}

// A watchfulTeller looks, whenever people are told something, whether the last run of a
// database is one that still goes on.
type watchfulTeller struct {
	Teller
	w *world
}

func (x watchfulTeller) Report(ctx context.Context, e notify.Event) {
	st, err := x.w.Database(ctx, admin, "app")
	if err == nil && st.LastRun != nil && st.Running != nil && st.LastRun.ID == st.Running.ID {
		x.w.t.Errorf("%s is told of a run that has ended and goes on: %+v", e.Kind, st.LastRun)
	}
	x.Teller.Report(ctx, e)
}

// TestEndIsSeenLast: who sees that a run has ended finds its end in the audit log, and
// can begin another.
func TestEndIsSeenLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "off"))
		w.listen = func(t Teller) Teller { return watchfulTeller{t, w} }
		w.start()
		defer w.stop()
		for n := range 20 {
			r, err := w.StartBackup(t.Context(), admin, "app")
			if err == nil {
				_, err = w.Wait(t.Context(), admin, r.ID)
			}
			if err != nil {
				t.Fatal(err)
			}
			entries, err := w.Audit(t.Context(), admin, AuditFilter{Action: string(access.Backup)})
			if err != nil || len(entries) != 2*(n+1) || entries[0].Outcome != string(audit.Done) {
				t.Fatalf("after %d runs the audit log has %d entries, the newest %+v, %v", n+1, len(entries), entries[:min(1, len(entries))], err)
			}
		}
	})
}
