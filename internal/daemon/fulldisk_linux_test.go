package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/service"
	"github.com/litekeep/litekeep/internal/testjail"
)

// diskSize is the size of the file system that is filled.
const diskSize = 8 << 20

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
	if err := testjail.SmallDisk(disk, diskSize); err != nil {
		return err
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
			if err := os.WriteFile(filler, make([]byte, diskSize), 0o600); err == nil {
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
	cmd := exec.Command(exe, dir)
	cmd.Env = append(os.Environ(), roleVariable+"=full disk")
	out, err := testjail.Output(t, cmd)
	if err != nil || !strings.HasSuffix(string(out), "done\n") {
		t.Errorf("%v: %s", err, out)
	}
}
