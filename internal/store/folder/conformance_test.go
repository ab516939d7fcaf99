package folder_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/store"
	"github.com/litekeep/litekeep/internal/store/folder"
	"github.com/litekeep/litekeep/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, dir string, before func(durable.Op, string) error) *folder.Store {
	t.Helper()
	s, err := folder.Open(dir, folder.Options{Create: true, Before: before})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, t.TempDir(), nil) })
}

// TestConformanceThroughLink opens the folder by a symbolic link to it, which
// is the user's own choice.
func TestConformanceThroughLink(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(t.TempDir(), link); err != nil {
			t.Fatal(err)
		}
		return open(t, link, nil)
	})
}
