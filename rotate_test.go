package litekeep_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/durable"
)

// TestRotate moves backups from one key to another, and on to a third.
func TestRotate(t *testing.T) {
	t.Parallel()
	a, b, c := newKey(t), newKey(t), newKey(t)
	w := newWorld(t, smallSQL, withKeys(a))
	first, second := w.backup(), w.backup()
	before := read(t, first.Path)
	rotate := func(from, to string) []litekeep.Rotation {
		t.Helper()
		all, err := w.service(withKeys(from)).RotateKeys(t.Context(), []string{to}, false)
		if err != nil || len(all) != 2 {
			t.Fatalf("%+v, %v", all, err)
		}
		return all
	}
	for _, r := range rotate(a, b) {
		if r.Wrapped != 1 || r.Skipped != "" {
			t.Errorf("%+v", r)
		}
	}
	for _, r := range rotate(a, b) {
		if r.Wrapped != 0 || r.Skipped == "" {
			t.Errorf("again: %+v", r)
		}
	}
	rotate(b, c)
	if !bytes.Equal(before, read(t, first.Path)) {
		t.Error("a backup was changed")
	}
	for _, key := range []string{a, b, c} {
		for _, x := range []*litekeep.Backup{first, second} {
			if v, err := w.service(withKeys(key)).VerifyBackup(t.Context(), x.Path); err != nil || v.StoredOnly {
				t.Errorf("%+v, %v", v, err)
			}
		}
		if all, err := w.service(withKeys(key)).CheckKeys(t.Context()); err != nil || len(all) != 1 || !all[0].OK || all[0].Path != second.Path {
			t.Errorf("%+v, %v", all, err)
		}
	}
	uses, err := w.service(nil).ListKeys(t.Context())
	if err != nil || len(uses) != 2 || len(uses[0].Keys) != 3 || uses[0].Keys[0].Rewrapped || !uses[0].Keys[2].Rewrapped {
		t.Errorf("%+v, %v", uses, err)
	}
	clean(t, w.folder)

	// Without its manifest an object opens with a rotated key too.
	if err := os.Remove(first.Path + ".manifest.json"); err != nil {
		t.Fatal(err)
	}
	s := w.service(withKeys(c))
	if _, err := s.RestoreBackup(t.Context(), first.Path, filepath.Join(w.dir, "new.db"), litekeep.RestoreOptions{}); err != nil {
		t.Error(err)
	}
}

// TestRotateDamage wants rewrapped keys that are damaged, or of another backup,
// to be no harm to the others.
func TestRotateDamage(t *testing.T) {
	t.Parallel()
	a, b := newKey(t), newKey(t)
	w := newWorld(t, smallSQL, withKeys(a))
	first, second := w.backup(), w.backup()
	s := w.service(withKeys(b))
	if _, err := w.RotateKeys(t.Context(), []string{b}, false); err != nil {
		t.Fatal(err)
	}
	path := first.Path + ".keys-1.json"
	text := read(t, path)
	for name, changed := range map[string][]byte{
		"of another backup": read(t, second.Path+".keys-1.json"),
		"a byte":            bytes.Replace(text, []byte(`"wrapped":"`), []byte(`"wrapped":"A`), 1),
		"empty":             nil,
	} {
		spoil(t, path, changed, func() {
			if _, err := s.VerifyBackup(t.Context(), first.Path); !errors.Is(err, litekeep.ErrWrongKey) || !strings.Contains(err.Error(), ".keys-1.json") {
				t.Errorf("%s: %v", name, err)
			}
			if v, err := w.VerifyBackup(t.Context(), first.Path); err != nil || !v.OK {
				t.Errorf("%s, with the key of the header: %v", name, err)
			}
			// Another rotation steps over it.
			if _, err := w.RotateKeys(t.Context(), []string{b}, false); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := s.VerifyBackup(t.Context(), first.Path); err != nil {
				t.Errorf("%s, rotated again: %v", name, err)
			}
		})
		if err := os.Remove(first.Path + ".keys-2.json"); err != nil {
			t.Fatal(name, err)
		}
	}
}

