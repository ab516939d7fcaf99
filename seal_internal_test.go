package litekeep

import (
	"io"
	"path/filepath"
	"testing"

	"github.com/litekeep/litekeep/internal/archive"
)

// TestFreshKeyForEachObject wants an export that is written again to be sealed
// anew: else two frames would be sealed under one key and number.
func TestFreshKeyForEachObject(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "a.key")
	if _, err := NewKeyFile(key); err != nil {
		t.Fatal(err)
	}
	s := New(Config{Keys: []string{"file:" + key}})
	r := &run{s: s}
	var err error
	if r.fresh, err = s.newSealer(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for attempt := range 3 {
		w := archive.NewWriter(t.Context(), io.Discard, s.cfg.compression(), 1, nil)
		if err := r.seal(t.Context(), w); err != nil {
			t.Fatal(err)
		}
		w.Stop()
		id := r.sealer.Header().Backup
		if seen[id] {
			t.Errorf("attempt %d is sealed as an earlier one", attempt)
		}
		seen[id] = true
	}
}
