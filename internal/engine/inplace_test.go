package engine

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// rest makes it seem that nobody has written to a database for an hour.
func rest(t testing.TB, path string) {
	t.Helper()
	then := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

func mustOpenInPlace(t testing.TB, path string) (*InPlace, *SnapshotInfo) {
	t.Helper()
	p, info, err := OpenInPlace(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p, info
}

// waitAndExec is a program that waits for locks.
func waitAndExec(t testing.TB, path, sql string) {
	t.Helper()
	c, err := Open(t.Context(), path, OpenOptions{BusyTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Exec(t.Context(), sql), c.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestInPlace(t *testing.T) {
	for _, mode := range []string{"DELETE", "WAL"} {
		t.Run(mode, func(t *testing.T) { readInPlace(t, "PRAGMA journal_mode="+mode+";"+fillTable) })
	}
}

func readInPlace(t *testing.T, sql string) {
	path, dest := places(t)
	mustCreate(t, path, sql)
	rest(t, path)
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := Snapshot(t.Context(), path, dest, SnapshotOptions{})
	if err != nil {
		t.Fatal(err)
	}
	before := stats(t, path)
	p, info := mustOpenInPlace(t, path)
	if *info != *snapshot {
		t.Errorf("in place %+v, a snapshot %+v", info, snapshot)
	}
	var got bytes.Buffer
	// Section by section, with pauses in which the lock is given up.
	for part := make([]byte, 5000); ; time.Sleep(lease / 4) {
		n, err := p.ReadAt(part, int64(got.Len()))
		got.Write(part[:n])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Error("what was read is not the file")
	}
	if err := p.Unchanged(); err != nil {
		t.Error(err)
	}
	if n, err := p.ReadAt(make([]byte, 10), int64(len(want))); n != 0 || err != io.EOF {
		t.Errorf("after the end: %d bytes, %v", n, err)
	}
	if after := stats(t, path); after != before {
		t.Errorf("the folder was changed: %s, before %s", after, before)
	}
}

// TestInPlaceNotAtRest is about databases that have to be copied.
func TestInPlaceNotAtRest(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, path string){
		"written to just now": func(t *testing.T, path string) {
			now := time.Now()
			if err := os.Chtimes(path, now, now); err != nil {
				t.Fatal(err)
			}
		},
		"in the future": func(t *testing.T, path string) {
			then := time.Now().Add(time.Hour)
			if err := os.Chtimes(path, then, then); err != nil {
				t.Fatal(err)
			}
		},
		"WAL, open": func(t *testing.T, path string) {
			c := mustOpen(t, path)
			mustExec(t, c, "PRAGMA journal_mode=WAL; SELECT * FROM t")
			rest(t, path)
		},
		"WAL, left behind": func(t *testing.T, path string) {
			mustCreate(t, path, "PRAGMA journal_mode=WAL")
			if err := os.WriteFile(path+"-wal", nil, 0o600); err != nil {
				t.Fatal(err)
			}
			rest(t, path)
		},
		"hot journal": func(t *testing.T, path string) {
			startActor(t, "spill", path).kill()
			rest(t, path)
		},
		"0 bytes": func(t *testing.T, path string) {
			if err := os.Truncate(path, 0); err != nil {
				t.Fatal(err)
			}
			rest(t, path)
		},
	} {
		t.Run(name, func(t *testing.T) {
			path, _ := places(t)
			mustCreate(t, path, fillTable)
			spoil(t, path)
			p, _, err := OpenInPlace(t.Context(), path)
			if err == nil {
				t.Error(p.Close())
			}
			if !errors.Is(err, ErrNotAtRest) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestInPlaceFindsChanges changes a database that is read in place.
func TestInPlaceFindsChanges(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, path string){
		"commit": func(t *testing.T, path string) { waitAndExec(t, path, "UPDATE t SET n=1") },
		// It comes while the lock is held: no lock keeps it out.
		"no lock": func(t *testing.T, path string) { rest(t, path) },
		"killed writer": func(t *testing.T, path string) {
			startActor(t, "spill", path).kill()
		},
		"WAL": func(t *testing.T, path string) { waitAndExec(t, path, "PRAGMA journal_mode=WAL") },
	} {
		t.Run(name, func(t *testing.T) {
			findsChange(t, fillTable, change)
		})
	}
}

// findsChange changes a database that sql makes while it is read in place.
func findsChange(t *testing.T, sql string, change func(t *testing.T, path string)) {
	t.Helper()
	path, _ := places(t)
	mustCreate(t, path, sql)
	rest(t, path)
	p, _ := mustOpenInPlace(t, path)
	page := make([]byte, 4096)
	if _, err := p.ReadAt(page, 0); err != nil {
		t.Fatal(err)
	}
	change(t, path)
	if err := p.Unchanged(); !errors.Is(err, ErrNotAtRest) {
		t.Errorf("it seems unchanged: %v", err)
	}
	if _, err := p.ReadAt(page, 4096); !errors.Is(err, ErrNotAtRest) {
		t.Errorf("reading goes on: %v", err)
	}
}

// TestInPlaceFindsChangesOfWAL changes a database in WAL mode that is read in
// place, where no lock tells of it.
func TestInPlaceFindsChangesOfWAL(t *testing.T) {
	keep := func(t *testing.T, path string) *Conn {
		c := mustOpen(t, path)
		mustExec(t, c, "UPDATE t SET n=1")
		return c
	}
	for name, change := range map[string]func(t *testing.T, path string){
		"commit":               func(t *testing.T, path string) { waitAndExec(t, path, "UPDATE t SET n=1") },
		"commit, still open":   func(t *testing.T, path string) { keep(t, path) },
		"checkpoint":           func(t *testing.T, path string) { mustExec(t, keep(t, path), "PRAGMA wal_checkpoint(TRUNCATE)") },
		"another journal mode": func(t *testing.T, path string) { waitAndExec(t, path, "PRAGMA journal_mode=DELETE") },
		"reader":               func(t *testing.T, path string) { mustExec(t, mustOpen(t, path), "SELECT * FROM t") },
	} {
		t.Run(name, func(t *testing.T) {
			findsChange(t, "PRAGMA journal_mode=WAL;"+fillTable, change)
		})
	}
}

// TestInPlaceLetsWritersIn reads without a pause beside a writer.
func TestInPlaceLetsWritersIn(t *testing.T) {
	path, _ := places(t)
	mustCreate(t, path, fillTable)
	rest(t, path)
	p, _ := mustOpenInPlace(t, path)
	writer := startActor(t, "write", path)
	page := make([]byte, 4096)
	started := time.Now()
	for {
		_, err := p.ReadAt(page, 0)
		if errors.Is(err, ErrNotAtRest) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if time.Since(started) > 30*time.Second {
			t.Fatal("the writer does not come in")
		}
	}
	time.Sleep(20 * time.Millisecond) // for more commits: nothing holds it up now
	if last := writer.finish(); strings.HasPrefix(last, "commits 0 ") {
		t.Errorf("the writer wrote nothing: %s", last)
	}
}
