package testjail

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const roleVariable = "LITEKEEP_JAIL_ROLE"

var roles = map[string]func(dir string) error{"disk": playDisk, "nobody": playNobody}

// TestMain runs the tests or, in a process that a test started, its role.
func TestMain(m *testing.M) {
	if role, ok := os.LookupEnv(roleVariable); ok {
		if err := roles[role](os.Args[1]); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println("done")
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func roleCommand(role, dir string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], dir)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	return cmd
}

// playDisk fills a disk twice, the second time when it has grown.
func playDisk(dir string) error {
	if err := SmallDisk(dir, 64<<10); err != nil {
		return err
	}
	file := filepath.Join(dir, "file")
	for _, fits := range []int{64 << 10, 128 << 10} {
		if err := Resize(dir, int64(fits)); err != nil {
			return err
		}
		if err := os.WriteFile(file, make([]byte, fits), 0o600); err != nil {
			return err
		}
		if err := os.WriteFile(file, make([]byte, fits+1), 0o600); !errors.Is(err, syscall.ENOSPC) {
			return fmt.Errorf("%d bytes and one more: %w", fits, err)
		}
	}
	return nil
}

func TestSmallDisk(t *testing.T) {
	dir := t.TempDir()
	if out, err := Output(t, roleCommand("disk", dir)); err != nil || string(out) != "done\n" {
		t.Errorf("%v: %s", err, out)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("others saw %v, %v", left, err)
	}
}

// recorder is a testing.TB that notes how the test ended.
type recorder struct {
	testing.TB
	failed, skipped bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Fatalf(string, ...any) { r.failed = true }
func (r *recorder) Skipf(string, ...any)  { r.skipped = true }

// TestNotMounted has nothing to mount on, and no program to run.
func TestNotMounted(t *testing.T) {
	for ci, want := range map[string]recorder{"true": {failed: true}, "": {skipped: true}} {
		t.Setenv("CI", ci)
		for name, cmd := range map[string]*exec.Cmd{
			"no folder":  roleCommand("disk", filepath.Join(t.TempDir(), "none")),
			"no program": exec.Command(filepath.Join(t.TempDir(), "none")),
		} {
			var r recorder
			if out, err := Output(&r, cmd); err == nil || r != want {
				t.Errorf("%s, CI=%q: failed %v, skipped %v, %v: %s", name, ci, r.failed, r.skipped, err, out)
			}
		}
	}
}

// TestOtherFailures leaves to the test what went wrong after something was mounted.
func TestOtherFailures(t *testing.T) {
	var r recorder
	cmd := roleCommand("nobody", filepath.Join(t.TempDir(), "none"))
	if out, err := Output(&r, cmd); err == nil || r != (recorder{}) || !strings.HasPrefix(string(out), "error: ") {
		t.Errorf("failed %v, skipped %v, %v: %s", r.failed, r.skipped, err, out)
	}
}

// playNobody may not write to a folder that others may only read.
func playNobody(dir string) error {
	if err := DropRights(); err != nil {
		return err
	}
	if _, err := os.ReadDir(dir); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

func TestDropRights(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o555)); err != nil {
		t.Fatal(err)
	}
	out, err := roleCommand("nobody", dir).CombinedOutput()
	if err != nil || string(out) != "done\n" {
		t.Errorf("%v: %s", err, out)
	}
}
