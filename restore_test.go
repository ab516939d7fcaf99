package litekeep_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep"
)

const otherSQL = `
CREATE TABLE note(body TEXT);
INSERT INTO note VALUES('what the target held'),(printf('%05000d', 1));
PRAGMA user_version=7;`

// newTarget makes a world with a backup, and a target with other content, a copy
// of which stays in was.
func newTarget(t testing.TB) (w *world, b *litekeep.Backup, target, was string) {
	t.Helper()
	w = newWorld(t, smallSQL, nil)
	b = w.backup()
	target, was = filepath.Join(w.dir, "target.db"), filepath.Join(w.dir, "was.db")
	makeDatabase(t, target, otherSQL)
	if err := copyFile(target, was); err != nil {
		t.Fatal(err)
	}
	return w, b, target, was
}

// alone fails the test where anything but the target lies beside it under its
// name.
func alone(t testing.TB, target string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(target))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if base := filepath.Base(target); e.Name() != base && strings.Contains(e.Name(), base) {
			t.Errorf("%s lies beside the target", e.Name())
		}
	}
}

func TestRestoreOverDatabase(t *testing.T) {
	t.Parallel()
	w, b, target, was := newTarget(t)
	r := w.restore(b.Path, target)
	if !r.Replaced || !r.Proven || r.SafetyBackup == "" || r.DryRun {
		t.Errorf("%+v", r)
	}
	same(t, w.db, target)
	alone(t, target)
	list, err := w.service(func(c *litekeep.Config) { c.DatabasePath = target }).ListBackups(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatalf("the safety backup is not listed: %v, %v", list, err)
	}
	safety := list[0]
	if safety.Path != r.SafetyBackup || safety.Verified.IsZero() || safety.Source != target {
		t.Errorf("%+v", safety)
	}
	if until := time.Until(safety.Pinned); until < 29*24*time.Hour {
		t.Errorf("it is pinned for %v", until)
	}
	undo := w.restore(r.SafetyBackup, target)
	same(t, was, target)
	w.restore(undo.SafetyBackup, target)
	same(t, w.db, target)
}

func TestRestoreWithoutSafety(t *testing.T) {
	t.Parallel()
	w, b, target, _ := newTarget(t)
	r, err := w.RestoreBackup(t.Context(), b.Path, target, litekeep.RestoreOptions{NoSafetyBackup: true, NoProof: true})
	if err != nil || r.SafetyBackup != "" || r.Proven || !r.Replaced {
		t.Errorf("%+v, %v", r, err)
	}
	same(t, w.db, target)
	if entries, err := os.ReadDir(w.backups); err != nil || len(entries) != 1 {
		t.Errorf("there is another folder of backups: %v, %v", entries, err)
	}
}

// TestRestoreFromInside names the backup by its file name alone, from its own
// folder.
func TestRestoreFromInside(t *testing.T) {
	w, b, target, _ := newTarget(t)
	t.Chdir(w.folder)
	r := w.restore(filepath.Base(b.Path), target)
	if dir := filepath.Dir(r.SafetyBackup); dir != filepath.Join(w.backups, "target") {
		t.Errorf("the safety backup is in %q", dir)
	}
	clean(t, w.folder)
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	w, b, target, _ := newTarget(t)
	before := tree(t, w.dir)
	for path, replaced := range map[string]bool{target: true, filepath.Join(w.dir, "fresh.db"): false} {
		r, err := w.RestoreBackup(t.Context(), b.Path, path, litekeep.RestoreOptions{DryRun: true})
		if err != nil || !r.DryRun || r.Proven || r.Replaced != replaced || len(r.Steps) < 3 || r.RecordCount != 5 {
			t.Errorf("%+v, %v", r, err)
		}
	}
	unchanged(t, w.dir, before)
}

