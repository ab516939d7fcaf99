package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/litekeep/litekeep/internal/engine"
)

func init() { roles["full disk"] = playFullDisk }

// dropRights makes this process one of somebody who owns nothing, if it may do
// all now.
func dropRights() error {
	if os.Getuid() != 0 {
		return nil
	}
	const nobody = 65534
	return errors.Join(syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody))
}

// playFullDisk uses a state on a small file system of its own that somebody
// fills.
func playFullDisk(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
		return fmt.Errorf("mount: %w", err)
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
		if err = unix.Mount("tmpfs", dir, "tmpfs", unix.MS_REMOUNT, fmt.Sprintf("size=%dm", 6*(round+1))); err != nil {
			return fmt.Errorf("mount: %w", err)
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

// TestFullDisk fills a file system, where the system lets the tests mount one.
// TestFaults needs no rights.
func TestFullDisk(t *testing.T) {
	cmd := roleCommand(t, "full disk", t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		}
	}
	out, err := cmd.Output()
	var exit *exec.ExitError
	if strings.Contains(string(out), "error: mount: ") || err != nil && !errors.As(err, &exit) {
		t.Skipf("no file system may be mounted here (%v: %s)", err, out)
	}
	if err != nil || string(out) != "done\n" {
		t.Errorf("%v: %s", err, out)
	}
}
