package engine

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
)

// otherPages makes a target in WAL mode and a file with other pages for it.
func otherPages(t *testing.T) (newFile, target string) {
	t.Helper()
	target = filepath.Join(t.TempDir(), "target.db")
	mustCreate(t, target, "PRAGMA page_size=1024; PRAGMA journal_mode=WAL", fillTable)
	return makeNew(t, "CREATE TABLE big(b); INSERT INTO big VALUES(zeroblob(30000000))"), target
}

// TestLeaveWALAndFail finds the old content in the old mode after a failure half-way.
func TestLeaveWALAndFail(t *testing.T) {
	source, target := otherPages(t)
	ctx, cancel := context.WithCancel(t.Context())
	mode := ""
	err := publish(ctx, source, target, PublishOptions{Progress: func(int64, int64) {
		header, err := privateHeader(target)
		if err != nil {
			t.Error(err)
		}
		mode = map[byte]string{1: "rollback", 2: "WAL"}[header[offsetReadVersion]]
		cancel()
	}})
	if !errors.Is(err, context.Canceled) || mode != "rollback" {
		t.Errorf("error %v in %s mode", err, mode)
	}
	c := mustOpen(t, target)
	for sql, want := range map[string]string{
		"SELECT count(*) FROM t": "2000", "PRAGMA integrity_check": `"ok"`, "PRAGMA journal_mode": `"wal"`, "PRAGMA page_size": "1024",
	} {
		if got := rows(t, c, sql); got[0] != want {
			t.Errorf("%s: %v, want %s", sql, got, want)
		}
	}
	mustExec(t, c, "DELETE FROM t") // nobody is kept out any more
}

// TestLeaveWALNotOverCommits lets somebody come after the publication was allowed: one
// that stays and one that commits and goes.
func TestLeaveWALNotOverCommits(t *testing.T) {
	source, target := otherPages(t)
	p, err := NewPublication(t.Context(), source, target, PublishOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Watch(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := mustOpen(t, target)
	rows(t, other, "SELECT count(*) FROM t")
	if err := p.Publish(t.Context()); !errors.Is(err, ErrBusy) {
		t.Fatalf("beside another connection: %v", err)
	}
	mustExec(t, other, "DELETE FROM t WHERE rowid=1")
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if err := p.Publish(t.Context()); !errors.Is(err, ErrChanged) {
		t.Fatalf("after a commit: %v", err)
	}
	if err := p.Hold(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Publish(t.Context()), p.Close()); err != nil {
		t.Fatal(err)
	}
	c := mustOpen(t, target)
	if got := rows(t, c, "SELECT count(*) FROM fresh"); got[0] != "3000" {
		t.Error(got)
	}
	if got := rows(t, c, "PRAGMA integrity_check"); got[0] != `"ok"` {
		t.Error(got)
	}
}
