package state

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/litekeep/litekeep/internal/engine"
)

// TestMain runs the tests, or, in a process that a test started, the role that
// the test gave it.
func TestMain(m *testing.M) {
	if role := os.Getenv("STATE_TEST_ROLE"); role != "" {
		if err := roles[role](os.Getenv("STATE_TEST_PATH")); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

var roles = map[string]func(path string) error{}

// at is a moment of the tests: n seconds after a fixed one.
func at(n int) time.Time {
	return time.Date(2026, 5, 5, 2, 0, n, 123e6, time.UTC)
}

func clock() time.Time { return at(0) }

// mustOpen opens a state, and closes it when the test ends.
func mustOpen(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, clock)
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

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// want compares what a call returned with what it should.
func want[T any](t testing.TB, what string, expected T) func(T, error) {
	return func(got T, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		} else if d := cmp.Diff(expected, got); d != "" {
			t.Errorf("%s (- want, + got):\n%s", what, d)
		}
	}
}

func TestPermissions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "folder?mode=memory#%41", "state.db")
	s := mustOpen(t, path)
	must(t, s.SetSlot(t.Context(), "app", at(0)))
	for name, perm := range map[string]os.FileMode{
		path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600,
		filepath.Dir(path): 0o700 | os.ModeDir, filepath.Dir(filepath.Dir(path)): 0o700 | os.ModeDir,
	} {
		if info, err := os.Stat(name); err != nil || info.Mode() != perm {
			t.Errorf("%s: %v, %v; want %v", name, info.Mode(), err, perm)
		}
	}
	must(t, s.Close())
	must(t, os.Chmod(path, 0o644))
	s = mustOpen(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("an open file: %v, %v", info.Mode(), err)
	}
	want(t, "slot", at(0))(s.Slot(t.Context(), "app"))
}

// TestDamage damages a state in several ways: it is put aside, whole, and a new
// one is begun.
func TestDamage(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"no database": func([]byte) []byte { return []byte(strings.Repeat("this is not a database\n", 300)) },
		"no header":   func(b []byte) []byte { copy(b, make([]byte, 100)); return b },
		"cut off":     func(b []byte) []byte { return b[:len(b)/2] },
		"a page of x": func(b []byte) []byte { copy(b[8192:], strings.Repeat("x", 4096)); return b },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			s := mustOpen(t, path)
			for i := range 50 {
				must(t, s.BeginRun(t.Context(), Run{ID: fmt.Sprintf("%03d", i), Database: "app", Kind: "backup", Started: at(i), Error: strings.Repeat("e", 500)}))
			}
			must(t, s.Close())
			data, err := os.ReadFile(path)
			must(t, err)
			data = damage(data)
			must(t, os.WriteFile(path, data, 0o600))

			s = mustOpen(t, path)
			if aside := path + ".damaged-20260505T020000Z"; s.PutAside() != aside {
				t.Errorf("put aside as %q, want %q", s.PutAside(), aside)
			}
			if kept, err := os.ReadFile(s.PutAside()); err != nil || string(kept) != string(data) {
				t.Errorf("what was put aside is not the damaged file: %v", err)
			}
			want(t, "runs", []Run(nil))(s.Runs(t.Context(), RunFilter{}))
			must(t, s.SetSlot(t.Context(), "app", at(1)))
			must(t, s.Close())
			s = mustOpen(t, path)
			if s.PutAside() != "" {
				t.Errorf("put aside again: %s", s.PutAside())
			}
			want(t, "slot", at(1))(s.Slot(t.Context(), "app"))
		})
	}
}

// TestSetAside puts two files aside in one second, with what lies beside them.
func TestSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	for _, suffix := range []string{"", "-2"} {
		for _, beside := range []string{"", "-wal", "-shm"} {
			must(t, os.WriteFile(path+beside, []byte("damaged"+suffix+beside), 0o600))
		}
		name, err := setAside(path, at(0))
		must(t, err)
		if name != path+".damaged-20260505T020000Z"+suffix {
			t.Errorf("put aside as %s", name)
		}
		for _, beside := range []string{"", "-wal", "-shm"} {
			if got, err := os.ReadFile(name + beside); string(got) != "damaged"+suffix+beside {
				t.Errorf("%s holds %q, %v", name+beside, got, err)
			}
			if _, err := os.Stat(path + beside); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: %v", path+beside, err)
			}
		}
	}
}

