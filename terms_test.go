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

const noteFile = "retention.json"

// served makes a world with a backup every four days in the folder and a copy, whose
// service keeps so many days of them and what goes for three days in the trash. It
// returns the folder of the copies too.
func served(t *testing.T, days int, prune bool) (w *world, at *calendar, copies string) {
	t.Helper()
	at = newCalendar()
	copies = filepath.Join(t.TempDir(), "copies")
	w = newWorld(t, smallSQL, func(c *litekeep.Config) {
		c.OwnRetention, c.Copies, c.NoPrune = true, []string{copies}, true
		c.KeepWithin, c.KeepDaily, c.TrashGrace = time.Hour, days, 3*24*time.Hour
	}, at.option())
	for range 12 {
		w.backup()
		at.days(4)
	}
	if err := w.NoteRetention(t.Context(), "/etc/litekeep.yaml", prune); err != nil {
		t.Fatal(err)
	}
	return w, at, copies
}

// byHand is a Service of somebody who gives no retention.
func (w *world) byHand(at *calendar, change func(*litekeep.Config)) *litekeep.Service {
	return w.service(change, at.option())
}

func countObjects(t *testing.T, folder string) int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, "*.manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	return len(found)
}

// TestServiceRuleHolds prunes by hand what a service keeps: in the folder, in a copy
// of the folder and in a copy as the folder, by prune and after a backup.
func TestServiceRuleHolds(t *testing.T) {
	t.Parallel()
	w, at, copies := served(t, 365, true)
	for name, change := range map[string]func(*litekeep.Config){
		"folder":        nil,
		"with a copy":   func(c *litekeep.Config) { c.Copies = []string{copies} },
		"the copy":      func(c *litekeep.Config) { c.BackupDirectory = copies },
		"as a URL":      func(c *litekeep.Config) { c.BackupDirectory = "file://" + filepath.ToSlash(copies) },
		"all databases": func(c *litekeep.Config) { c.DatabasePath, c.Copies = "", []string{copies} },
		"time zone":     func(c *litekeep.Config) { c.TimeZone = "Europe/Berlin" },
	} {
		all, err := w.byHand(at, change).CleanupOldBackups(t.Context(), false)
		if err != nil || len(all) < 12 {
			t.Fatal(name, err, len(all))
		}
		for _, d := range all {
			if !d.Keep || d.ServiceRule == nil || d.ServiceRule.Configuration != "/etc/litekeep.yaml" ||
				d.ServiceRule.Rule != "all of the last 1h, the newest 1, 365 daily; never fewer than 1; 3d in the trash" {
				t.Fatalf("%s: %+v", name, d)
			}
		}
	}
	b, err := w.byHand(at, func(c *litekeep.Config) { c.Copies = []string{copies} }).CreateBackup(t.Context())
	if err != nil || len(b.Warnings) > 0 || countObjects(t, w.folder) != 13 || countObjects(t, filepath.Join(copies, "app")) != 13 {
		t.Errorf("%+v, %v", b, err)
	}
}

// TestServiceTrashHolds deletes by hand where a service has a trash, and prunes what
// was in it for less than its time, and for longer.
func TestServiceTrashHolds(t *testing.T) {
	t.Parallel()
	w, at, copies := served(t, 365, true)
	hand := w.byHand(at, func(c *litekeep.Config) { c.Copies = []string{copies} })
	path := w.list()[5].Path
	all, err := hand.DeleteBackup(t.Context(), path, litekeep.DeleteOptions{})
	if err != nil || len(all) != 2 || !all[0].Trashed || !all[1].Trashed {
		t.Fatalf("%+v, %v", all, err)
	}
	trash, err := hand.ListTrash(t.Context())
	if err != nil || len(trash) != 2 || trash[0].RemoveAfter.Sub(trash[0].TrashedAt) != 3*24*time.Hour {
		t.Fatalf("%+v, %v", trash, err)
	}
	for _, want := range []bool{true, false} {
		at.days(2)
		if _, err := hand.CleanupOldBackups(t.Context(), false); err != nil || exists(path) != want {
			t.Errorf("after 2 or 4 days: there %v, %v", exists(path), err)
		}
	}
}