// TestRotateStopsAnywhere fails a rotation at each step: backups open as before,
// and the next rotation does the rest.
func TestRotateStopsAnywhere(t *testing.T) {
	t.Parallel()
	a, b := newKey(t), newKey(t)
	for n := 1; ; n++ {
		w := newWorld(t, tinySQL, withKeys(a))
		w.backup()
		w.backup()
		step := 0
		s := w.service(withKeys(a), litekeep.WithBefore(func(durable.Op, string) error {
			if step++; step == n {
				return errors.New("fault")
			}
			return nil
		}))
		_, err := s.RotateKeys(t.Context(), []string{b}, false)
		for _, x := range w.list() {
			if x.Locked || x.Problem != "" {
				t.Errorf("step %d: %+v", n, x)
			}
		}
		if _, err := w.RotateKeys(t.Context(), []string{b}, false); err != nil {
			t.Errorf("after step %d: %v", n, err)
		}
		for _, x := range w.list() {
			if _, err := w.service(withKeys(b)).VerifyBackup(t.Context(), x.Path); err != nil {
				t.Errorf("after step %d: %v", n, err)
			}
		}
		if err == nil {
			if n < 5 {
				t.Errorf("only %d steps", n)
			}
			return
		}
	}
}

// TestPruneTakesKeys wants rewrapped keys to go with their backup, also where a
// prune was cut off.
func TestPruneTakesKeys(t *testing.T) {
	t.Parallel()
	key, next := newKey(t), newKey(t)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	clock := litekeep.WithClock(func() time.Time { return now })
	w := newWorld(t, tinySQL, withKeys(key), clock)
	old := w.backup()
	if _, err := w.RotateKeys(t.Context(), []string{next}, false); err != nil {
		t.Fatal(err)
	}
	now = now.Add(30 * 24 * time.Hour)
	fail := w.service(withKeys(key), clock, litekeep.WithBefore(func(op durable.Op, path string) error {
		if op == durable.OpRemove && strings.Contains(path, ".keys-") {
			return errors.New("fault")
		}
		return nil
	}))
	if _, err := fail.CreateBackup(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old.Path + ".keys-1.json"); err != nil {
		t.Fatal(err)
	}
	if list := w.list(); len(list) != 1 {
		t.Errorf("%d backups are listed", len(list))
	}
	w.backup()
	clean(t, w.folder)
	if _, err := os.Stat(old.Path + ".keys-1.json"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("left: %v", err)
	}
}

// TestCheckKeysSays what there is to say.
func TestCheckKeysSays(t *testing.T) {
	t.Parallel()
	a, wrong := newKey(t), newKey(t)
	w := newWorld(t, smallSQL, withKeys(a))
	if _, err := w.CheckKeys(t.Context()); err == nil {
		t.Error("nothing was backed up, and all keys are right")
	}
	plain := w.service(nil)
	if _, err := plain.CreateBackup(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.CheckKeys(t.Context()); !errors.Is(err, litekeep.ErrNoBackup) {
		t.Errorf("only a plain backup: %v", err)
	}
	b := w.backup()
	if _, err := plain.CheckKeys(t.Context()); !errors.Is(err, litekeep.ErrNoKey) {
		t.Errorf("no key: %v", err)
	}
	all, err := w.service(withKeys(wrong, a)).CheckKeys(t.Context())
	if !errors.Is(err, litekeep.ErrWrongKey) || len(all) != 2 || all[0].OK || !all[1].OK || all[0].Problem == "" {
		t.Errorf("%+v, %v", all, err)
	}
	at := frameAt(t, read(t, b.Path))
	object := read(t, b.Path)
	object[at[1]+100] ^= 1
	spoil(t, b.Path, object, func() {
		if _, err := w.CheckKeys(t.Context()); !errors.Is(err, litekeep.ErrDamaged) {
			t.Errorf("a damaged frame: %v", err)
		}
	})
}

// TestSealedEveryBit flips every bit of a sealed backup and of its manifest.
func TestSealedEveryBit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tinySQL, withKeys(newKey(t)), notNoted())
	b := w.backup()
	w.flipEveryBit(b.Path, b.Path)
	w.flipEveryBit(b.Path+".manifest.json", b.Path)
	if _, err := w.VerifyBackup(t.Context(), b.Path); err != nil {
		t.Errorf("the whole one: %v", err)
	}
}
