package export_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/export"
	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/manifest"
)

// TestMain makes rapid try less often than it would by itself, since each try
// makes a database, and checks that no goroutine is left.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.checks" })
	if !given {
		if err := flag.Set("rapid.checks", "30"); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

// create makes a database of SQL statements and returns its path.
func create(t testing.TB, sql ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.db")
	run(t, path, append([]string{"PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY"}, sql...)...)
	return path
}

// run runs statements on the database at path.
func run(t testing.TB, path string, sql ...string) {
	t.Helper()
	c, err := engine.Open(t.Context(), path, engine.OpenOptions{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sql {
		if err := c.Exec(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
}

// plan plans the export of the database at path.
func plan(t testing.TB, path string, c export.Choices) (*export.Plan, error) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() }) // it was only read
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	d, err := engine.Describe(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	d.LeaveToSQLite(c.Ask)
	return export.NewPlan(t.Context(), f, info.Size(), d, c)
}

var source = &document.Source{Name: "a", Path: "/a.db", Created: "2026-11-22T02:00:00.123Z", SQLite: "3.54.1", Litekeep: "0.1.0", SchemaVersion: 9}

// sink keeps the frames that it is given.
type sink struct {
	frames []*frame.Frame
	fail   func(n int) error
	spare  chan []byte
}

func (s *sink) Add(f *frame.Frame) error {
	if s.fail != nil {
		if err := s.fail(len(s.frames)); err != nil {
			return err
		}
	}
	kept := &frame.Frame{Parts: [][]byte{bytes.Join(f.Parts, nil)}, Items: f.Items, Rows: f.Rows}
	for _, p := range f.Parts {
		p = p[:cap(p)]
		clear(p)
		select {
		case s.spare <- p[:0]:
		default:
		}
	}
	s.frames = append(s.frames, kept)
	return nil
}

func (s *sink) Digest() (string, error) {
	list := []manifest.Frame{}
	for _, f := range s.frames {
		list = append(list, manifest.Frame{SHA256: sum(f.Parts[0])})
	}
	return manifest.ContentDigest(append(list, manifest.Frame{})), nil
}

func (s *sink) text() string {
	var b bytes.Buffer
	for _, f := range s.frames {
		b.Write(f.Parts[0])
	}
	return b.String()
}

// runPlan exports the database at path.
func runPlan(ctx context.Context, t testing.TB, path string, workers int, c export.Choices) (*sink, *export.Counted, error) {
	t.Helper()
	p, err := plan(t, path, c)
	if err != nil {
		return nil, nil, err
	}
	s := &sink{spare: make(chan []byte, 4)}
	counted, err := p.Run(ctx, source, s, export.Options{Workers: workers, Spare: s.spare})
	return s, counted, err
}

func mustRun(t testing.TB, path string, workers int, c export.Choices) (*sink, *export.Counted) {
	t.Helper()
	s, counted, err := runPlan(t.Context(), t, path, workers, c)
	if err != nil {
		t.Fatal(err)
	}
	return s, counted
}

var errFault = errors.New("the disk is full")
