package litekeep_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/litekeep/litekeep"
)

// rest makes it seem that nobody has written to a database for an hour.
func rest(t testing.TB, path string) {
	t.Helper()
	then := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

// phases notes the phases of a run, and calls do once when one begins.
type phases struct {
	seen []string
	at   string
	do   func()
}

func (p *phases) report(now litekeep.Progress) {
	if slices.Contains(p.seen, now.Phase) {
		return
	}
	p.seen = append(p.seen, now.Phase)
	if now.Phase == p.at {
		p.do()
	}
}

// TestBackupInPlace backs up a database at rest, without a snapshot; and others
// that seem to be at rest but need one: each becomes the same backup as with one.
func TestBackupInPlace(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		sql      string
		snapshot bool
	}{
		{"at rest", smallSQL, false},
		{"at rest, statistics", smallSQL + "ANALYZE;", false},
		{"older rows", smallSQL + "ALTER TABLE log ADD COLUMN more TEXT DEFAULT 'none';", false},
		{"WAL", "PRAGMA journal_mode=WAL;" + smallSQL, false},
		{"index of an expression", smallSQL + "CREATE INDEX by_length ON account(length(owner));", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			seen := &phases{}
			w := newWorld(t, test.sql, nil, litekeep.WithProgress(seen.report))
			with := w.backup()
			if !slices.Contains(seen.seen, "snapshot") {
				t.Errorf("no snapshot of a database that was written to just now: %q", seen.seen)
			}
			rest(t, w.db)
			before := tree(t, w.dir)
			*seen = phases{}
			b := w.backup()
			if slices.Contains(seen.seen, "snapshot") != test.snapshot {
				t.Errorf("phases %q, snapshot %v", seen.seen, test.snapshot)
			}
			if b.Digest != with.Digest {
				t.Error("it has another content")
			}
			after := tree(t, w.dir)
			for name, was := range before {
				if after[name] != was {
					t.Errorf("%s has changed", name)
				}
			}
			clean(t, w.folder)
			target := filepath.Join(w.dir, "target.db")
			w.restore(b.Path, target)
			same(t, w.db, target)
		})
	}
}

// TestChangeInPlace commits while a database is read in place: the backup is of
// one state.
func TestChangeInPlace(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"DELETE", "WAL"} {
		t.Run(mode, func(t *testing.T) { changeInPlace(t, mode) })
	}
}

func changeInPlace(t *testing.T, mode string) {
	t.Parallel()
	w := newWorld(t, "PRAGMA journal_mode="+mode+";"+smallSQL+`WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i<50000)
		INSERT INTO log SELECT 1.0, i FROM c;`, nil)
	rest(t, w.db)
	seen := &phases{at: "export", do: func() { w.exec("UPDATE log SET at=at+1; UPDATE account SET amount=0") }}
	b, err := w.service(nil, litekeep.WithProgress(seen.report)).CreateBackup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(seen.seen, "snapshot") {
		t.Error("the change was not noticed")
	}
	if len(w.list()) != 1 {
		t.Errorf("%d backups", len(w.list()))
	}
	clean(t, w.folder)
	target := filepath.Join(w.dir, "target.db")
	w.restore(b.Path, target)
	same(t, w.db, target)
}
