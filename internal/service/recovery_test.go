package service

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestRunComesBeforeADueSync has somebody's run begin after the schedules have seen
// that a synchronisation is due, and before that has begun.
func TestRunComesBeforeADueSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := newCopyingWorld(t, 1)
		w.start()
		defer w.stop()
		time.Sleep(time.Hour) // the first backup is made, and nothing is due
		k := w.find("db0")
		k.mu.Lock()
		k.syncDue = true // as catchUp does, but for waking the schedules
		k.mu.Unlock()
		w.Service.mu.Lock()
		ticked := make(chan struct{})
		go func() { w.tick(context.Background(), k, w.now()); close(ticked) }()
		awaitBegin() // it waits for that lock
		first := &job{now: w.now, run: Run{Kind: KindBackup, Trigger: triggerRequest, Started: w.now()}}
		k.mu.Lock()
		k.job = first
		k.mu.Unlock()
		w.Service.mu.Unlock()
		<-ticked
		w.release(k, first) // it has ended
		time.Sleep(10 * time.Minute)
		var syncs []string
		for _, r := range w.history()["db0"] {
			if r.Kind == string(KindSync) {
				syncs = append(syncs, r.Trigger+" "+r.Outcome)
			}
		}
		if len(syncs) != 1 || syncs[0] != "recovery ok" {
			t.Errorf("synchronisations: %q", syncs)
		}
	})
}

// awaitBegin waits until a run is about to begin. The simulated clock stands still
// meanwhile.
func awaitBegin() {
	stacks := make([]byte, 1<<20)
	for !strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "(*Service).begin(") {
		runtime.Gosched()
	}
}
