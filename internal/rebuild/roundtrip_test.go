package rebuild_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/archive"
	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/export"
	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/rebuild"
	"github.com/litekeep/litekeep/internal/testdb"
	"github.com/litekeep/litekeep/internal/value"
)

// TestMain makes rapid try less often than it would by itself, since each try
// makes three databases, and checks that no goroutine is left.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if !given {
		if err := flag.Set("rapid.checks", "40"); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// exported is a document and where its frames are.
type exported struct {
	c       frame.Compression
	object  []byte
	sum     *archive.Summary
	counted *export.Counted
	plan    *export.Plan
	choices export.Choices
}

// exportOnce exports the database at path with the given choices.
func exportOnce(ctx context.Context, path string, c frame.Compression, choices export.Choices) (*exported, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	d := &engine.Description{}
	if info.Size() > 0 {
		if d, err = engine.Describe(ctx, path); err != nil {
			return nil, err
		}
		d.LeaveToSQLite(choices.Ask)
	}
	x := &exported{c: c, choices: choices}
	if x.plan, err = export.NewPlan(ctx, f, info.Size(), d, choices); err != nil {
		return nil, err
	}
	var object bytes.Buffer
	spare := make(chan []byte, 4)
	w := archive.NewWriter(ctx, &object, c, 2, spare)
	defer w.Stop()
	source := &document.Source{Name: "x", Path: "/x.db", Created: "2026-11-22T02:00:00.123Z", SQLite: "3", Litekeep: "0"}
	if x.counted, err = x.plan.Run(ctx, source, w, export.Options{Workers: 2, Spare: spare}); err != nil {
		return nil, err
	}
	if x.sum, err = w.Close(); err != nil {
		return nil, err
	}
	x.object = object.Bytes()
	return x, nil
}

// exportAll exports the snapshot at path as a backup does: what cannot be
// rebuilt is carried, also where that shows only on the way.
func exportAll(ctx context.Context, path string, c frame.Compression) (*exported, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	var choices export.Choices
	for info.Size() > 0 {
		d, err := engine.Describe(ctx, path)
		if err != nil {
			return nil, err
		}
		d.LeaveToSQLite(choices.Ask)
		carry, err := export.Carried(ctx, path, d)
		if err != nil {
			return nil, err
		}
		choices.Add(&export.Choices{Carry: carry})
		x, err := exportOnce(ctx, path, c, choices)
		var wrong *export.ChoicesError
		if !errors.As(err, &wrong) {
			return x, err
		}
		choices.Add(&wrong.Missing)
	}
	return exportOnce(ctx, path, c, choices)
}

// exportWith is exportOnce, again with the choices that turn out to be missing.
func exportWith(ctx context.Context, path string, c frame.Compression, choices export.Choices) (*exported, error) {
	for {
		x, err := exportOnce(ctx, path, c, choices)
		var wrong *export.ChoicesError
		if !errors.As(err, &wrong) {
			return x, err
		}
		choices.Add(&wrong.Missing)
	}
}

// texts gives the document to rebuild.
func (x *exported) texts(ctx context.Context) rebuild.Texts {
	return func(each func([]byte) error) error {
		return archive.Read(ctx, bytes.NewReader(x.object), x.c, x.sum.Frames, 0, archive.ReadOptions{Workers: 2},
			func(t archive.Text) error { return each(t.Bytes) })
	}
}

// document returns the text.
func (x *exported) document(ctx context.Context) ([]byte, error) {
	var text []byte
	err := x.texts(ctx)(func(b []byte) error {
		text = append(text, b...)
		return nil
	})
	return text, err
}

func snapshot(ctx context.Context, source, path string) error {
	_, err := engine.Snapshot(ctx, source, path, engine.SnapshotOptions{})
	return err
}

// roundTrip exports the snapshot at path, rebuilds it to target and returns
// what is wrong with that.
func roundTrip(ctx context.Context, path, target string, c frame.Compression) (*exported, *rebuild.Built, error) {
	x, err := exportAll(ctx, path, c)
	if err != nil {
		return nil, nil, fmt.Errorf("export: %w", err)
	}
	b, err := rebuild.Build(ctx, target, x.texts(ctx), rebuild.Options{Workers: 2})
	if err != nil {
		return x, nil, fmt.Errorf("rebuild: %w", err)
	}
	again, err := exportOnce(ctx, target, c, x.choices)
	if err != nil {
		return x, b, fmt.Errorf("export of the result: %w", err)
	}
	if again.counted.End != x.counted.End {
		return x, b, fmt.Errorf("the result has %+v, the source %+v", again.counted.End, x.counted.End)
	}
	if digest := manifest.ContentDigest(x.sum.Frames); digest != x.counted.End.Digest || *b.End != x.counted.End {
		return x, b, fmt.Errorf("the frames' digest is %s, the document says %+v, the reader %+v", digest, x.counted.End, b.End)
	}
	names, err := os.ReadDir(filepath.Dir(target))
	if err != nil {
		return x, b, err
	}
	for _, n := range names {
		if n.Name() != filepath.Base(target) && n.Name() != filepath.Base(path) && !strings.HasPrefix(n.Name(), "source") {
			return x, b, fmt.Errorf("%s was left", n.Name())
		}
	}
	return x, b, nil
}