// TestRestoreRefusals names targets that cannot be restored to. Nothing may
// change.
func TestRestoreRefusals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		prepare func(target string) error
		says    string
	}{
		"folder":        {func(target string) error { return os.Mkdir(target, 0o700) }, "not a file"},
		"no folder":     {func(target string) error { return os.Remove(filepath.Dir(target)) }, "folder of the target"},
		"dangling link": {func(target string) error { return os.Symlink(target+".gone", target) }, "symbolic link"},
		"stale log":     {func(target string) error { return os.WriteFile(target+"-wal", make([]byte, 64), 0o600) }, "-wal"},
		"stale journal": {func(target string) error { return os.WriteFile(target+"-journal", make([]byte, 64), 0o600) }, "-journal"},
		"text":          {func(target string) error { return os.WriteFile(target, []byte(strings.Repeat("text ", 99)), 0o600) }, "something else than a database"},
		"only the log": {func(target string) error {
			return errors.Join(os.WriteFile(target, nil, 0o600), os.WriteFile(target+"-wal", make([]byte, 64), 0o600))
		}, "log"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, smallSQL, nil)
			b := w.backup()
			target := filepath.Join(w.dir, "in", "target.db")
			if err := errors.Join(os.Mkdir(filepath.Dir(target), 0o700), test.prepare(target)); err != nil {
				t.Fatal(err)
			}
			before := tree(t, w.dir)
			_, err := w.RestoreBackup(t.Context(), b.Path, target, litekeep.RestoreOptions{})
			if !errors.Is(err, litekeep.ErrTarget) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v", err)
			}
			unchanged(t, w.dir, before)
		})
	}
}

// TestRestoreHintsAreCommands runs the commands of hints, for a path that a shell would
// read as another one.
func TestRestoreHintsAreCommands(t *testing.T) {
	t.Parallel()
	tests := map[string]func(target string) error{
		"no folder": func(target string) error { return os.Remove(filepath.Dir(target)) },
		"stale log": func(target string) error { return os.WriteFile(target+"-wal", make([]byte, 64), 0o600) },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, smallSQL, nil)
			b := w.backup()
			target := filepath.Join(w.dir, "for $HOME", "it's `new`.db")
			if err := errors.Join(os.Mkdir(filepath.Dir(target), 0o700), spoil(target)); err != nil {
				t.Fatal(err)
			}
			_, err := w.RestoreBackup(t.Context(), b.Path, target, litekeep.RestoreOptions{})
			var e *litekeep.Error
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			_, command, _ := strings.Cut(e.Hint, ": ")
			if out, err := exec.CommandContext(t.Context(), "sh", "-c", command).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s", command, err, out)
			}
			w.restore(b.Path, target)
		})
	}
}

// TestRestoreOverEmptyFiles restores to what SQLite takes for an empty database.
func TestRestoreOverEmptyFiles(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{"zero bytes": "", "no tables": "VACUUM"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, smallSQL, nil)
			b := w.backup()
			target := filepath.Join(w.dir, "target.db")
			if err := os.WriteFile(target, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			makeDatabase(t, target, sql)
			if r := w.restore(b.Path, target); !r.Replaced || r.SafetyBackup == "" {
				t.Errorf("%+v", r)
			}
			same(t, w.db, target)
		})
	}
}

// TestRestoreOfZeroBytes restores an empty file over a database.
func TestRestoreOfZeroBytes(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]string{
		"rollback": "PRAGMA journal_mode=DELETE", "WAL": "PRAGMA journal_mode=WAL", "WAL, other pages": "PRAGMA page_size=1024; VACUUM; PRAGMA journal_mode=WAL",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, _, target, was := newTarget(t)
			makeDatabase(t, target, settings)
			startActor(t, "hold", target).ask("SELECT count(*) FROM note")
			if err := os.Truncate(w.db, 0); err != nil {
				t.Fatal(err)
			}
			b := w.backup()
			if len(b.Warnings) != 2 || !strings.Contains(b.Warnings[0], "0 bytes") || !strings.Contains(b.Warnings[1], "has 0 rows") {
				t.Errorf("warnings %q", b.Warnings)
			}
			r := w.restore(b.Path, target)
			if got := query(t, target, "SELECT count(*) FROM sqlite_schema"); got != "0" {
				t.Errorf("the target has %s objects", got)
			}
			if got := query(t, target, "PRAGMA integrity_check"); got != "ok" {
				t.Error(got)
			}
			w.restore(r.SafetyBackup, target)
			if got, want := query(t, target, "SELECT * FROM note"), query(t, was, "SELECT * FROM note"); got != want {
				t.Errorf("the undo gives %q", got)
			}
		})
	}
}

