package litekeep_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/testdb"
)

// scene is a folder in which every kind of run has something to do: the database
// app.db with some backups, target.db, which holds what was.db holds, and no
// fresh.db. A scene goes on from run to run.
type scene struct {
	*world
	target, was, fresh string
	source             map[string]string // the database, as it has to stay
}

func newScene(t testing.TB) *scene {
	t.Helper()
	w := newWorld(t, smallSQL, nil)
	s := &scene{world: w, target: filepath.Join(w.dir, "target.db"), was: filepath.Join(w.dir, "was.db"), fresh: filepath.Join(w.dir, "fresh.db")}
	makeDatabase(t, s.was, otherSQL)
	s.set()
	s.source = tree(t, w.db)
	return s
}

// set makes everything ready for another run.
func (s *scene) set() {
	s.t.Helper()
	for _, path := range []string{s.fresh, s.target, s.target + "-journal", s.target + "-wal", s.target + "-shm"} {
		if err := os.RemoveAll(path); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := copyFile(s.was, s.target); err != nil {
		s.t.Fatal(err)
	}
	for len(s.list()) < 3 {
		s.backup()
	}
}

// runs are the runs that are cut off.
var runs = map[string]func(ctx context.Context, s *litekeep.Service, dir string) error{
	"backup": func(ctx context.Context, s *litekeep.Service, _ string) error {
		_, err := s.CreateBackup(ctx)
		return err
	},
	"restore": func(ctx context.Context, s *litekeep.Service, dir string) error {
		return restoreNewest(ctx, s, filepath.Join(dir, "fresh.db"))
	},
	"restore over": func(ctx context.Context, s *litekeep.Service, dir string) error {
		return restoreNewest(ctx, s, filepath.Join(dir, "target.db"))
	},
	"prune": func(ctx context.Context, s *litekeep.Service, _ string) error {
		_, err := s.CleanupOldBackups(ctx, false)
		return err
	},
	"trash": throughTrash,
	"sweep": sweepAfterKill,
}

// sweepAfterKill leaves what a backup leaves that is killed between its object and its
// manifest, if nothing is left already, and removes it.
func sweepAfterKill(ctx context.Context, s *litekeep.Service, dir string) error {
	folder := filepath.Join(dir, "backups", "app")
	err := os.Mkdir(filepath.Join(folder, ".tmp"), 0o700)
	if err == nil {
		object := time.Now().UTC().Format("20060102T150405.000Z") + ".json.zst"
		for name, content := range map[string]string{object: "half", object + ".pin.json": "{}", ".tmp/object": object} {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
				return err
			}
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return err
	}
	_, err = s.CleanupOldBackups(ctx, false)
	return err
}

// throughTrash moves old backups to the trash, takes one back, deletes it by hand,
// and empties the trash.
func throughTrash(ctx context.Context, s *litekeep.Service, _ string) error {
	if _, err := s.CleanupOldBackups(ctx, false); err != nil {
		return err
	}
	trash, err := s.ListTrash(ctx)
	if err != nil {
		return err
	}
	if len(trash) > 0 {
		if err := s.Undelete(ctx, trash[0].Path); err != nil {
			return err
		}
	}
	list, err := s.ListBackups(ctx)
	if err != nil {
		return err
	}
	for _, b := range list[1:] {
		if _, err := s.DeleteBackup(ctx, b.Path, litekeep.DeleteOptions{Force: true}); err != nil {
			return err
		}
	}
	_, err = s.EmptyTrash(ctx, litekeep.DeleteOptions{})
	return err
}

func restoreNewest(ctx context.Context, s *litekeep.Service, target string) error {
	list, err := s.ListBackups(ctx)
	if err != nil {
		return err
	}
	_, err = s.RestoreBackup(ctx, list[0].Path, target, litekeep.RestoreOptions{})
	return err
}

// nextMonth is a clock by which all backups but the newest are old.
func nextMonth() time.Time { return time.Now().AddDate(0, 1, 0) }

// runService makes the Service for a run of a scene.
func runService(dir, run string, before func(op durable.Op, path string) error) *litekeep.Service {
	c := litekeep.DefaultConfig(filepath.Join(dir, "app.db"))
	c.BackupDirectory = filepath.Join(dir, "backups")
	options := []litekeep.Option{litekeep.WithBefore(before)}
	if run == "trash" {
		c.TrashGrace = 24 * time.Hour
	}
	if run == "prune" || run == "trash" {
		options = append(options, litekeep.WithClock(nextMonth))
	}
	return litekeep.New(c, options...)
}

// playStep begins a run and ends the process in front of one of its steps.
func playStep(ctx context.Context, args []string) error {
	dir, run := args[0], args[1]
	last, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	steps := 0
	err = runs[run](ctx, runService(dir, run, func(op durable.Op, path string) error {
		if steps == last {
			fmt.Println("ended before", op, path)
			os.Exit(0)
		}
		steps++
		return nil
	}), dir)
	if err == nil {
		fmt.Println("done")
	}
	return err
}

// check tells what is wrong after a run that was cut off.
func (s *scene) check(ctx context.Context) error {
	list, err := s.ListBackups(ctx)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return errors.New("no backup is left")
	}
	all := litekeep.DefaultConfig("")
	all.BackupDirectory = s.backups
	if list, err = litekeep.New(all).ListBackups(ctx); err != nil {
		return err
	}
	for _, b := range list {
		if b.Problem != "" {
			return fmt.Errorf("%s is listed with a problem: %s", b.Path, b.Problem)
		}
		if _, err := s.VerifyBackup(ctx, b.Path); err != nil {
			return err
		}
	}
	trash, err := litekeep.New(all).ListTrash(ctx)
	if err != nil {
		return err
	}
	for _, b := range trash {
		if b.Problem != "" {
			return fmt.Errorf("%s is in the trash with a problem: %s", b.Path, b.Problem)
		}
	}
	if diff := cmp.Diff(s.source, tree(s.t, s.db)); diff != "" {
		return errors.New("the source has changed: " + diff)
	}
	if _, err := os.Stat(s.fresh); err == nil {
		if err := equal(ctx, s.fresh, s.db); err != nil {
			return err
		}
	}
	oldErr := equal(ctx, s.target, s.was)
	newErr := equal(ctx, s.target, s.db)
	if oldErr != nil && newErr != nil {
		return fmt.Errorf("the target is neither what it was (%w) nor what was restored (%w)", oldErr, newErr)
	}
	return nil
}

