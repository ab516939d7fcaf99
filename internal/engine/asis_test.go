package engine

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestCopyAsIs copies what is no database at all, with what lies beside it.
func TestCopyAsIs(t *testing.T) {
	dir := t.TempDir()
	path, dest := filepath.Join(dir, "a.db"), filepath.Join(dir, "copy")
	content := map[string][]byte{"": bytes.Repeat([]byte("no database "), 200_000), "-wal": []byte("no log"), "-journal": []byte("no journal")}
	for ending, b := range content {
		if err := os.WriteFile(path+ending, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	copies, err := CopyAsIs(t.Context(), path, dest, time.Second)
	if err != nil || len(copies) != len(content) || copies[0] != dest {
		t.Fatalf("%q, %v", copies, err)
	}
	for ending, b := range content {
		if got, err := os.ReadFile(dest + ending); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%q: %d bytes, %v", ending, len(got), err)
		}
		if got, err := os.ReadFile(path + ending); err != nil || !bytes.Equal(got, b) {
			t.Errorf("the original %q: %d bytes, %v", ending, len(got), err)
		}
	}
	if _, err := CopyAsIs(t.Context(), path, dest, time.Second); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over another copy: %v", err)
	}
	if _, err := os.Stat(dest); err != nil {
		t.Errorf("the other copy: %v", err)
	}
}

// TestCopyAsIsFails leaves nothing of a copy that is not whole.
func TestCopyAsIsFails(t *testing.T) {
	dir := t.TempDir()
	path, dest := filepath.Join(dir, "a.db"), filepath.Join(dir, "copy")
	if err := errors.Join(os.WriteFile(path, []byte("no database"), 0o600), os.Mkdir(path+"-wal", 0o700)); err != nil {
		t.Fatal(err)
	}
	if copies, err := CopyAsIs(t.Context(), path, dest, time.Second); err == nil || copies != nil {
		t.Errorf("%q, %v", copies, err)
	}
	if left, err := filepath.Glob(dest + "*"); err != nil || left != nil {
		t.Errorf("left: %q, %v", left, err)
	}
}
