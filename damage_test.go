package litekeep_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/durable"
)

// notNoted keeps a Service from noting the outcome of a verification, which
// flushes the disk each time.
func notNoted() litekeep.Option {
	return litekeep.WithBefore(func(op durable.Op, path string) error {
		if strings.Contains(path, ".checked.json") {
			return fs.ErrPermission
		}
		return nil
	})
}

const tinySQL = "CREATE TABLE t(a); INSERT INTO t VALUES(1),('text')"

// spoil writes the changed content of a file, calls check, and puts the old
// content back.
func spoil(t testing.TB, path string, changed []byte, check func()) {
	t.Helper()
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	check()
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
}

// wantDamaged verifies the backup, which must be found damaged.
func (w *world) wantDamaged(path, what string, args ...any) {
	w.t.Helper()
	v, err := w.VerifyBackup(w.t.Context(), path)
	if !errors.Is(err, litekeep.ErrDamaged) || v.OK || v.Problem == "" {
		w.t.Fatalf(what+" is not found: %+v, %v", append(args, v, err)...)
	}
}

// TestEveryBit flips every bit of a backup, one at a time.
func TestEveryBit(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{"zstd", "gzip", "none"} {
		t.Run(codec, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tinySQL, func(c *litekeep.Config) { c.Compression = codec }, notNoted())
			b := w.backup()
			w.flipEveryBit(b.Path, b.Path)
			if codec == "zstd" { // the manifest is the same for all
				w.flipEveryBit(b.Path+".manifest.json", b.Path)
			}
			if _, err := w.VerifyBackup(t.Context(), b.Path); err != nil {
				t.Errorf("the whole one: %v", err)
			}
		})
	}
}

// flipEveryBit flips every bit of a file of the backup whose object is given. It
// writes single bytes: to write the file anew each time takes ten times as long.
func (w *world) flipEveryBit(path, object string) {
	w.t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		w.t.Fatal(err)
	}
	for i, b := range data {
		for bit := i % sparse; bit < 8; bit += sparse {
			if _, err := f.WriteAt([]byte{b ^ 1<<bit}, int64(i)); err != nil {
				w.t.Fatal(err)
			}
			w.wantDamaged(object, "bit %d of byte %d of %s", bit, i, filepath.Base(path))
		}
		if _, err := f.WriteAt([]byte{b}, int64(i)); err != nil {
			w.t.Fatal(err)
		}
	}
	w.t.Logf("%d bits of %s", 8*len(data)/sparse, filepath.Base(path))
}

func TestEveryTruncation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tinySQL, nil, notNoted())
	b := w.backup()
	for _, path := range []string{b.Path, b.Path + ".manifest.json"} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n := len(data) - 1; n >= 0; n -= sparse {
			if err := os.Truncate(path, int64(n)); err != nil {
				t.Fatal(err)
			}
			w.wantDamaged(b.Path, "a cut after %d bytes of %s", n, filepath.Base(path))
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		spoil(t, path, append(bytes.Clone(data), 0), func() { w.wantDamaged(b.Path, "a byte more in %s", filepath.Base(path)) })
		spoil(t, path, append(bytes.Clone(data), data...), func() { w.wantDamaged(b.Path, "%s twice", filepath.Base(path)) })
	}
	if _, err := w.VerifyBackup(t.Context(), b.Path); err != nil {
		t.Errorf("the whole one: %v", err)
	}
}

// expanded returns the text of an object as programs see it that know nothing of
// frames.
func expanded(codec string, object []byte) ([]byte, error) {
	switch codec {
	case "gzip":
		r, err := gzip.NewReader(bytes.NewReader(object)) // of the standard library, which litekeep does not use
		if err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	case "zstd":
		r, err := zstd.NewReader(bytes.NewReader(object))
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(r)
	}
	return object, nil
}

