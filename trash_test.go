package litekeep_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep"
)

const day = 24 * time.Hour

// trashed returns the paths of what is in the trash.
func (w *world) trashed() (paths []string) {
	w.t.Helper()
	list, err := w.ListTrash(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, b := range list {
		paths = append(paths, b.Path)
	}
	return paths
}

func grace(c *litekeep.Config) { c.NoPrune, c.TrashGrace = true, 3*day }

// TestTrash follows a backup through the trash, with a copy in another folder.
func TestTrash(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	copies := filepath.Join(t.TempDir(), "copies")
	w := newWorld(t, smallSQL, func(c *litekeep.Config) { grace(c); c.Copies = []string{copies} }, at.option())
	old := w.backup()
	at.days(1)
	w.backup()
	at.days(8)
	before := tree(t, w.dir)
	if d := w.cleanup(true)[old.Path]; d.Keep || d.Trashed || d.Removed {
		t.Errorf("dry run: %+v", d)
	}
	unchanged(t, w.dir, before)
	if d := w.cleanup(false)[old.Path]; d.Keep || !d.Trashed || d.Removed || d.Reason == "" {
		t.Errorf("%+v", d)
	}
	if len(w.list()) != 1 || !exists(old.Path) || exists(old.Path+".manifest.json") {
		t.Error("it is not in the trash")
	}
	list, err := w.ListTrash(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	own := list[0]
	if own.Path != old.Path || own.Database != "app" || own.SizeBytes != old.SizeBytes || !own.TrashedAt.Equal(at.now) ||
		!own.RemoveAfter.Equal(at.now.Add(3*day)) || !own.Timestamp.Equal(old.Timestamp) || own.Problem != "" || own.Destination != "" {
		t.Errorf("%+v", own)
	}
	if there := list[1]; there.Path != copyOf(copies, old) || there.Destination != copies {
		t.Errorf("%+v", there)
	}
	at.days(2)
	if plan := w.cleanup(false); len(plan) != 2 || !exists(old.Path) {
		t.Errorf("before the grace time is over: %+v", plan)
	}
	at.days(1)
	if d := w.cleanup(true)[old.Path]; d.Keep || d.Removed || !strings.HasPrefix(d.Reason, "in the trash since 2026-05-10") {
		t.Errorf("dry run, afterwards: %+v", d)
	}
	if d := w.cleanup(false)[old.Path]; !d.Removed || exists(old.Path) || exists(copyOf(copies, old)) {
		t.Errorf("afterwards: %+v", d)
	}
	clean(t, w.folder)
	clean(t, filepath.Join(copies, "app"))
}

func TestUndelete(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	copies := filepath.Join(t.TempDir(), "copies")
	w := newWorld(t, smallSQL, func(c *litekeep.Config) { grace(c); c.Copies = []string{copies} }, at.option())
	old := w.backup()
	at.days(1)
	w.backup()
	at.days(8)
	w.cleanup(false)
	if err := w.Undelete(t.Context(), old.Path); err != nil {
		t.Fatal(err)
	}
	if len(w.trashed()) != 0 || !exists(copyOf(copies, old)+".manifest.json") {
		t.Error("it is still in a trash")
	}
	if _, err := w.VerifyBackup(t.Context(), old.Path); err != nil {
		t.Error(err)
	}
	w.restore(old.Path, filepath.Join(w.dir, "again.db"))
	at.days(6)
	if d := w.cleanup(false)[old.Path]; !d.Keep || d.Reason != "pinned: taken out of the trash" {
		t.Errorf("within a week: %+v", d)
	}
	if err := w.Undelete(t.Context(), old.Path); !errors.Is(err, litekeep.ErrNoBackup) {
		t.Errorf("what is not in the trash: %v", err)
	}
	at.days(2)
	if d := w.cleanup(false)[old.Path]; !d.Trashed {
		t.Errorf("after a week: %+v", d)
	}
	if err := os.Remove(old.Path); err != nil {
		t.Fatal(err)
	}
	if err := w.Undelete(t.Context(), old.Path); !errors.Is(err, litekeep.ErrDamaged) {
		t.Errorf("what has lost its object: %v", err)
	}
}

// TestTrashSurvivesRun leaves the mark of a run that was cut off after its manifest
// was written: what it made is in the trash now, and no later run may sweep it.
func TestTrashSurvivesRun(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	w := newWorld(t, smallSQL, grace, at.option())
	old := w.backup()
	at.days(1)
	w.backup()
	at.days(8)
	w.cleanup(false)
	scratch := filepath.Join(w.folder, ".tmp")
	if err := errors.Join(os.MkdirAll(scratch, 0o700), os.WriteFile(filepath.Join(scratch, "object"), []byte(filepath.Base(old.Path)), 0o600)); err != nil {
		t.Fatal(err)
	}
	w.backup()
	if !exists(old.Path) {
		t.Error("the next run has removed an object from the trash")
	}
}

// TestTrashKeepsLastGood has nothing good but what is in the trash.
func TestTrashKeepsLastGood(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	w := newWorld(t, smallSQL, grace, at.option())
	old := w.backup()
	at.days(1)
	newer := w.backup()
	at.days(8)
	w.cleanup(false)
	flipByte(t, newer.Path)
	w.wantDamaged(newer.Path, "the flipped byte")
	at.days(30)
	w.cleanup(false)
	if !exists(old.Path) {
		t.Fatal("the last good backup was removed from the trash")
	}
	kept, err := w.EmptyTrash(t.Context(), litekeep.DeleteOptions{})
	if err != nil || len(kept) != 1 || !kept[0].Keep || !exists(old.Path) {
		t.Errorf("emptied: %+v, %v", kept, err)
	}
	before := tree(t, w.dir)
	if d, err := w.EmptyTrash(t.Context(), litekeep.DeleteOptions{Force: true, DryRun: true}); err != nil || len(d) != 1 || d[0].Keep || d[0].Removed {
		t.Errorf("dry run: %+v, %v", d, err)
	}
	unchanged(t, w.dir, before)
	if d, err := w.EmptyTrash(t.Context(), litekeep.DeleteOptions{Force: true}); err != nil || len(d) != 1 || !d[0].Removed || exists(old.Path) {
		t.Errorf("emptied by force: %+v, %v", d, err)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	copies := filepath.Join(t.TempDir(), "copies")
	w := newWorld(t, smallSQL, func(c *litekeep.Config) { grace(c); c.Copies, c.KeepMinimum = []string{copies}, 2 }, at.option())
	var made []*litekeep.Backup
	for range 3 {
		at.days(1)
		made = append(made, w.backup())
	}
	first, second, third := made[0], made[1], made[2]
	if d, err := w.DeleteBackup(t.Context(), first.Path, litekeep.DeleteOptions{DryRun: true}); err != nil || len(d) != 2 || d[0].Trashed || !exists(first.Path+".manifest.json") {
		t.Errorf("dry run: %+v, %v", d, err)
	}
	d, err := w.DeleteBackup(t.Context(), copyOf(copies, first), litekeep.DeleteOptions{}) // by the name of a copy
	if err != nil || len(d) != 2 || !d[0].Trashed || !d[1].Trashed || d[0].Destination != copies || d[1].Path != first.Path || d[1].Destination != "" {
		t.Errorf("%+v, %v", d, err)
	}
	if got := w.trashed(); len(got) != 2 || len(w.list()) != 2 {
		t.Errorf("in the trash: %q", got)
	}
	before := tree(t, w.dir)
	if _, err := w.DeleteBackup(t.Context(), second.Path, litekeep.DeleteOptions{}); !errors.Is(err, litekeep.ErrKept) || !strings.Contains(err.Error(), "1 would be left, at least 2 must") {
		t.Errorf("fewer than the minimum: %v", err)
	}
	unchanged(t, w.dir, before)
	if _, err := w.DeleteBackup(t.Context(), second.Path, litekeep.DeleteOptions{Force: true}); err != nil || exists(second.Path+".manifest.json") {
		t.Errorf("by force: %v", err)
	}
	for _, path := range []string{first.Path, filepath.Join(w.folder, "20200101T000000.000Z.json"), w.db, filepath.Join(w.dir, "no", "such", filepath.Base(third.Path))} {
		if _, err := w.DeleteBackup(t.Context(), path, litekeep.DeleteOptions{}); !errors.Is(err, litekeep.ErrNoBackup) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if exists(filepath.Join(w.dir, "no")) {
		t.Error("looking for a backup has made a folder")
	}
	// Without a grace time it is gone at once.
	now := w.service(func(c *litekeep.Config) { c.TrashGrace = 0 }, at.option())
	if d, err := now.DeleteBackup(t.Context(), third.Path, litekeep.DeleteOptions{Force: true}); err != nil || len(d) != 1 || !d[0].Removed || exists(third.Path) {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestDeletePlaceDown deletes where it can, and sync does not bring the rest back to
// where it is in the trash.
func TestDeletePlaceDown(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	copies := filepath.Join(t.TempDir(), "copies")
	w := newWorld(t, smallSQL, func(c *litekeep.Config) { grace(c); c.Copies = []string{copies} }, at.option())
	first := w.backup()
	at.days(1)
	w.backup()
	if err := os.Rename(copies, copies+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.DeleteBackup(t.Context(), first.Path, litekeep.DeleteOptions{}); err == nil || errors.Is(err, litekeep.ErrNoBackup) {
		t.Errorf("a destination that is down: %v", err)
	}
	if exists(first.Path + ".manifest.json") {
		t.Error("it is still listed")
	}
	if err := os.Rename(copies+".away", copies); err != nil {
		t.Fatal(err)
	}
	if done, err := w.SyncCopies(t.Context(), litekeep.SyncOptions{}); err != nil || len(done) != 0 {
		t.Errorf("sync: %+v, %v", done, err)
	}
	if checks, err := w.VerifyCopies(t.Context(), false); err != nil {
		t.Errorf("verify --all misses it: %+v, %v", checks, err)
	}
}

// TestLinkedFolder prunes a database whose folder is a link to somewhere else.
func TestLinkedFolder(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	w := newWorld(t, smallSQL, noPrune, at.option())
	away := filepath.Join(t.TempDir(), "big disk")
	if err := errors.Join(os.MkdirAll(w.backups, 0o700), os.Mkdir(away, 0o700), os.Symlink(away, w.folder)); err != nil {
		t.Fatal(err)
	}
	old := w.backup()
	at.days(1)
	w.backup()
	at.days(8)
	if d := w.cleanup(false)[old.Path]; !d.Removed || d.Database != "app" || exists(old.Path) {
		t.Errorf("%+v", d)
	}
}
