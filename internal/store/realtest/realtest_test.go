package realtest

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m).Run()) }

// TestServers starts each and asks it for something.
func TestServers(t *testing.T) {
	for name, url := range map[string]func(testing.TB) string{"s3": S3, "locked s3": S3Locked, "gcs": GCS, "azure": Azure} {
		t.Run(name, func(t *testing.T) {
			if a, b := url(t), url(t); a == b || !strings.Contains(a, "127.0.0.1") {
				t.Errorf("%s and %s", a, b)
			}
		})
	}
}

// TestStop starts a server, stops it and wants nothing of it to be left.
func TestStop(t *testing.T) {
	if _, err := goTool(versitygw); err != nil {
		unavailable(t, "versitygw", err)
	}
	s, err := start("stop", s3Command)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.dir); !os.IsNotExist(err) {
		t.Errorf("its data are left: %v", err)
	}
	if r, err := http.Get("http://" + s.address); err == nil {
		r.Body.Close()
		t.Error("it still answers")
	}
}

// TestBroken is a server that ends at once, and one that is not there.
func TestBroken(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for name, command := range map[string]func(dir, port string) (*exec.Cmd, error){
		"ends":    func(string, string) (*exec.Cmd, error) { return exec.Command("go", "no-such-command"), nil },
		"missing": func(dir, _ string) (*exec.Cmd, error) { return exec.Command(filepath.Join(dir, "none")), nil },
		"unbuilt": func(string, string) (*exec.Cmd, error) { return nil, errors.New("cannot be built") },
	} {
		_, err := start(name, command)
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
		unavailable(&r, "x", errors.New("no network"))
		if r != want {
			t.Errorf("CI=%q: failed %v, skipped %v", ci, r.failed, r.skipped)
		}
	}
}