// TestRestoreOfFlippedBits restores with one bit of each tenth byte flipped. A bit
// of a header may say nothing of the content (TestFlippedHeaders), and some bits only
// fill the last byte of a table or of a block. What does no harm must be one of these:
// the object still expands to the very same text.
func TestRestoreOfFlippedBits(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{"zstd", "gzip", "none"} {
		t.Run(codec, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tinySQL, func(c *litekeep.Config) { c.Compression = codec }, notNoted())
			b := w.backup()
			target := filepath.Join(w.dir, "old.db")
			makeDatabase(t, target, smallSQL)
			before := tree(t, w.dir)
			delete(before, "app.db")
			object, err := os.ReadFile(b.Path)
			if err != nil {
				t.Fatal(err)
			}
			text, err := expanded(codec, object)
			if err != nil || int64(len(text)) != b.DocumentBytes {
				t.Fatalf("expands to %d bytes, %v", len(text), err)
			}
			refused, harmless := 0, 0
			for _, path := range []string{b.Path, b.Path + ".manifest.json"} {
				data, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				for i := 0; i < len(data); i += 10 * sparse {
					flipped := bytes.Clone(data)
					flipped[i] ^= 1 << (i / 10 % 8)
					spoil(t, path, flipped, func() {
						fresh := filepath.Join(w.dir, "fresh.db")
						_, err := w.RestoreBackup(t.Context(), b.Path, fresh, litekeep.RestoreOptions{})
						if err == nil {
							harmless++
							got, err := expanded(codec, flipped)
							if path != b.Path || err != nil || !bytes.Equal(got, text) {
								t.Errorf("byte %d of %s matters, and was restored: %v", i, filepath.Base(path), err)
							}
							same(t, w.db, fresh)
							if err := os.Remove(fresh); err != nil {
								t.Fatal(err)
							}
							return
						}
						refused++
						if !errors.Is(err, litekeep.ErrDamaged) {
							t.Errorf("byte %d of %s: %v", i, filepath.Base(path), err)
						}
						_, err = w.RestoreBackup(t.Context(), b.Path, target, litekeep.RestoreOptions{NoSafetyBackup: true, NoProof: true})
						if !errors.Is(err, litekeep.ErrDamaged) {
							t.Fatalf("byte %d of %s, without proof: %v", i, filepath.Base(path), err)
						}
					})
				}
			}
			after := tree(t, w.dir)
			delete(after, "app.db")
			for name := range after {
				if before[name] != after[name] && name != "." {
					t.Errorf("%s has changed", name)
				}
			}
			if refused < 50/sparse {
				t.Errorf("%d refused, %d harmless", refused, harmless)
			}
			t.Logf("%d refused, %d harmless", refused, harmless)
		})
	}
}

// idleBits returns which bits of the header that an object begins with say nothing of
// the content, byte by byte.
func idleBits(codec string, object []byte) []byte {
	if codec == "gzip" { // RFC 1952: FTEXT, MTIME, XFL, OS
		return []byte{0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	}
	// RFC 8878: the unused bit of the descriptor, and the size of the window, which
	// only has to be large enough
	idle := []byte{0, 0, 0, 0, 1 << 4, 0xff}
	if singleSegment := object[4]&(1<<5) != 0; singleSegment {
		return idle[:5] // there is no window
	}
	return idle
}

// TestFlippedHeaders flips each bit of the first header. What is harmless is told by
// the format.
func TestFlippedHeaders(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{"zstd", "gzip"} {
		t.Run(codec, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tinySQL, func(c *litekeep.Config) { c.Compression = codec }, notNoted())
			b := w.backup()
			object, err := os.ReadFile(b.Path)
			if err != nil {
				t.Fatal(err)
			}
			for i, idle := range idleBits(codec, object) {
				for bit := i % sparse; bit < 8; bit += sparse {
					flipped := bytes.Clone(object)
					flipped[i] ^= 1 << bit
					spoil(t, b.Path, flipped, func() {
						fresh := filepath.Join(w.dir, "fresh.db")
						_, err := w.RestoreBackup(t.Context(), b.Path, fresh, litekeep.RestoreOptions{NoProof: true})
						switch {
						case idle&(1<<bit) == 0 && !errors.Is(err, litekeep.ErrDamaged), idle&(1<<bit) != 0 && err != nil:
							t.Errorf("bit %d of byte %d: %v", bit, i, err)
						case err == nil:
							same(t, w.db, fresh)
							if err := os.Remove(fresh); err != nil {
								t.Fatal(err)
							}
						}
					})
				}
			}
		})
	}
}