// sqlFile makes a database by statements.
func sqlFile(t testing.TB, path string, statements ...string) {
	t.Helper()
	c, err := engine.Open(t.Context(), path, engine.OpenOptions{Create: true})
	must(t, err)
	defer c.Close()
	for _, s := range statements {
		must(t, c.Exec(t.Context(), s))
	}
}

// TestRefuses checks that databases which are not ours are left as they are.
func TestRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		statements []string
		want       error
	}{
		"newer":         {[]string{"PRAGMA application_id=1280013172", "PRAGMA user_version=99", "CREATE TABLE runs(x)"}, ErrNewer},
		"of others":     {[]string{"CREATE TABLE users(name)"}, ErrForeign},
		"of others, id": {[]string{"PRAGMA application_id=7"}, ErrForeign},
		"no version":    {[]string{"PRAGMA application_id=1280013172", "CREATE TABLE runs(x)"}, ErrForeign},
	} {
		path := filepath.Join(t.TempDir(), "state.db")
		sqlFile(t, path, c.statements...)
		s, err := Open(t.Context(), path, clock)
		if !errors.Is(err, c.want) || errors.Is(err, ErrUnavailable) || s != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if files, _ := filepath.Glob(path + ".damaged*"); len(files) != 0 {
			t.Errorf("%s: %v was put aside", name, files)
		}
	}
}

// TestVersion1 opens a state as version 1 wrote it.
func TestVersion1(t *testing.T) {
	fixture, err := os.ReadFile("testdata/v1.sql")
	must(t, err)
	path := filepath.Join(t.TempDir(), "state.db")
	sqlFile(t, path, strings.Split(string(fixture), ";--\n")...)
	s := mustOpen(t, path)
	if s.PutAside() != "" {
		t.Fatal("it was put aside")
	}
	ctx := t.Context()
	want(t, "run", sampleRun())(s.Run(ctx, sampleRun().ID))
	want(t, "slot", at(0))(s.Slot(ctx, "app"))
	want(t, "tokens", []Token{sampleToken()})(s.Tokens(ctx))
	want(t, "messages", []Message{sampleMessage()})(s.Waiting(ctx))
	want(t, "conditions", []Condition{sampleCondition()})(s.Conditions(ctx))
	want(t, "note", json.RawMessage(`{"a": 1}`))(s.Note(ctx, "key"))
}

// TestMigrate takes a step that does not exist yet, once, and none if it fails.
func TestMigrate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	s := mustOpen(t, path)
	ctx := t.Context()
	must(t, s.SetSlot(ctx, "app", at(0)))
	before := steps
	defer func() { steps = before }()
	steps = append(before[:len(before):len(before)], "CREATE TABLE more(x); INSERT INTO missing VALUES (1)")
	if err := migrate(ctx, s.db, steps); err == nil {
		t.Error("a step that cannot be taken was")
	}
	steps = append(before[:len(before):len(before)], "CREATE TABLE more(x); INSERT INTO more VALUES (7)")
	for range 2 {
		must(t, migrate(ctx, s.db, steps))
	}
	var n, version int
	must(t, s.db.QueryRowContext(ctx, "SELECT (SELECT sum(x) FROM more), (SELECT user_version FROM pragma_user_version)").Scan(&n, &version))
	if n != 7 || version != len(before)+1 {
		t.Errorf("the sum is %d, the version %d", n, version)
	}
	steps = before
	must(t, s.Close())
	if _, err := Open(ctx, path, clock); !errors.Is(err, ErrNewer) {
		t.Errorf("with the older steps: %v", err)
	}
}

