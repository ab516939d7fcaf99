package export

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestCopySnapshot copies all of a file, and nothing for somebody who has gone.
func TestCopySnapshot(t *testing.T) {
	folder := t.TempDir()
	from, to := filepath.Join(folder, "snapshot"), filepath.Join(folder, "copy")
	content := bytes.Repeat([]byte("0123456789"), 10_000)
	if err := os.WriteFile(from, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := copySnapshot(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes of %d, %v", len(got), len(content), err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	to += "2"
	if err := copySnapshot(gone, from, to); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if info, err := os.Stat(to); err != nil || info.Size() > 0 {
		t.Errorf("cancelled, and yet copied: %v, %v", info, err)
	}
}
