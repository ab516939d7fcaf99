package durable_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/durable"
)

// TestFaults lets each step of each operation fail, once alone, and once with
// all that come after it, as when the process dies there.
func TestFaults(t *testing.T) {
	ops := map[string]struct {
		do  func(d durable.Disk, dir string) error
		old bool // an old file is there, and may be replaced
	}{
		"write":   {func(d durable.Disk, dir string) error { return d.WriteFile(dir+"/f", newContent, 0o600) }, false},
		"replace": {func(d durable.Disk, dir string) error { return d.ReplaceFile(dir+"/f", newContent, 0o600) }, true},
	}
	for name, op := range ops {
		for means, refuse := range publishMeans() {
			for _, dies := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/%s/dies=%v", name, means, dies), func(t *testing.T) {
					for at := 0; ; at++ {
						dir := t.TempDir()
						if op.old {
							put(t, dir+"/f", oldContent)
						}
						disk, reached := faultAt(at, dies, refuse)
						err := op.do(disk, dir)
						if !reached() {
							if at < 4 {
								t.Fatalf("only %d steps", at)
							}
							return
						}
						if !errors.Is(err, errFault) {
							t.Errorf("step %d: %v, want the fault", at, err)
						}
						checkWhole(t, dir, op.old, dies, means == "reservation")
					}
				})
			}
		}
	}
}

// faultAt makes the step number at fail; with dies, all later ones too.
func faultAt(at int, dies bool, refuse func(durable.Op, string) error) (durable.Disk, func() bool) {
	n := -1
	return durable.Disk{Before: func(op durable.Op, path string) error {
		n++
		if n == at || dies && n > at {
			return errFault
		}
		if refuse != nil {
			return refuse(op, path)
		}
		return nil
	}}, func() bool { return n >= at }
}

// checkWhole checks that f is old, new or absent, and that nothing else is
// there but, after a death, a temporary file.
func checkWhole(t *testing.T, dir string, old, dies, reserves bool) {
	t.Helper()
	got, err := os.ReadFile(dir + "/f")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if old {
			t.Error("the old file is gone")
		}
	case err != nil:
		t.Error(err)
	case bytes.Equal(got, newContent), old && bytes.Equal(got, oldContent):
		if !old && !dies {
			t.Error("the call failed and the file is there")
		}
	case dies && reserves && len(got) == 0: // the documented exception
	default:
		t.Errorf("f is neither whole nor absent: %d bytes", len(got))
	}
	rest := slices.DeleteFunc(names(t, dir), func(n string) bool { return n == "f" })
	if len(rest) > 1 || len(rest) == 1 && (!dies || !strings.HasSuffix(rest[0], durable.TempSuffix)) {
		t.Errorf("left over: %q", rest)
	}
}
