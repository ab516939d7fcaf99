package config

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/testjail"
)

// roleVariable tells a process that a test started to be nobody's.
const roleVariable = "LITEKEEP_TEST_NOBODY"

func TestMain(m *testing.M) {
	if _, ok := os.LookupEnv(roleVariable); ok {
		if err := testjail.DropRights(); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// beNobody runs a test again in a process without rights.
func beNobody(t *testing.T) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), roleVariable+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v: %s", err, out)
	}
}
