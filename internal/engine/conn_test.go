package engine

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/litekeep/litekeep/internal/value"
)

// endless is a statement that never ends.
const endless = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c) SELECT count(*) FROM c"

func TestValuesGoThrough(t *testing.T) {
	c := mustOpen(t, filepath.Join(t.TempDir(), "values.db"))
	values := rapid.OneOf(
		rapid.Just(value.Value{}),
		rapid.Map(rapid.Int64(), value.OfInt),
		rapid.Map(rapid.Float64(), value.OfFloat),
		rapid.Map(rapid.String(), value.OfText),
		rapid.Map(rapid.SliceOf(rapid.Byte()), value.OfBlob),
		rapid.SampledFrom([]value.Value{
			value.OfInt(math.MinInt64), value.OfInt(math.MaxInt64), value.OfFloat(math.Inf(-1)), value.OfFloat(math.Copysign(0, -1)),
			value.OfFloat(5e-324), value.OfText(""), value.OfText("a\x00b"), value.OfBlob(nil),
			{Kind: value.RawText, Bytes: []byte("a\xff")},
		}),
	)
	rapid.Check(t, func(rt *rapid.T) {
		in := rapid.SliceOfN(values, 1, 5).Draw(rt, "values")
		var out []string
		err := c.Query(t.Context(), "SELECT ?"+strings.Repeat(",?", len(in)-1), in, func(row []value.Value) error {
			out = showAll(row)
			return nil
		})
		if err != nil || !slices.Equal(showAll(in), out) {
			rt.Errorf("%v, want %v (%v)", out, showAll(in), err)
		}
	})
}

func TestExecRunsSeveralStatements(t *testing.T) {
	c := mustOpen(t, filepath.Join(t.TempDir(), "several.db"))
	err := c.Exec(t.Context(), "CREATE TABLE t(a); -- a comment\n INSERT INTO t VALUES(?),(?); ; INSERT INTO t VALUES(?) -- the end",
		value.OfInt(1), value.OfInt(2), value.OfInt(3))
	if err != nil {
		t.Fatal(err)
	}
	if got := rows(t, c, "SELECT a FROM t; SELECT count(*) FROM t"); !slices.Equal(got, []string{"1", "2", "3", "3"}) {
		t.Errorf("rows %v", got)
	}
	for name, err := range map[string]error{
		"too few values":  c.Exec(t.Context(), "SELECT ?, ?", value.OfInt(1)),
		"too many values": c.Exec(t.Context(), "SELECT ?", value.OfInt(1), value.OfInt(2)),
		"zero byte":       c.Exec(t.Context(), "SELECT 1\x00"),
		"syntax":          c.Exec(t.Context(), "SELEC 1"),
	} {
		var e *Error
		if !errors.As(err, &e) || e.Path != c.path {
			t.Errorf("%s: error %v", name, err)
		}
	}
	stop := errors.New("stop")
	if err := c.Query(t.Context(), "SELECT a FROM t", nil, func([]value.Value) error { return stop }); err != stop {
		t.Errorf("error %v, want the one of the function", err)
	}
}

func TestErrorsAreTyped(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "typed.db")
	c := mustOpen(t, path, "CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES(1)")
	if err := c.Exec(t.Context(), "INSERT INTO t VALUES(1)"); !errors.Is(err, ErrConstraint) {
		t.Errorf("unique: %v", err)
	}
	mustExec(t, c, "PRAGMA max_page_count=4")
	if err := c.Exec(t.Context(), "INSERT INTO t VALUES(zeroblob(100000))"); !errors.Is(err, ErrFull) {
		t.Errorf("full: %v", err)
	}
	reader, err := Open(t.Context(), path, OpenOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Exec(t.Context(), "DELETE FROM t"); !errors.Is(err, ErrReadOnly) {
		t.Errorf("read-only: %v", err)
	}
	if err := errors.Join(reader.Close(), reader.Close()); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if err := reader.Exec(t.Context(), "SELECT 1"); err == nil {
		t.Error("a closed connection works")
	}
	for name, test := range map[string]struct {
		path string
		want []error
	}{
		"missing":     {filepath.Join(dir, "missing"), []error{ErrCantOpen, fs.ErrNotExist}},
		"folder":      {dir, []error{ErrCantOpen}},
		"empty path":  {"", []error{ErrCantOpen}},
		"zero byte":   {"a\x00b", []error{ErrCantOpen}},
		"long path":   {filepath.Join(dir, strings.Repeat("long/", 200)), []error{ErrCantOpen}},
		"no database": {filepath.Join(dir, "text"), []error{ErrNotADatabase}},
	} {
		writeFile(t, filepath.Join(dir, "text"), strings.Repeat("text ", 1000))
		c, err := Open(t.Context(), test.path, OpenOptions{})
		if err == nil {
			err = errors.Join(c.Exec(t.Context(), loadSchema), c.Close())
		}
		for _, want := range test.want {
			if !errors.Is(err, want) {
				t.Errorf("%s: error %v, want %v", name, err, want)
			}
		}
	}
}

