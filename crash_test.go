package litekeep_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/testdb"
)

// crashSQL makes a database whose runs take long enough to be killed in.
const crashSQL = `
CREATE TABLE item(id INTEGER PRIMARY KEY, body TEXT, data BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<150)
INSERT INTO item SELECT i, printf('%0800d', i*i), randomblob(6000) FROM n;
CREATE INDEX item_body ON item(body);`

// crashScene is what the killed process works on: a source, backups of two
// databases with different content, and a target that takes turns to hold
// either.
type crashScene struct{ dir, source, target, backups, keep string }

func crashSceneAt(dir string) crashScene {
	return crashScene{
		dir: dir, source: filepath.Join(dir, "source.db"), target: filepath.Join(dir, "target.db"),
		backups: filepath.Join(dir, "backups"), keep: filepath.Join(dir, "keep"),
	}
}

// service is one for the given database. Each backup that there is makes its
// clock a day later, so that there is always something to prune.
func (c crashScene) service(db, backups string) *litekeep.Service {
	cfg := litekeep.DefaultConfig(db)
	cfg.BackupDirectory, cfg.RetentionDays, cfg.BusyTimeout = backups, 2, patience
	return litekeep.New(cfg, litekeep.WithClock(func() time.Time {
		all, _ := filepath.Glob(filepath.Join(backups, "*", "*.manifest.json"))
		newest := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for _, path := range all {
			at, err := time.Parse("20060102T150405.000Z", filepath.Base(path)[:20])
			if err == nil && at.After(newest) {
				newest = at
			}
		}
		return newest.Add(20 * time.Hour)
	}))
}

// models are the two contents that the target may have.
func (c crashScene) models() [2]string {
	return [2]string{filepath.Join(c.dir, "red.db"), filepath.Join(c.dir, "blue.db")}
}

// playWork does everything over and over, until it is killed.
func playWork(ctx context.Context, args []string) error {
	c := crashSceneAt(args[0])
	var objects []string
	for _, db := range c.models() {
		list, err := c.service(db, c.keep).ListBackups(ctx)
		if err != nil {
			return err
		}
		objects = append(objects, list[0].Path)
	}
	fmt.Println("ready")
	for i := 0; ; i++ {
		s := c.service(c.source, c.backups)
		if _, err := s.CreateBackup(ctx); err != nil {
			return err
		}
		o := litekeep.RestoreOptions{NoSafetyBackup: i%3 != 0}
		if _, err := s.RestoreBackup(ctx, objects[i%2], c.target, o); err != nil {
			return err
		}
		if _, err := s.CleanupOldBackups(ctx, false); err != nil {
			return err
		}
	}
}

// newCrashScene makes the databases. The source is one that a killed program has
// left: in WAL mode, with a log that holds the last changes.
func newCrashScene(t *testing.T, mode string) crashScene {
	t.Helper()
	c := crashSceneAt(t.TempDir())
	live := filepath.Join(c.dir, "live.db")
	makeDatabase(t, live, "PRAGMA journal_mode=WAL;"+crashSQL)
	holder := startActor(t, "hold", live)
	holder.ask("PRAGMA wal_autocheckpoint=0")
	holder.ask("UPDATE item SET body='only in the log' WHERE id%9=0")
	holder.kill()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(live+suffix, c.source+suffix); err != nil {
			t.Fatal(err)
		}
	}
	for i, db := range c.models() {
		makeDatabase(t, db, fmt.Sprintf("%s DELETE FROM item WHERE id%%5=%d; PRAGMA journal_mode=%s", crashSQL, i, mode))
		if _, err := c.service(db, c.keep).CreateBackup(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := copyFile(c.models()[0], c.target); err != nil {
		t.Fatal(err)
	}
	return c
}

// sourceState describes the source and what lies beside it.
func (c crashScene) sourceState(t testing.TB) map[string]string {
	t.Helper()
	state := map[string]string{}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if _, err := os.Lstat(c.source + suffix); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		state[suffix] = tree(t, c.source+suffix)["."]
	}
	return state
}

