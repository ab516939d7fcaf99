package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// block finds the blocks of commands in docs/OPERATIONS.md, with the word before them
// that keeps one from being run, and the steps of the test between them.
var block = regexp.MustCompile("(?ms)^<!-- test\n(.*?)^-->|(<!-- not run:[^\n]*-->\\s*)?^ *```sh\n(.*?)^ *```")

// stubs are the programs that the runbooks call and that must not reach this machine.
var stubs = map[string]string{
	"sudo":       "shift 2; exec \"$@\"", // sudo -u litekeep
	"chown":      "exit 0",
	"usermod":    "exit 0",
	"journalctl": "tail -n 50 \"$ROOT/service.log\"",
	"df":         "exit 0",
	"sqlite3":    "exec mkdb \"$@\"",
	"install":    "while [ $# -gt 2 ]; do shift; done; rm -f \"$2\"; (umask 077; : > \"$2\")",
	// The service itself, as the unit does it.
	"systemctl": `
running() { [ -e "$ROOT/pid" ] && kill -0 "$(cat "$ROOT/pid")" 2>/dev/null; }
stop() { if running; then kill "$(cat "$ROOT/pid")"; while running; do sleep 0.05; done; fi; }
start() {
  running && return
  setsid litekeep serve --config "$ROOT/etc/litekeep/litekeep.yaml" >>"$ROOT/service.log" 2>&1 & echo $! >"$ROOT/pid"
  await "litekeep doctor --only service --strict --quiet --config $ROOT/etc/litekeep/litekeep.yaml"
}
case "$1" in
  enable | start) start ;;
  stop | disable) stop ;;
  restart) stop; start ;;
  reload) kill -HUP "$(cat "$ROOT/pid")" ;;
  *) exit 1 ;;
esac`,
	"await": `for i in $(seq 300); do eval "$1" >/dev/null 2>&1 && exit 0; sleep 0.1; done; eval "$1"; exit 1`,
}

// TestOperations runs every command of the runbooks, in their order, on a machine below
// a folder of its own.
func TestOperations(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the runbooks are for Linux")
	}
	if testing.Short() {
		t.Skip("it starts a service several times")
	}
	text, err := os.ReadFile("../../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	var beats atomic.Int64
	heart := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { beats.Add(1) }))
	defer heart.Close()
	script, ran := operations(string(text), root, heart.URL)
	if ran < 25 {
		t.Fatalf("only %d blocks of commands were found", ran)
	}
	out, err := runbook(t, root, script)
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(root, "service.log"))
		t.Fatalf("%v\n%s\nthe log of the service:\n%s", err, out, log)
	}
	if beats.Load() == 0 {
		t.Error("the heartbeat was never called")
	}
}

// operations makes one script of the runbooks. What they say of the machine is below root.
func operations(text, root, heart string) (script string, ran int) {
	here := strings.NewReplacer(
		"'s3://example-bucket/litekeep?region=eu-central-1'", root+"/mnt/bucket/litekeep",
		"'s3://example-bucket/litekeep/app?region=eu-central-1'", root+"/mnt/bucket/litekeep/app",
		"https://hc.example.org", heart,
		"file:///mnt", "file://"+root+"/mnt",
		" -C / ", " -C "+root+" ",
		"/srv/", root+"/srv/", "/etc/litekeep", root+"/etc/litekeep", "/var/", root+"/var/", "/mnt/", root+"/mnt/",
		"/root/", root+"/root/", "/tmp/proof", root+"/tmp/proof",
	)
	var b strings.Builder
	for _, at := range block.FindAllStringSubmatchIndex(text, -1) {
		part := func(n int) string {
			if at[2*n] < 0 {
				return ""
			}
			return text[at[2*n]:at[2*n+1]]
		}
		if part(2) != "" {
			continue
		}
		if part(3) != "" {
			ran++
		}
		fmt.Fprintf(&b, "echo '## line %d'\n%s\n", 1+strings.Count(text[:at[0]], "\n"), here.Replace(part(1)+part(3)))
	}
	return b.String(), ran
}

// runbook runs a script with the stubs in the place of what belongs to the machine, and
// stops the service that it leaves behind.
func runbook(t *testing.T, root, script string) (string, error) {
	t.Helper()
	for _, folder := range []string{"bin", "root", "tmp", "srv", "mnt", "var/lib", "var/backups", "etc"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, body := range stubs {
		if err := os.WriteFile(filepath.Join(root, "bin", name), []byte("#!/bin/bash\nset -e\n"+body+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c", script+"\nsystemctl stop")
	cmd.Dir = root
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "LITEKEEP_") {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	cmd.Env = append(cmd.Env, "ROOT="+root, "LITEKEEP_LISTEN="+freeAddress(), "PATH="+filepath.Join(root, "bin")+":"+os.Getenv("PATH"))
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil { // the script did not come to its end
		stop := exec.Command(filepath.Join(root, "bin", "systemctl"), "stop")
		stop.Env = cmd.Env
		_ = stop.Run()
	}
	return string(out), err
}
