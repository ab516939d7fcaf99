package litekeep_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/litekeep/litekeep"
)

// TestUnlistedObjects tells of an object whose manifest was lost, in each place, but not
// of what the next run removes.
func TestUnlistedObjects(t *testing.T) {
	t.Parallel()
	copies, ctx := filepath.Join(t.TempDir(), "copies"), t.Context()
	w := newWorld(t, smallSQL, func(c *litekeep.Config) { c.Copies = []string{copies} })
	if found, err := w.UnlistedObjects(ctx); err != nil || len(found) > 0 {
		t.Errorf("before the first backup: %+v, %v", found, err)
	}
	b := w.backup()
	lose := func(path string) {
		t.Helper()
		if err := os.Remove(path + ".manifest.json"); err != nil {
			t.Fatal(err)
		}
	}
	lose(b.Path)
	lose(b.Copies[0].Path)
	if found, err := w.UnlistedObjects(ctx); err != nil || len(found) > 0 {
		t.Errorf("it is young: %+v, %v", found, err)
	}
	later := w.service(func(c *litekeep.Config) { c.Copies = []string{copies, filepath.Join(copies, "missing")} },
		litekeep.WithClock(func() time.Time { return time.Now().Add(61 * time.Minute) }))
	found, err := later.UnlistedObjects(ctx)
	if err != nil || len(found) != 2 || found[0].Path != b.Path || found[1].Path != b.Copies[0].Path || found[1].Destination != copies ||
		found[0].Database != "app" || !found[0].Timestamp.Equal(b.Timestamp) || found[0].SizeBytes != b.SizeBytes || time.Since(found[0].Modified) > time.Hour {
		t.Errorf("%+v, %v", found, err)
	}
	if found, err := later.UnlistedObjects(ctx, copies); err != nil || len(found) != 1 || found[0].Destination != copies {
		t.Errorf("of one place: %+v, %v", found, err)
	}
	// A run that was cut off has left it, and the next removes it.
	scratch := filepath.Join(w.folder, ".tmp")
	if err := os.MkdirAll(scratch, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(scratch, "object"), []byte(filepath.Base(b.Path)), 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := later.UnlistedObjects(ctx); err != nil || len(found) != 1 || found[0].Destination != copies {
		t.Errorf("what the next run removes: %+v, %v", found, err)
	}
	w.backup()
	if exists(b.Path) {
		t.Error("the next run did not remove it")
	}
}
