package litekeep_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/store/realtest"
)

// copiesIn makes a world with copies in folders, and returns the Service's
// options for the same.
func copiesIn(t *testing.T, n int, change func(*litekeep.Config)) (*world, []string) {
	t.Helper()
	var places []string
	for range n {
		places = append(places, filepath.Join(t.TempDir(), "copies"))
	}
	w := newWorld(t, smallSQL, func(c *litekeep.Config) {
		c.Copies = places
		if change != nil {
			change(c)
		}
	})
	return w, places
}

// copyOf is the path of the copy of b in a folder.
func copyOf(place string, b *litekeep.Backup) string {
	return filepath.Join(place, b.Database, filepath.Base(b.Path))
}

func contentOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// flip changes one byte in the middle of a file.
func flipByte(t *testing.T, path string) {
	t.Helper()
	text := []byte(contentOf(t, path))
	text[len(text)/2] ^= 0x10
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCopies(t *testing.T) {
	t.Parallel()
	w, places := copiesIn(t, 2, nil)
	b := w.backup()
	if len(b.Copies) != 2 {
		t.Fatalf("copies: %+v", b.Copies)
	}
	for i, c := range b.Copies {
		if !c.OK || c.Destination != places[i] || c.Path != copyOf(places[i], b) {
			t.Errorf("copy %d: %+v", i, c)
		}
		for _, suffix := range []string{"", ".manifest.json"} {
			if contentOf(t, c.Path+suffix) != contentOf(t, b.Path+suffix) {
				t.Errorf("copy %d: %q differs", i, suffix)
			}
		}
	}
	// Each copy is a backup of its own, for whoever has nothing else.
	alone := litekeep.New(litekeep.Config{})
	if _, err := alone.VerifyBackup(t.Context(), b.Copies[0].Path); err != nil {
		t.Error(err)
	}
	checks, err := w.VerifyCopies(t.Context(), true)
	if err != nil || len(checks) != 3 {
		t.Errorf("verified %+v, %v", checks, err)
	}
}

// TestTooFewCopies has a destination that cannot be used.
func TestTooFewCopies(t *testing.T) {
	t.Parallel()
	inTheWay := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(inTheWay, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w, places := copiesIn(t, 1, func(c *litekeep.Config) { c.Copies = append(c.Copies, inTheWay) })
	b, err := w.CreateBackup(t.Context())
	if !errors.Is(err, litekeep.ErrCopies) || !strings.Contains(err.Error(), inTheWay) {
		t.Fatalf("got %v", err)
	}
	if b == nil || !b.Copies[0].OK || b.Copies[1].OK || b.Copies[1].Error == "" {
		t.Fatalf("got %+v", b)
	}
	if len(w.list()) != 1 {
		t.Error("the backup is not listed")
	}
	enough := w.service(func(c *litekeep.Config) { c.Copies, c.MinCopies = []string{places[0], inTheWay}, 2 })
	if b, err = enough.CreateBackup(t.Context()); err != nil || b.Copies[1].OK {
		t.Fatalf("enough places: %v, %+v", err, b)
	}
	wrong := w.service(func(c *litekeep.Config) { c.MinCopies = 2 })
	if _, err := wrong.CreateBackup(t.Context()); !errors.Is(err, litekeep.ErrConfig) {
		t.Errorf("more copies than places: %v", err)
	}
}

func TestSyncCopies(t *testing.T) {
	t.Parallel()
	w, places := copiesIn(t, 2, nil)
	first, second := w.backup(), w.backup()
	flipByte(t, copyOf(places[0], first))
	if err := os.RemoveAll(places[1]); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(places[1], 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(second.Path); err != nil {
		t.Fatal(err)
	}
	if _, err := w.VerifyCopies(t.Context(), false); !errors.Is(err, litekeep.ErrDamaged) {
		t.Errorf("a quick look: %v", err)
	}
	checks, err := w.VerifyCopies(t.Context(), true)
	wrong := map[string]bool{}
	for _, c := range checks {
		if !c.OK {
			wrong[c.Path] = c.Missing
		}
	}
	want := map[string]bool{
		copyOf(places[0], first): false, copyOf(w.backups, second): false,
		copyOf(places[1], first): true, copyOf(places[1], second): true,
	}
	if diff := cmp.Diff(want, wrong); diff != "" || !errors.Is(err, litekeep.ErrDamaged) {
		t.Fatalf("found %v, %s", err, diff)
	}
	dry, err := w.SyncCopies(t.Context(), litekeep.SyncOptions{Full: true, DryRun: true})
	if err != nil || len(dry) != 4 || dry[0].Done {
		t.Fatalf("the dry run: %+v, %v", dry, err)
	}
	if _, err := w.SyncCopies(t.Context(), litekeep.SyncOptions{Full: true}); err != nil {
		t.Fatal(err)
	}
	if checks, err := w.VerifyCopies(t.Context(), true); err != nil || len(checks) != 6 {
		t.Errorf("after sync: %+v, %v", checks, err)
	}
}

// TestSyncBusy finds that sync keeps away from a run.
func TestSyncBusy(t *testing.T) {
	t.Parallel()
	w, _ := copiesIn(t, 1, nil)
	w.backup()
	lock, err := durable.Wait(t.Context(), filepath.Join(w.folder, ".lock"), durable.Self(time.Now(), "backup"), 0)
	if err != nil {
		t.Fatal(err)
	}
	s := w.service(func(c *litekeep.Config) { c.LockTimeout = 0 })
	if _, err := s.SyncCopies(t.Context(), litekeep.SyncOptions{}); !errors.Is(err, litekeep.ErrBusy) {
		t.Errorf("beside a run: %v", err)
	}
	if _, err := s.SyncCopies(t.Context(), litekeep.SyncOptions{DryRun: true}); err != nil {
		t.Errorf("a dry run: %v", err)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.SyncCopies(t.Context(), litekeep.SyncOptions{}); err != nil {
		t.Error(err)
	}
}

func TestRestoreFallsThrough(t *testing.T) {
	t.Parallel()
	w, places := copiesIn(t, 2, nil)
	b := w.backup()
	flipByte(t, b.Path)
	flipByte(t, copyOf(places[0], b))
	r := w.restore(b.Path, filepath.Join(w.dir, "new.db"))
	if r.Backup != copyOf(places[1], b) || len(r.Warnings) != 2 {
		t.Errorf("restored from %s with %q", r.Backup, r.Warnings)
	}
	var text strings.Builder
	if err := w.ReadTable(t.Context(), b.Path, "account", true, &text); err != nil || strings.Count(text.String(), "owner") != 3 {
		t.Errorf("read %q, %v", text.String(), err)
	}
	flipByte(t, copyOf(places[1], b))
	if err := w.ReadTable(t.Context(), b.Path, "account", true, io.Discard); !errors.Is(err, litekeep.ErrDamaged) {
		t.Errorf("read from no good copy: %v", err)
	}
	target := filepath.Join(w.dir, "other.db")
	if _, err := w.RestoreBackup(t.Context(), b.Path, target, litekeep.RestoreOptions{}); !errors.Is(err, litekeep.ErrDamaged) {
		t.Errorf("no good copy: %v", err)
	}
	if _, err := os.Stat(target); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the target: %v", err)
	}
}

// TestPruneCopies gives each place a retention of its own.
func TestPruneCopies(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	clock := func() time.Time { return now }
	dir := t.TempDir()
	short, long := filepath.Join(dir, "short"), filepath.Join(dir, "long")
	w := newWorld(t, smallSQL, nil)
	s := w.service(func(c *litekeep.Config) {
		c.RetentionDays = 3
		c.Copies = []string{"file://" + short + "?retention_days=1", "file://" + long + "?retention_days=30"}
	}, litekeep.WithClock(clock))
	for range 6 {
		if _, err := s.CreateBackup(t.Context()); err != nil {
			t.Fatal(err)
		}
		now = now.Add(24 * time.Hour)
	}
	for place, want := range map[string]int{w.backups: 4, short: 2, long: 6} {
		found, err := filepath.Glob(filepath.Join(place, "app", "*.manifest.json"))
		if err != nil || len(found) != want {
			t.Errorf("%s holds %d backups, not %d; %v", place, len(found), want, err)
		}
	}
}

// TestPrimaryOnS3 backs up to a bucket that is the first place of all.
func TestPrimaryOnS3(t *testing.T) {
	w := newWorld(t, smallSQL, nil)
	one, folder := realtest.S3(t), filepath.Join(w.dir, "second")
	temp := filepath.Join(w.dir, "temp")
	s := w.service(func(c *litekeep.Config) { c.BackupDirectory, c.Copies, c.TempDirectory = one, []string{folder}, temp })
	if p, err := s.PlanBackup(t.Context()); err != nil || !strings.HasPrefix(p.Folder, "s3://") {
		t.Errorf("plan %+v, %v", p, err)
	}
	b, err := s.CreateBackup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Copies) != 2 || b.Copies[0].Destination != one || b.Path != b.Copies[0].Path || b.Verified.IsZero() || len(b.Pruned) != 2 {
		t.Errorf("made %+v", b)
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) != 0 {
		t.Errorf("left %v, %v", left, err)
	}
	if v, err := s.VerifyBackup(t.Context(), b.Path); err != nil || !v.OK {
		t.Errorf("verified %+v, %v", v, err)
	}
	target := filepath.Join(w.dir, "new.db")
	if r, err := s.RestoreBackup(t.Context(), b.Path, target, litekeep.RestoreOptions{}); err != nil || r.Digest != b.Digest {
		t.Fatalf("restored %+v, %v", r, err)
	}
	same(t, w.db, target)
	// What replaces a database is kept in the bucket, too.
	r, err := s.RestoreBackup(t.Context(), b.Path, w.db, litekeep.RestoreOptions{})
	if err != nil || !strings.HasPrefix(r.SafetyBackup, "s3://") {
		t.Errorf("restored over it: %+v, %v", r, err)
	}
	list, err := s.ListBackups(t.Context())
	if err != nil || len(list) != 2 || list[0].Pin == nil {
		t.Errorf("listed %+v, %v", list, err)
	}
	// A bucket that is not there fails the run; with another place it need not.
	gone := "s3://nobody" + one[strings.Index(one, "?"):]
	lost := func(least int) error {
		_, err := w.service(func(c *litekeep.Config) {
			c.BackupDirectory, c.Copies, c.MinCopies = gone, []string{folder}, least
		}).CreateBackup(t.Context())
		return err
	}
	if err := lost(0); !errors.Is(err, litekeep.ErrCopies) {
		t.Errorf("all places: %v", err)
	}
	if err := lost(1); err != nil {
		t.Errorf("one place: %v", err)
	}
}

// TestVaultOnS3 is the whole way: sealed copies in a folder and in two buckets,
// proven by their bytes, restored from what still lives.
func TestVaultOnS3(t *testing.T) {
	w := newWorld(t, smallSQL, nil)
	key := newKey(t)
	one, two := realtest.S3(t), realtest.S3(t)
	s := w.service(func(c *litekeep.Config) { c.Copies, c.Keys = []string{one, two}, []string{key} })
	b, err := s.CreateBackup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if checks, err := s.VerifyCopies(t.Context(), true); err != nil || len(checks) != 3 {
		t.Fatalf("verified %+v, %v", checks, err)
	}
	if _, err := s.VerifyCopies(t.Context(), false, one, two); err != nil {
		t.Fatal(err)
	}
	// Without the key the bytes are proven, and nothing is read.
	for _, path := range []string{b.Path, b.Copies[0].Path, b.Copies[1].Path} {
		keyless := litekeep.New(litekeep.Config{})
		if v, err := keyless.VerifyBackup(t.Context(), path); err != nil || !v.OK || !v.Sealed || !v.StoredOnly {
			t.Errorf("%s without the key: %+v, %v", path, v, err)
		}
		if err := keyless.ReadDocument(t.Context(), path, io.Discard); !errors.Is(err, litekeep.ErrNoKey) {
			t.Errorf("%s read without the key: %v", path, err)
		}
	}
	if err := os.RemoveAll(w.backups); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(w.dir, "new.db")
	r, err := s.RestoreBackup(t.Context(), b.Path, target, litekeep.RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Backup != b.Copies[0].Path || !r.Proven || r.Digest != b.Digest {
		t.Errorf("restored %+v", r)
	}
	same(t, w.db, target)
	if err := os.Remove(target); err != nil {
		t.Fatal(err)
	}
	// By its URL alone, on a machine that has nothing but the key.
	alone := litekeep.New(litekeep.Config{Keys: []string{key}})
	if _, err := alone.RestoreBackup(t.Context(), b.Copies[1].Path, target, litekeep.RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	same(t, w.db, target)
	if _, err := alone.VerifyBackup(t.Context(), b.Copies[1].Path); err != nil {
		t.Error(err)
	}
	there := litekeep.New(litekeep.Config{BackupDirectory: two, Keys: []string{key}})
	list, err := there.ListBackups(t.Context())
	if err != nil || len(list) != 1 || list[0].Path != b.Copies[1].Path || list[0].RecordCount != b.RecordCount || list[0].Problem != "" {
		t.Errorf("listed %+v, %v", list, err)
	}
	database, query, _ := strings.Cut(two, "?")
	newest, err := litekeep.LatestBackup(t.Context(), strings.TrimSuffix(database, "/")+"/app?"+query)
	if err != nil || newest.Path != b.Copies[1].Path {
		t.Errorf("the newest is %+v, %v", newest, err)
	}
	if _, err := there.CreateBackup(t.Context()); !errors.Is(err, litekeep.ErrConfig) || !strings.Contains(err.Error(), "DatabasePath") {
		t.Errorf("a backup of no database: %v", err)
	}
	actions, err := s.SyncCopies(t.Context(), litekeep.SyncOptions{})
	if err != nil || len(actions) != 1 || !actions[0].Done {
		t.Fatalf("sync: %+v, %v", actions, err)
	}
	if _, err := s.VerifyBackup(t.Context(), b.Path); err != nil {
		t.Error(err)
	}
}

// TestLockedCopies prunes beside a bucket that keeps each object for an hour.
func TestLockedCopies(t *testing.T) {
	w := newWorld(t, smallSQL, nil)
	bucket := realtest.Join(realtest.S3Locked(t), "lock=1h")
	now := time.Now().Add(-72 * time.Hour)
	s := w.service(func(c *litekeep.Config) { c.Copies, c.RetentionDays = []string{bucket}, 1 },
		litekeep.WithClock(func() time.Time { return now }))
	old, err := s.CreateBackup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	now = time.Now()
	b, err := s.CreateBackup(t.Context())
	if err != nil || len(b.Warnings) > 0 {
		t.Fatalf("%v, %q", err, b.Warnings)
	}
	var local, remote *litekeep.Decision
	for i, d := range b.Pruned {
		switch d.Path {
		case old.Path:
			local = &b.Pruned[i]
		case old.Copies[0].Path:
			remote = &b.Pruned[i]
		}
	}
	if local == nil || !local.Removed {
		t.Errorf("in the folder: %+v", local)
	}
	if remote == nil || !remote.Keep || !strings.HasPrefix(remote.Reason, "kept until ") {
		t.Errorf("in the bucket: %+v", remote)
	}
	if _, err := litekeep.New(litekeep.Config{}).VerifyBackup(t.Context(), old.Copies[0].Path); err != nil {
		t.Error(err)
	}
}

// TestCopyLog: the log of a service that keeps many databases says whose copy was made.
func TestCopyLog(t *testing.T) {
	for name, place := range map[string]string{"copy done": t.TempDir(), "copy failed": "file:///dev/null/none"} {
		var out bytes.Buffer
		w := newWorld(t, smallSQL, func(c *litekeep.Config) { c.Copies = []string{place} }, litekeep.WithLogger(slog.New(slog.NewTextHandler(&out, nil))))
		_, _ = w.CreateBackup(t.Context()) // whether too few copies are an error is told elsewhere
		if !strings.Contains(out.String(), "msg=\""+name+"\" database="+w.db+" destination="+place) {
			t.Errorf("%s:\n%s", name, out.String())
		}
	}
}
