package realtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/litekeep/litekeep/internal/testserver"
)

// The servers, pinned.
const (
	versitygw  = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"
	fakeGCS    = "github.com/fsouza/fake-gcs-server@v1.56.1"
	azuriteNPM = "azurite@3.37.0"
)

// buildTime bounds the making of a tool; go test itself gives up after ten
// minutes.
const buildTime = 8 * time.Minute

// toolFolder returns the folder of the tools, and makes it.
func toolFolder() (string, error) {
	dir := os.Getenv("LITEKEEP_TEST_TOOLS")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(cache, "litekeep-test")
	}
	return dir, os.MkdirAll(dir, 0o755)
}

// once makes path by make, unless it is there. Other processes wait meanwhile.
func once(path string, make func(ctx context.Context, temp string) error) (err error) {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), buildTime)
	defer cancel()
	lock := flock.New(path + ".lock")
	if _, err := lock.TryLockContext(ctx, 200*time.Millisecond); err != nil {
		return fmt.Errorf("wait for another process: %w", err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	temp, err := os.MkdirTemp(filepath.Dir(path), "making-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	return make(ctx, temp)
}

// goTool builds a command of another module and returns its file.
func goTool(pkg string) (string, error) {
	dir, err := toolFolder()
	if err != nil {
		return "", err
	}
	name, version, _ := strings.Cut(filepath.Base(pkg), "@")
	suffix := ""
	if runtime.GOOS == "windows" {
		suffix = ".exe"
	}
	path := filepath.Join(dir, name+"@"+version+suffix)
	err = once(path, func(ctx context.Context, temp string) error {
		cmd := exec.CommandContext(ctx, "go", "install", pkg)
		cmd.Dir = temp
		cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
			return strings.HasPrefix(v, "GOFLAGS=") || strings.HasPrefix(v, "GOBIN=") || strings.HasPrefix(v, "GOOS=") || strings.HasPrefix(v, "GOARCH=")
		})
		cmd.Env = append(cmd.Env, "GOBIN="+temp, "GOWORK=off")
		if err := run(cmd); err != nil {
			return err
		}
		return os.Rename(filepath.Join(temp, name+suffix), path)
	})
	return path, err
}

// npmTool installs a package of npm and returns the folder of its modules.
func npmTool(pkg string) (string, error) {
	dir, err := toolFolder()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, pkg)
	err = once(path, func(ctx context.Context, temp string) error {
		cmd := exec.CommandContext(ctx, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", temp, pkg)
		if err := run(cmd); err != nil {
			return err
		}
		return os.Rename(temp, path)
	})
	return filepath.Join(path, "node_modules"), err
}

// run runs a command; its error holds the last of what it said.
func run(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, testserver.Tail(out))
	}
	return nil
}
