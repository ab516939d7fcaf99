//go:build unix

package folder_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litekeep/litekeep/internal/store"
	"github.com/litekeep/litekeep/internal/store/folder"
)

// tree lists everything below dir: the mode, the path and the size.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		size := ""
		if info.Mode().IsRegular() {
			size = fmt.Sprintf(" %d", info.Size())
		}
		list = append(list, fmt.Sprintf("%v %s%s", info.Mode(), strings.TrimPrefix(path, dir+"/"), size))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if _, err := folder.Open(dir, folder.Options{}); !errors.Is(err, store.ErrNotExist) {
		t.Errorf("a missing folder: %v, want ErrNotExist", err)
	}
	s := open(t, dir, nil)
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if info, err := os.Stat(d); err != nil || info.Mode() != fs.ModeDir|0o700 {
			t.Errorf("%s: %v, %v", d, info.Mode(), err)
		}
	}
	if p, err := s.Path("app/x y.json"); err != nil || p != filepath.Join(dir, "app", "x y.json") {
		t.Errorf("path %q, %v", p, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, o := range []folder.Options{{}, {Create: true}} {
		if _, err := folder.Open(file, o); err == nil {
			t.Error("opened a file as a store")
		}
	}
}

// TestNames fixes the names and permissions of what is written, which
// docs/FORMAT.md section 5 promises.
func TestNames(t *testing.T) {
	dir := t.TempDir()
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	s := open(t, dir, nil)
	o, err := s.Create(t.Context(), "app/x.json.zst")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Write([]byte("abc")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"drwx------ app", "-rw------- app/x.json.zst.partial 3"}, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
	if err := o.Publish(); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "app/x.json.zst.manifest.json", strings.NewReader("m")); err != nil {
		t.Fatal(err)
	}
	if err := s.Replace(t.Context(), "app/x.json.zst.checked.json", []byte("ok")); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"drwx------ app", "-rw------- app/x.json.zst 3", "-rw------- app/x.json.zst.checked.json 2", "-rw------- app/x.json.zst.manifest.json 1",
	}
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// TestForeign fills the folder with what is not a store's and checks that it is
// neither found nor followed nor touched.
func TestForeign(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	must(os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600))
	must(os.MkdirAll(at("app/sub"), 0o700))
	must(os.MkdirAll(at("app/.tmp"), 0o700))
	must(os.WriteFile(at("app/real"), []byte("real"), 0o600))
	must(os.WriteFile(at("app/.lock"), []byte("{}"), 0o600))
	must(os.WriteFile(at("app/.tmp/scratch"), []byte("x"), 0o600))
	must(os.WriteFile(at("bad\xff"), []byte("x"), 0o600))
	must(os.WriteFile(at(strings.Repeat("l", 255)), []byte("x"), 0o600))
	must(os.Symlink(filepath.Join(outside, "secret"), at("app/out")))
	must(os.Symlink("real", at("app/in")))
	must(os.Symlink(outside, at("outside")))
	must(os.Symlink("app", at("inside")))
	must(os.Symlink(".", at("loop")))
	must(os.Symlink("nowhere", at("app/dangling")))
	must(os.Symlink(filepath.Join(outside, "secret"), at("app/out.partial")))
	must(syscall.Mkfifo(at("app/pipe"), 0o600))
	before, beforeOutside := tree(t, dir), tree(t, outside)

	s := open(t, dir, nil)
	var keys []string
	for info, err := range s.List(t.Context(), "") {
		must(err)
		keys = append(keys, info.Key)
	}
	if diff := cmp.Diff([]string{"app/real"}, keys); diff != "" {
		t.Error(diff)
	}
	for _, prefix := range []string{
		"outside/", "outside/sec", "inside/", "loop/app/", "app/real/", "app/.tmp/", "gone/", "../", "/", "app//", "app/../app/",
	} {
		for info, err := range s.List(t.Context(), prefix) {
			t.Errorf("%s leads to %s, %v", prefix, info.Key, err)
		}
	}
	for _, key := range []string{
		"app/sub", "app/out", "app/in", "app/dangling", "app/pipe", "outside/secret", "outside/new", "inside/real", "inside/new", "loop/app/real",
		"app/out/x", "app/real/x", "app/pipe/x",
	} {
		refused(t, s, key)
	}
	swept, err := s.Sweep(t.Context(), "", func(store.Info) bool { return true })
	if err != nil || len(swept) > 0 {
		t.Errorf("swept %v, %v", swept, err)
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(beforeOutside, tree(t, outside)); diff != "" {
		t.Error(diff)
	}
}

