package durable_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/durable"
)

func TestAsidePathIsFree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "app.db")
	at := time.Date(2026, 3, 4, 6, 7, 8, 0, time.FixedZone("", 3600))
	for _, want := range []string{".damaged-20260304T050708Z", ".damaged-20260304T050708Z-2", ".damaged-20260304T050708Z-3"} {
		got, err := durable.AsidePath(path, at)
		if err != nil || got != path+want {
			t.Fatalf("AsidePath = %q, %v; want %q", got, err, path+want)
		}
		// A dangling link is something, too.
		if err := os.Symlink("nowhere", got); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := durable.AsidePath(filepath.Join(path, string(make([]byte, 3))), at); err == nil {
		t.Error("a path that cannot be looked at is taken to be free")
	}
}
