package engine

import (
	"path/filepath"
	"testing"
)

// TestOthersConnected tells a -wal and -shm that somebody uses from those that
// a crash left.
func TestOthersConnected(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wal.db")
	mustCreate(t, path, "PRAGMA journal_mode=WAL", fillTable)
	check := func(want bool) {
		t.Helper()
		s, err := openSource(t.Context(), path, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.inUse(); got != want {
			t.Errorf("in use: %v, want %v", got, want)
		}
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
	}
	check(false)
	other := startActor(t, "wal add", path)
	check(true)
	other.kill()
	check(false)
	mustOpen(t, path, "SELECT * FROM t") // in this process
	check(true)
}
