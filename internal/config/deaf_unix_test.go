//go:build unix

package config

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// TestExpandDeaf: a folder that does not answer keeps no other pattern from its files,
// and looks at it do not pile up. Opening a named pipe waits as such a folder does.
func TestExpandDeaf(t *testing.T) {
	folder := t.TempDir()
	plant(t, folder, "t/a.db")
	pipe := filepath.Join(folder, "away")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	const text = "defaults: {destinations: [/b]}\ndatabases: [{name: \"{name}\", match: away/*.db}, {name: \"{name}\", match: t/*.db}]"
	c, err := parseConfig("litekeep.yaml", folder, []byte(text), testEnv, files)
	if err != nil {
		t.Fatal(err)
	}
	before, finder := runtime.NumGoroutine(), &Finder{}
	look := func() (names []string) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second) // the first look takes it all
		defer cancel()
		found := finder.Expand(ctx, c, []Member{{"b", filepath.Join(pipe, "b.db")}})
		for _, db := range found.Databases {
			names = append(names, db.Name)
		}
		if len(found.Misfits) != 1 || !strings.HasSuffix(found.Misfits[0].Path, "/away/*.db") || found.Misfits[0].Message != "the folders do not answer" {
			t.Errorf("%+v", found.Misfits)
		}
		return names
	}
	for range 5 {
		if diff := cmp.Diff([]string{"b", "a"}, look()); diff != "" {
			t.Error(diff)
		}
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) { // others are about to end
		n := runtime.NumGoroutine() - before
		if n <= 2 { // one that looks, one that waits for it
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d goroutines are left", n)
		}
	}
	// Whoever opens the other end lets it go on.
	w, err := os.OpenFile(pipe, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := os.Remove(pipe); err != nil {
		t.Fatal(err)
	}
	plant(t, folder, "away/new.db")
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		got := finder.Expand(t.Context(), c, nil)
		if got.Database("new") != nil && len(got.Misfits) == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("it answers again: %+v", got.Misfits)
		}
	}
}
