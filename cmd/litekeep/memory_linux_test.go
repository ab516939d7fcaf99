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

// TestMemoryOfEscapedText backs up and restores a row that takes six times as much
// text as it has bytes: none of it may be in memory twice.
func TestMemoryOfEscapedText(t *testing.T) {
	const text, most = 6 * 16 << 10, 80 << 10 // KiB
	dir := t.TempDir()
	db := filepath.Join(dir, "app.db")
	peakOf(t, "mkdb", db, "PRAGMA journal_mode=OFF; CREATE TABLE t(a); INSERT INTO t VALUES(replace(hex(zeroblob(8388608)), '0', char(1))), (1)")
	for _, args := range [][]string{{"backup", db, "--dir", dir}, {"verify", filepath.Join(dir, "app")}, {"restore", filepath.Join(dir, "app"), filepath.Join(dir, "new.db")}} {
		if peak := peakOf(t, "litekeep", args...); peak > text+most {
			t.Errorf("%s: %d KiB for %d of text", args[0], peak, text)
		}
	}
}

// TestMemoryOfUTF16 backs up and restores a text of 64 MiB that the document has in UTF-8.
func TestMemoryOfUTF16(t *testing.T) {
	const row, most = 64 << 10, 3*64<<10 + 24<<10 // KiB
	dir := t.TempDir()
	db := filepath.Join(dir, "app.db")
	peakOf(t, "mkdb", db, "PRAGMA journal_mode=OFF; PRAGMA encoding='UTF-16le'; CREATE TABLE t(a); INSERT INTO t VALUES(hex(zeroblob(16777216)))")
	for _, args := range [][]string{{"backup", db, "--dir", dir}, {"restore", filepath.Join(dir, "app"), filepath.Join(dir, "new.db")}} {
		if peak := peakOf(t, "litekeep", args...); peak > most {
			t.Errorf("%s: %d KiB for a row of %d", args[0], peak, row)
		}
	}
}

// TestMemoryOfHugeEntries backs up and restores rows of 32 MiB that an index has again.
func TestMemoryOfHugeEntries(t *testing.T) {
	const most = 4*32<<10 + 64<<10 // KiB: four rows, and what a small database takes
	dir := t.TempDir()
	db := filepath.Join(dir, "app.db")
	peakOf(t, "mkdb", db, `PRAGMA journal_mode=OFF; CREATE TABLE t(a, b); CREATE INDEX i ON t(a); CREATE INDEX j ON t(a, b);
		INSERT INTO t VALUES(zeroblob(33554432), 3), (zeroblob(33554432), 2), (zeroblob(33554431), 1), (1, 1), (zeroblob(33554430), 0)`)
	for _, args := range [][]string{{"backup", db, "--dir", dir}, {"restore", filepath.Join(dir, "app"), filepath.Join(dir, "new.db")}} {
		if peak := peakOf(t, "litekeep", args...); peak > most {
			t.Errorf("%s: %d KiB for rows of %d", args[0], peak, 32<<10)
		}
	}
}

// TestMemoryOfManyObjects backs up and restores a schema of 20,000 objects, of
// which no more than one connection at a time may have loaded them all, and none
// while the export has what it knows of them.
func TestMemoryOfManyObjects(t *testing.T) {
	const most = 80 << 10 // KiB above what a small database takes
	peaks := func(name, sql string) (backup, restore int64) {
		dir := t.TempDir()
		db := filepath.Join(dir, "app.db")
		peakOf(t, "mkdb", db, "PRAGMA journal_mode=OFF; CREATE TABLE t(a, b, c);"+sql)
		backup = peakOf(t, "litekeep", "backup", db, "--dir", filepath.Join(dir, "backups"))
		restore = peakOf(t, "litekeep", "restore", filepath.Join(dir, "backups", "app"), filepath.Join(dir, "new.db"))
		t.Logf("%s: backup %d KiB, restore %d KiB", name, backup, restore)
		return backup, restore
	}
	fewBackup, fewRestore := peaks("one object", "")
	backup, restore := peaks("20,000 objects", `PRAGMA writable_schema=ON;
		WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
		INSERT INTO sqlite_schema SELECT 'view', 'v' || i, 'v' || i, 0, 'CREATE VIEW v' || i ||
			' AS SELECT a, b * 2 AS twice, c || a AS d FROM t WHERE a > 10 AND b IS NOT NULL ORDER BY a, b' FROM n`)
	if backup > fewBackup+most {
		t.Errorf("backup: %d KiB, %d for one object", backup, fewBackup)
	}
	if restore > fewRestore+most {
		t.Errorf("restore: %d KiB, %d for one object", restore, fewRestore)
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
