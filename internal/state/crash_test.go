package state

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/testjail"
)

func init() {
	roles["write"] = playWrite
	roles["nobody"] = playNobody
}

// roleCommand prepares a process that plays a role on a state.
func roleCommand(t testing.TB, role, path string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), "STATE_TEST_ROLE="+role, "STATE_TEST_PATH="+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// playWrite begins and ends runs, each of the next slot, until it is killed. It
// says what is done after it was done.
func playWrite(path string) error {
	ctx := context.Background()
	s, err := Open(ctx, path, time.Now)
	if err != nil {
		return err
	}
	if s.PutAside() != "" {
		return errors.New("the state was put aside")
	}
	cut, err := s.CutOff(ctx, at(0))
	if err != nil {
		return err
	}
	for _, r := range cut {
		fmt.Println("cut", r.Attempt)
	}
	last, err := s.Slot(ctx, "app")
	if err != nil {
		return err
	}
	first := 1
	if !last.IsZero() {
		first = int(last.Sub(at(0))/time.Second) + 1
	}
	for n := first; ; n++ {
		r := Run{ID: fmt.Sprintf("%06d", n), Database: "app", Kind: "backup", Slot: at(n), Attempt: n, Started: at(n)}
		if err := s.BeginSlot(ctx, r); err != nil {
			return err
		}
		fmt.Println("begun", n)
		r.Ended, r.Outcome = at(n+1), OutcomeOK
		if err := s.EndRun(ctx, r); err != nil {
			return err
		}
		fmt.Println("ended", n)
	}
}

// TestKill kills a writer again and again. Each slot has one run, in order; what
// was said to be done is there; a run that was cut off is found by the next.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	begun, ended := 0, map[int]bool{}
	cut := map[int]bool{}
	for range 12 {
		cmd := roleCommand(t, "write", path)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for left := 1 + rand.IntN(30); lines.Scan(); left-- {
			if left == 0 {
				// At any point of what it does then.
				time.Sleep(rand.N(4 * time.Millisecond))
				must(t, cmd.Process.Kill())
			}
			var word string
			var n int
			if _, err := fmt.Sscan(lines.Text(), &word, &n); err != nil {
				t.Fatalf("the writer says %q", lines.Text())
			}
			switch word {
			case "begun":
				begun = n
			case "ended":
				ended[n] = true
			case "cut":
				if ended[n] || cut[n] || n < begun {
					t.Errorf("run %d was cut off; %d was the last to begin", n, begun)
				}
				cut[n] = true
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the writer ended by itself")
		}
	}
	s := mustOpen(t, path)
	slot, err := s.Slot(t.Context(), "app")
	must(t, err)
	runs, err := s.Runs(t.Context(), RunFilter{})
	must(t, err)
	if n := int(slot.Sub(at(0)) / time.Second); n != len(runs) || n < begun || n > begun+1 {
		t.Errorf("slot %d, %d runs; %d was the last that was said to begin", n, len(runs), begun)
	}
	for i, r := range runs {
		n := len(runs) - i
		running := r.Ended.IsZero()
		switch {
		case r.Attempt != n || !r.Slot.Equal(at(n)):
			t.Errorf("run %d is %+v", n, r)
		case running && i != 0:
			t.Errorf("run %d was never cut off", n)
		case ended[n] && r.Outcome != OutcomeOK:
			t.Errorf("run %d ended and is %s", n, r.Outcome)
		case cut[n] != (r.Outcome == OutcomeCrashed):
			t.Errorf("run %d is %s; cut off: %v", n, r.Outcome, cut[n])
		}
	}
	if s.PutAside() != "" || len(ended) < 12 {
		t.Errorf("put aside: %q; %d ended", s.PutAside(), len(ended))
	}
}

