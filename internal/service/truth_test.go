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

	"github.com/litekeep/litekeep"
)

// brittle is a play whose backups can be damaged, and whose code can be.
type brittle struct {
	*play
	damaged map[string]bool // by path
	panics  bool
}

func (b *brittle) CreateBackup(ctx context.Context) (*litekeep.Backup, error) {
	if b.panics {
		panic("index out of range")
	}
	return b.play.CreateBackup(ctx)
}

func (b *brittle) RestoreBackup(ctx context.Context, path, target string, o litekeep.RestoreOptions) (*litekeep.Restored, error) {
	if b.damaged[path] && !o.DryRun {
		return nil, litekeep.ErrDamaged
	}
	return b.play.RestoreBackup(ctx, path, target, o)
}

func (b *brittle) VerifyBackup(_ context.Context, path string) (*litekeep.Verification, error) {
	v := &litekeep.Verification{Path: path, OK: !b.damaged[path]}
	b.change(func(p *play) {
		p.backups = slices.Clone(p.backups)
		for i, one := range p.backups {
			if one.Path == path {
				copied := *one
				copied.Damaged = !v.OK
				p.backups[i] = &copied
			}
		}
	})
	if !v.OK {
		return v, litekeep.ErrDamaged
	}
	return v, nil
}

// brittleWorld is a world of databases that are backed up each day at noon.
func brittleWorld(t *testing.T, names ...string) (*world, map[string]*brittle) {
	yaml := "runs: {retries: 0}\ndatabases:\n"
	for _, name := range names {
		yaml += database(name, "0 12 * * *")
	}
	w := newWorld(t, yaml)
	all := map[string]*brittle{}
	for _, name := range names {
		all[name] = &brittle{play: w.plays[name], damaged: map[string]bool{}}
	}
	w.core = func(c litekeep.Config) Core { return all[c.Name] }
	return w, all
}

func (w *world) files(database string) (files []string) {
	w.t.Helper()
	views, err := w.Backups(context.Background(), admin, database)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, v := range views {
		files = append(files, v.File)
	}
	return files
}

// ended waits for a run that was just begun.
func (w *world) ended(r *Run, err error) *Run {
	w.t.Helper()
	if err == nil {
		r, err = w.Wait(context.Background(), admin, r.ID)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// TestRestoreFindsDamage: a backup that could not be restored is not told to be one
// that can, and a dry run does not go well with it.
func TestRestoreFindsDamage(t *testing.T) {
	for _, dryRun := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w, plays := brittleWorld(t, "app")
			w.start()
			defer w.stop()
			time.Sleep(48 * time.Hour)
			files := w.files("app")
			plays["app"].damaged["/played/app/"+files[0]] = true
			ctx := context.Background()
			r := w.ended(w.StartRestore(ctx, admin, "app", RestoreRequest{File: files[0], Confirm: "app", Reason: "test", DryRun: dryRun}))
			if r.Outcome != OutcomeDamaged {
				t.Errorf("%s, %s", r.Outcome, r.Error)
			}
			st, err := w.Database(ctx, admin, "app")
			before, e := w.Backup(ctx, admin, "app", files[1])
			if err != nil || e != nil || st.Condition == ConditionOK || !st.RestorableTo.Equal(before.Timestamp) {
				t.Errorf("%s, restorable to %v, %v, %v", st.Condition, st.RestorableTo, err, e)
			}
			time.Sleep(3 * time.Minute)
			if w.events.count("verification-failed app") != 1 {
				t.Errorf("told %v", w.events.all())
			}
		})
	}
}

// TestDamageIsOverWhenNoneIsLeft: that another backup is whole ends nothing.
func TestDamageIsOverWhenNoneIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, plays := brittleWorld(t, "app")
		w.start()
		defer w.stop()
		time.Sleep(48 * time.Hour)
		files := w.files("app")
		bad := "/played/app/" + files[0]
		verify := func(file string) {
			t.Helper()
			w.ended(w.StartVerify(context.Background(), admin, "app", file))
			time.Sleep(10 * time.Minute)
		}
		plays["app"].damaged[bad] = true
		verify(files[0])
		verify(files[1])
		if w.events.count("verification-failed app") != 1 || w.events.count("recovered app") != 0 {
			t.Errorf("told %v", w.events.all())
		}
		plays["app"].damaged[bad] = false
		verify(files[0])
		if w.events.count("recovered app") != 1 {
			t.Errorf("told %v", w.events.all())
		}
		// Nobody reads this one; its object is just gone.
		plays["app"].change(func(p *play) {
			copied := *p.backups[1]
			copied.Problem = "the object is missing"
			p.backups = slices.Clone(p.backups)
			p.backups[1] = &copied
		})
		time.Sleep(10 * time.Minute)
		if w.events.count("verification-failed app") != 2 {
			t.Errorf("told %v", w.events.all())
		}
	})
}

