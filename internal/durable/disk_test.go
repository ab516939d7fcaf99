package durable_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/litekeep/litekeep/internal/durable"
)

var (
	oldContent = []byte("the old content")
	newContent = bytes.Repeat([]byte("the new content, which is longer\n"), 1000)
	errFault   = errors.New("injected fault")
)

// names returns what a folder holds, sorted.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func put(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, path string, data []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, data) {
		t.Errorf("%s holds %d bytes (%.20q), want %d (%.20q)", path, len(got), got, len(data), data)
	}
}

// disks are the two ways to address a folder; both must behave alike.
func disks(t *testing.T, dir string) map[string]struct {
	disk durable.Disk
	at   func(name string) string
} {
	t.Helper()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return map[string]struct {
		disk durable.Disk
		at   func(name string) string
	}{
		"path": {durable.Disk{}, func(name string) string { return filepath.Join(dir, name) }},
		"root": {durable.Disk{Root: root}, func(name string) string { return name }},
	}
}

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	for name, d := range disks(t, dir) {
		t.Run(name, func(t *testing.T) {
			file := name + ".json"
			if err := d.disk.WriteFile(d.at(file), newContent, 0o640); err != nil {
				t.Fatal(err)
			}
			want(t, filepath.Join(dir, file), newContent)
			info, err := os.Stat(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode() != 0o640 {
				t.Errorf("mode %v, want 0640", info.Mode())
			}
			if err := d.disk.WriteFile(d.at(file), oldContent, 0o600); !errors.Is(err, fs.ErrExist) {
				t.Errorf("second write: %v, want fs.ErrExist", err)
			}
			want(t, filepath.Join(dir, file), newContent)
			if err := d.disk.ReplaceFile(d.at(file), oldContent, 0o600); err != nil {
				t.Fatal(err)
			}
			want(t, filepath.Join(dir, file), oldContent)
			if err := d.disk.Remove(d.at(file)); err != nil {
				t.Fatal(err)
			}
			if err := d.disk.Remove(d.at(file)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("second remove: %v, want fs.ErrNotExist", err)
			}
			if left := names(t, dir); len(left) > 0 {
				t.Errorf("left over: %q", left)
			}
		})
	}
}

// TestPublishTaken has every kind of thing stand in the way of every means of
// publishing. None may be replaced.
func TestPublishTaken(t *testing.T) {
	inTheWay := map[string]func(path string) error{
		"file":            func(p string) error { return os.WriteFile(p, oldContent, 0o600) },
		"folder":          func(p string) error { return os.Mkdir(p, 0o700) },
		"dangling link":   func(p string) error { return os.Symlink("nowhere", p) },
		"link to a file":  func(p string) error { return os.Symlink("temp", p) },
		"write-protected": func(p string) error { return os.WriteFile(p, oldContent, 0o400) },
	}
	for means, refuse := range publishMeans() {
		for what, make := range inTheWay {
			t.Run(means+"/"+what, func(t *testing.T) {
				dir := t.TempDir()
				temp, final := filepath.Join(dir, "temp"), filepath.Join(dir, "final")
				put(t, temp, newContent)
				if err := make(final); err != nil {
					t.Fatal(err)
				}
				before, err := os.Lstat(final)
				if err != nil {
					t.Fatal(err)
				}
				err = durable.Disk{Before: refuse}.Publish(temp, final)
				if !errors.Is(err, fs.ErrExist) {
					t.Errorf("publish: %v, want fs.ErrExist", err)
				}
				after, err := os.Lstat(final)
				if err != nil || !os.SameFile(before, after) {
					t.Errorf("what stood in the way was touched: %v", err)
				}
				want(t, temp, newContent)
			})
		}
	}
}

// publishMeans returns hooks that leave only one means of publishing.
func publishMeans() map[string]func(durable.Op, string) error {
	return map[string]func(durable.Op, string) error{
		"exclusive rename": nil,
		"hard link": func(op durable.Op, _ string) error {
			if op == durable.OpPublish {
				return syscall.EINVAL // what Linux says on a file system without the flag
			}
			return nil
		},
		"reservation": func(op durable.Op, _ string) error {
			switch op {
			case durable.OpPublish:
				return errors.ErrUnsupported
			case durable.OpLink:
				return syscall.EPERM // what Linux says on a file system without hard links
			}
			return nil
		},
	}
}

