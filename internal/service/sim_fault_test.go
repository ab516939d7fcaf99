package service

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/litekeep/litekeep"
)

// TestClockIsSet sets the clock of the machine by hours, both ways.
func TestClockIsSet(t *testing.T) {
	for _, by := range []time.Duration{-5 * time.Hour, 5 * time.Hour, -40 * time.Hour, 40 * time.Hour, -20 * time.Minute, -24 * 400 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, "databases:\n"+scheduled("often", "5 * * * *", "UTC", "0s")+scheduled("daily", "0 2 * * *", "UTC", "0s"))
				real := map[string][]time.Time{}
				var mu sync.Mutex
				for name, p := range w.plays {
					p.fail = func(int) error { mu.Lock(); defer mu.Unlock(); real[name] = append(real[name], time.Now()); return nil }
				}
				w.offset.Store(int64(2 * 365 * 24 * time.Hour))
				w.start()
				time.Sleep(50*time.Hour + 30*time.Minute + 30*time.Second)
				set := time.Now()
				w.offset.Add(int64(by))
				time.Sleep(20 * time.Hour)
				w.stop() // and what is on disk comes from both clocks
				w.start()
				time.Sleep(52 * time.Hour)
				all := w.history()
				w.stop()
				for name, longest := range map[string]time.Duration{"often": 2*time.Hour + 10*time.Minute, "daily": 65 * time.Hour} {
					runs := real[name][1:] // the first is that of a database without a backup
					for i, at := range runs[1:] {
						gap := at.Sub(runs[i])
						if gap > longest || gap < 10*time.Minute && by < 0 {
							t.Errorf("%s: %v between two runs, %v after the clock was set", name, gap, at.Sub(set))
						}
					}
					if last := runs[len(runs)-1]; time.Since(last) > longest {
						t.Errorf("%s: no run for %v", name, time.Since(last))
					}
					for i, r := range all[name] {
						if r.Outcome != string(OutcomeOK) || i > 0 && r.ID == all[name][i-1].ID {
							t.Errorf("%s: run %+v", name, r)
						}
					}
				}
			})
		})
	}
}

// TestHangsForEver has a database whose runs never end, whatever they are told,
// beside others.
func TestHangsForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var yaml strings.Builder
		yaml.WriteString("runs: {parallel: 1, grace: 1s, retries: 1}\ndatabases:\n" + scheduled("hang", "@hourly", "UTC", "0s"))
		for i := range 10 {
			yaml.WriteString(scheduled(fmt.Sprintf("db%d", i), "@hourly", "UTC", "0s"))
		}
		w := newWorld(t, yaml.String())
		end := make(chan struct{})
		w.plays["hang"].fail = func(int) error { <-end; return errors.New("it was about time") }
		w.start()
		time.Sleep(49*time.Hour + 30*time.Minute)
		for name, p := range w.plays {
			began := p.began()
			if name == "hang" {
				if len(began) != 1 || w.events.count("hung hang") == 0 || w.events.count("overdue hang") == 0 {
					t.Errorf("the run that hangs began %d times; told %v", len(began), w.events.all())
				}
				continue
			}
			// One run at once, and each takes a minute, the hung one an hour.
			if len(began) < 49 {
				t.Errorf("%s ran %d times in 49 hours", name, len(began))
			}
			for i, at := range began[1:] {
				if gap := at.Sub(began[i]); gap > 2*time.Hour+15*time.Minute {
					t.Errorf("%s did not run for %v", name, gap)
				}
			}
		}
		w.cancel()
		if err := <-w.out; err == nil {
			t.Error("nobody was told that a run was left behind")
		}
		close(end)
		synctest.Wait()
	})
}

// A site is a played destination of all databases.
type site struct {
	mu   sync.Mutex
	held map[string]map[string]bool // by database, the files
	fail func(ctx context.Context) error
}

func (s *site) reach(ctx context.Context) error {
	s.mu.Lock()
	fail := s.fail
	s.mu.Unlock()
	if fail != nil {
		return fail(ctx)
	}
	return nil
}

func (s *site) set(fail func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = fail
}

