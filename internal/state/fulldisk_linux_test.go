package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/testjail"
)

func init() { roles["full disk"] = playFullDisk }

// playFullDisk uses a state on a small file system of its own that somebody
// fills.
func playFullDisk(dir string) error {
	if err := testjail.SmallDisk(dir, 512<<10); err != nil {
		return err
	}
	ctx := context.Background()
	path, filler := filepath.Join(dir, "state.db"), filepath.Join(dir, "filler")
	full := os.WriteFile(filler, make([]byte, 1<<20), 0o600)
	if !errors.Is(full, syscall.ENOSPC) {
		return fmt.Errorf("the disk is not full: %w", full)
	}
	if _, err := Open(ctx, path, clock); !errors.Is(err, ErrUnavailable) {
		return fmt.Errorf("opened on a full disk: %w", err)
	}
	if err := os.Remove(filler); err != nil {
		return err
	}
	s, err := Open(ctx, path, clock)
	if err != nil {
		return err
	}
	defer s.Close()
	if s.PutAside() != "" {
		return errors.New("what a full disk left was put aside")
	}
	note := json.RawMessage(`"` + strings.Repeat("x", 20000) + `"`)
	for round := range 3 {
		stored := 0
		for ; err == nil && stored < 1000; stored++ {
			err = s.PutNote(ctx, fmt.Sprint(round, " ", stored), note)
		}
		if !errors.Is(err, ErrUnavailable) || !errors.Is(err, engine.ErrFull) {
			return fmt.Errorf("full after %d notes: %w", stored, err)
		}
		if _, err := s.Note(ctx, fmt.Sprint(round, " ", 0)); err != nil {
			return fmt.Errorf("reading on a full disk: %w", err)
		}
		// The room that the log needs, too, before it is used again.
		if err = testjail.Resize(dir, int64(6*(round+1))<<20); err != nil {
			return err
		}
		for n := range stored {
			if err = s.DeleteNote(ctx, fmt.Sprint(round, " ", n)); err != nil {
				return fmt.Errorf("with room again: %w", err)
			}
		}
	}
	if err := check(ctx, s.db); err != nil {
		return err
	}
	fmt.Println("done")
	return nil
}

// TestFullDisk fills a file system. TestFaults needs none: it lets each step fail.
func TestFullDisk(t *testing.T) {
	out, err := testjail.Output(t, roleCommand(t, "full disk", t.TempDir()))
	if err != nil || string(out) != "done\n" {
		t.Errorf("%v: %s", err, out)
	}
}
