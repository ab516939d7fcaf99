package litekeep_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/durable"
)

// calendar is a clock that a test sets.
type calendar struct{ now time.Time }

func newCalendar() *calendar { return &calendar{time.Date(2026, 5, 1, 3, 0, 0, 0, time.UTC)} }

func (c *calendar) option() litekeep.Option {
	return litekeep.WithClock(func() time.Time { return c.now })
}

func (c *calendar) days(n int) { c.now = c.now.AddDate(0, 0, n) }

// cleanup removes old backups and returns what was decided of each, by path.
func (w *world) cleanup(dryRun bool) map[string]litekeep.Decision {
	w.t.Helper()
	decisions, err := w.CleanupOldBackups(w.t.Context(), dryRun)
	if err != nil {
		w.t.Fatal(err)
	}
	byPath := map[string]litekeep.Decision{}
	for _, d := range decisions {
		byPath[d.Path] = d
	}
	return byPath
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func noPrune(c *litekeep.Config) { c.NoPrune = true }

func TestPruneByAge(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	w := newWorld(t, smallSQL, noPrune, at.option())
	var paths []string
	for range 12 { // 11 to 0 days old
		paths = append(paths, w.backup().Path)
		at.days(1)
	}
	at.days(-1)
	before := tree(t, w.dir)
	dry := w.cleanup(true)
	unchanged(t, w.dir, before)
	real := w.cleanup(false)
	for i, path := range paths {
		keep := i >= 4 // 7 days old, and younger
		d := real[path]
		if d.Keep != keep || d.Removed == keep || exists(path) != keep || exists(path+".manifest.json") != keep {
			t.Errorf("%d days old: %+v", 11-i, d)
		}
		if plan := dry[path]; plan.Keep != keep || plan.Removed || plan.Reason != d.Reason || d.Reason == "" || d.Size == 0 {
			t.Errorf("%d days old, dry run: %+v, real: %+v", 11-i, plan, d)
		}
	}
	if len(w.list()) != 8 {
		t.Errorf("%d are left", len(w.list()))
	}
	clean(t, w.folder)
	at.days(365)
	w.cleanup(false)
	if list := w.list(); len(list) != 1 || list[0].Path != paths[11] {
		t.Errorf("the last verified backup is not all that stays: %+v", list)
	}
	if _, err := w.VerifyBackup(t.Context(), paths[11]); err != nil {
		t.Error(err)
	}
}

func TestBackupPrunes(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	w := newWorld(t, smallSQL, nil, at.option())
	old := w.backup()
	at.days(8)
	unverified := w.service(func(c *litekeep.Config) { c.VerifyOnBackup = false }, at.option())
	if b, err := unverified.CreateBackup(t.Context()); err != nil || len(b.Pruned) != 0 || !exists(old.Path) {
		t.Fatalf("after a backup that was not verified: %+v, %v", b, err)
	}
	at.days(1)
	if b, err := w.service(noPrune, at.option()).CreateBackup(t.Context()); err != nil || len(b.Pruned) != 0 || !exists(old.Path) {
		t.Fatalf("with NoPrune: %+v, %v", b, err)
	}
	if err := os.Rename(w.db, w.db+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.CreateBackup(t.Context()); err == nil || !exists(old.Path) {
		t.Fatalf("after a failure: %v", err)
	}
	if err := os.Rename(w.db+".away", w.db); err != nil {
		t.Fatal(err)
	}
	at.days(1)
	b := w.backup()
	removed := 0
	for _, d := range b.Pruned {
		if d.Removed {
			removed++
		}
	}
	if exists(old.Path) || removed != 1 || len(b.Pruned) != 4 {
		t.Errorf("after a verified success: %+v", b.Pruned)
	}
}

func TestPruneKeepsFuture(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	w := newWorld(t, smallSQL, noPrune, at.option())
	first := w.backup().Path
	at.days(30)
	future := w.backup().Path
	at.days(-10) // 20 days after the first, 10 before the second
	plan := w.cleanup(false)
	if d := plan[future]; !d.Keep || !d.Future || !strings.Contains(d.Reason, "future") {
		t.Errorf("%+v", d)
	}
	if d := plan[first]; !d.Keep || d.Future {
		t.Errorf("the future has taken the place of the newest backup: %+v", d)
	}
}

// TestPruneCountsGoodOnly has newer backups that are not good: the last good one
// and what is newer stay.
func TestPruneCountsGoodOnly(t *testing.T) {
	t.Parallel()
	spoilers := map[string]func(t *testing.T, w *world, path string){
		"never verified": nil,
		"found damaged": func(t *testing.T, w *world, path string) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			data[len(data)/2] ^= 1
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			w.wantDamaged(path, "the flipped bit")
		},
		"lost object": func(t *testing.T, _ *world, path string) {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		},
		"unreadable manifest": func(t *testing.T, _ *world, path string) {
			if err := os.Truncate(path+".manifest.json", 99); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, spoil := range spoilers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := newCalendar()
			w := newWorld(t, smallSQL, noPrune, at.option())
			old, good := w.backup().Path, ""
			at.days(1)
			good = w.backup().Path
			at.days(1)
			s := w.service(func(c *litekeep.Config) { c.NoPrune, c.VerifyOnBackup = true, spoil != nil }, at.option())
			bad, err := s.CreateBackup(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if spoil != nil {
				spoil(t, w, bad.Path)
			}
			at.days(100)
			plan := w.cleanup(false)
			if d := plan[good]; !d.Keep || d.Reason != "newest verified backup" {
				t.Errorf("the last good one: %+v", d)
			}
			if d := plan[bad.Path]; !d.Keep {
				t.Errorf("what is newer than the last good one: %+v", d)
			}
			if d := plan[old]; d.Keep || exists(old) {
				t.Errorf("the old one: %+v", d)
			}
		})
	}
}

func TestPruneKeepsMinimum(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	w := newWorld(t, smallSQL, func(c *litekeep.Config) { c.NoPrune, c.KeepLast, c.RetentionDays = true, 3, 1 }, at.option())
	for range 5 {
		w.backup()
		at.days(1)
	}
	at.days(99)
	w.cleanup(false)
	if n := len(w.list()); n != 3 {
		t.Errorf("%d are left", n)
	}
}

func TestPruneKeepsPinned(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	w := newWorld(t, smallSQL, noPrune, at.option())
	b := w.backup()
	safety := w.restore(b.Path, w.db).SafetyBackup
	at.days(1)
	w.backup()
	at.days(20)
	if d := w.cleanup(false)[safety]; !d.Keep || !strings.HasPrefix(d.Reason, "pinned: before a restore of ") {
		t.Errorf("after three weeks: %+v", d)
	}
	at.days(11)
	if d := w.cleanup(false)[safety]; d.Keep || exists(safety) || exists(safety+".pin.json") {
		t.Errorf("after a month: %+v", d)
	}
	clean(t, w.folder)
}

// TestPruneIsFinished meets a backup whose removal was cut off after each of
// its steps.
func TestPruneIsFinished(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	w := newWorld(t, smallSQL, noPrune, at.option())
	for _, gone := range [][]string{{}, {""}, {"", ".checked.json"}} {
		path := w.backup().Path
		if _, err := w.VerifyBackup(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".manifest.json", path+".manifest.json.pruned"); err != nil {
			t.Fatal(err)
		}
		for _, suffix := range gone {
			if err := os.Remove(path + suffix); err != nil {
				t.Fatal(err)
			}
		}
		if len(w.list()) != 0 {
			t.Error("it is listed")
		}
		before := tree(t, w.dir)
		w.cleanup(true)
		unchanged(t, w.dir, before)
		w.cleanup(false)
		clean(t, w.folder)
		if exists(path) {
			t.Error("the object is still there")
		}
	}
}

// TestPruneLeavesForeignFiles puts files of other people into the folders.
func TestPruneLeavesForeignFiles(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	w := newWorld(t, smallSQL, nil, at.option())
	old := w.backup()
	object := filepath.Base(old.Path)
	foreign := map[string]string{
		"README":                            w.folder,
		"notes.json":                        w.folder,
		"notes.json.manifest.json":          w.folder,
		"notes.json.manifest.json.pruned":   w.folder,
		"19990101T000000.000Z.json.zst":     w.folder, // an object without a manifest
		"20260501T030000.000Z.json.zst.bak": w.folder,
		object + ".sha256":                  w.folder,
		"photo.jpg.partial":                 w.folder,
		"draft.partial":                     w.folder,
		"photo.jpg":                         filepath.Join(w.backups, "holidays"),
		".hidden":                           filepath.Join(w.backups, ".git"),
		"loose.json.zst":                    w.backups,
	}
	for name, dir := range foreign {
		if err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o640)); err != nil {
			t.Fatal(err)
		}
	}
	before := tree(t, w.dir)
	at.days(30)
	w.backup()
	w.cleanup(false)
	all := w.service(func(c *litekeep.Config) { c.DatabasePath = "" }, at.option())
	if _, err := all.CleanupOldBackups(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if exists(old.Path) {
		t.Error("the old backup is still there")
	}
	after := tree(t, w.dir)
	for name, dir := range foreign {
		rel, err := filepath.Rel(w.dir, filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if after[rel] != before[rel] {
			t.Errorf("%s was %s and is %s", rel, before[rel], after[rel])
		}
	}
	for name := range after {
		if strings.Contains(name, "holidays"+string(filepath.Separator)) && before[name] == "" || strings.Contains(name, ".git"+string(filepath.Separator)) && before[name] == "" {
			t.Errorf("%s was made in a folder of somebody else", name)
		}
	}
}

// TestPruneReportsFailure cannot remove a file, and tries again the next time.
func TestPruneReportsFailure(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	w := newWorld(t, smallSQL, nil, at.option())
	stuck, other := w.backup().Path, ""
	at.days(1)
	other = w.backup().Path
	at.days(30)
	refuse := true
	s := w.service(nil, at.option(), litekeep.WithBefore(func(op durable.Op, path string) error {
		if refuse && op == durable.OpRemove && path == stuck {
			return fs.ErrPermission
		}
		return nil
	}))
	b, err := s.CreateBackup(t.Context())
	if err != nil {
		t.Fatalf("the backup itself is good: %v", err)
	}
	if len(b.Warnings) != 1 || !strings.Contains(b.Warnings[0], stuck) {
		t.Errorf("the backup does not warn: %q", b.Warnings)
	}
	for _, d := range b.Pruned {
		if d.Path == stuck && (d.Removed || !strings.Contains(d.Error, stuck)) || d.Path == other && !d.Removed {
			t.Errorf("%+v", d)
		}
	}
	if !exists(stuck) || exists(other) {
		t.Error("not what was to be removed was removed")
	}
	if _, err := s.CleanupOldBackups(t.Context(), false); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), stuck) {
		t.Errorf("the second try: %v", err)
	}
	if list := w.list(); len(list) != 1 || list[0].Path != b.Path {
		t.Errorf("listed: %+v", list)
	}
	refuse = false
	if _, err := s.CleanupOldBackups(t.Context(), false); err != nil {
		t.Error(err)
	}
	clean(t, w.folder)
	if exists(stuck) {
		t.Error("it is still there")
	}
}

