package testserver

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBroken is a server that ends at once, and one that is not there.
func TestBroken(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for name, command := range map[string]func(dir, port string) (*exec.Cmd, error){
		"ends":    func(string, string) (*exec.Cmd, error) { return exec.Command("go", "no-such-command"), nil },
		"missing": func(dir, _ string) (*exec.Cmd, error) { return exec.Command(filepath.Join(dir, "none")), nil },
		"unbuilt": func(string, string) (*exec.Cmd, error) { return nil, errors.New("cannot be built") },
	} {
		_, err := Start(name, command, HTTP)
		if err == nil {
			t.Fatal(name, "started")
		}
		if name == "ends" && !strings.Contains(err.Error(), "unknown command") {
			t.Errorf("%s: the error does not say what it said: %v", name, err)
		}
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
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

func TestUnavailable(t *testing.T) {
	for ci, want := range map[string]recorder{"true": {failed: true}, "": {skipped: true}, "false": {skipped: true}} {
		t.Setenv("CI", ci)
		var r recorder
		Unavailable(&r, "x", errors.New("no network"))
		if r != want {
			t.Errorf("CI=%q: failed %v, skipped %v", ci, r.failed, r.skipped)
		}
	}
}
