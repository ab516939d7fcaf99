package durable_test

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/litekeep/litekeep/internal/durable"
)

// lockEnv tells the test binary to be a process that holds a lock.
const lockEnv = "DURABLE_TEST_LOCK"

func TestMain(m *testing.M) {
	if path := os.Getenv(lockEnv); path != "" {
		holdLock(path)
	}
	goleak.VerifyTestMain(m)
}

// holdLock locks path, says so on standard output, and ends when told to on
// standard input.
func holdLock(path string) {
	_, err := durable.TryLock(path, durable.Self(time.Now(), "the child and all that it does"))
	if err != nil {
		os.Stdout.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Stdout.WriteString("locked\n")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	os.Exit(0)
}

func mustLock(t *testing.T, path string) *durable.Lock {
	t.Helper()
	l, err := durable.TryLock(path, durable.Self(time.Now(), "the test"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Unlock() })
	return l
}

func TestLockSameProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".lock")
	since := time.Date(2026, 11, 22, 2, 0, 0, 5e8, time.UTC)
	first, err := durable.TryLock(path, durable.Self(since, "litekeep backup app.db"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = durable.TryLock(path, durable.Holder{})
	var held *durable.HeldError
	if !errors.As(err, &held) {
		t.Fatalf("second lock: %v, want a HeldError", err)
	}
	host, _ := os.Hostname()
	if held.Holder != (durable.Holder{PID: os.Getpid(), Host: host, Since: since.Truncate(time.Second), Command: "litekeep backup app.db"}) || held.Path != path {
		t.Errorf("holder %+v", held)
	}
	if !strings.Contains(err.Error(), `by "litekeep backup app.db", process`) || !strings.HasSuffix(err.Error(), "since 2026-11-22T02:00:00Z") {
		t.Errorf("text %q", err)
	}
	for range 2 {
		if err := first.Unlock(); err != nil {
			t.Fatal(err)
		}
	}
	want(t, path, nil)
	mustLock(t, path)
}

func TestLockUnknownHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".lock")
	mustLock(t, path)
	for _, text := range []string{"", "{", `{"pid":"x"}`, "\x00\x00"} {
		put(t, path, []byte(text))
		_, err := durable.TryLock(path, durable.Holder{})
		var held *durable.HeldError
		if !errors.As(err, &held) || held.Holder != (durable.Holder{}) || !strings.HasSuffix(err.Error(), "is locked by another process") {
			t.Errorf("%q in the file: %v", text, err)
		}
	}
}

func TestLockOfDeadProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".lock")
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), lockEnv+"="+path)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "locked\n" {
		t.Fatalf("child says %q, %v", line, err)
	}
	_, err = durable.TryLock(path, durable.Holder{})
	var held *durable.HeldError
	if !errors.As(err, &held) || held.Holder.PID != child.Process.Pid || held.Holder.Command != "the child and all that it does" {
		t.Errorf("while the child lives: %v", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed: its status says nothing
	mustLock(t, path)
	holder, err := os.ReadFile(path)
	if err != nil || !strings.HasSuffix(string(holder), "\"command\":\"the test\"}\n") || strings.Count(string(holder), "\n") != 1 {
		t.Errorf("the file says %q, %v", holder, err)
	}
}

// TestLockRefuses keeps a lock from creating or truncating another file.
func TestLockRefuses(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	put(t, precious, oldContent)
	for name, target := range map[string]string{"link": "precious", "dangling": "nowhere"} {
		link := filepath.Join(dir, name)
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
		if _, err := durable.TryLock(link, durable.Self(time.Now(), "x")); err == nil {
			t.Errorf("locked through a symbolic link to %s", target)
		}
	}
	if _, err := os.Lstat(filepath.Join(dir, "nowhere")); err == nil {
		t.Error("a file was made through a dangling link")
	}
	want(t, precious, oldContent)
	if _, err := durable.TryLock(dir, durable.Holder{}); err == nil {
		t.Error("locked a folder")
	}
	if _, err := durable.TryLock(filepath.Join(dir, "no", "lock"), durable.Holder{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in a missing folder: %v", err)
	}
}

// TestLockReplaced has a lock file deleted by everybody who holds it: whoever
// opened the deleted file must notice, or two would hold the lock at once.
func TestLockReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".lock")
	var mu sync.Mutex
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 1000 {
				l, err := durable.TryLock(path, durable.Holder{PID: 1})
				if err != nil {
					continue
				}
				if !mu.TryLock() {
					t.Error("two hold the lock")
				} else {
					for range 20 {
						runtime.Gosched() // long enough for another to get in
					}
					mu.Unlock()
					os.Remove(path)
				}
				if err := l.Unlock(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

// TestLockMoved meddles with the name at the worst moment.
func TestLockMoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".lock")
	for name, meddle := range map[string]func(){
		"":         func() {},
		"removed":  func() { os.Remove(path) },
		"replaced": func() { os.Remove(path); put(t, path, nil) },
		"linked":   func() { os.Rename(path, path+"2"); os.Symlink(path+"2", path) },
	} {
		os.Remove(path)
		noticed, err := durable.LockAround(path, meddle)
		if err != nil || noticed != (name != "") {
			t.Errorf("%q: noticed %v, %v", name, noticed, err)
		}
	}
}

func TestWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".lock")
	as := durable.Self(time.Now(), "the waiter")
	first := mustLock(t, path)

	var held *durable.HeldError
	for _, timeout := range []time.Duration{0, 30 * time.Millisecond} {
		start := time.Now()
		if _, err := durable.Wait(t.Context(), path, as, timeout); !errors.As(err, &held) {
			t.Errorf("timeout %v: %v, want a HeldError", timeout, err)
		}
		if took := time.Since(start); took < timeout {
			t.Errorf("gave up after %v of %v", took, timeout)
		}
	}

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(30*time.Millisecond, cancel)
	if _, err := durable.Wait(ctx, path, as, -1); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}

	time.AfterFunc(30*time.Millisecond, func() { first.Unlock() })
	l, err := durable.Wait(t.Context(), path, as, -1)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Unlock(); err != nil {
		t.Fatal(err)
	}
}
