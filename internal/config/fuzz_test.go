package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzParse checks that no text ends the service, that no error reveals a secret of the
// environment, and that what is accepted is what its own YAML says.
func FuzzParse(f *testing.F) {
	f.Add(minimal)
	f.Add(full)
	archive, err := txtar.ParseFile("testdata/refused.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range archive.Files {
		if filepath.Ext(file.Name) == ".yaml" {
			f.Add(string(file.Data))
		}
	}
	if seeds, err := os.ReadDir("testdata/fuzz/FuzzParse"); err != nil || len(seeds) == 0 {
		f.Fatalf("the seeds are missing: %v", err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseTest(text)
		if err != nil {
			if c != nil || len(err.Error()) == 0 {
				t.Fatalf("both %v and %v", c, err)
			}
			return
		}
		written := encode(c, Secret.Reveal)
		again, err := parseTest(written)
		if err != nil {
			t.Fatalf("%v\nof %q\nfrom %q", err, written, text)
		}
		if diff := same(c, again); diff != "" {
			t.Fatalf("%s\nof %q\nfrom %q", diff, written, text)
		}
		for _, db := range c.Databases {
			if err := db.Core().Validate(); err != nil {
				t.Fatalf("the library does not take what was accepted: %v\nfrom %q", err, text)
			}
		}
		if got := Changes(c, again); len(got) > 0 {
			t.Fatalf("changes between equals: %q", got)
		}
	})
}