// TestPruneMeetsFolder finds a folder in the place of an object.
func TestPruneMeetsFolder(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	w := newWorld(t, smallSQL, noPrune, at.option())
	path := w.backup().Path
	at.days(30)
	w.backup()
	keepsake := filepath.Join(path, "keepsake")
	if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700), os.WriteFile(keepsake, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := w.CleanupOldBackups(t.Context(), false); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%v", err)
		}
	}
	if !exists(keepsake) {
		t.Error("a foreign file is gone")
	}
}

// TestPruneKeepsSourcesApart backs up two databases of one name.
func TestPruneKeepsSourcesApart(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	w := newWorld(t, smallSQL, noPrune, at.option())
	second := filepath.Join(w.dir, "elsewhere", "app.db")
	if err := os.Mkdir(filepath.Dir(second), 0o700); err != nil {
		t.Fatal(err)
	}
	makeDatabase(t, second, otherSQL)
	oldest, first := w.backup().Path, ""
	at.days(1)
	first = w.backup().Path
	at.days(30)
	s := w.service(func(c *litekeep.Config) { c.DatabasePath = second }, at.option())
	b, err := s.CreateBackup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Dir(b.Path) != w.folder {
		t.Fatalf("the test needs one folder: %s", b.Path)
	}
	if len(w.list()) != 3 {
		t.Errorf("pruned by a backup beside those of another database: %+v", w.list())
	}
	w.cleanup(false)
	if exists(oldest) || !exists(first) || !exists(b.Path) || len(w.list()) != 2 {
		t.Errorf("not the newest of each is left: %+v", w.list())
	}
}

func TestPruneOfNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, nil)
	before := tree(t, w.dir)
	for _, s := range []*litekeep.Service{w.Service, w.service(func(c *litekeep.Config) { c.DatabasePath = "" })} {
		if d, err := s.CleanupOldBackups(t.Context(), false); err != nil || len(d) != 0 {
			t.Errorf("%v, %v", d, err)
		}
		if list, err := s.ListBackups(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("%v, %v", list, err)
		}
		if stats, err := s.BackupStats(t.Context()); err != nil || len(stats) != 0 {
			t.Errorf("%v, %v", stats, err)
		}
	}
	unchanged(t, w.dir, before)
}