// TestNewDatabaseIsNotOverdue: the time of one that a new configuration brings
// begins then, however long the service has run.
func TestNewDatabaseIsNotOverdue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 12 * * *"))
		w.start()
		defer w.stop()
		time.Sleep(30 * 24 * time.Hour)
		old := w.yaml
		w.yaml += database("late", "0 12 * * *")
		w.addPlays()
		w.yaml = old
		w.plays["late"].takes = 20 * time.Minute
		w.reload("databases:\n" + database("app", "0 12 * * *") + database("late", "0 12 * * *"))
		time.Sleep(30 * time.Hour)
		if n := w.events.count("overdue late"); n != 0 || len(w.plays["late"].began()) == 0 {
			t.Errorf("%d backups, told %v", len(w.plays["late"].began()), w.events.all())
		}
	})
}

// TestNothingIsRemovedWhilePruningPauses, by request either.
func TestNothingIsRemovedWhilePruningPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 12 * * *"))
		p, ctx := w.plays["app"], context.Background()
		w.start()
		defer w.stop()
		time.Sleep(30 * time.Hour)
		p.change(func(p *play) { p.rows = 10 })
		time.Sleep(24 * time.Hour)
		before := p.pruned
		if _, err := w.StartCleanup(ctx, admin, "app"); !errors.Is(err, ErrRequest) || p.pruned != before {
			t.Errorf("%v", err)
		}
		if err := w.AcceptSize(ctx, admin, "app", "we emptied it"); err != nil {
			t.Error(err)
		}
		if r := w.ended(w.StartCleanup(ctx, admin, "app")); r.Outcome != OutcomeOK || p.pruned != before+1 {
			t.Errorf("%+v", r)
		}
	})
}

// TestRefusedRequestIsRecorded, also where it is not the role that is missing.
func TestRefusedRequestIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 12 * * *"))
		ctx := context.Background()
		w.start()
		defer w.stop()
		time.Sleep(24 * time.Hour)
		file := w.files("app")[0]
		for _, r := range []RestoreRequest{
			{File: file, Confirm: "ap", Reason: "test"},
			{File: file, Confirm: "app", Reason: " "},
			{File: "20200101T000000.000Z.json.zst", Confirm: "app", Reason: "test"},
		} {
			if _, err := w.StartRestore(ctx, admin, "app", r); err == nil {
				t.Fatalf("%+v was begun", r)
			}
			list, err := w.Audit(ctx, admin, AuditFilter{Limit: 1})
			if err != nil || len(list) != 1 || list[0].Action != "restore" || list[0].Outcome != "refused" || list[0].Object != r.File {
				t.Errorf("%+v: %+v, %v", r, list, err)
			}
		}
	})
}

// TestPanicOfOneRun ends neither the service nor the schedule of others.
func TestPanicOfOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, plays := brittleWorld(t, "app", "bad")
		plays["bad"].panics = true
		w.start()
		defer w.stop()
		time.Sleep(48 * time.Hour)
		if n := len(plays["app"].began()); n < 2 {
			t.Errorf("%d backups of the other", n)
		}
		runs, err := w.Runs(context.Background(), admin, RunFilter{Database: "bad"})
		if err != nil || len(runs) < 2 || runs[0].Outcome != OutcomeFailed || w.events.count("failed bad") == 0 {
			t.Errorf("%+v, %v, told %v", runs, err, w.events.all())
		}
	})
}

// TestPlaceIsUpForAll: one that some database cannot use is not up because another
// one can.
func TestPlaceIsUpForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 12 * * *")+database("other", "0 12 * * *"))
		w.yaml = strings.Replace(w.yaml, "destinations: ["+w.dir+"]", "destinations: ["+w.dir+", /mnt/nas]", 1)
		away := map[string]*atomic.Bool{"app": {}, "other": {}}
		w.core = func(c litekeep.Config) Core { return far{w.play(c.Name), away[c.Name]} }
		away["app"].Store(true)
		w.start()
		defer w.stop()
		time.Sleep(3 * lookAround) // and it is asked about the other database again
		if w.events.count("destination-down") != 1 || w.events.count("destination-up") != 0 {
			t.Errorf("told %v", w.events.all())
		}
		away["app"].Store(false)
		time.Sleep(time.Hour)
		if w.events.count("destination-up") != 1 {
			t.Errorf("told %v", w.events.all())
		}
	})
}