func TestPublishMeans(t *testing.T) {
	for means, refuse := range publishMeans() {
		t.Run(means, func(t *testing.T) {
			dir := t.TempDir()
			put(t, filepath.Join(dir, "temp"), newContent)
			disk := durable.Disk{Before: refuse}
			if err := disk.Publish(filepath.Join(dir, "temp"), filepath.Join(dir, "final")); err != nil {
				t.Fatal(err)
			}
			want(t, filepath.Join(dir, "final"), newContent)
			if diff := cmp.Diff([]string{"final"}, names(t, dir)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestOrder fixes the order of the steps: content before name, name before the
// flush of the folder. A missing flush shows in no other test.
func TestOrder(t *testing.T) {
	dir := t.TempDir()
	var steps []string
	disk := durable.Disk{Before: func(op durable.Op, path string) error {
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if i := strings.Index(rel, "f."); i >= 0 {
			rel = rel[:i] + "temp"
		}
		steps = append(steps, string(op)+" "+rel)
		return nil
	}}
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := os.Mkdir(at("sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		do   func() error
		want []string
	}{
		{
			"write", func() error { return disk.WriteFile(at("f"), newContent, 0o600) },
			[]string{"create temp", "write temp", "sync temp", "publish f", "syncdir ."},
		},
		{
			"replace", func() error { return disk.ReplaceFile(at("f"), newContent, 0o600) },
			[]string{"create temp", "write temp", "sync temp", "rename f", "syncdir ."},
		},
		{
			"publish elsewhere", func() error { return disk.Publish(at("f"), at("sub/g")) },
			[]string{"sync f", "publish sub/g", "syncdir sub", "syncdir ."},
		},
		{
			"remove", func() error { return disk.Remove(at("sub/g")) },
			[]string{"remove sub/g", "syncdir sub"},
		},
		{
			"folders", func() error { return disk.MkdirAll(at("a/b/")) },
			[]string{"mkdir a", "syncdir .", "mkdir a/b", "syncdir a"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			steps = nil
			if err := tt.do(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, steps); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestMkdirAll(t *testing.T) {
	dir := t.TempDir()
	for name, d := range disks(t, dir) {
		t.Run(name, func(t *testing.T) {
			deep := filepath.Join(name, "a", "b")
			for range 2 {
				if err := d.disk.MkdirAll(d.at(deep)); err != nil {
					t.Fatal(err)
				}
			}
			for p := deep; p != "."; p = filepath.Dir(p) {
				info, err := os.Stat(filepath.Join(dir, p))
				if err != nil {
					t.Fatal(err)
				}
				if info.Mode() != fs.ModeDir|0o700 {
					t.Errorf("%s has mode %v, want 0700", p, info.Mode())
				}
			}
			put(t, filepath.Join(dir, deep, "file"), nil)
			for _, p := range []string{"file", "file/sub"} {
				if err := d.disk.MkdirAll(d.at(filepath.Join(deep, p))); err == nil {
					t.Errorf("%s: made a folder of a file", p)
				}
			}
		})
	}
}

// TestRoot has a Disk with a Root refuse every way out.
func TestRoot(t *testing.T) {
	outside := t.TempDir()
	dir := t.TempDir()
	put(t, filepath.Join(outside, "f"), oldContent)
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	d := disks(t, dir)["root"].disk
	put(t, filepath.Join(dir, "mine"), newContent)
	for _, p := range []string{"link/f", "../" + filepath.Base(outside) + "/f", outside + "/f"} {
		for name, err := range map[string]error{
			"write":   d.WriteFile(p+"2", newContent, 0o600),
			"replace": d.ReplaceFile(p, newContent, 0o600),
			"remove":  d.Remove(p),
			"publish": d.Publish("mine", p+"3"),
			"mkdir":   d.MkdirAll(p + "4/sub"),
		} {
			if err == nil {
				t.Errorf("%s %s: not refused", name, p)
			}
		}
	}
	if diff := cmp.Diff([]string{"f"}, names(t, outside)); diff != "" {
		t.Error(diff)
	}
	want(t, filepath.Join(outside, "f"), oldContent)
}

func TestCreateTemp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	seen := map[string]bool{}
	for range 3 {
		f, temp, err := durable.Disk{}.CreateTemp(path)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		if seen[temp] || !strings.HasPrefix(temp, path+".") || !strings.HasSuffix(temp, durable.TempSuffix) {
			t.Errorf("temporary name %q", temp)
		}
		seen[temp] = true
		if final, ok := durable.FinalName(temp); !ok || final != path {
			t.Errorf("%s was to become %q, %v", temp, final, ok)
		}
	}
}

func TestFinalName(t *testing.T) {
	tests := []struct{ temp, final string }{
		{"a.json.partial", "a.json"},
		{"a.json.0123456789abcdef.partial", "a.json"},
		{"a.json.0123456789abcdeg.partial", "a.json.0123456789abcdeg"},
		{"a.json.123456789abcdef.partial", "a.json.123456789abcdef"},
		{".0123456789abcdef.partial", ".0123456789abcdef"},
		{".partial", ""},
	}
	for _, tt := range tests {
		if final, ok := durable.FinalName(tt.temp); !ok || final != tt.final {
			t.Errorf("%s: %q, %v", tt.temp, final, ok)
		}
	}
	if _, ok := durable.FinalName("a.json"); ok {
		t.Error("a.json is taken for a temporary file")
	}
}