// TestFaults checks that what cannot be stored is an ErrUnavailable, with its
// reason, and that the store goes on when the reason is gone.
func TestFaults(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "state.db"))
	ctx := t.Context()
	pragma := func(p string) {
		t.Helper()
		if _, err := s.db.ExecContext(ctx, "PRAGMA "+p); err != nil {
			t.Fatal(err)
		}
	}
	note := json.RawMessage(`"` + strings.Repeat("x", 100_000) + `"`)
	for _, c := range []struct {
		name, set, reset string
		want             error
	}{
		{"full", "max_page_count=1", "max_page_count=100000", engine.ErrFull},
		{"read-only", "query_only=1", "query_only=0", engine.ErrReadOnly},
	} {
		pragma(c.set)
		err := s.PutNote(ctx, "key", note)
		if !errors.Is(err, ErrUnavailable) || !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if _, err := s.Note(ctx, "key"); !errors.Is(err, ErrNotFound) || errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: reading: %v", c.name, err)
		}
		pragma(c.reset)
		must(t, s.PutNote(ctx, "key", note))
		must(t, s.DeleteNote(ctx, "key"))
	}
}

// TestGone removes and replaces the file while it is open.
func TestGone(t *testing.T) {
	for name, do := range map[string]func(path string) error{
		"removed":  os.Remove,
		"renamed":  func(path string) error { return os.Rename(path, path+".old") },
		"replaced": func(path string) error { return errors.Join(os.Remove(path), os.WriteFile(path, nil, 0o600)) },
		"folder":   func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "folder", "state.db")
			s := mustOpen(t, path)
			must(t, s.SetSlot(t.Context(), "app", at(0)))
			must(t, do(path))
			if err := s.SetSlot(t.Context(), "app", at(1)); !errors.Is(err, ErrUnavailable) {
				t.Errorf("stored: %v", err)
			}
			want(t, "slot", at(0))(s.Slot(t.Context(), "app"))
			// What was beside it belongs to nobody now.
			s.Close()
			again := mustOpen(t, path)
			must(t, again.SetSlot(t.Context(), "app", at(2)))
		})
	}
}

// TestUnusable opens what is no file.
func TestUnusable(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	for _, path := range []string{dir, filepath.Join(dir, "file", "state.db")} {
		if _, err := Open(t.Context(), path, clock); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestNil checks that no method of a state that could not be opened panics.
func TestNil(t *testing.T) {
	var s *Store
	ctx := t.Context()
	calls := map[string]func() error{
		"BeginRun":   func() error { return s.BeginRun(ctx, sampleRun()) },
		"BeginSlot":  func() error { return s.BeginSlot(ctx, sampleRun()) },
		"EndRun":     func() error { return s.EndRun(ctx, sampleRun()) },
		"Run":        func() error { _, err := s.Run(ctx, "x"); return err },
		"Runs":       func() error { _, err := s.Runs(ctx, RunFilter{}); return err },
		"LastRun":    func() error { _, err := s.LastRun(ctx, "x", "y"); return err },
		"CutOff":     func() error { _, err := s.CutOff(ctx, at(0)); return err },
		"TrimRuns":   func() error { _, err := s.TrimRuns(ctx, 1, at(0)); return err },
		"Slot":       func() error { _, err := s.Slot(ctx, "x"); return err },
		"SetSlot":    func() error { return s.SetSlot(ctx, "x", at(0)) },
		"PutToken":   func() error { return s.PutToken(ctx, sampleToken()) },
		"Tokens":     func() error { _, err := s.Tokens(ctx); return err },
		"TouchToken": func() error { return s.TouchToken(ctx, "x", at(0)) },
		"Enqueue":    func() error { return s.Enqueue(ctx, sampleMessage()) },
		"Failed":     func() error { return s.Failed(ctx, at(0), at(0), "x", "y") },
		"Conditions": func() error { _, err := s.Conditions(ctx); return err },
		"Note":       func() error { _, err := s.Note(ctx, "x"); return err },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s.PutAside() != "" || s.Path() != "" || s.Close() != nil {
		t.Error("it says that it is something")
	}
}

// TestCancelled checks that the end of a context is told as such.
func TestCancelled(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "state.db"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.SetSlot(ctx, "app", at(0)); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) {
		t.Errorf("writing: %v", err)
	}
	if _, err := s.Tokens(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnavailable) {
		t.Errorf("reading: %v", err)
	}
	// A long statement is stopped.
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := s.exec(ctx, "count", "INSERT INTO notes WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT 'x', count(*) FROM n")
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrUnavailable) {
		t.Errorf("counting: %v", err)
	}
	must(t, s.SetSlot(t.Context(), "app", at(0)))
}
