package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/service"
)

func init() { roles["full disk"] = playFullDisk }

// playFullDisk mounts a small file system, which nobody else sees and which goes
// with the process, for the state and the backups of one database, and fills it.
// The backups of another database are elsewhere.
func playFullDisk(ctx context.Context, args []string) error {
	dir := args[0]
	disk := filepath.Join(dir, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=8388608"); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	c, err := config.Load(filepath.Join(dir, "litekeep.yaml"), func(string) (string, bool) { return "", false })
	if err != nil {
		return err
	}
	d, err := Open(ctx, Options{Config: c})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	err = fillAndFree(ctx, d, filepath.Join(disk, "filler"))
	stop()
	if ended := <-ended; err == nil {
		err = ended
	}
	if err == nil {
		fmt.Println("done")
	}
	return err
}

// fillAndFree makes backups while the disk has room, has none, and has room again.
func fillAndFree(ctx context.Context, d *Daemon, filler string) error {
	for _, step := range []struct {
		full bool
		here service.Outcome // of the database whose backups lie on the disk
	}{{false, service.OutcomeOK}, {true, service.OutcomeFailed}, {false, service.OutcomeOK}} {
		if err := os.RemoveAll(filler); err != nil {
			return err
		}
		if step.full {
			// More than fits: what could be written stays.
			if err := os.WriteFile(filler, make([]byte, 8<<20), 0o600); err == nil {
				return errors.New("the disk is not full")
			}
		}
		for name, want := range map[string]service.Outcome{"here": step.here, "elsewhere": service.OutcomeOK} {
			r, err := backUp(ctx, d, name)
			if err != nil {
				return fmt.Errorf("%s, full %v: %w", name, step.full, err)
			}
			if r.Outcome != want {
				return fmt.Errorf("%s, full %v: %s: %s", name, step.full, r.Outcome, r.Error)
			}
		}
		if h := d.service.Health(ctx); h.OK == step.full {
			return fmt.Errorf("full %v: health %+v", step.full, h)
		}
		list, err := d.service.Backups(ctx, ada, "here")
		if err != nil || len(list) == 0 {
			return fmt.Errorf("full %v: %d backups, %w", step.full, len(list), err)
		}
	}
	return nil
}

// backUp makes a backup that somebody has asked for. A run that the schedule has
// begun goes first.
func backUp(ctx context.Context, d *Daemon, name string) (*service.Run, error) {
	for {
		r, err := d.service.StartBackup(ctx, ada, name)
		if err == nil {
			return d.service.Wait(ctx, ada, r.ID)
		}
		if !errors.Is(err, service.ErrRunning) {
			return nil, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	makeDatabase(t, filepath.Join(dir, "here.db"), 1000)
	makeDatabase(t, filepath.Join(dir, "elsewhere.db"), 1000)
	configIn(t, dir, fmt.Sprintf(
		"databases:\n  - {name: here, path: %[1]s/here.db, destinations: [%[1]s/disk/backups]}\n  - {name: elsewhere, path: %[1]s/elsewhere.db}\n", dir))
	replace(t, dir, "/state", "/disk/state")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(exe, dir)
	cmd.Env = append(os.Environ(), roleVariable+"=full disk")
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	err = cmd.Run()
	if strings.Contains(out.String(), "error: mount: ") || err != nil && out.Len() == 0 {
		t.Skipf("no file system may be mounted here: %v: %s", err, out.String())
	}
	if err != nil || !strings.HasSuffix(out.String(), "done\n") {
		t.Errorf("%v: %s", err, out.String())
	}
}
