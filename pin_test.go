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

func TestPin(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	copies := filepath.Join(t.TempDir(), "copies")
	w := newWorld(t, smallSQL, func(c *litekeep.Config) { c.NoPrune, c.Copies = true, []string{copies} }, at.option())
	old := w.backup()
	at.days(1)
	w.backup()
	at.days(100)
	until := at.now.Add(10 * day)
	ctx := litekeep.WithActor(t.Context(), "ada")
	if err := w.PinBackup(ctx, old.Path, "before migration", until); err != nil {
		t.Fatal(err)
	}
	got := w.list()[1]
	want := litekeep.Pin{Note: "before migration", Since: at.now, Until: until, By: "ada"}
	if got.Pin == nil || *got.Pin != want || !got.Pinned.Equal(until) || got.Safety {
		t.Errorf("listed with %+v, %v", got.Pin, got.Pinned)
	}
	for _, path := range []string{old.Path, copyOf(copies, old)} {
		if d := w.cleanup(false)[path]; !d.Keep || d.Reason != "pinned: before migration" || len(d.Rules) != 1 || d.Rules[0] != "pinned" {
			t.Errorf("%s: %+v", path, d)
		}
	}
	if _, err := w.DeleteBackup(t.Context(), old.Path, litekeep.DeleteOptions{}); !errors.Is(err, litekeep.ErrKept) || !strings.Contains(err.Error(), "before migration") {
		t.Errorf("deleted: %v", err)
	}
	if err := w.PinBackup(ctx, old.Path, "for ever", time.Time{}); err != nil { // another one, by another
		t.Fatal(err)
	}
	at.days(3000)
	if d := w.cleanup(false)[old.Path]; !d.Keep {
		t.Errorf("for ever: %+v", d)
	}
	if got := w.list()[1].Pin; got == nil || !got.Until.IsZero() {
		t.Errorf("for ever: %+v", got)
	}
	if err := w.UnpinBackup(ctx, old.Path); err != nil {
		t.Fatal(err)
	}
	if got := w.list()[1]; got.Pin != nil || !got.Pinned.IsZero() {
		t.Errorf("unpinned: %+v", got.Pin)
	}
	for path, d := range w.cleanup(false) {
		if strings.HasSuffix(path, filepath.Base(old.Path)) && (!d.Removed || exists(path) || exists(path+".pin.json")) {
			t.Errorf("unpinned: %+v", d)
		}
	}
}

func TestPinWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, nil)
	b := w.backup()
	now := time.Now()
	for name, test := range map[string]struct {
		path, note string
		until      time.Time
		want       error
	}{
		"past":        {b.Path, "", now.Add(-time.Second), litekeep.ErrConfig},
		"far":         {b.Path, "", now.AddDate(9000, 0, 0), litekeep.ErrConfig},
		"long note":   {b.Path, strings.Repeat("x", 1001), time.Time{}, litekeep.ErrConfig},
		"no backup":   {filepath.Join(w.folder, "20200101T000000.000Z.json"), "", time.Time{}, litekeep.ErrNoBackup},
		"no object":   {w.db, "", time.Time{}, litekeep.ErrNoBackup},
		"no database": {filepath.Join(w.backups, "other", filepath.Base(b.Path)), "", time.Time{}, litekeep.ErrNoBackup},
	} {
		before := tree(t, w.dir)
		if err := w.PinBackup(t.Context(), test.path, test.note, test.until); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
		unchanged(t, w.dir, before)
	}
	if err := w.UnpinBackup(t.Context(), b.Path); err != nil || exists(b.Path+".pin.json") {
		t.Errorf("unpin without a pin: %v", err)
	}
}

// TestPinOfOld reads the file that earlier versions wrote for a safety backup, and
// one that nobody can read.
func TestPinOfOld(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	w := newWorld(t, smallSQL, noPrune, at.option())
	safety := w.backup()
	at.days(1)
	odd := w.backup()
	at.days(1)
	w.backup()
	for path, text := range map[string]string{
		safety.Path: `{"note":"before a restore of x","until":"2026-12-01T00:00:00Z"}` + "\n", odd.Path: "{",
	} {
		if err := os.WriteFile(path+".pin.json", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at.days(30)
	list := w.list()
	if b := list[2]; !b.Safety || b.Pin == nil || !b.Pin.Since.IsZero() || b.Pin.Until.Month() != time.December {
		t.Errorf("%+v", b.Pin)
	}
	if b := list[1]; b.Safety == false && (b.Pin == nil || !b.Pin.Until.IsZero() || b.Problem != "") {
		t.Errorf("%+v, %s", b.Pin, b.Problem)
	}
	for path, d := range w.cleanup(false) {
		if !d.Keep {
			t.Errorf("%s: %+v", path, d)
		}
	}
}

// TestPinnedIsNewest finds that a pin does not make a backup a worse one to restore.
func TestPinnedIsNewest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, nil)
	w.backup()
	b := w.backup()
	if err := w.PinBackup(t.Context(), b.Path, "", time.Time{}); err != nil {
		t.Fatal(err)
	}
	latest, err := litekeep.LatestBackup(t.Context(), w.folder)
	if err != nil || latest.Path != b.Path {
		t.Errorf("%+v, %v", latest, err)
	}
	safety := w.restore(b.Path, w.db).SafetyBackup
	if err := w.UnpinBackup(t.Context(), safety); err != nil {
		t.Fatal(err)
	}
	if latest, err = litekeep.LatestBackup(t.Context(), w.folder); err != nil || latest.Path != b.Path {
		t.Errorf("a safety backup without its pin is the newest: %+v, %v", latest, err)
	}
}

// TestPinPlaceDown pins where it can; sync brings the pin, and that it was taken
// back, to the others.
func TestPinPlaceDown(t *testing.T) {
	t.Parallel()
	at := newCalendar()
	copies := filepath.Join(t.TempDir(), "copies")
	w := newWorld(t, smallSQL, func(c *litekeep.Config) { c.NoPrune, c.Copies = true, []string{copies} }, at.option())
	b := w.backup()
	down := func(do func() error) {
		t.Helper()
		at.days(1)
		if err := os.Rename(copies, copies+".away"); err != nil {
			t.Fatal(err)
		}
		if err := do(); err == nil || errors.Is(err, litekeep.ErrNoBackup) {
			t.Errorf("a destination that is down: %v", err)
		}
		if err := os.Rename(copies+".away", copies); err != nil {
			t.Fatal(err)
		}
		if _, err := w.SyncCopies(t.Context(), litekeep.SyncOptions{}); err != nil {
			t.Fatal(err)
		}
		if own, there := contentOf(t, b.Path+".pin.json"), contentOf(t, copyOf(copies, b)+".pin.json"); own != there {
			t.Errorf("%s, %s", own, there)
		}
	}
	down(func() error { return w.PinBackup(t.Context(), b.Path, "x", time.Time{}) })
	if p := w.list()[0].Pin; p == nil || p.Note != "x" {
		t.Errorf("%+v", p)
	}
	down(func() error { return w.UnpinBackup(t.Context(), b.Path) })
	if p := w.list()[0].Pin; p != nil {
		t.Errorf("%+v", p)
	}
}