func (s *site) put(database, file string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[database] == nil {
		s.held[database] = map[string]bool{}
	}
	s.held[database][file] = true
}

func (s *site) has(database, file string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[database][file]
}

// A copyingPlay is a play that copies to sites, as litekeep does.
type copyingPlay struct {
	*play
	config litekeep.Config
	sites  map[string]*site
}

// place returns nil for the primary folder.
func (p copyingPlay) place(name string) *site { return p.sites[name] }

func (p copyingPlay) CreateBackup(ctx context.Context) (*litekeep.Backup, error) {
	b, err := p.play.CreateBackup(ctx)
	if err != nil {
		return nil, err
	}
	made := *b
	made.Copies = make([]litekeep.CopyResult, len(p.config.Copies))
	var copying sync.WaitGroup
	for i, name := range p.config.Copies {
		copying.Go(func() {
			c := litekeep.CopyResult{Destination: name, OK: true}
			if err := p.place(name).reach(ctx); err != nil {
				c.OK, c.Error = false, err.Error()
			} else {
				p.place(name).put(p.name, fileOf(b))
			}
			made.Copies[i] = c
		})
	}
	copying.Wait()
	return &made, ctx.Err()
}

func (p copyingPlay) VerifyCopies(ctx context.Context, _ bool, places ...string) ([]litekeep.CopyCheck, error) {
	if len(places) == 0 {
		places = append([]string{p.config.BackupDirectory}, p.config.Copies...)
	}
	backups, _ := p.ListBackups(ctx)
	var checks []litekeep.CopyCheck
	var errs []error
	for _, name := range places {
		s := p.place(name)
		if s != nil {
			if err := s.reach(ctx); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		for _, b := range backups {
			c := litekeep.CopyCheck{Destination: name, Path: name + "/" + fileOf(b), Database: p.name, Timestamp: b.Timestamp, OK: true}
			if s != nil && !s.has(p.name, fileOf(b)) {
				if len(places) == 1 {
					continue // nobody else says that it should be there
				}
				c.OK, c.Missing = false, true
			}
			checks = append(checks, c)
		}
	}
	return checks, errors.Join(errs...)
}

func (p copyingPlay) SyncCopies(ctx context.Context, _ litekeep.SyncOptions) ([]litekeep.SyncAction, error) {
	backups, _ := p.ListBackups(ctx)
	var actions []litekeep.SyncAction
	for _, name := range p.config.Copies {
		s := p.place(name)
		if err := s.reach(ctx); err != nil {
			return actions, err
		}
		for _, b := range backups {
			if !s.has(p.name, fileOf(b)) {
				s.put(p.name, fileOf(b))
				actions = append(actions, litekeep.SyncAction{Path: b.Path, To: name, Done: true})
			}
		}
	}
	return actions, nil
}

// newCopyingWorld makes a service of databases that have two destinations besides
// their folder.
func newCopyingWorld(t *testing.T, databases int) (*world, map[string]*site) {
	t.Helper()
	var yaml strings.Builder
	yaml.WriteString("runs: {parallel: 2, grace: 5s}\ndatabases:\n")
	for i := range databases {
		fmt.Fprintf(&yaml, "  - {name: db%d, path: /played/db%d.db, schedule: '0 2 * * *', time_zone: UTC, spread: 0s, min_copies: 1, destinations: [/played/first, /played/second, /played/third]}\n", i, i)
	}
	w := newWorld(t, yaml.String())
	sites := map[string]*site{}
	for _, name := range []string{"/played/second", "/played/third"} {
		sites[name] = &site{held: map[string]map[string]bool{}}
	}
	w.core = func(c litekeep.Config) Core { return copyingPlay{w.play(c.Name), c, sites} }
	return w, sites
}

// lacks counts the backups that a site has not.
func (w *world) lacks(s *site) (n int) {
	for name, p := range w.plays {
		list, _ := p.ListBackups(context.Background())
		for _, b := range list {
			if !s.has(name, fileOf(b)) {
				n++
			}
		}
	}
	return n
}

func TestDestinationIsAwayForDays(t *testing.T) {
	for _, restart := range []bool{false, true} {
		t.Run(fmt.Sprint("restart ", restart), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, sites := newCopyingWorld(t, 3)
				w.start()
				time.Sleep(30 * time.Hour)
				away := sites["/played/second"]
				away.set(func(context.Context) error { return errors.New("no route to it") })
				time.Sleep(3 * 24 * time.Hour)
				if w.lacks(away) < 9 || w.lacks(sites["/played/third"]) != 0 {
					t.Errorf("the one that is away lacks %d, the other %d", w.lacks(away), w.lacks(sites["/played/third"]))
				}
				if n := w.events.count("destination-down"); n == 0 || n > 5 {
					t.Errorf("told %d times: %v", n, w.events.all())
				}
				st, err := w.Database(context.Background(), admin, "db0")
				if err != nil || st.Condition != ConditionWarning {
					t.Errorf("%s, %v", st.Condition, err)
				}
				if restart {
					w.stop()
				}
				away.set(nil)
				if restart {
					w.start()
				}
				time.Sleep(7 * time.Hour) // before the next slot; it is looked at every six hours
				if n := w.lacks(away); n != 0 {
					t.Errorf("it is back, and lacks %d", n)
				}
				st, err = w.Database(context.Background(), admin, "db0")
				if err != nil || st.Condition != ConditionOK {
					t.Errorf("%s: %s, %v", st.Condition, st.Words, err)
				}
				syncs := 0
				for _, runs := range w.history() {
					for _, r := range runs {
						if r.Kind == string(KindSync) {
							syncs++
						}
					}
				}
				if syncs != 3 { // one for each database, when it is back
					t.Errorf("%d synchronisations", syncs)
				}
				w.stop()
			})
		})
	}
}