// check tells what is wrong after a kill.
func (c crashScene) check(ctx context.Context) error {
	for _, dir := range []string{c.backups, c.keep} {
		all := c.service("", dir)
		list, err := all.ListBackups(ctx)
		if err != nil {
			return err
		}
		for _, b := range list {
			if b.Problem != "" {
				return fmt.Errorf("%s is listed with a problem: %s", b.Path, b.Problem)
			}
			if _, err := all.VerifyBackup(ctx, b.Path); err != nil {
				return err
			}
		}
	}
	var errs []error
	for _, model := range c.models() {
		differences, gaps, err := testdb.Compare(ctx, c.target, model)
		if err == nil && len(differences)+len(gaps) == 0 {
			return nil
		}
		errs = append(errs, fmt.Errorf("%s: %q %q %w", filepath.Base(model), differences, gaps, err))
	}
	return fmt.Errorf("the target holds neither content: %w", errors.Join(errs...))
}

// TestKilledAtAnyTime kills a process that backs up, restores and prunes, and
// looks at what it leaves.
func TestKilledAtAnyTime(t *testing.T) {
	t.Parallel()
	const kills, limit = 25 / sparse, 15 * time.Second // for each mode
	for i, mode := range []string{"delete", "wal"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(20261122, uint64(i)))
			c := newCrashScene(t, mode)
			source := c.sourceState(t)
			found, begin, n := map[string]int{}, time.Now(), 0
			late := 250_000
			for ; n < 5 || n < kills && time.Since(begin) < limit || len(found) == 0 && time.Since(begin) < patience; n++ {
				c.killOne(t, time.Duration(random.IntN(late))*time.Microsecond)
				if n >= 4 && len(found) == 0 {
					late *= 2 // the machine is slow
				}
				for what := range c.traces() {
					found[what]++
				}
				if err := c.check(t.Context()); err != nil {
					t.Fatalf("kill %d: %v", n, err)
				}
				if diff := cmp.Diff(source, c.sourceState(t)); diff != "" {
					t.Fatalf("kill %d: the source has changed:\n%s", n, diff)
				}
				if n%5 == 4 {
					c.recover(t)
				}
			}
			c.recover(t)
			t.Logf("%d kills in %v; what was found: %v", n, time.Since(begin).Round(time.Second), found)
			if len(found) == 0 {
				t.Errorf("no kill has hit anything: %v", found)
			}
		})
	}
}

// killOne starts the process and kills it after a while.
func (c crashScene) killOne(t testing.TB, after time.Duration) {
	t.Helper()
	worker := startActor(t, "work", c.dir)
	timer := time.AfterFunc(after, func() { _ = worker.cmd.Process.Kill() })
	defer timer.Stop()
	for worker.out.Scan() { // until it ends
		t.Errorf("the process says %s", worker.out.Text())
	}
	worker.dead = true
	var exit *exec.ExitError
	if err := worker.cmd.Wait(); !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("the process was not killed: %v", err)
	}
}

// traces names the kinds of things that a kill has left.
func (c crashScene) traces() map[string]bool {
	found := map[string]bool{}
	for what, pattern := range map[string]string{
		"an unfinished object": "backups/*/*.partial", "a snapshot": "backups/*/.tmp/litekeep-*",
		"a half pruned backup": "backups/*/*.pruned", "a folder beside the target": ".target.db.litekeep-restore",
		"a journal": "target.db-journal", "a log": "target.db-wal",
	} {
		if paths, _ := filepath.Glob(filepath.Join(c.dir, filepath.FromSlash(pattern))); len(paths) > 0 {
			found[what] = true
		}
	}
	return found
}

// recover makes each run once more; all must succeed and clear up.
func (c crashScene) recover(t testing.TB) {
	t.Helper()
	ctx := t.Context()
	s := c.service(c.source, c.backups)
	b, err := s.CreateBackup(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Warnings) != 0 {
		t.Errorf("the next backup warns: %q", b.Warnings)
	}
	if _, err := s.CleanupOldBackups(ctx, false); err != nil {
		t.Fatal(err)
	}
	blue, err := c.service(c.models()[1], c.keep).ListBackups(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.RestoreBackup(ctx, blue[0].Path, c.target, litekeep.RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	same(t, c.models()[1], c.target)
	if got := query(t, c.target, "PRAGMA integrity_check"); got != "ok" {
		t.Error(got)
	}
	clean(t, filepath.Join(c.backups, "source"))
	clean(t, filepath.Join(c.keep, "target"))
	if left, err := filepath.Glob(filepath.Join(c.dir, ".*")); err != nil || len(left) > 0 {
		t.Errorf("left beside the target: %q, %v", left, err)
	}
	fresh := filepath.Join(c.dir, "fresh.db")
	if _, err := s.RestoreBackup(ctx, b.Path, fresh, litekeep.RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	same(t, c.source, fresh)
	if err := os.Remove(fresh); err != nil {
		t.Fatal(err)
	}
}
