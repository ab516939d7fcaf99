package litekeep_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/litekeep/litekeep"
)

// TestListOfFramesThatMakeNoSense has a manifest whose checksum is right and whose
// frames are not: a list does not look at them, and all that uses them refuses it.
func TestListOfFramesThatMakeNoSense(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, nil)
	good := w.backup()
	bad := w.backup()
	path := bad.Path + ".manifest.json"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	offset := regexp.MustCompile(`\{"offset":[1-9]\d*,`)
	text = offset.ReplaceAll(text, []byte(`{"offset":7,`))
	text = text[:bytes.LastIndex(text, []byte(`"sha256":`))]
	text = fmt.Appendf(text, "\"sha256\":\"%x\"}\n", sha256.Sum256(text))
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	list := w.list()
	if len(list) != 2 || list[0].Path != bad.Path || list[0].Problem != "" || list[0].RecordCount != bad.RecordCount || list[0].Digest != bad.Digest {
		t.Fatalf("%+v", list)
	}
	if latest, err := litekeep.LatestBackup(t.Context(), w.folder); err != nil || latest.Path != good.Path {
		t.Errorf("latest: %v, %v", latest, err)
	}
	w.wantDamaged(bad.Path, "frames that make no sense")
	if _, err := w.BackupDetails(t.Context(), bad.Path); !errors.Is(err, litekeep.ErrDamaged) {
		t.Errorf("details: %v", err)
	}
}

// TestListTellsWhatChanged lists again after each change beside a backup.
func TestListTellsWhatChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, func(c *litekeep.Config) { grace(c); c.KeepMinimum = 1 })
	old, b := w.backup(), w.backup()
	if got := w.list(); len(got) != 2 || got[0].Pin != nil || len(w.trashed()) != 0 {
		t.Fatalf("%+v", got)
	}
	if err := w.PinBackup(t.Context(), b.Path, "why not", time.Time{}); err != nil {
		t.Fatal(err)
	}
	if got := w.list()[0]; got.Pin == nil || got.Pin.Note != "why not" {
		t.Errorf("pinned: %+v", got)
	}
	if _, err := w.DeleteBackup(t.Context(), old.Path, litekeep.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if got, trash := w.list(), w.trashed(); len(got) != 1 || len(trash) != 1 || trash[0] != old.Path {
		t.Errorf("deleted: %+v, trash %v", got, trash)
	}
	if err := os.Truncate(b.Path, 100); err != nil {
		t.Fatal(err)
	}
	if got := w.list()[0]; got.Problem == "" {
		t.Errorf("cut off: %+v", got)
	}
	if err := os.Rename(w.folder, w.folder+".away"); err != nil {
		t.Fatal(err)
	}
	if got, trash := w.list(), w.trashed(); len(got) != 0 || len(trash) != 0 {
		t.Errorf("moved away: %+v, trash %v", got, trash)
	}
}