// TestOwnRetentionWins takes any retention that somebody gave for what they meant.
func TestOwnRetentionWins(t *testing.T) {
	t.Parallel()
	w, at, copies := served(t, 365, true)
	for name, change := range map[string]func(*litekeep.Config){
		"said so":  func(c *litekeep.Config) { c.OwnRetention = true },
		"days":     func(c *litekeep.Config) { c.RetentionDays = 8 },
		"within":   func(c *litekeep.Config) { c.KeepWithin = time.Hour },
		"last":     func(c *litekeep.Config) { c.KeepLast = 2 },
		"hourly":   func(c *litekeep.Config) { c.KeepHourly = 1 },
		"daily":    func(c *litekeep.Config) { c.KeepDaily = 1 },
		"weekly":   func(c *litekeep.Config) { c.KeepWeekly = 1 },
		"monthly":  func(c *litekeep.Config) { c.KeepMonthly = 1 },
		"yearly":   func(c *litekeep.Config) { c.KeepYearly = 1 },
		"minimum":  func(c *litekeep.Config) { c.KeepMinimum = 2 },
		"trash":    func(c *litekeep.Config) { c.TrashGrace = time.Hour },
		"of a URL": func(c *litekeep.Config) { c.BackupDirectory = "file://" + filepath.ToSlash(copies) + "?keep_daily=1" },
	} {
		all, err := w.byHand(at, change).CleanupOldBackups(t.Context(), true)
		dropped := func(d litekeep.Decision) bool { return !d.Keep && d.Held == "" }
		if err != nil || !slices.ContainsFunc(all, dropped) {
			t.Errorf("%s: nothing is dropped of %d, %v", name, len(all), err)
		}
	}
}

// TestCopyWithoutNote goes by the note in BackupDirectory where a copy has none yet.
func TestCopyWithoutNote(t *testing.T) {
	t.Parallel()
	w, at, copies := served(t, 365, true)
	if err := os.Remove(filepath.Join(copies, "app", noteFile)); err != nil {
		t.Fatal(err)
	}
	hand := w.byHand(at, func(c *litekeep.Config) { c.Copies = []string{copies} })
	if _, err := hand.CleanupOldBackups(t.Context(), false); err != nil || countObjects(t, filepath.Join(copies, "app")) != 12 {
		t.Errorf("%d copies are left, %v", countObjects(t, filepath.Join(copies, "app")), err)
	}
	fresh := filepath.Join(t.TempDir(), "fresh")
	hand = w.byHand(at, func(c *litekeep.Config) { c.Copies = []string{fresh} })
	if actions, err := hand.SyncCopies(t.Context(), litekeep.SyncOptions{}); err != nil || len(actions) != 12 {
		t.Errorf("%d are copied to a new place, %v", len(actions), err)
	}
}

