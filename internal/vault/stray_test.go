package vault

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/store/folder"
)

// TestStrays finds objects that nothing lists, and none that something does, be it half
// removed or in the trash, nor a young one.
func TestStrays(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	s, err := folder.Open(dir, folder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const lost, listed, pruned, trashed, young = "20260101T000000.000Z.json.zst", "20260102T000000.000Z.json", "20260103T000000.000Z.json.gz",
		"20260104T000000.000Z.json.zst.sealed", "20260105T000000.000Z.json.zst"
	for name, age := range map[string]time.Duration{
		"app/" + lost: 2 * time.Hour, "app/" + lost + ".checked.json": 2 * time.Hour, "app/" + lost + ".pin.json": 2 * time.Hour,
		"app/" + listed: 2 * time.Hour, "app/" + listed + ".manifest.json": 2 * time.Hour,
		"app/" + pruned: 2 * time.Hour, "app/" + pruned + ".manifest.json.pruned": 2 * time.Hour,
		"app/" + trashed: 2 * time.Hour, "app/" + trashed + ".manifest.json.trashed-20260105T000000Z": 2 * time.Hour,
		"app/" + young: time.Minute, "app/" + listed + ".partial": 2 * time.Hour, "app/notes.txt": 2 * time.Hour, "app/retention.json": 2 * time.Hour,
		"litekeep-place.json": 2 * time.Hour, "shop/" + lost: 3 * time.Hour,
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	p := &Place{Name: dir, Store: s}
	for database, want := range map[string][]string{"": {"app/" + lost, "shop/" + lost}, "app": {"app/" + lost}, "none": nil} {
		found, err := p.Strays(t.Context(), database, now.Add(-time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range found {
			got = append(got, x.Key())
			if x.Size != 4 || now.Sub(x.Modified).Round(time.Hour) < 2*time.Hour {
				t.Errorf("%+v", x)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v", database, got)
		}
	}
}
