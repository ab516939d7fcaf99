package service

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/litekeep/litekeep"
)

// A hanging is a play whose folder does not answer until it is told to.
type hanging struct {
	*play
	answer chan struct{}
	asked  *atomic.Int64 // of all plays
}

func (h hanging) ListBackups(ctx context.Context) ([]*litekeep.Backup, error) {
	h.asked.Add(1)
	<-h.answer
	return h.play.ListBackups(ctx)
}

// TestManyFoldersDoNotAnswer: where the folders of a whole fleet are on a file system that
// is away, other databases do not wait for each of them, and not all of them are asked.
func TestManyFoldersDoNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yaml := "runs: {retries: 0, grace: 1s}\ndatabases:\n"
		for i := range 100 {
			yaml += database(fmt.Sprintf("t%d", i), "0 12 * * *")
		}
		w := newWorld(t, yaml+strings.Replace(database("main", "0 12 * * *"), "name: main", "name: main, destinations: ["+t.TempDir()+"]", 1))
		answer, asked := make(chan struct{}), &atomic.Int64{}
		w.core = func(c litekeep.Config) Core {
			if c.Name == "main" {
				return w.play("main")
			}
			return hanging{w.play(c.Name), answer, asked}
		}
		w.start()
		time.Sleep(2 * time.Minute)
		if n := len(w.play("main").began()); n != 1 {
			t.Errorf("%d backups of the other database", n)
		}
		if n := asked.Load(); n > deafFolders+2*folderReaders {
			t.Errorf("%d folders were asked", n)
		}
		close(answer)
		time.Sleep(13 * time.Hour) // the slot at noon, and two at once for a minute each
		for _, name := range []string{"t0", "t99", "main"} {
			st, err := w.Database(t.Context(), admin, name)
			if err != nil || st.Condition != ConditionOK {
				t.Errorf("%s: %+v, %v", name, st, err)
			}
		}
		w.stop()
	})
}

// A hangingCopy is a play with one destination that does not answer until it is told to.
type hangingCopy struct {
	*play
	place  string
	answer chan struct{}
	asked  *atomic.Int64
}

func (h hangingCopy) VerifyCopies(_ context.Context, _ bool, places ...string) ([]litekeep.CopyCheck, error) {
	if len(places) == 1 && places[0] == h.place {
		h.asked.Add(1)
		<-h.answer
	}
	return nil, nil
}

// TestCopyDoesNotAnswer: a destination that hangs, also after a look was told to stop, is
// told as down, not asked again and again, looked at when it answers, and does not keep the
// service from its end.
func TestCopyDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		yaml, names := "runs: {grace: 1s}\ndatabases:\n", []string{"app", "web", "a", "b", "c", "d", "e", "f"}
		for _, name := range names {
			yaml += database(name, "0 12 * * *")
		}
		w := newWorld(t, yaml)
		nas, near := t.TempDir(), t.TempDir()
		w.yaml = strings.Replace(w.yaml, "destinations: ["+w.dir+"]", "destinations: ["+w.dir+", "+nas+", "+near+"]", 1)
		answer, asked := make(chan struct{}), &atomic.Int64{}
		w.core = func(c litekeep.Config) Core { return hangingCopy{w.play(c.Name), nas, answer, asked} }
		w.start()
		time.Sleep(8 * time.Hour)
		if n := w.events.count("destination-down"); n != 1 || asked.Load() > lookers {
			t.Errorf("told %v, asked %d times", w.events.all(), asked.Load())
		}
		for _, name := range names {
			st, err := w.Database(t.Context(), admin, name)
			if err != nil || st.Copies[1].OK || !st.Copies[2].OK {
				t.Errorf("%s: %+v, %v", name, st, err)
			}
		}
		close(answer)
		time.Sleep(time.Hour)
		if n := w.events.count("destination-up"); n != 1 {
			t.Errorf("told %v", w.events.all())
		}
		w.stop()
	})
}
