package litekeep_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep"
)

// TestLatestPassesOver finds what LatestBackup tells of the backups that it did not
// take.
func TestLatestPassesOver(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w := newWorld(t, smallSQL, func(c *litekeep.Config) { c.RetentionDays = 36500 }, litekeep.WithClock(func() time.Time { return now }))
	latest := func(want *litekeep.Backup, passed ...string) {
		t.Helper()
		b, err := litekeep.LatestBackup(t.Context(), w.folder)
		if err != nil || b.Path != want.Path {
			t.Fatalf("%+v, %v; want %s", b, err, want.Path)
		}
		if !slices.EqualFunc(b.PassedOver, passed, strings.Contains) {
			t.Errorf("passed over: %q, want %q", b.PassedOver, passed)
		}
	}
	good := w.backup()
	latest(good)
	w.exec("DELETE FROM account; DELETE FROM log")
	now = now.Add(time.Second)
	empty := w.backup()
	if empty.RecordCount != 0 {
		t.Fatalf("%+v", empty)
	}
	latest(empty)
	if err := os.WriteFile(empty.Path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	latest(good, empty.Path+" was passed over")
	now = now.AddDate(4, 0, 0)
	future := w.backup()
	latest(good, empty.Path+" was passed over", "its time lies in the future")
	if err := os.Remove(good.Path); err != nil {
		t.Fatal(err)
	}
	latest(future, empty.Path+" was passed over", good.Path+" was passed over", future.Path+": its time lies in the future")
}

// TestLatestTellsOfMore finds that who makes and who restores a backup of far fewer rows
// hears of the one that had them, also after more such backups.
func TestLatestTellsOfMore(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][]string{"plain": nil, "sealed": {newKey(t)}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, smallSQL, func(c *litekeep.Config) { c.Keys = keys })
			w.exec("WITH RECURSIVE s(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM s LIMIT 300) INSERT INTO log SELECT x, NULL FROM s")
			full := w.backup()
			w.exec("DELETE FROM log WHERE at > 50")
			small := w.backup()
			want := "the database has 55 rows, it had 305 rows in the backup of " + full.Timestamp.UTC().Format(time.RFC3339) + ": " + full.Path
			if !slices.Equal(small.Warnings, []string{want}) {
				t.Errorf("warnings %q, want %q", small.Warnings, want)
			}
			again := w.backup()
			if len(again.Warnings) > 0 {
				t.Errorf("warnings %q of a backup like the one before", again.Warnings)
			}
			want = again.Path + " has 55 rows, the backup of " + full.Timestamp.UTC().Format(time.RFC3339) + " had 305 rows: " + full.Path
			target := filepath.Join(w.dir, "restored.db")
			for _, o := range []litekeep.RestoreOptions{{DryRun: true}, {}} {
				r, err := w.RestoreBackup(t.Context(), again.Path, target, o)
				if err != nil || !slices.Equal(r.Warnings, []string{want}) {
					t.Errorf("told of %q, %v, want %q", r.Warnings, err, want)
				}
			}
			for _, target := range []string{target, w.db} { // the safety backup of the second lies among the others
				r, err := w.RestoreBackup(t.Context(), full.Path, target, litekeep.RestoreOptions{})
				if err != nil || len(r.Warnings) > 0 {
					t.Fatalf("told of %q, %v", r.Warnings, err)
				}
				if r, err = w.RestoreBackup(t.Context(), r.SafetyBackup, target, litekeep.RestoreOptions{}); err != nil || len(r.Warnings) > 0 {
					t.Errorf("the undo tells of %q, %v", r.Warnings, err)
				}
			}
		})
	}
}
