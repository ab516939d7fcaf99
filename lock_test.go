package litekeep_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/durable"
)

// playLock makes a backup that stops in its middle until it is told to go on.
func playLock(ctx context.Context, args []string) error {
	c := litekeep.DefaultConfig(args[0])
	c.BackupDirectory = args[1]
	stopped := false
	s := litekeep.New(c, litekeep.WithBefore(func(op durable.Op, path string) error {
		if stopped || op != durable.OpPublish {
			return nil
		}
		stopped = true
		fmt.Println("ready")
		bufio.NewScanner(os.Stdin).Scan()
		return nil
	}))
	b, err := s.CreateBackup(ctx)
	if err != nil {
		return err
	}
	fmt.Println(b.Path)
	return nil
}

func TestBusyFolderNamesItsHolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, func(c *litekeep.Config) { c.LockTimeout = 0 })
	w.backup()
	holder := startActor(t, "lock", w.db, w.backups)
	before := tree(t, w.dir)
	_, backupErr := w.CreateBackup(t.Context())
	_, pruneErr := w.CleanupOldBackups(t.Context(), false)
	for call, err := range map[string]error{"backup": backupErr, "prune": pruneErr} {
		if !errors.Is(err, litekeep.ErrBusy) {
			t.Fatalf("%s: %v", call, err)
		}
		for _, want := range []string{fmt.Sprint("process ", holder.cmd.Process.Pid), "backup " + w.db, w.folder} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s does not tell %q: %v", call, want, err)
			}
		}
		var e *litekeep.Error
		if !errors.As(err, &e) || e.Hint == "" {
			t.Errorf("%s gives no way out", call)
		}
	}
	if len(w.list()) != 1 {
		t.Error("a backup under way is listed")
	}
	if _, err := w.CleanupOldBackups(t.Context(), true); err != nil {
		t.Errorf("a dry run needs no lock: %v", err)
	}
	unchanged(t, w.dir, before) // above all, what the other run is writing
	if path := holder.ask("go"); len(w.list()) != 2 || w.list()[0].Path != path {
		t.Errorf("the other run's backup is not listed: %s", path)
	}
	holder.finish()
	w.backup()
	clean(t, w.folder)
}

func TestLockIsWaitedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, nil)
	holder := startActor(t, "lock", w.db, w.backups)
	done := make(chan error, 1)
	go func() {
		_, err := w.CreateBackup(t.Context())
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	holder.ask("go")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if len(w.list()) != 2 {
		t.Errorf("%d backups", len(w.list()))
	}
}

func TestLockTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, func(c *litekeep.Config) { c.LockTimeout = 200 * time.Millisecond })
	startActor(t, "lock", w.db, w.backups)
	begin := time.Now()
	if _, err := w.CreateBackup(t.Context()); !errors.Is(err, litekeep.ErrBusy) {
		t.Fatal(err)
	}
	if waited := time.Since(begin); waited < 200*time.Millisecond || waited > patience/2 {
		t.Errorf("waited %v", waited)
	}
}

func TestLockOfDeadProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, func(c *litekeep.Config) { c.LockTimeout = 0 })
	holder := startActor(t, "lock", w.db, w.backups)
	holder.kill()
	if len(w.list()) != 0 {
		t.Error("half a backup is listed")
	}
	if left, err := leftovers(w.folder); err != nil || len(left) != 2 { // .tmp and the object
		t.Fatalf("the test has no leftovers to find: %q, %v", left, err)
	}
	w.backup()
	clean(t, w.folder)
}

// TestTwoRestoresToOneTarget lets one restore wait for another, which removes
// its folder when it is done.
func TestTwoRestoresToOneTarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, nil)
	b := w.backup()
	target := filepath.Join(w.dir, "restored.db")
	entered, goOn := make(chan struct{}), make(chan struct{})
	slow := w.service(nil, litekeep.WithBefore(func(op durable.Op, path string) error {
		if op == durable.OpPublish {
			close(entered)
			<-goOn
		}
		return nil
	}))
	results := make(chan error, 2)
	restore := func(s *litekeep.Service) {
		_, err := s.RestoreBackup(t.Context(), b.Path, target, litekeep.RestoreOptions{NoSafetyBackup: true})
		results <- err
	}
	go restore(slow)
	<-entered
	hasty := w.service(func(c *litekeep.Config) { c.LockTimeout = 0 })
	_, err := hasty.RestoreBackup(t.Context(), b.Path, target, litekeep.RestoreOptions{})
	if !errors.Is(err, litekeep.ErrBusy) || !strings.Contains(err.Error(), "restore to "+target) {
		t.Errorf("not busy: %v", err)
	}
	go restore(w.Service)
	time.Sleep(100 * time.Millisecond) // let it wait
	close(goOn)
	for range 2 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	same(t, w.db, target)
	if _, err := os.Lstat(filepath.Join(w.dir, ".restored.db.litekeep-restore")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the private folder is still there: %v", err)
	}
}

// TestLockOfLinkedTarget names one target by two paths.
func TestLockOfLinkedTarget(t *testing.T) {
	t.Parallel()
	w, b, target, _ := newTarget(t)
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	hasty := w.service(func(c *litekeep.Config) { c.LockTimeout = 0 })
	tried := false
	s := w.service(nil, litekeep.WithBefore(func(op durable.Op, path string) error {
		if op == durable.OpSync && !tried {
			tried = true
			_, err := hasty.RestoreBackup(t.Context(), b.Path, link, litekeep.RestoreOptions{NoSafetyBackup: true})
			if !errors.Is(err, litekeep.ErrBusy) {
				t.Errorf("not busy: %v", err)
			}
		}
		return nil
	}))
	if _, err := s.RestoreBackup(t.Context(), b.Path, target, litekeep.RestoreOptions{NoSafetyBackup: true}); err != nil || !tried {
		t.Errorf("%v, %v", tried, err)
	}
}