func TestRestoreThroughLink(t *testing.T) {
	t.Parallel()
	w, b, target, _ := newTarget(t)
	link := filepath.Join(w.dir, "link.db")
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	w.restore(b.Path, link)
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("the link is no more: %v, %v", info, err)
	}
	same(t, w.db, target)
}

// TestRestoreWithOtherPages restores to a target with pages of another size, and back.
func TestRestoreWithOtherPages(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"delete", "wal"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, smallSQL, nil)
			b := w.backup()
			target, was := filepath.Join(w.dir, "target.db"), filepath.Join(w.dir, "was.db")
			makeDatabase(t, was, "PRAGMA page_size=1024; PRAGMA journal_mode="+mode+";"+otherSQL)
			if err := copyFile(was, target); err != nil {
				t.Fatal(err)
			}
			before := tree(t, w.dir)
			if _, err := w.RestoreBackup(t.Context(), b.Path, target, litekeep.RestoreOptions{DryRun: true}); err != nil {
				t.Fatal(err)
			}
			unchanged(t, w.dir, before)
			r := w.restore(b.Path, target)
			same(t, w.db, target)
			if len(r.Warnings) > 0 {
				t.Errorf("warnings %q", r.Warnings)
			}
			w.restore(r.SafetyBackup, target)
			same(t, was, target)
			alone(t, target)
		})
	}
}

// TestRestoreWithOtherPagesOverOpenWAL finds that a connection which is open in WAL mode
// is told of, since it could not follow, and that nothing is changed.
func TestRestoreWithOtherPagesOverOpenWAL(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, nil)
	b := w.backup()
	target := filepath.Join(w.dir, "target.db")
	makeDatabase(t, target, "PRAGMA page_size=1024; PRAGMA journal_mode=WAL;"+otherSQL)
	holder := startActor(t, "hold", target)
	holder.ask("SELECT count(*) FROM note")
	before := tree(t, w.dir)
	for _, dry := range []bool{true, false} {
		_, err := w.RestoreBackup(t.Context(), b.Path, target, litekeep.RestoreOptions{DryRun: dry})
		var e *litekeep.Error
		if !errors.Is(err, litekeep.ErrTarget) || !errors.As(err, &e) || !strings.Contains(e.Hint, "Stop the programs") {
			t.Errorf("dry run %v: no clear refusal: %v", dry, err)
		}
	}
	unchanged(t, w.dir, before)
	holder.finish()
	w.restore(b.Path, target)
	same(t, w.db, target)
}

