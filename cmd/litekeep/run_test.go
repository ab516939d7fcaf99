package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/litekeep/litekeep"
)

// runHere runs a command line in this process, and returns the exit code and
// what it printed.
func runHere(t *testing.T, ctx context.Context, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var files [2]*os.File
	for i := range files {
		f, err := os.CreateTemp(t.TempDir(), "out")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	code = run(ctx, args, files[0], files[1], time.Now)
	var out [2]string
	for i, f := range files {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		out[i] = string(b)
	}
	return code, out[0], out[1]
}

// Every command that works on a database or a backup stops when the context
// ends, and says nothing but that.
func TestInterrupted(t *testing.T) {
	dir := t.TempDir()
	db, backups := filepath.Join(dir, "app.db"), filepath.Join(dir, "backups")
	if err := os.WriteFile(db, nil, 0o600); err != nil { // a database of 0 bytes
		t.Fatal(err)
	}
	if code, _, stderr := runHere(t, t.Context(), "backup", db, "--dir", backups); code != exitDone {
		t.Fatal(stderr)
	}
	objects, err := filepath.Glob(filepath.Join(backups, "app", "*.json.zst"))
	if err != nil || len(objects) != 1 {
		t.Fatal(objects, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{
		{"backup", db, "--dir", backups},
		{"backup", db, "--dir", backups, "--dry-run"},
		{"verify", objects[0]},
		{"verify", objects[0], objects[0]},
		{"verify", backups},
		{"restore", objects[0], filepath.Join(dir, "new.db")},
		{"list", "--dir", backups},
		{"stats", "--dir", backups},
		{"prune", "--dir", backups},
		{"info", objects[0]},
		{"cat", objects[0]},
	} {
		t.Run(strings.Join(args[:1], " "), func(t *testing.T) {
			code, stdout, stderr := runHere(t, ended, args...)
			if code != exitInterrupted || stdout != "" || !strings.HasPrefix(stderr, "error: ") || !strings.HasSuffix(stderr, "interrupted\n") {
				t.Errorf("%q: exit code %d, %q, %q", args, code, stdout, stderr)
			}
		})
	}
}

// A zero that means "do not wait" is not taken for the default.
func TestNoWait(t *testing.T) {
	for _, test := range []struct {
		args []string
		want time.Duration
	}{
		{nil, 30 * time.Second},
		{[]string{"--busy-timeout", "0"}, time.Nanosecond},
		{[]string{"--busy-timeout", "2s"}, 2 * time.Second},
	} {
		a := &app{cfg: litekeep.DefaultConfig("")}
		f := pflag.NewFlagSet("test", pflag.ContinueOnError)
		a.waitFlags(f)
		if err := f.Parse(test.args); err != nil {
			t.Fatal(err)
		}
		if err := a.checkNumbers(f); err != nil || a.cfg.BusyTimeout != test.want {
			t.Errorf("%q: %v, %v, not %v", test.args, a.cfg.BusyTimeout, err, test.want)
		}
	}
}