// refused checks that no operation works on a key whose place is taken.
func refused(t *testing.T, s *folder.Store, key string) {
	t.Helper()
	ctx := t.Context()
	if _, err := s.Get(ctx, key); !errors.Is(err, store.ErrForeign) {
		t.Errorf("get %q: %v, want ErrForeign", key, err)
	}
	_, create := s.Create(ctx, key)
	for op, err := range map[string]error{
		"put": s.Put(ctx, key, strings.NewReader("x")), "create": create, "rename to": s.Rename(ctx, "app/real", key),
	} {
		if !errors.Is(err, store.ErrForeign) && !errors.Is(err, store.ErrExist) {
			t.Errorf("%s %q: %v, want ErrForeign or ErrExist", op, key, err)
		}
	}
	for op, err := range map[string]error{
		"delete": s.Delete(ctx, key), "rename": s.Rename(ctx, key, "app/new"), "replace": s.Replace(ctx, key, nil),
	} {
		if !errors.Is(err, store.ErrForeign) {
			t.Errorf("%s %q: %v, want ErrForeign", op, key, err)
		}
	}
}

// TestUnreadable has a folder that cannot be read among those that can, as
// lost+found on a disk of its own.
func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	for _, key := range []string{"a/1", "b/1", "c/1"} {
		if err := s.Put(t.Context(), key, strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	// A folder is unreadable for everybody, root included, when it has become a
	// link that leads out by the time it is read.
	var seen []string
	for info, err := range s.List(t.Context(), "") {
		if info.Key == "a/1" {
			if err := os.Rename(filepath.Join(dir, "b"), filepath.Join(dir, "moved")); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("/", filepath.Join(dir, "b")); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil {
			seen = append(seen, "error")
			continue
		}
		seen = append(seen, info.Key)
	}
	if diff := cmp.Diff([]string{"a/1", "error", "c/1"}, seen); diff != "" {
		t.Error(diff)
	}
}

// TestPartialReplaced has somebody else exchange, cut or remove the file before
// it is published.
func TestPartialReplaced(t *testing.T) {
	for name, meddle := range map[string]func(path string) error{
		"exchanged": func(p string) error { return errors.Join(os.Remove(p), os.WriteFile(p, []byte("abc"), 0o600)) },
		"cut":       func(p string) error { return os.Truncate(p, 2) },
		"removed":   os.Remove,
		"linked":    func(p string) error { return errors.Join(os.Remove(p), os.Symlink("/etc/passwd", p)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir, nil)
			o, err := s.Create(t.Context(), "x")
			if err != nil {
				t.Fatal(err)
			}
			defer o.Discard()
			if _, err := o.Write([]byte("abc")); err != nil {
				t.Fatal(err)
			}
			if err := meddle(filepath.Join(dir, "x.partial")); err != nil {
				t.Fatal(err)
			}
			if err := o.Publish(); err == nil {
				t.Error("published")
			}
			if _, err := s.Get(t.Context(), "x"); !errors.Is(err, store.ErrNotExist) {
				t.Errorf("get: %v", err)
			}
		})
	}
}

// TestCutOffWhileRead cuts an object while somebody reads it.
func TestCutOffWhileRead(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	if err := s.Put(t.Context(), "x", bytes.NewReader(make([]byte, 1000))); err != nil {
		t.Fatal(err)
	}
	r, err := s.GetRange(t.Context(), "x", 100, 800)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := os.Truncate(filepath.Join(dir, "x"), 500); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); len(got) != 400 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%d bytes, %v, want ErrUnexpectedEOF", len(got), err)
	}
}

// TestSweepNames has a temporary name of every kind swept, and nothing that
// merely looks like one.
func TestSweepNames(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, nil)
	for _, name := range []string{"a.json.partial", "a.json.manifest.json.0123456789abcdef.partial", ".partial", "a.partial.old", "a.partial.partial"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	past := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "a.json.partial"), past, past); err != nil {
		t.Fatal(err)
	}
	var offered []string
	swept, err := s.Sweep(t.Context(), "a", func(i store.Info) bool {
		offered = append(offered, i.Key)
		return time.Since(i.ModTime) > 24*time.Hour
	})
	if err != nil || len(swept) != 1 || swept[0].Key != "a.json" {
		t.Errorf("swept %v, %v", swept, err)
	}
	slices.Sort(offered)
	if diff := cmp.Diff([]string{"a.json", "a.json.manifest.json"}, offered); diff != "" {
		t.Error(diff)
	}
}