// TestWatchesOfOne: nobody takes all the streams that there are.
func TestWatchesOfOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 12 * * *"))
		w.start()
		defer w.stop()
		ctx, cancel := context.WithCancel(context.Background())
		for range maxWatches {
			if _, err := w.Events(ctx, admin); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.Events(ctx, admin); !errors.Is(err, ErrWatches) {
			t.Errorf("one too many: %v", err)
		}
		other := admin
		other.ID = "tk_2"
		if _, err := w.Events(ctx, other); err != nil {
			t.Errorf("somebody else: %v", err)
		}
		cancel()
		synctest.Wait()
		if _, err := w.Events(t.Context(), admin); err != nil {
			t.Errorf("after the others ended: %v", err)
		}
	})
}

// TestEndIsRecordedLate: a run that ended while the state was away does not go on
// for ever, and is not one that was cut off.
func TestEndIsRecordedLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 12 * * *"))
		w.plays["app"].takes = time.Hour
		w.start()
		time.Sleep(30 * time.Minute) // the first run goes on
		path := filepath.Join(w.dir, "state.db")
		if err := os.Rename(path, path+".away"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if w.Health(t.Context()).OK {
			t.Error("all is well, without the state")
		}
		if err := os.Rename(path+".away", path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		runs, err := w.Runs(context.Background(), admin, RunFilter{Database: "app"})
		if err != nil || len(runs) != 1 || runs[0].Outcome != OutcomeOK || runs[0].Ended.IsZero() {
			t.Errorf("%+v, %v", runs, err)
		}
		if h := w.Health(t.Context()); !h.OK {
			t.Errorf("the state is back: %v", h.Problems)
		}
		w.stop()
		w.start()
		time.Sleep(time.Minute)
		w.stop()
		if n := w.events.count("failed app"); n != 0 {
			t.Errorf("told %v", w.events.all())
		}
	})
}

// byTime lists backups as package litekeep does.
type byTime struct{ *play }

func (b byTime) ListBackups(ctx context.Context) ([]*litekeep.Backup, error) {
	list, err := b.play.ListBackups(ctx)
	slices.SortFunc(list, func(a, b *litekeep.Backup) int { return b.Timestamp.Compare(a.Timestamp) })
	return list, err
}

// TestBackupFromTheFuture: a backup that a wrong clock dated years ahead is not what
// a promise is counted from, or nobody would hear that no other succeeds.
func TestBackupFromTheFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "runs: {retries: 0}\ndatabases:\n"+database("app", "0 12 * * *"))
		p := w.plays["app"]
		w.core = func(litekeep.Config) Core { return byTime{p} }
		w.offset.Store(int64(10 * 365 * 24 * time.Hour))
		w.start()
		time.Sleep(time.Hour)
		w.offset.Store(0)
		time.Sleep(48 * time.Hour) // with backups of the right time
		st, err := w.Database(t.Context(), admin, "app")
		if err != nil || st.RestorableTo.After(w.now()) {
			t.Errorf("restorable to %v, %v", st.RestorableTo, err)
		}
		p.change(func(p *play) { p.fail = func(int) error { return errors.New("no") } })
		time.Sleep(72 * time.Hour)
		if w.events.count("overdue app") == 0 {
			t.Errorf("told %v", w.events.all())
		}
		w.stop()
	})
}

// deafFolder is a play whose folder does not answer until it is told to.
type deafFolder struct {
	*play
	answer chan struct{}
}

func (d deafFolder) ListBackups(ctx context.Context) ([]*litekeep.Backup, error) {
	<-d.answer
	return d.play.ListBackups(ctx)
}

// TestFolderDoesNotAnswer, as one on a network that is away: the other databases are
// backed up, people are told of them, and the service ends.
func TestFolderDoesNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "runs: {retries: 0, grace: 1s}\ndatabases:\n"+database("a", "0 12 * * *")+database("app", "0 12 * * *"))
		answer := make(chan struct{})
		played := w.core
		w.core = func(c litekeep.Config) Core {
			if c.Name == "a" { // the one that is looked at first
				return deafFolder{w.plays["a"], answer}
			}
			return played(c)
		}
		w.start()
		time.Sleep(48 * time.Hour)
		if n := len(w.plays["app"].began()); n < 2 {
			t.Errorf("%d backups of the other database", n)
		}
		st, err := w.Database(t.Context(), admin, "a")
		if err != nil || st.Condition == ConditionOK {
			t.Errorf("%+v, %v", st, err)
		}
		w.plays["app"].change(func(p *play) { p.fail = func(int) error { return errors.New("no") } })
		time.Sleep(48 * time.Hour)
		if w.events.count("overdue app") == 0 {
			t.Errorf("told %v", w.events.all())
		}
		w.cancel()
		select {
		case <-w.out:
		case <-time.After(time.Minute):
			t.Error("the service does not end")
		}
		close(answer)
		synctest.Wait()
	})
}