func TestContextEndsAStatement(t *testing.T) {
	c := mustOpen(t, filepath.Join(t.TempDir(), "endless.db"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := c.Exec(ctx, endless); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 10*time.Second {
		t.Errorf("error %v after %v", err, time.Since(start))
	}
	if err := c.Exec(ctx, "SELECT 1"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want the context's", err)
	}
	// What came too late does not hit the next statement.
	for range 200 {
		ctx, cancel := context.WithCancel(t.Context())
		go cancel()
		_ = c.Exec(ctx, "SELECT 1")
		if err := c.Exec(t.Context(), "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<500) SELECT count(*) FROM c"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBusyTimeout(t *testing.T) {
	path := filepath.Join(t.TempDir(), "busy.db")
	other := mustOpen(t, path, "CREATE TABLE t(a); BEGIN EXCLUSIVE")
	c, err := Open(t.Context(), path, OpenOptions{BusyTimeout: 150 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	start := time.Now()
	if err := c.Exec(t.Context(), "INSERT INTO t VALUES(1)"); !errors.Is(err, ErrBusy) {
		t.Errorf("error %v, want ErrBusy", err)
	}
	if waited := time.Since(start); waited < 150*time.Millisecond || waited > 5*time.Second {
		t.Errorf("waited %v", waited)
	}
	at[waitState](c.wait).limit = int64(time.Minute)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := c.Exec(ctx, "INSERT INTO t VALUES(1)"); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 20*time.Second {
		t.Errorf("error %v, want the context's", err)
	}
	time.AfterFunc(50*time.Millisecond, func() { _ = other.Exec(context.Background(), "COMMIT") })
	if err := c.Exec(t.Context(), "INSERT INTO t VALUES(1)"); err != nil {
		t.Errorf("the lock was given up: %v", err)
	}
}

func TestImmutableTouchesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "wal.db")
	mustCreate(t, path, "PRAGMA journal_mode=WAL; CREATE TABLE t(a); INSERT INTO t VALUES(1)")
	before := folder(t, filepath.Dir(path))
	if got := immutableRows(t, path, "SELECT a FROM t"); !slices.Equal(got, []string{"1"}) {
		t.Errorf("rows %v", got)
	}
	if after := folder(t, filepath.Dir(path)); after != before {
		t.Errorf("the folder changed:\n%s\nbefore:\n%s", after, before)
	}
}

func TestFileURI(t *testing.T) {
	for path, want := range map[string]string{
		"/a/b.db":       "file:///a/b.db",
		"b.db":          "file:./b.db",
		"//host/x":      "file:////host/x",
		":memory:":      "file:./%3Amemory%3A",
		"/a b?c#d%\xff": "file:///a%20b%3Fc%23d%25%FF",
	} {
		if got := fileURI(path); got != want {
			t.Errorf("%q: %s, want %s", path, got, want)
		}
	}
}

func TestFullDisk(t *testing.T) {
	err := writeFault("write", "x", &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC})
	if !errors.Is(err, ErrFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error %v, want ErrFull", err)
	}
	if err := writeFault("write", "x", io.ErrShortWrite); errors.Is(err, ErrFull) || !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("error %v, want io.ErrShortWrite", err)
	}
	source, dest := places(t)
	mustCreate(t, source, "PRAGMA journal_mode=WAL", fillTable)
	s, err := openSource(t.Context(), source, 0)
	if err != nil {
		t.Fatal(err)
	}
	to := mustOpen(t, dest, "PRAGMA max_page_count=5")
	_, err = s.backup(t.Context(), to, &SnapshotOptions{})
	var e *Error
	if !errors.Is(err, ErrFull) || !errors.As(err, &e) || e.Path != dest {
		t.Errorf("error %v, want ErrFull of %s", err, dest)
	}
	if err := s.close(); err != nil {
		t.Error(err)
	}
}
