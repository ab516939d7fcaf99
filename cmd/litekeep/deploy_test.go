package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/testserver"
)

const units = "../../deploy/systemd/"

// read returns a file of this repository.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// systemd returns the path of systemd-analyze. CI installs it.
func systemd(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("systemd-analyze")
	if err != nil {
		testserver.Unavailable(t, "systemd", err)
	}
	return path
}

// TestUnits has systemd read the units, with a program in the place of ours.
func TestUnits(t *testing.T) {
	analyze, dir := systemd(t), t.TempDir()
	var files []string
	for _, name := range []string{"litekeep.service", "litekeep-backup@.service", "litekeep-backup@.timer"} {
		text := strings.ReplaceAll(read(t, units+name), "/usr/bin/litekeep", "/bin/true")
		text = regexp.MustCompile(`(?m)^Documentation=.*`).ReplaceAllString(text, "") // the pages are not installed
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, filepath.Join(dir, strings.Replace(name, "@", "@app", 1)))
	}
	if err := os.Rename(filepath.Join(dir, "litekeep-backup@.timer"), files[2]); err != nil { // verify wants instances
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(dir, "litekeep-backup@.service"), files[1]); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(analyze, append([]string{"verify", "--man=no"}, files...)...).CombinedOutput()
	if err != nil || len(strings.TrimSpace(string(out))) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

// exposure is the worst score that systemd may give a unit, of 10; what is left is that
// it reads the files of others and uses the network.
const exposure = 1.5

func TestUnitsAreHardened(t *testing.T) {
	analyze := systemd(t)
	for _, name := range []string{"litekeep.service", "litekeep-backup@.service"} {
		out, err := exec.Command(analyze, "security", "--offline=yes", "--no-pager", units+name).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		score := regexp.MustCompile(`exposure level for \S+: ([0-9.]+)`).FindSubmatch(out)
		if score == nil {
			t.Fatalf("no score in\n%s", out)
		}
		if got, err := strconv.ParseFloat(string(score[1]), 64); err != nil || got > exposure {
			t.Errorf("%s: %s of 10, at most %v", name, score[1], exposure)
		}
	}
}

// TestUnitGrace: systemd waits for longer than the service does for its runs.
func TestUnitGrace(t *testing.T) {
	found := regexp.MustCompile(`(?m)^TimeoutStopSec=(\S+)$`).FindStringSubmatch(read(t, units+"litekeep.service"))
	if found == nil {
		t.Fatal("it does not say how long")
	}
	if d, err := time.ParseDuration(found[1]); err != nil || d < config.Default().Runs.Grace+30*time.Second {
		t.Errorf("TimeoutStopSec=%s: %v", found[1], err)
	}
}

// TestDeployedCommands: every command line in the units and the image is one that
// this program takes.
func TestDeployedCommands(t *testing.T) {
	var lines []string
	for _, name := range []string{units + "litekeep.service", units + "litekeep-backup@.service"} {
		for _, m := range regexp.MustCompile(`(?m)^ExecStart=/usr/bin/litekeep (.*)$`).FindAllStringSubmatch(read(t, name), -1) {
			lines = append(lines, m[1])
		}
	}
	for _, m := range regexp.MustCompile(`(?m)CMD \[(.*)\]$`).FindAllStringSubmatch(read(t, "../../Dockerfile"), -1) {
		line := strings.NewReplacer(`"`, "", ",", "").Replace(m[1])
		lines = append(lines, strings.TrimPrefix(line, "/usr/bin/litekeep "))
	}
	if len(lines) != 4 {
		t.Fatalf("found %q", lines)
	}
	for _, line := range lines {
		a := &app{}
		cmd, args, err := a.commands().Find(strings.Fields(line))
		if err == nil && !cmd.HasParent() {
			t.Errorf("%s: there is no such command", line)
		}
		if err == nil {
			err = cmd.ParseFlags(args)
		}
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// TestPackageContents: what the packages take from this repository is there.
func TestPackageContents(t *testing.T) {
	sources := regexp.MustCompile(`(?m)(?:src|postinstall|preremove|postremove): "?([^,"}\s]+)`).FindAllStringSubmatch(read(t, "../../.goreleaser.yaml"), -1)
	if len(sources) < 20 {
		t.Fatalf("found %q", sources)
	}
	for _, m := range sources {
		if strings.HasPrefix(m[1], "build/") {
			continue // deploy/package/prepare makes it
		}
		found, err := filepath.Glob("../../" + strings.ReplaceAll(m[1], "**/", ""))
		if err != nil || len(found) == 0 {
			t.Errorf("%s: nothing is there, %v", m[1], err)
		}
	}
}