func TestDamagedBackups(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		damage  func(w *world, object, other string) error
		problem string // what list says
	}{
		"missing object": {func(_ *world, object, _ string) error { return os.Remove(object) }, "object is missing"},
		"cut object":     {func(_ *world, object, _ string) error { return os.Truncate(object, 20) }, "has 20 bytes"},
		"object of another": {func(_ *world, object, other string) error {
			return copyFile(other, object)
		}, ""},
		"manifest of another": {func(_ *world, object, other string) error {
			return copyFile(other+".manifest.json", object+".manifest.json")
		}, "belongs to"},
		"empty manifest": {func(_ *world, object, _ string) error { return os.Truncate(object+".manifest.json", 0) }, "manifest"},
		"unknown version": {func(_ *world, object, _ string) error {
			return os.WriteFile(object+".manifest.json", []byte("{\"litekeep_manifest\":3,\n"), 0o600)
		}, "version"},
		"folder as object": {func(_ *world, object, _ string) error {
			return errors.Join(os.Remove(object), os.Mkdir(object, 0o700))
		}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, smallSQL, nil)
			other := w.backup().Path
			w.exec("INSERT INTO account(owner) VALUES('more')")
			object := w.backup().Path
			if err := test.damage(w, object, other); err != nil {
				t.Fatal(err)
			}
			w.wantDamaged(object, name)
			target := filepath.Join(w.dir, "restored.db")
			if _, err := w.RestoreBackup(t.Context(), object, target, litekeep.RestoreOptions{}); !errors.Is(err, litekeep.ErrDamaged) {
				t.Errorf("restore: %v", err)
			}
			if _, err := os.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("something was published: %v", err)
			}
			list := w.list()
			if len(list) != 2 || list[0].Path != object || list[1].Problem != "" {
				t.Fatalf("the list: %+v", list)
			}
			if (list[0].Problem == "" && !list[0].Damaged) || !strings.Contains(list[0].Problem, test.problem) {
				t.Errorf("the list tells no problem: %+v", list[0])
			}
			stats, err := w.BackupStats(t.Context())
			if err != nil || stats[0].Damaged != 1 || stats[0].Verified != 1 {
				t.Errorf("stats: %+v, %v", stats, err)
			}
		})
	}
}

// TestMissingManifest loses the manifest: there is no backup any more, but the
// document is still one that can be restored.
func TestMissingManifest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, nil)
	b := w.backup()
	if err := os.Remove(b.Path + ".manifest.json"); err != nil {
		t.Fatal(err)
	}
	w.wantDamaged(b.Path, "the loss of the manifest")
	if len(w.list()) != 0 {
		t.Error("it is listed")
	}
	if _, err := os.Lstat(b.Path + ".checked.json"); err == nil {
		t.Error("an outcome was noted for what is no backup")
	}
	target := filepath.Join(w.dir, "restored.db")
	if r := w.restore(b.Path, target); !r.Proven || len(r.Warnings) != 1 {
		t.Errorf("%+v", r)
	}
	same(t, w.db, target)
	w.backup()
	if _, err := os.Stat(b.Path); err != nil {
		t.Errorf("the next run has removed the object: %v", err)
	}
}

func TestNoSuchBackup(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, nil)
	path := filepath.Join(w.folder, "20260101T000000.000Z.json.zst")
	if _, err := w.VerifyBackup(t.Context(), path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("verify: %v", err)
	}
	if _, err := w.RestoreBackup(t.Context(), path, w.db, litekeep.RestoreOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("restore: %v", err)
	}
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o600)
}
