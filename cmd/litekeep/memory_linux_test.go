//go:build linux && !race

package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestMemoryOfHugeRows backs up and restores rows of 64 MiB, each by a process of
// its own, which may have three times that at its peak.
func TestMemoryOfHugeRows(t *testing.T) {
	const row, most = 64 << 20, 3 * 64 << 10 // bytes, KiB
	db := filepath.Join(t.TempDir(), "app.db")
	peakOf(t, "mkdb", db, "PRAGMA journal_mode=OFF; CREATE TABLE t(a); INSERT INTO t VALUES(zeroblob(67108864)),(zeroblob(67108864)),(hex(zeroblob(33554432)))")
	for _, codec := range []string{"none", "gzip", "zstd"} {
		t.Run(codec, func(t *testing.T) {
			dir := t.TempDir()
			if peak := peakOf(t, "litekeep", "backup", db, "--dir", dir, "--compress", codec); peak > most {
				t.Errorf("backup: %d KiB for rows of %d", peak, row>>10)
			}
			backups, err := filepath.Glob(filepath.Join(dir, "app", "*.manifest.json"))
			if err != nil || len(backups) != 1 {
				t.Fatalf("backups %q, %v", backups, err)
			}
			backup := strings.TrimSuffix(backups[0], ".manifest.json")
			for _, args := range [][]string{{"verify", backup}, {"restore", backup, filepath.Join(t.TempDir(), "new.db")}} {
				if peak := peakOf(t, "litekeep", args...); peak > most {
					t.Errorf("%s: %d KiB for rows of %d", args[0], peak, row>>10)
				}
			}
		})
	}
}

// peakOf runs a program and returns its peak memory in KiB.
func peakOf(t *testing.T, name string, args ...string) int64 {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	peak := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	t.Logf("%s %s: %d KiB", name, args[0], peak)
	return peak
}
