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

// TestPlaceCheck uses no folder that is refused, whatever is asked for, and the others
// all the same.
func TestPlaceCheck(t *testing.T) {
	t.Parallel()
	refused, asked := errors.New("this place is another one"), map[string]bool{}
	copies := filepath.Join(t.TempDir(), "copies")
	w := newWorld(t, smallSQL, func(c *litekeep.Config) { c.Copies, c.NoPrune = []string{copies}, true })
	b := w.backup()
	away := filepath.Dir(w.folder)
	if err := os.Rename(away, away+".away"); err != nil {
		t.Fatal(err)
	}
	s := w.service(func(c *litekeep.Config) { c.Copies, c.MinCopies = []string{"file://" + copies}, 1 }, litekeep.WithPlaceCheck(func(folder string) error {
		if asked[folder] = true; folder == away {
			return refused
		}
		return nil
	}))
	ctx := t.Context()
	_, list := s.ListBackups(ctx)
	_, prune := s.CleanupOldBackups(ctx, false)
	_, sync := s.SyncCopies(ctx, litekeep.SyncOptions{})
	checks, verify := s.VerifyCopies(ctx, false)
	_, remove := s.DeleteBackup(ctx, b.Path, litekeep.DeleteOptions{})
	for name, err := range map[string]error{
		"list": list, "prune": prune, "sync": sync, "verify": verify, "delete": remove, "pin": s.PinBackup(ctx, b.Path, "", time.Time{}),
		"note": s.NoteRetention(ctx, "litekeep.yaml", true),
	} {
		if !errors.Is(err, refused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(checks) != 1 || !checks[0].OK || !asked[copies] {
		t.Errorf("the other place: %+v, asked of %v", checks, asked)
	}
	made, err := s.CreateBackup(ctx)
	if err != nil || made.Verified.IsZero() || len(made.Copies) != 2 || made.Copies[0].OK || !strings.Contains(made.Copies[0].Error, refused.Error()) || !made.Copies[1].OK {
		t.Fatalf("%+v, %v", made, err)
	}
	if filepath.Dir(strings.TrimPrefix(made.Path, "file://")) != filepath.Join(copies, "app") {
		t.Error(made.Path)
	}
	r, err := s.RestoreBackup(ctx, made.Path, w.db, litekeep.RestoreOptions{})
	if err != nil || !strings.HasPrefix(r.SafetyBackup, "file://"+copies) {
		t.Errorf("%+v, %v", r, err)
	}
	if exists(away) {
		t.Error("the folder was made")
	}
	alone := w.service(func(c *litekeep.Config) { c.Copies = nil }, litekeep.WithPlaceCheck(func(string) error { return refused }))
	if _, err := alone.CreateBackup(ctx); !errors.Is(err, refused) || exists(away) {
		t.Errorf("no other place: %v", err)
	}
}
