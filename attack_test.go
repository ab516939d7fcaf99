package litekeep_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/seal"
)

// frameAt are where the frames of a sealed object begin, and where the last one
// ends, as their prefixes tell.
func frameAt(t testing.TB, object []byte) (at []int) {
	t.Helper()
	const prefix, lengthAt, flagsAt = 24, 8, 20
	begin := true
	for i := bytes.Index(object, []byte("]}\n")) + 3; i < len(object); {
		if begin {
			at = append(at, i)
		}
		begin = object[i+flagsAt+3]&1 != 0
		n := object[i+lengthAt : i+lengthAt+4]
		i += prefix + (int(n[0])<<24 | int(n[1])<<16 | int(n[2])<<8 | int(n[3]))
	}
	return append(at, len(object))
}

// TestSealedAttacks changes sealed backups in every way that somebody without a
// key might, and wants each to be found and named.
func TestSealedAttacks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rowsSQL, func(c *litekeep.Config) { c.Compression, c.Keys = "none", []string{newKey(t)} })
	b, other := w.backup(), w.backup()
	object, foreign := read(t, b.Path), read(t, other.Path)
	at := frameAt(t, object)
	frame := func(i int) []byte { return object[at[i]:at[i+1]] }
	last := len(at) - 2
	if last < 5 {
		t.Fatalf("%d frames are too few", last+1)
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	header := object[:at[0]]
	flip := func(i int) []byte {
		x := bytes.Clone(object)
		x[i] ^= 4
		return x
	}
	foreignAt := frameAt(t, foreign)
	for _, test := range []struct {
		name    string
		changed []byte
		want    error
	}{
		{"a byte of a frame", flip(at[3] + 1000), seal.ErrDamaged},
		{"a byte of the last frame", flip(len(object) - 1), seal.ErrDamaged},
		{"a frame number", flip(at[3] + 15), seal.ErrDamaged},
		{"frames are swapped", join(header, frame(0), frame(2), frame(1), object[at[3]:]), seal.ErrMisplaced},
		{"a frame is dropped", join(object[:at[2]], object[at[3]:]), seal.ErrMisplaced},
		{"a frame is repeated", join(object[:at[3]], frame(2), object[at[3]:]), seal.ErrMisplaced},
		{"the last frame is dropped", object[:at[last]], seal.ErrCutOff},
		{"bytes follow", join(object, []byte("x")), seal.ErrCutOff},
		{"the last frame is repeated", join(object, frame(last)), seal.ErrCutOff},
		{"cut within a frame", object[:at[4]-100], seal.ErrCutOff},
		{"a frame of another backup", join(object[:at[2]], foreign[foreignAt[2]:foreignAt[3]], object[at[3]:]), seal.ErrOtherBackup},
		{"the header of another backup", join(foreign[:foreignAt[0]], object[at[0]:]), seal.ErrOtherBackup},
		{"the id in the header", bytes.Replace(object, []byte(`"codec":"none"`), []byte(`"codec":"gzip"`), 1), seal.ErrHeader},
		{"the mac", flip(bytes.Index(object, []byte(`"mac":"`)) + 7), seal.ErrHeader},
		{"another backup as a whole", foreign, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if bytes.Equal(test.changed, object) {
				t.Fatal("nothing is changed")
			}
			spoil(t, b.Path, test.changed, func() { w.wantAttackFound(t, b.Path, test.want) })
		})
	}
}

// wantAttackFound wants a changed object to be found out with its manifest and,
// as what it is, without.
func (w *world) wantAttackFound(t *testing.T, path string, want error) {
	t.Helper()
	target := filepath.Join(w.dir, "new.db")
	w.wantDamaged(path, "an attack")
	if err := os.Remove(path + ".checked.json"); err != nil {
		t.Fatal(err)
	}
	before := tree(t, w.dir)
	check := func(want error) {
		t.Helper()
		_, err := w.RestoreBackup(t.Context(), path, target, litekeep.RestoreOptions{})
		if !errors.Is(err, litekeep.ErrDamaged) || want != nil && !errors.Is(err, want) {
			t.Errorf("restore: %v", err)
		}
		unchanged(t, w.dir, before)
	}
	check(nil)
	if want == nil {
		return // a whole backup, if not this one
	}
	spoiled := path + ".manifest.json"
	text := read(t, spoiled)
	if err := os.Remove(spoiled); err != nil {
		t.Fatal(err)
	}
	before = tree(t, w.dir)
	check(want)
	if err := os.WriteFile(spoiled, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSealedAttacksBesideManifest wants the same errors where there is a manifest
// with the right length, and no change of the length gives the attack away.
func TestSealedAttacksBesideManifest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, rowsSQL, withKeys(newKey(t)), notNoted())
	b, other := w.backup(), w.backup()
	object, foreign := read(t, b.Path), read(t, other.Path)
	at := frameAt(t, object)
	byteOf := func(i int) []byte {
		x := bytes.Clone(object)
		x[i] ^= 1
		return x
	}
	headerOf := append(bytes.Clone(foreign[:at[0]]), object[at[0]:]...)
	for name, test := range map[string]struct {
		changed []byte
		want    error
	}{
		"a byte":                       {byteOf(at[2] + 50), seal.ErrDamaged},
		"a frame of another backup":    {slices.Concat(object[:at[2]], foreign[at[2]:at[3]], object[at[3]:]), seal.ErrOtherBackup},
		"the header of another backup": {headerOf, seal.ErrOtherBackup},
		"the record in the header":     {byteOf(at[0] - 10), seal.ErrHeader},
	} {
		spoil(t, b.Path, test.changed, func() {
			w.wantDamaged(b.Path, name)
			for what, err := range map[string]error{
				"restore": second(w.RestoreBackup(t.Context(), b.Path, filepath.Join(w.dir, "new.db"), litekeep.RestoreOptions{})),
				"cat":     w.ReadDocument(t.Context(), b.Path, &bytes.Buffer{}),
			} {
				if !errors.Is(err, test.want) || !errors.Is(err, litekeep.ErrDamaged) {
					t.Errorf("%s, %s: %v", name, what, err)
				}
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

// TestSealedManifestIsBound changes what a sealed manifest has in the clear, with
// a checksum that fits: who has a key finds out.
func TestSealedManifestIsBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, withKeys(newKey(t)), notNoted())
	b, other := w.backup(), w.backup()
	text, foreign := read(t, b.Path+".manifest.json"), read(t, other.Path+".manifest.json")
	line := func(text []byte, name string) []byte {
		_, rest, _ := bytes.Cut(text, []byte("\n\""+name+"\":"))
		value, _, _ := bytes.Cut(rest, []byte("\n"))
		return value
	}
	for _, name := range []string{"created", "stored", "verified", "header", "sealed"} {
		mine, its := line(text, name), line(foreign, name)
		if len(mine) == 0 || bytes.Equal(mine, its) {
			t.Fatalf("%s: %q and %q", name, mine, its)
		}
		changed := checksummed(bytes.Replace(text, mine, its, 1))
		spoil(t, b.Path+".manifest.json", changed, func() {
			w.wantDamaged(b.Path, name)
			if _, err := w.BackupDetails(t.Context(), b.Path); !errors.Is(err, litekeep.ErrDamaged) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// checksummed gives a changed manifest the last line that fits.
func checksummed(text []byte) []byte {
	at := bytes.LastIndex(text, []byte("\n\"sha256\":\"")) + 1
	return fmt.Appendf(bytes.Clone(text[:at]), "\"sha256\":\"%x\"}\n", sha256.Sum256(text[:at]))
}