// TestNoteThatHolds prunes nothing where the note cannot be used, or says so.
func TestNoteThatHolds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(text string) string
		daily  int
		prune  bool
		held   int // backups that the terms would drop
		says   []string
	}{
		"later version":   {func(s string) string { return strings.Replace(s, `"retention":1`, `"retention":2`, 1) }, 365, true, 22, []string{noteFile, "version", "2", "--keep-"}},
		"cut off":         {func(s string) string { return s[:len(s)/2] }, 365, true, 22, []string{noteFile, "damaged", "--keep-", "remove the file"}},
		"empty":           {func(string) string { return "" }, 365, true, 22, []string{noteFile, "damaged"}},
		"another number":  {func(s string) string { return strings.Replace(s, "365", "-365", 1) }, 365, true, 22, []string{noteFile, "damaged"}},
		"time zone":       {func(s string) string { return strings.Replace(s, `"UTC"`, `"Moon/Sea"`, 1) }, 365, true, 22, []string{noteFile, "Moon/Sea"}},
		"keep everything": {func(s string) string { return s }, 2, false, 20, []string{"/etc/litekeep.yaml", "prune: false", "--keep-"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, at, copies := served(t, test.daily, test.prune)
			for _, folder := range []string{w.folder, filepath.Join(copies, "app")} {
				path := filepath.Join(folder, noteFile)
				text, err := os.ReadFile(path)
				if err == nil {
					err = os.WriteFile(path, []byte(test.change(string(text))), 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			hand := w.byHand(at, func(c *litekeep.Config) { c.Copies = []string{copies} })
			all, err := hand.CleanupOldBackups(t.Context(), false)
			if err != nil || len(all) != 24 {
				t.Fatal(len(all), err)
			}
			held := 0
			for _, d := range all {
				if !d.Keep || d.Removed || d.Trashed || d.Held == "" || d.ServiceRule != nil {
					t.Fatalf("%+v", d)
				}
				if slices.Equal(d.Rules, []string{"held"}) && d.Reason == d.Held {
					held++
				}
			}
			if held != test.held {
				t.Errorf("%d are held", held)
			}
			b, err := hand.CreateBackup(t.Context())
			if err != nil || countObjects(t, w.folder) != 13 {
				t.Fatalf("%+v, %v", b, err)
			}
			for _, part := range test.says {
				if !strings.Contains(strings.Join(b.Warnings, "\n"), part) {
					t.Errorf("no %q in %q", part, b.Warnings)
				}
			}
			d, err := hand.DeleteBackup(t.Context(), b.Path, litekeep.DeleteOptions{})
			if err != nil || len(d) != 2 || !d[0].Trashed || !d[1].Trashed {
				t.Errorf("deleted by hand: %+v, %v", d, err)
			}
			at.days(400)
			if _, err := hand.CleanupOldBackups(t.Context(), false); err != nil || !exists(b.Path) {
				t.Errorf("the trash was emptied: %v", err)
			}
		})
	}
}

// TestNoteIsNoBackup has every command that looks at the folder pass over the note,
// writes it only when it changes, and leaves a folder alone that has no backups.
func TestNoteIsNoBackup(t *testing.T) {
	t.Parallel()
	w, at, copies := served(t, 365, true)
	ctx := t.Context()
	if list := w.list(); len(list) != 12 {
		t.Errorf("%d are listed", len(list))
	}
	checks, err := w.VerifyCopies(ctx, true)
	if err != nil || len(checks) != 24 {
		t.Errorf("%d are checked, %v", len(checks), err)
	}
	if actions, err := w.SyncCopies(ctx, litekeep.SyncOptions{Full: true}); err != nil || len(actions) > 0 {
		t.Errorf("%+v, %v", actions, err)
	}
	w.backup() // sweeps
	cut := filepath.Join(w.folder, noteFile+".0123456789abcdef.partial")
	if err := os.WriteFile(cut, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(filepath.Join(w.folder, noteFile))
	if err != nil {
		t.Fatal(err)
	}
	at.days(1)
	w.backup()
	if err := w.NoteRetention(ctx, "/etc/litekeep.yaml", true); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(filepath.Join(w.folder, noteFile))
	if err != nil || !os.SameFile(before, after) {
		t.Errorf("the note was written again: %v", err)
	}
	if exists(cut) {
		t.Error("what an interrupted run left of a note is there")
	}
	if err := w.NoteRetention(ctx, "/etc/other.yaml", true); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{w.folder, filepath.Join(copies, "app")} {
		text, err := os.ReadFile(filepath.Join(folder, noteFile))
		if err != nil || !strings.Contains(string(text), "/etc/other.yaml") {
			t.Errorf("%s, %v", text, err)
		}
	}
	empty := newWorld(t, smallSQL, nil)
	if err := empty.NoteRetention(ctx, "/etc/litekeep.yaml", true); err != nil || exists(empty.backups) {
		t.Errorf("a note of no backups: %v", err)
	}
}