// reindented rebuilds from the document as another program may have laid it out,
// and checks that this is the same document.
func reindented(ctx context.Context, x *exported, target string) error {
	text, err := x.document(ctx)
	if err != nil {
		return err
	}
	var other bytes.Buffer
	if err := json.Indent(&other, text, " ", "\t"); err != nil {
		return fmt.Errorf("the document is no JSON: %w", err)
	}
	var canonical bytes.Buffer
	var frames []manifest.Frame
	r := &frame.Recutter{}
	hasher := archive.NewWriter(ctx, nil, frame.Compression{Codec: "none"}, 1, nil)
	defer hasher.Stop()
	r.Emit = hasher.Add
	if err := document.Canonicalize(&canonical, &other); err != nil {
		return err
	}
	if !bytes.Equal(canonical.Bytes(), text) {
		return errors.New("the canonical form of the re-indented document is not the document")
	}
	for piece := range slices.Chunk(canonical.Bytes(), 10_007) {
		if err := r.Add(piece); err != nil {
			return err
		}
	}
	if err := r.Close(); err != nil {
		return err
	}
	sum, err := hasher.Close()
	if err != nil {
		return err
	}
	frames = sum.Frames
	if digest := manifest.ContentDigest(frames); digest != x.counted.End.Digest {
		return fmt.Errorf("cut again, its digest is %s, not %s", digest, x.counted.End.Digest)
	}
	if len(frames) != len(x.sum.Frames) {
		return fmt.Errorf("cut again, it has %d frames, not %d", len(frames), len(x.sum.Frames))
	}
	for i, f := range frames {
		if g := x.sum.Frames[i]; f.Bytes != g.Bytes || f.Rows != g.Rows || f.SHA256 != g.SHA256 {
			return fmt.Errorf("cut again, frame %d is %+v, not %+v", i, f, g)
		}
	}
	_, err = rebuild.Build(ctx, target, func(each func([]byte) error) error { return each(canonical.Bytes()) }, rebuild.Options{})
	return err
}

func integrity(ctx context.Context, path string) (said []string, err error) {
	c, err := engine.Open(ctx, path, engine.OpenOptions{Immutable: true})
	if err != nil {
		return nil, err
	}
	err = c.Query(ctx, "PRAGMA integrity_check", nil, func(row []value.Value) error {
		said = append(said, string(row[0].Bytes))
		return nil
	})
	return said, errors.Join(err, c.Close())
}

var compressions = []frame.Compression{{Codec: "zstd", Level: 1}, {Codec: "gzip", Level: 1}, {Codec: "none"}}

// TestRandomDatabases is the property that all else serves: a database that was
// exported and rebuilt is the same database.
func TestRandomDatabases(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		ctx, dir := t.Context(), t.TempDir()
		source, snap, target := filepath.Join(dir, "source.db"), filepath.Join(dir, "snapshot.db"), filepath.Join(dir, "target.db")
		testdb.Random(r, ctx, source)
		if err := snapshot(ctx, source, snap); err != nil {
			r.Fatal(err)
		}
		x, _, err := roundTrip(ctx, snap, target, rapid.SampledFrom(compressions).Draw(r, "compression"))
		if err != nil {
			r.Fatal(err)
		}
		if said, err := integrity(ctx, target); err != nil || !slices.Equal(said, []string{"ok"}) {
			r.Fatal(said, err)
		}
		differences, gaps, err := testdb.Compare(ctx, source, target)
		if err != nil || len(differences)+len(gaps) > 0 {
			r.Fatal(err, differences, gaps)
		}
		if err := os.Remove(target); err != nil {
			r.Fatal(err)
		}
		if err := reindented(ctx, x, target); err != nil {
			r.Fatal(err)
		}
		differences, _, err = testdb.Compare(ctx, source, target)
		if err != nil || len(differences) > 0 {
			r.Fatal(err, differences)
		}
	})
}

// TestNastyDatabases does the same with what is hard to keep: it must come back
// the same, or be refused by an error; never anything else.
func TestNastyDatabases(t *testing.T) {
	for i, c := range testdb.NastyOf(testdb.Options{Tables: 400}) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			ctx, dir := t.Context(), t.TempDir()
			source, snap, target := filepath.Join(dir, "source.db"), filepath.Join(dir, "snapshot.db"), filepath.Join(dir, "target.db")
			if err := c.Build(ctx, source); err != nil {
				t.Fatal(err)
			}
			err := snapshot(ctx, source, snap)
			var x *exported
			if err == nil {
				x, _, err = roundTrip(ctx, snap, target, compressions[i%3])
			}
			switch {
			case c.Refused && err == nil:
				t.Fatal("not refused")
			case c.Refused || c.MayRefuse && x == nil && err != nil:
				if x != nil {
					t.Errorf("refused, but not by the export: %v", err)
				}
				t.Log(err)
				return
			case err != nil:
				t.Fatal(err)
			}
			differences, gaps, err := testdb.Compare(ctx, source, target)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range differences {
				t.Error(d)
			}
			if len(gaps) > 0 {
				t.Log(gaps)
			}
			if err := os.Remove(target); err != nil {
				t.Fatal(err)
			}
			if err := reindented(ctx, x, target); err != nil {
				t.Fatal(err)
			}
		})
	}
}
