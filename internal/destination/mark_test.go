package destination_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/destination"
)

func TestMark(t *testing.T) {
	dir := t.TempDir()
	if _, err := destination.ReadMark(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a mark: %v", err)
	}
	var ids [8]string // of services that begin at once
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() { ids[i], _ = destination.Mark(dir) })
	}
	all.Wait()
	text, err := os.ReadFile(filepath.Join(dir, destination.MarkFile))
	if err != nil || !regexp.MustCompile(`^\{"litekeep_place":1,"id":"[0-9a-f]{32}"\}\n$`).Match(text) {
		t.Fatalf("%q, %v", text, err)
	}
	for _, id := range ids {
		if !strings.Contains(string(text), `"`+id+`"`) {
			t.Errorf("%q for %s", id, text)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
	if _, err := destination.Mark(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is missing: %v", err)
	}
}

func TestMarkDamaged(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, destination.MarkFile)
	const whole = `{"litekeep_place":1,"id":"000102030405060708090a0b0c0d0e0f"}` + "\n"
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(whole)
	if id, err := destination.ReadMark(dir); id != "000102030405060708090a0b0c0d0e0f" || err != nil {
		t.Errorf("%s, %v", id, err)
	}
	for _, text := range []string{
		"", "{}", whole[:40], whole + "\n", whole + strings.Repeat(" ", 1000), strings.Replace(whole, ":1", ":2", 1),
		strings.Replace(whole, "0a", "0A", 1), strings.Replace(whole, "0a", "", 1), strings.Replace(whole, "0a", "xy", 1),
	} {
		write(text)
		if id, err := destination.ReadMark(dir); !errors.Is(err, destination.ErrMark) {
			t.Errorf("%q: %s, %v", text, id, err)
		}
	}
	id, err := destination.Mark(dir)
	if again, readErr := destination.ReadMark(dir); err != nil || readErr != nil || again != id {
		t.Errorf("marked %s, %v; read %s, %v", id, err, again, readErr)
	}
}

func TestKnown(t *testing.T) {
	dir := t.TempDir()
	id, err := destination.Mark(dir)
	if err != nil {
		t.Fatal(err)
	}
	known := destination.Known{ID: id, Since: time.Date(2026, 11, 1, 2, 0, 0, 0, time.UTC)}
	mark := filepath.Join(dir, destination.MarkFile)
	text, err := os.ReadFile(mark)
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(string(text), id, strings.Repeat("0", 32), 1)
	for _, step := range []struct {
		do   func() error
		says string // "" for no error
	}{
		{func() error { return nil }, ""},
		{func() error { return os.WriteFile(mark, []byte(other), 0o600) }, dir + " is not the folder that has held backups since 2026-11-01 (it has another litekeep-place.json): is it mounted?"},
		{func() error { return os.WriteFile(mark, nil, 0o600) }, "is damaged"},
		{func() error { return os.Remove(mark) }, "(it has no " + destination.MarkFile + ")"},
		{func() error { return os.Remove(dir) }, dir + " is not there, but has held backups since 2026-11-01: is it mounted?"},
		{func() error { return errors.Join(os.Mkdir(dir, 0o700), os.WriteFile(mark, text, 0o600)) }, ""},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		err := known.Check(dir)
		if step.says == "" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if !errors.Is(err, destination.ErrAway) || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), step.says) {
			t.Errorf("%q: %v", step.says, err)
		}
	}
	// What cannot be looked at is not known to be another place.
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := known.Check(file); err == nil || errors.Is(err, destination.ErrAway) {
		t.Errorf("a file: %v", err)
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for text, want := range map[string]string{
		dir: dir, dir + "/": dir, "file://" + dir + "?keep_last=2": dir, "backups": filepath.Join(dir, "backups"),
		"s3://bucket/prefix?region=x": "", "": "", "ftp://host/x": "",
	} {
		if got := destination.Folder(text); got != want {
			t.Errorf("%s: %q", text, got)
		}
	}
}
