package testdb_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/testdb"
	"github.com/litekeep/litekeep/internal/value"
)

func TestNasty(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range testdb.Nasty() {
		if seen[c.Name] || !regexp.MustCompile(`^[a-z0-9-]+$`).MatchString(c.Name) {
			t.Errorf("name %q is used twice or is no file name", c.Name)
		}
		seen[c.Name] = true
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "a.db")
			if err := c.Build(t.Context(), path); err != nil {
				t.Fatal(err)
			}
			if c.Refused {
				damaged(t, path)
				return
			}
			sound(t, c, path)
		})
	}
}

// sound checks that a copy of the file is the same database.
func sound(t *testing.T, c testdb.Case, path string) {
	copied := filepath.Join(t.TempDir(), "b.db")
	for _, suffix := range []string{"", "-wal", "-journal"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil && suffix != "" {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if suffix != "" && !c.Sidecars {
			t.Errorf("%s was left", suffix)
		}
		if err := os.WriteFile(copied+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	differences, gaps, err := testdb.Compare(t.Context(), path, copied)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Error(d)
	}
	for _, g := range gaps {
		t.Error(g)
	}
}

// damaged checks that SQLite finds fault with the file as well.
func damaged(t *testing.T, path string) {
	var said []string
	c, err := engine.Open(t.Context(), path, engine.OpenOptions{Immutable: true})
	if err == nil {
		defer c.Close()
		err = c.Query(t.Context(), "PRAGMA integrity_check", nil, func(row []value.Value) error {
			said = append(said, string(row[0].Bytes))
			return nil
		})
	}
	if err != nil || strings.Join(said, " ") != "ok" {
		return
	}
	// integrity_check does not read every byte of a value.
	if _, gaps, err := testdb.Compare(t.Context(), path, path); err == nil && len(gaps) == 0 {
		t.Error("SQLite finds no damage")
	}
}

// TestSidecarsCount checks that a log or journal that was left changes what
// SQLite sees.
func TestSidecarsCount(t *testing.T) {
	inert := map[string]bool{"persistent-journal": true, "empty-log": true}
	found := 0
	for _, c := range testdb.Nasty() {
		if !c.Sidecars {
			continue
		}
		found++
		path, alone := filepath.Join(t.TempDir(), "a.db"), filepath.Join(t.TempDir(), "b.db")
		if err := c.Build(t.Context(), path); err != nil {
			t.Fatal(err)
		}
		duplicate(t, path, alone)
		differences, _, err := testdb.Compare(t.Context(), path, alone)
		if same := err == nil && len(differences) == 0; same != inert[c.Name] {
			t.Errorf("%s: without its sidecar the database is the same: %v", c.Name, same)
		}
	}
	if found < 5 {
		t.Errorf("%d cases have sidecars", found)
	}
}

// TestBuildTwice checks that a case is the same each time.
func TestBuildTwice(t *testing.T) {
	for _, c := range testdb.Nasty()[:12] {
		dir := t.TempDir()
		for _, name := range []string{"a", "b"} {
			if err := c.Build(t.Context(), filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		a, errA := os.ReadFile(filepath.Join(dir, "a"))
		b, errB := os.ReadFile(filepath.Join(dir, "b"))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: two builds differ (%v, %v)", c.Name, errA, errB)
		}
	}
}
