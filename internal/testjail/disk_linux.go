package testjail

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/litekeep/litekeep/internal/testserver"
)

// errNotMounted is what a process says that may not mount. Output reads it.
var errNotMounted = errors.New("no file system may be mounted")

// Output runs a process that may call SmallDisk, and returns all that it said. It adds
// to cmd, which must not have been started, what that needs. Where the system lets
// nobody mount, the test is skipped, but in CI it fails.
func Output(t testing.TB, cmd *exec.Cmd) ([]byte, error) {
	t.Helper()
	again := exec.Command(cmd.Path, cmd.Args[1:]...)
	again.Env, again.Dir = cmd.Env, cmd.Dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	out, err := combinedOutput(cmd)
	if errors.Is(err, syscall.EPERM) { // whoever is not root may be root of its own
		again.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		}
		out, err = combinedOutput(again)
	}
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || bytes.Contains(out, []byte(errNotMounted.Error()))) {
		testserver.Unavailable(t, "a small disk", fmt.Errorf("%w: %s", err, out))
	}
	return out, err
}

func combinedOutput(cmd *exec.Cmd) ([]byte, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.Bytes(), err
}

// SmallDisk mounts an empty file system of the given number of bytes on a folder. It
// is for processes that Output runs: only this one sees it, and it goes with it. The
// error must be part of what the process says.
func SmallDisk(folder string, size int64) error {
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("%w: %w", errNotMounted, err)
	}
	if err := unix.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprint("size=", size)); err != nil {
		return fmt.Errorf("%w: %w", errNotMounted, err)
	}
	return nil
}

// Resize gives the file system that SmallDisk mounted on a folder another size, in
// bytes.
func Resize(folder string, size int64) error {
	if err := unix.Mount("tmpfs", folder, "tmpfs", unix.MS_REMOUNT, fmt.Sprint("size=", size)); err != nil {
		return fmt.Errorf("%w: %w", errNotMounted, err)
	}
	return nil
}