// TestConcurrent uses one state from many goroutines and from two Stores, as a
// command beside the service does.
func TestConcurrent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	stores := []*Store{mustOpen(t, path), mustOpen(t, path)}
	ctx := t.Context()
	const workers, each = 8, 12
	var wg sync.WaitGroup
	for w := range workers {
		s, database := stores[w%2], fmt.Sprint("db", w)
		wg.Go(func() {
			for n := range each {
				r := Run{ID: fmt.Sprintf("%02d-%d", n, w), Database: database, Kind: "backup", Slot: at(n), Started: at(n)}
				if err := s.BeginSlot(ctx, r); err != nil {
					t.Error(err)
				}
				r.Ended, r.Outcome = at(n+1), OutcomeOK
				if err := s.EndRun(ctx, r); err != nil {
					t.Error(err)
				}
				if last, err := s.LastRun(ctx, database, "backup"); err != nil || last.ID != r.ID {
					t.Errorf("the last run is %q, %v; want %q", last.ID, err, r.ID)
				}
			}
		})
	}
	// One slot is for one of those who want it.
	var mu sync.Mutex
	won := 0
	for w := range workers {
		wg.Go(func() {
			err := stores[w%2].BeginSlot(ctx, Run{ID: fmt.Sprint("shared-", w), Database: "shared", Kind: "backup", Slot: at(0), Started: at(0)})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !errors.Is(err, ErrSlotTaken) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("%d runs have the same slot", won)
	}
	runs, err := stores[0].Runs(ctx, RunFilter{Kind: "backup"})
	if err != nil || len(runs) != workers*each+1 {
		t.Errorf("%d runs, %v", len(runs), err)
	}
}

// TestOthersComeToWrite writes all the time, as slowly as a disk may be: another Store is
// not kept out until it gives up.
func TestOthersComeToWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	busy, other := mustOpen(t, path), mustOpen(t, path)
	ctx, stop := context.WithCancel(t.Context())
	var writer sync.WaitGroup
	begun := make(chan struct{}, 1000)
	for range 2 {
		writer.Go(func() {
			for ctx.Err() == nil {
				err := busy.write(t.Context(), "write slowly", func(*sql.Tx) error {
					begun <- struct{}{}
					time.Sleep(100 * time.Millisecond)
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	<-begun
	for n := range 3 {
		if err := other.SetSlot(t.Context(), "app", at(n)); err != nil {
			t.Error(err)
		}
	}
	stop()
	writer.Wait()
}

// TestOpenTogether opens a new state from many goroutines: one of them makes it.
func TestOpenTogether(t *testing.T) {
	dir := t.TempDir()
	for round := range 10 {
		path := filepath.Join(dir, fmt.Sprint(round, ".db"))
		var wg sync.WaitGroup
		for range 6 {
			wg.Go(func() {
				s, err := Open(t.Context(), path, clock)
				if err != nil {
					t.Error(err)
					return
				}
				defer s.Close()
				if s.PutAside() != "" {
					t.Error("it was put aside")
				}
			})
		}
		wg.Wait()
	}
}

// playNobody opens a state that it may read and not write, or not even read.
func playNobody(path string) error {
	if err := testjail.DropRights(); err != nil {
		return err
	}
	ctx := context.Background()
	s, err := Open(ctx, path, clock)
	if err != nil {
		if !errors.Is(err, ErrUnavailable) {
			return err
		}
		fmt.Println("not opened")
		return nil
	}
	defer s.Close()
	if slot, err := s.Slot(ctx, "app"); err != nil || !slot.Equal(at(7)) {
		return fmt.Errorf("slot %v, %w", slot, err)
	}
	if err := s.SetSlot(ctx, "app", at(8)); !errors.Is(err, ErrUnavailable) || !errors.Is(err, engine.ErrReadOnly) {
		return fmt.Errorf("stored: %w", err)
	}
	fmt.Println("read only")
	return nil
}

// TestNoRights opens a state that belongs to somebody else.
func TestNoRights(t *testing.T) {
	for _, c := range []struct {
		name         string
		folder, file os.FileMode
		want         string
	}{
		{"file cannot be written", 0o777, 0o444, "read only\n"},
		{"file cannot be read", 0o777, 0o000, "not opened\n"},
		{"folder cannot be entered", 0o000, 0o600, "not opened\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, err := os.MkdirTemp("", "litekeep-state")
			must(t, err)
			t.Cleanup(func() { os.RemoveAll(base) })
			dir := filepath.Join(base, "folder")
			path := filepath.Join(dir, "state.db")
			s := mustOpen(t, path)
			must(t, s.SetSlot(t.Context(), "app", at(7)))
			must(t, s.Close())
			must(t, os.Chmod(path, c.file))
			must(t, os.Chmod(dir, c.folder))
			must(t, os.Chmod(base, 0o755))
			t.Cleanup(func() { os.Chmod(dir, 0o700) })
			out, err := roleCommand(t, "nobody", path).Output()
			if err != nil || string(out) != c.want {
				t.Errorf("%q, %v; want %q", out, err, c.want)
			}
		})
	}
}
