package litekeep_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/litekeep/litekeep"
)

// TestRestoreOverDamaged restores to a database that is too damaged to be backed
// up: its files are kept as they were.
func TestRestoreOverDamaged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		damage func(b []byte) []byte
	}{
		{"a page in the middle", func(b []byte) []byte { copy(b[len(b)/2:], bytes.Repeat([]byte{0xd2}, 4096)); return b }},
		{"cut off", func(b []byte) []byte { return b[:len(b)-5000] }},
		{"the schema", func(b []byte) []byte { copy(b[100:], bytes.Repeat([]byte{0xd2}, 3000)); return b }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, smallSQL, nil)
			b := w.backup()
			target := filepath.Join(w.dir, "target.db")
			makeDatabase(t, target, otherSQL+"; CREATE TABLE more AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<2000) SELECT i, hex(i) AS h FROM c")
			whole, err := os.ReadFile(target)
			if err != nil {
				t.Fatal(err)
			}
			damaged := c.damage(whole)
			if err := os.WriteFile(target, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			dry, err := w.RestoreBackup(t.Context(), b.Path, target, litekeep.RestoreOptions{DryRun: true})
			if err != nil || !strings.Contains(strings.Join(dry.Steps, "\n"), "keep its files") {
				t.Errorf("the dry run: %+v, %v", dry, err)
			}
			r, err := w.RestoreBackup(t.Context(), b.Path, target, litekeep.RestoreOptions{})
			if err != nil {
				t.Fatal(err)
			}
			same(t, w.db, target)
			if r.SafetyBackup != "" || len(r.KeptFiles) != 1 || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], r.KeptFiles[0]) {
				t.Fatalf("%+v", r)
			}
			if kept, err := os.ReadFile(r.KeptFiles[0]); err != nil || !bytes.Equal(kept, damaged) {
				t.Errorf("the files were not kept as they were: %v", err)
			}
			clean(t, w.folder)
		})
	}
}