// TestDestinationThatHangs has one that takes requests and never answers.
func TestDestinationThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, sites := newCopyingWorld(t, 12)
		sites["/played/second"].set(func(ctx context.Context) error {
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(5 * time.Minute): // as connections are given up on which nothing moves
				return errors.New("nothing moves")
			}
		})
		for _, p := range w.plays {
			p.takes = time.Second
		}
		w.start()
		time.Sleep(time.Hour)
		st, err := w.Database(context.Background(), admin, "db11")
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range st.Copies {
			if want := d.Name != "/played/second"; d.OK != want && !d.Primary && !d.Looked.IsZero() {
				t.Errorf("%s: %+v", d.Name, d)
			}
		}
		for name := range w.plays {
			k := w.find(name)
			k.mu.Lock()
			for place, l := range k.looks {
				if hangs := place == "/played/second"; hangs != (l.problem != "") {
					t.Errorf("%s in %s: %q", name, place, l.problem)
				}
			}
			if len(k.looks) != 3 { // with the first, which is listed
				t.Errorf("%s: %d places were looked at within an hour", name, len(k.looks))
			}
			k.mu.Unlock()
		}
		w.stop()
	})
}

// reload loads what the test has written.
func (w *world) reload(yaml string) {
	w.t.Helper()
	w.yaml = fmt.Sprintf(head, w.dir, w.dir) + yaml
	w.addPlays()
	if _, err := w.Reload(context.Background(), admin); err != nil {
		w.t.Fatal(err)
	}
}

func TestReloadInTheMiddleOfRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		both := "databases:\n" + database("app", "0 12 * * *") + database("other", "0 12 * * *")
		w := newWorld(t, both)
		w.plays["app"].takes = 30 * time.Minute
		w.start()
		time.Sleep(time.Minute)
		w.reload("databases:\n" + database("other", "0 12 * * *")) // without app, which runs
		if _, err := w.StartBackup(context.Background(), admin, "app"); !errors.Is(err, ErrNotFound) {
			t.Errorf("a database that is gone: %v", err)
		}
		time.Sleep(time.Minute)
		w.reload(both)
		time.Sleep(2 * time.Minute)
		p, most := w.plays["app"], 0
		p.change(func(p *play) { most = p.most })
		if most > 1 || len(p.began()) != 1 {
			t.Errorf("%d runs of one database at once, %d in all", most, len(p.began()))
		}
		if _, err := w.StartBackup(context.Background(), admin, "app"); !errors.Is(err, ErrRunning) {
			t.Errorf("while it runs: %v", err)
		}
		time.Sleep(time.Hour)
		runs, err := w.Runs(context.Background(), admin, RunFilter{Database: "app"})
		if err != nil || len(runs) != 1 || runs[0].Outcome != OutcomeOK {
			t.Errorf("%+v, %v", runs, err)
		}

		// Another schedule while a run goes on, and a new database. No slot of the
		// new schedule that has passed was ever promised.
		if _, err := w.StartBackup(context.Background(), admin, "app"); err != nil {
			t.Fatal(err)
		}
		began := len(w.plays["app"].began())
		w.reload("databases:\n" + database("app", "0 * * * *") + database("renamed", "0 12 * * *"))
		time.Sleep(31 * time.Minute)
		if got := len(w.plays["app"].began()); got > began+2 {
			t.Errorf("%d runs", got-began)
		}
		time.Sleep(5 * time.Hour)
		w.stop()
		if got := len(w.plays["app"].began()) - began; got < 5 || got > 7 {
			t.Errorf("%d runs by the new schedule in five and a half hours", got)
		}
		if got := len(w.plays["renamed"].began()); got == 0 {
			t.Error("the new name was never backed up")
		}
		if w.plays["app"].most > 1 {
			t.Error("two at once")
		}
	})
}

func TestReloadOfABadFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 12 * * *"))
		w.start()
		time.Sleep(time.Hour)
		w.yaml = "databases: [nonsense"

		if _, err := w.Reload(context.Background(), admin); !errors.Is(err, litekeep.ErrConfig) {
			t.Errorf("%v", err)
		}
		time.Sleep(48 * time.Hour)
		if got := len(w.plays["app"].began()); got != 3 {
			t.Errorf("%d runs by the old file", got)
		}
		if w.events.count("config") == 0 {
			t.Errorf("told %v", w.events.all())
		}
		w.stop()
	})
}

// TestReloadOfACorrectedFile: a file that was refused is a trouble until one is loaded,
// and nothing to tell where that was at once.
func TestReloadOfACorrectedFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "databases:\n"+database("app", "0 12 * * *"))
		w.file = "/etc/litekeep.yaml"
		good, ctx := w.yaml, context.Background()
		w.start()
		defer w.stop()
		reload := func(yaml string, later time.Duration) {
			w.yaml = yaml
			_, _ = w.Reload(ctx, admin) // TestReloadOfABadFile looks at the error
			time.Sleep(later)
		}
		reload("databases: [nonsense", 0)
		reload(good, time.Hour)
		if told := w.events.all(); len(told) > 0 {
			t.Errorf("told %v", told)
		}
		reload("databases:\n  nonsense", time.Hour)
		reload("databases: [nonsense", time.Hour)
		x := w.o.Teller.Troubles()
		if len(x) != 1 || x[0].Event.Next != "litekeep config check --config /etc/litekeep.yaml" || !strings.Contains(x[0].Event.Cause, "\n") {
			t.Errorf("%+v", x)
		}
		reload(good, time.Hour)
		if told := strings.Join(w.events.all(), ","); told != "config-refused ,recovered " {
			t.Errorf("told %s", told)
		}
	})
}

// TestRestartWhileARetryWaits stops the service between two tries.
func TestRestartWhileARetryWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, "runs: {retries: 2, retry_after: 10m}\ndatabases:\n"+database("app", "0 2 * * *"))
		w.start()
		time.Sleep(12 * time.Hour)
		p := w.plays["app"]
		p.change(func(p *play) { p.fail = func(int) error { return errors.New("the disk is away") } })
		time.Sleep(13*time.Hour + 5*time.Minute) // it is five minutes after the slot
		before := len(p.began())
		w.stop()
		p.change(func(p *play) { p.fail = nil })
		w.start()
		time.Sleep(time.Hour)
		runs, err := w.Runs(context.Background(), admin, RunFilter{})
		w.stop()
		if len(p.began()) != before+1 || err != nil || runs[0].Attempt != 2 || runs[0].Outcome != OutcomeOK {
			t.Errorf("%d runs, %+v, %v", len(p.began())-before, runs[0], err)
		}
	})
}
