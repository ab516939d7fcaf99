package service

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/notify"
)

// over is a play that is restored over a database.
type over struct {
	*play
	safety string   // backup of what it held before
	kept   []string // or its files
}

func (o over) RestoreBackup(context.Context, string, string, litekeep.RestoreOptions) (*litekeep.Restored, error) {
	return &litekeep.Restored{Replaced: true, SafetyBackup: o.safety, KeptFiles: o.kept}, nil
}

// overheard is a Teller that remembers what is reported.
type overheard struct {
	Teller
	told chan notify.Event
}

func (o overheard) Report(ctx context.Context, e notify.Event) {
	if e.Kind == notify.KindRestoreDone {
		o.told <- e
	}
	o.Teller.Report(ctx, e)
}

// TestRestoreTold: of a restore people learn who made it and why, and what became of
// what the database held.
func TestRestoreTold(t *testing.T) {
	for want, over := range map[string]over{
		"What it held before was not kept.":            {},
		"What it held before is kept as /played/x.db.": {safety: "/played/x.db"},
		"What it held before was too damaged to be backed up; its files are kept as /a.db.damaged and /a.db.damaged-wal.": {kept: []string{"/a.db.damaged", "/a.db.damaged-wal"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, "databases:\n"+database("app", "0 12 * * *"))
			w.core = func(c litekeep.Config) Core { over.play = w.play(c.Name); return over }
			told := make(chan notify.Event, 1)
			w.listen = func(t Teller) Teller { return overheard{t, told} }
			w.start()
			defer w.stop()
			time.Sleep(time.Hour)
			w.ended(w.StartRestore(context.Background(), admin, "app", RestoreRequest{File: w.files("app")[0], Confirm: "app", Reason: " ticket 4711 "}))
			e := <-told
			if e.Holds != want || len(e.Details) != 1 || e.Details[0] != (notify.Field{Name: "By", Value: `ada ("ticket 4711")`}) {
				t.Errorf("%+v", e)
			}
		})
	}
}
