package rebuild_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/export"
	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/rebuild"
)

// large is a database whose rebuild takes several frames, spills index entries
// to a file and has rows that go through by themselves.
func large(t testing.TB) *exported {
	t.Helper()
	path := filepath.Join(t.TempDir(), "source.db")
	run(t, path, "CREATE TABLE t(a TEXT, b)", "CREATE INDEX i ON t(a); CREATE INDEX j ON t(b, a DESC)",
		"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < 25000) INSERT INTO t SELECT format('%0300d', i*7919%25000), i%77 FROM n",
		"INSERT INTO t VALUES (hex(zeroblob(2150000)), 1), (zeroblob(6000000), 1), ('after', 2), (hex(zeroblob(2500000)), 3), ('end', 4)")
	x, err := exportOnce(t.Context(), path, frame.Compression{Codec: "zstd", Level: 1}, export.Choices{})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestBuildLarge checks that what spills and what goes through by itself comes
// back, for every number of workers, and when all of it comes at once.
func TestBuildLarge(t *testing.T) {
	x := large(t)
	text, err := x.document(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		workers int
		texts   rebuild.Texts
	}{"one worker": {1, x.texts(t.Context())}, "three workers": {3, x.texts(t.Context())}, "at once": {1, whole(text)}} {
		dir := t.TempDir()
		target := filepath.Join(dir, "target.db")
		b, err := rebuild.Build(t.Context(), target, c.texts, rebuild.Options{Workers: c.workers})
		if err != nil || len(b.Reindex) != 0 {
			t.Fatal(name, b, err)
		}
		if said, err := integrity(t.Context(), target); err != nil || !slices.Equal(said, []string{"ok"}) {
			t.Errorf("%s: %v, %v", name, said, err)
		}
		again, err := exportOnce(t.Context(), target, x.c, export.Choices{})
		if err != nil || again.counted.End != x.counted.End {
			t.Errorf("%s: %+v, want %+v, %v", name, again, x.counted.End, err)
		}
		alone(t, dir, "target.db")
	}
}

// openFiles counts the files that this process has open, where the system tells.
func openFiles() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(list)
}

// TestBuildClosesFiles checks that the temporary files in which index entries lie
// are closed when a build fails at the end of a table, and when it turns out late
// that only SQLite can build an index.
func TestBuildClosesFiles(t *testing.T) {
	x := large(t)
	failing, err := x.document(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	failing = bytes.Replace(failing, []byte(`"end",4]`), []byte(`"end",4,7]`), 1)
	path := filepath.Join(t.TempDir(), "source.db")
	run(t, path, "PRAGMA encoding='UTF-16le'; CREATE TABLE n(a TEXT); CREATE INDEX k ON n(a COLLATE NOCASE)",
		"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < 25000) INSERT INTO n SELECT format('%0300d', i) FROM n", "INSERT INTO n VALUES ('end')")
	if x, err = exportOnce(t.Context(), path, x.c, export.Choices{}); err != nil {
		t.Fatal(err)
	}
	late, err := x.document(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	late = bytes.Replace(late, []byte(`"end"]`), []byte(`{"text":"ANg="}]`), 1) // half a surrogate

	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // or it closes what we forget
	for name, text := range map[string][]byte{"a row too long": failing, "text without an order": late} {
		before, dir := openFiles(), t.TempDir()
		b, err := rebuild.Build(t.Context(), filepath.Join(dir, "new.db"), whole(text), rebuild.Options{Workers: 2})
		switch {
		case name == "a row too long":
			if err == nil || !strings.Contains(err.Error(), "row has 4 values, not 3") {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil || !slices.Equal(b.Reindex, []string{"k"}):
			t.Errorf("%s: %+v, %v", name, b, err)
		}
		alone(t, dir, "new.db")
		if n := openFiles(); n > before {
			t.Errorf("%s: %d files are left open", name, n-before)
		}
	}
}

// TestBuildMemory checks that a build needs memory that does not grow with the
// table.
func TestBuildMemory(t *testing.T) {
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	path := filepath.Join(t.TempDir(), "source.db")
	run(t, path, "PRAGMA encoding='UTF-16le'; CREATE TABLE t(a TEXT)",
		"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < 40000) INSERT INTO t SELECT format('%0900d', i) FROM n")
	x, err := exportOnce(t.Context(), path, frame.Compression{Codec: "zstd", Level: 1}, export.Choices{})
	if err != nil {
		t.Fatal(err)
	}
	base, peak := live(), uint64(0)
	_, err = rebuild.Build(t.Context(), filepath.Join(t.TempDir(), "new.db"), func(each func([]byte) error) error {
		return x.texts(t.Context())(func(text []byte) error {
			err := each(text)
			peak = max(peak, live())
			return err
		})
	}, rebuild.Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d MiB of text, at most %d MiB live", x.sum.Document>>20, (peak-base)>>20)
	if peak > base+32<<20 {
		t.Errorf("%d bytes live", peak-base)
	}
}

// TestBuildStops ends builds in the middle, by their context or by an error of
// the source: that error is returned, and no file but the unfinished one stays.
func TestBuildStops(t *testing.T) {
	x := large(t)
	fault := errors.New("the backup cannot be read")
	for frames := 2; frames < len(x.sum.Frames); frames += 5 {
		for _, how := range []string{"cancel", "fault"} {
			ctx, cancel := context.WithCancel(t.Context())
			dir := t.TempDir()
			n := 0
			_, err := rebuild.Build(ctx, filepath.Join(dir, "new.db"), func(each func([]byte) error) error {
				return x.texts(ctx)(func(text []byte) error {
					if n++; n == frames && how == "fault" {
						return fault
					} else if n == frames {
						cancel()
					}
					return each(text)
				})
			}, rebuild.Options{Workers: 2})
			if want := map[string]error{"cancel": context.Canceled, "fault": fault}[how]; !errors.Is(err, want) {
				t.Errorf("%s at frame %d: %v", how, frames, err)
			}
			alone(t, dir, "new.db")
			cancel()
		}
	}
}
