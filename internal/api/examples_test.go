package api_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/testserver"
)

// TestExamples runs the examples of docs/API.md in a shell, as one script,
// against a real service. Each line has to succeed.
func TestExamples(t *testing.T) {
	for _, tool := range []string{"sh", "curl", "jq", "zstd", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			testserver.Unavailable(t, tool, err)
		}
	}
	text, err := os.ReadFile("../../docs/API.md")
	if err != nil {
		t.Fatal(err)
	}
	r := newReal(t, "app")
	script := "set -eu\n"
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		script += block[1]
	}
	for _, needed := range []string{"/api/backup/create", "/api/backup/restore/", "/readyz"} {
		if !strings.Contains(script, needed) {
			t.Fatalf("no example of %s", needed)
		}
	}
	// The variables are those of the test.
	script = regexp.MustCompile(`(?m)^export .*$`).ReplaceAllString(script, "")
	// In a pipe the status of curl does not count for sh, but jq has nothing to
	// read then.
	c := exec.CommandContext(t.Context(), "sh", "-x", "-c", script)
	c.Dir = t.TempDir()
	c.Env = append(os.Environ(), "LITEKEEP_SERVER="+r.url, "LITEKEEP_TOKEN="+r.token(access.Admin), "no_proxy=*")
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if r.count("app") != 2 {
		t.Error("the restore did not restore")
	}
}