// TestRestoreOverOpenDatabase restores to a database that another process reads
// and writes through connections which stay open.
func TestRestoreOverOpenDatabase(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"delete", "truncate", "persist", "wal"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w, b, target, _ := newTarget(t)
			other := startActor(t, "hold", target)
			want := func(statement, answer string) {
				t.Helper()
				if got := other.ask(statement); got != answer {
					t.Errorf("%s: %q, want %q", statement, got, answer)
				}
			}
			want("PRAGMA journal_mode="+mode, mode)
			want("-SELECT count(*) FROM note", "2")
			want("-INSERT INTO note VALUES('written before')", "")
			r := w.restore(b.Path, target)
			if told := strings.Contains(strings.Join(r.Warnings, "\n"), "stays in WAL mode"); told != (mode == "wal") {
				t.Errorf("warnings %q", r.Warnings)
			}
			want("SELECT count(*) FROM account", "3")
			want("-SELECT count(*) FROM account", "3")
			want("INSERT INTO account(owner) VALUES('written after')", "")
			want("-SELECT owner FROM account WHERE id>7", "written after")
			want("PRAGMA integrity_check", "ok")
			want("SELECT count(*) FROM account a JOIN account b USING(owner)", "4")
			w.restore(r.SafetyBackup, target)
			want("SELECT count(*) FROM note WHERE body='written before'", "1")
			want("PRAGMA integrity_check", "ok")
			other.finish()
			if got := query(t, target, "PRAGMA integrity_check"); got != "ok" {
				t.Error(got)
			}
		})
	}
}

// TestRestoreOverReader restores while a read transaction is open. In WAL mode
// it goes on seeing what it saw; in rollback mode it is waited for.
func TestRestoreOverReader(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"delete", "wal"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			w, b, target, was := newTarget(t)
			other := startActor(t, "hold", target)
			other.ask("PRAGMA journal_mode=" + mode)
			other.ask("BEGIN")
			if got := other.ask("SELECT count(*) FROM note"); got != "2" {
				t.Fatal(got)
			}
			hasty := w.service(func(c *litekeep.Config) { c.BusyTimeout = 50 * time.Millisecond })
			_, err := hasty.RestoreBackup(t.Context(), b.Path, target, litekeep.RestoreOptions{NoSafetyBackup: true})
			if got := other.ask("SELECT count(*) FROM note"); got != "2" {
				t.Errorf("the open transaction sees %q", got)
			}
			other.ask("COMMIT")
			if mode == "wal" {
				if err != nil {
					t.Fatal(err)
				}
				if got := other.ask("SELECT count(*) FROM account"); got != "3" {
					t.Errorf("the next transaction sees %q", got)
				}
				return
			}
			if !errors.Is(err, litekeep.ErrBusy) {
				t.Errorf("not busy: %v", err)
			}
			other.finish()
			same(t, was, target)
			alone(t, target)
		})
	}
}

// TestRootOfAPageThatWent restores a trigger and a virtual table whose schema rows
// name pages that only the source has. SQLite looks at the number, though neither
// has a b-tree, and would not open the restored database.
func TestRootOfAPageThatWent(t *testing.T) {
	w := newWorld(t, `CREATE TABLE t(a); INSERT INTO t VALUES (1); CREATE TABLE gone(b); INSERT INTO gone VALUES (zeroblob(60000));
		CREATE TRIGGER near AFTER DELETE ON t BEGIN SELECT 1; END; CREATE TRIGGER far AFTER INSERT ON t BEGIN SELECT 1; END;
		CREATE VIRTUAL TABLE v USING rtree(id, a, b); DROP TABLE gone;
		PRAGMA writable_schema=ON; UPDATE sqlite_schema SET rootpage=2 WHERE name='near';
		UPDATE sqlite_schema SET rootpage=15 WHERE name='far'; UPDATE sqlite_schema SET rootpage=14 WHERE name='v'`, nil)
	b := w.backup()
	if len(b.Warnings) != 2 || !strings.Contains(b.Warnings[0], `"far"`) || !strings.Contains(b.Warnings[1], `"v"`) {
		t.Errorf("warnings %q", b.Warnings)
	}
	target := filepath.Join(w.dir, "restored.db")
	w.restore(b.Path, target)
	const roots = "SELECT name, rootpage FROM sqlite_schema WHERE name IN ('near', 'far', 'v') ORDER BY 1; SELECT a FROM t"
	if got, want := query(t, target, roots), query(t, w.db, roots); strings.NewReplacer("15", "0", "14", "0").Replace(want) != got {
		t.Errorf("restored %q, of %q", got, want)
	}
}
