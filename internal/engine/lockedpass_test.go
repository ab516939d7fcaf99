package engine

import (
	"bytes"
	"context"
	"errors"
	"os"
	"sync"
	"testing"
	"time"
)

// eagerWriter commits whenever something is written to a copy, and never waits
// for a lock.
type eagerWriter struct {
	*os.File
	c *Conn

	mu       sync.Mutex
	awake    bool
	let, not int // how often it was let in, and how often not
	err      error
}

func (w *eagerWriter) WriteAt(b []byte, off int64) (int, error) {
	w.commit()
	return w.File.WriteAt(b, off)
}

func (w *eagerWriter) Truncate(size int64) error {
	w.commit()
	return w.File.Truncate(size)
}

func (w *eagerWriter) commit() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.awake {
		return
	}
	switch err := w.c.Exec(context.Background(), "UPDATE t SET n=n+1000000"); {
	case errors.Is(err, ErrBusy):
		w.not++
	case err != nil:
		w.err = err
	default:
		w.let++
	}
}

// TestLastPass copies a database that is written to after every chunk, in passes
// that are all spoiled, and lets a writer try to commit whenever the last pass
// writes: it must find no lock, but where more has changed than there is room for.
// What it commits must not be in the copy.
func TestLastPass(t *testing.T) {
	for _, test := range []struct {
		name  string
		limit int // bytes
		busy  bool
	}{
		{name: "room for what changed", limit: lateBytes},
		{name: "little room", limit: 5 * minBlock, busy: true},
		{name: "no room", limit: 0, busy: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			source, dest := places(t)
			c := mustOpen(t, source, "PRAGMA synchronous=OFF", fillTable, "CREATE TABLE big(a INTEGER PRIMARY KEY, n, b)",
				"INSERT INTO big SELECT a, 0, zeroblob(30000) FROM t")
			out, err := os.Create(dest)
			if err != nil {
				t.Fatal(err)
			}
			w := &eagerWriter{File: out, c: c}
			s, err := openSource(t.Context(), source, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			chunks := 0
			p := newPassCopy(s, w, &SnapshotOptions{lease: 1, Progress: func(int64, int64) {
				chunks++
				mustExec(t, c, "UPDATE big SET n=n+1 WHERE a%200=1; INSERT INTO big(n,b) VALUES(0,zeroblob(9000))")
			}})
			p.late.limit = test.limit
			if clean, err := p.pass(t.Context()); clean || err != nil {
				t.Fatalf("clean %v, error %v", clean, err)
			}
			if size, err := s.file.size(); err != nil || size < 60<<20 || p.again < size/2 {
				t.Fatalf("%d chunks of %d bytes, %d again, error %v", chunks, size, p.again, err)
			}
			want := rows(t, c, "SELECT (SELECT sum(n) FROM t), sum(n), count(*), sum(length(b)) FROM big")

			w.awake = true
			if err := errors.Join(p.lockedPass(t.Context()), w.err, s.close(), out.Close()); err != nil {
				t.Fatal(err)
			}
			if w.let == 0 || w.not > 0 != test.busy {
				t.Errorf("the writer was let in %d times, and not %d times; want none of these: %v", w.let, w.not, !test.busy)
			}
			if p.late.held > test.limit || (p.late.held == 0) != (test.limit == 0) {
				t.Errorf("%d bytes were held, at most %d may be", p.late.held, test.limit)
			}
			checkSnapshot(t, dest, 2000)
			if got := immutableRows(t, dest, "SELECT (SELECT sum(n) FROM t), sum(n), count(*), sum(length(b)) FROM big"); got[0] != want[0] {
				t.Errorf("the copy holds %s, want %s", got, want)
			}
		})
	}
}

// TestCopyGivesUpTheLock lets a writer in as soon as the file is read, whatever
// is done with the copy then. The copy replaces what stood in its place.
func TestCopyGivesUpTheLock(t *testing.T) {
	for name, spoilt := range map[string]bool{"nobody writes": false, "somebody writes": true} {
		t.Run(name, func(t *testing.T) {
			source, dest := places(t)
			c := mustOpen(t, source, fillTable, "CREATE TABLE big(b); INSERT INTO big VALUES(zeroblob(3000000))") // three chunks
			if err := os.WriteFile(dest, bytes.Repeat([]byte("old"), 1<<20), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := openSource(t.Context(), source, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			var info SnapshotInfo
			err = s.copyInPasses(t.Context(), dest, &SnapshotOptions{lease: 1, Progress: func(int64, int64) {
				if spoilt {
					mustExec(t, c, "UPDATE t SET n=n+1")
				}
			}}, &info)
			if err != nil || info.Locked != spoilt || info.Again > 0 != spoilt {
				t.Fatalf("%+v, error %v", info, err)
			}
			want, err := os.Stat(source)
			if err != nil {
				t.Fatal(err)
			}
			mustExec(t, c, "UPDATE t SET n=1000000") // does not wait
			if err := s.close(); err != nil {
				t.Fatal(err)
			}
			checkSnapshot(t, dest, 2000)
			if stat, err := os.Stat(dest); err != nil || stat.Size() != want.Size() {
				t.Errorf("the copy is %v (%v), want %d bytes", stat, err, want.Size())
			}
			if got := immutableRows(t, dest, "SELECT max(n)<1000000 FROM t"); got[0] != "1" {
				t.Error("the copy holds what was committed after it")
			}
		})
	}
}
