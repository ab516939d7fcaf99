package service

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestStopWithQueue: runs that wait for their turn when the service ends are nothing to
// be recorded; they are due again at the next start.
func TestStopWithQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yaml := "runs: {parallel: 1, grace: 2m}\ndatabases:\n"
		for i := range 20 {
			yaml += database(fmt.Sprintf("t%d", i), "0 12 * * *")
		}
		w := newWorld(t, yaml)
		w.start()
		time.Sleep(30 * time.Second) // the first of them takes a minute
		w.stop()
		w.start()
		defer w.stop()
		runs, err := w.Runs(context.Background(), admin, RunFilter{Limit: maxRuns})
		ended := slices.DeleteFunc(runs, func(r Run) bool { return r.Ended.IsZero() })
		if err != nil || len(ended) != 1 || ended[0].Outcome != OutcomeOK {
			t.Errorf("%d runs have ended, %v", len(ended), err)
		}
		time.Sleep(time.Hour)
		for name, p := range w.plays {
			if n := len(p.began()); n != 1 {
				t.Errorf("%s: %d backups", name, n)
			}
		}
	})
}