// equal compares two databases.
func equal(ctx context.Context, a, b string) error {
	differences, gaps, err := testdb.Compare(ctx, a, b)
	if err != nil {
		return err
	}
	if len(differences)+len(gaps) > 0 {
		return fmt.Errorf("%q %q", differences, gaps)
	}
	return nil
}

// finish makes the same run again, which must succeed and leave nothing behind.
func (s *scene) finish(run string) {
	s.t.Helper()
	if run == "restore" {
		if err := os.RemoveAll(s.fresh); err != nil {
			s.t.Fatal(err)
		}
	}
	before := len(s.list())
	nothing := func(durable.Op, string) error { return nil }
	if err := runs[run](s.t.Context(), runService(s.dir, run, nothing), s.dir); err != nil {
		s.t.Fatalf("the next run: %v", err)
	}
	switch run {
	case "backup":
		if len(s.list()) != before+1 {
			s.t.Errorf("the next run is not listed")
		}
	case "restore":
		same(s.t, s.db, s.fresh)
	case "restore over":
		same(s.t, s.db, s.target)
		clean(s.t, filepath.Join(s.backups, "target"))
	case "sweep":
		if len(s.list()) != before {
			s.t.Errorf("a backup was removed, or half a one is listed")
		}
	case "prune", "trash":
		if n := len(s.list()); n != 1 {
			s.t.Errorf("%d backups are left", n)
		}
	}
	s.noLeftovers(run)
}

func (s *scene) noLeftovers(run string) {
	s.t.Helper()
	if !strings.HasPrefix(run, "restore") {
		clean(s.t, s.folder)
	}
	if left, err := filepath.Glob(filepath.Join(s.dir, ".*")); err != nil || len(left) > 0 {
		s.t.Errorf("left beside the target: %q, %v", left, err)
	}
}

// TestCutOffAtEachStep ends a process in front of each step that it takes on the
// disk, and looks at what it leaves.
func TestCutOffAtEachStep(t *testing.T) {
	t.Parallel()
	for run := range runs {
		t.Run(run, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			steps := 0
			for ; ; steps += sparse {
				s.set()
				out, err := roleCommand(t, "step", s.dir, run, strconv.Itoa(steps)).CombinedOutput()
				if err != nil {
					t.Fatalf("%v: %s", err, out)
				}
				if string(out) == "done\n" {
					break
				}
				if err := s.check(t.Context()); err != nil {
					t.Errorf("step %d, %s: %v", steps, out, err)
				}
				s.finish(run)
				if t.Failed() {
					t.Fatalf("after step %d, %s", steps, out)
				}
			}
			if steps < 5 {
				t.Errorf("only %d steps", steps)
			}
			t.Logf("%d steps", steps)
		})
	}
}

var errStep = errors.New("the disk says no")

// TestFailureAtEachStep makes each step fail, in turn.
func TestFailureAtEachStep(t *testing.T) {
	t.Parallel()
	for run := range runs {
		t.Run(run, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			for fatal := 0; ; fatal += sparse {
				s.set()
				listed, steps, failed := len(s.list()), 0, ""
				err := runs[run](t.Context(), runService(s.dir, run, func(op durable.Op, path string) error {
					steps++
					if steps-1 == fatal {
						failed = fmt.Sprint(op, " ", path)
						return errStep
					}
					return nil
				}), s.dir)
				if failed == "" {
					if err != nil {
						t.Fatal(err)
					}
					break
				}
				s.judge(run, err, listed)
				if err := s.check(t.Context()); err != nil {
					t.Error(err)
				}
				s.finish(run)
				if t.Failed() {
					t.Fatalf("step %d, %s: %v", fatal, failed, err)
				}
			}
		})
	}
}

// judge looks at what a run left whose error is given.
func (s *scene) judge(run string, err error, listed int) {
	s.t.Helper()
	if err == nil {
		return // it had another way, or nothing depended on the step
	}
	if !errors.Is(err, errStep) {
		s.t.Errorf("another error: %v", err)
	}
	switch run {
	case "backup":
		if n := len(s.list()); n != listed {
			s.t.Errorf("%d backups, there were %d", n, listed)
		}
	case "restore":
		if _, err := os.Lstat(s.fresh); err == nil {
			s.t.Error("a failed restore has published")
		}
	case "restore over":
		same(s.t, s.was, s.target)
	}
}
