package litekeep_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/litekeep/litekeep"
)

// TestTwoDatabasesOneName backs up two files of one name into one folder: both get
// their backups, whoever comes after the other is told, and nothing is pruned.
func TestTwoDatabasesOneName(t *testing.T) {
	t.Parallel()
	for name, keys := range map[string][]string{"plain": nil, "sealed": {newKey(t)}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := newCalendar()
			w := newWorld(t, smallSQL, withKeys(keys...), at.option())
			second := filepath.Join(w.dir, "b", "app.db")
			if err := os.Mkdir(filepath.Dir(second), 0o700); err != nil {
				t.Fatal(err)
			}
			makeDatabase(t, second, smallSQL)
			other := w.service(func(c *litekeep.Config) { c.DatabasePath, c.Name, c.Keys = second, "", keys }, at.option())
			for range 2 { // the second of them may be dropped by age
				if b := w.backup(); b.SharedWith != "" || len(b.Warnings) > 0 {
					t.Fatalf("%q, %q", b.SharedWith, b.Warnings)
				}
				at.days(1)
			}
			at.days(30)
			b, err := other.CreateBackup(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if b.SharedWith != w.db || len(b.Warnings) != 1 || len(b.Pruned) > 0 || len(w.list()) != 3 {
				t.Fatalf("%q, %q, %+v, %d backups", b.SharedWith, b.Warnings, b.Pruned, len(w.list()))
			}
			for _, part := range []string{w.db, second, "--name"} {
				if !strings.Contains(b.Warnings[0], part) {
					t.Errorf("no %s in %q", part, b.Warnings[0])
				}
			}
			at.days(1)
			if b := w.backup(); b.SharedWith != second || len(b.Pruned) > 0 {
				t.Errorf("the other way round: %q, %+v", b.SharedWith, b.Pruned)
			}
			at.days(1)
			if b := w.backup(); b.SharedWith != "" || len(b.Pruned) == 0 {
				t.Errorf("after one of its own: %q, %+v", b.SharedWith, b.Pruned)
			}
		})
	}
}

// TestMovedDatabase backs up a database at another path, which is no second one: the
// first path is gone, or leads to the same file.
func TestMovedDatabase(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(from, to string) error{
		"moved": os.Rename, "link": os.Link, "symbolic link": os.Symlink,
		"a folder is there now": func(from, to string) error {
			if err := os.Rename(from, to); err != nil {
				return err
			}
			return os.Mkdir(from, 0o700)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := newCalendar()
			w := newWorld(t, smallSQL, nil, at.option())
			w.backup()
			at.days(30)
			to := filepath.Join(w.dir, "new", "app.db")
			if err := os.Mkdir(filepath.Dir(to), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := move(w.db, to); err != nil {
				t.Fatal(err)
			}
			b, err := w.service(func(c *litekeep.Config) { c.DatabasePath = to }, at.option()).CreateBackup(t.Context())
			if err != nil || b.SharedWith != "" || len(b.Warnings) > 0 || len(b.Pruned) == 0 {
				t.Errorf("%+v, %v", b, err)
			}
		})
	}
}

// TestSharedLooksPastSafety takes no safety backup for one of another database: it is
// of what a restore replaced.
func TestSharedLooksPastSafety(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	w := newWorld(t, smallSQL, nil, at.option())
	first := w.backup()
	target := filepath.Join(w.dir, "trial", "app.db")
	if err := os.Mkdir(filepath.Dir(target), 0o700); err != nil {
		t.Fatal(err)
	}
	makeDatabase(t, target, smallSQL)
	at.days(1)
	if r := w.restore(first.Path, target); r.SafetyBackup == "" {
		t.Fatal("no safety backup")
	}
	at.days(1)
	if b := w.backup(); b.SharedWith != "" {
		t.Errorf("%q: %q", b.SharedWith, b.Warnings)
	}
}

// TestClearAfterSealed warns once of a backup for which the key was probably forgotten.
func TestClearAfterSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, withKeys(newKey(t)), notNoted())
	plain := w.service(nil)
	for i, c := range []struct {
		s      *litekeep.Service
		warned bool
	}{{plain, false}, {w.Service, false}, {plain, true}, {plain, false}, {w.Service, false}, {w.Service, false}, {plain, true}} {
		b, err := c.s.CreateBackup(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if warned := slices.ContainsFunc(b.Warnings, func(text string) bool { return strings.Contains(text, "is in the clear") }); warned != c.warned {
			t.Errorf("backup %d: warnings %q", i, b.Warnings)
		}
	}
}
