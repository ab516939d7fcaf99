package litekeep_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/litekeep/litekeep"
)

// TestRoundTrip goes the whole way with each codec.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{"zstd", "gzip", "none"} {
		t.Run(codec, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, smallSQL, func(c *litekeep.Config) { c.Compression = codec })
			source := tree(t, w.dir)
			begin := time.Now().Add(-time.Millisecond)
			b := w.backup()
			checkMetadata(t, w, b, begin)
			list := w.list()
			if len(list) != 1 || list[0].Path != b.Path || list[0].Checksum != b.Checksum || list[0].Problem != "" {
				t.Errorf("the list does not hold the backup: %+v", list)
			}
			v, err := w.VerifyBackup(t.Context(), b.Path)
			if err != nil || !v.OK || v.Rows != 5 || v.Tables != 2 || v.Bytes != b.SizeBytes || v.Problem != "" {
				t.Errorf("verify: %+v, %v", v, err)
			}
			target := filepath.Join(w.dir, "restored.db")
			r := w.restore(b.Path, target)
			if !r.Proven || r.Replaced || r.SafetyBackup != "" || r.RecordCount != 5 || r.TableCount != 2 ||
				r.Digest != b.Digest || r.Source != w.db || !r.Timestamp.Equal(b.Timestamp) || len(r.Warnings) != 0 {
				t.Errorf("restore: %+v", r)
			}
			same(t, w.db, target)
			checkStats(t, w, b)
			clean(t, w.folder)
			for name, is := range tree(t, w.dir) {
				if was, ok := source[name]; ok && was != is && name != "." {
					t.Errorf("%s has changed from %s to %s", name, was, is)
				}
			}
		})
	}
}

func checkMetadata(t *testing.T, w *world, b *litekeep.Backup, begin time.Time) {
	t.Helper()
	data, err := os.ReadFile(b.Path)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	if b.Checksum != hex.EncodeToString(sum[:]) || b.SizeBytes != int64(len(data)) {
		t.Errorf("checksum %s and size %d are not those of the object", b.Checksum, b.SizeBytes)
	}
	if b.TableCount != 2 || b.RecordCount != 5 || b.Database != "app" || b.Source != w.db || len(b.Warnings) != 0 {
		t.Errorf("metadata: %+v", b)
	}
	if b.Timestamp.Before(begin) || b.Timestamp.After(time.Now()) || b.Verified.Before(b.Timestamp) || b.Duration <= 0 {
		t.Errorf("times: %v, verified %v, took %v", b.Timestamp, b.Verified, b.Duration)
	}
	if filepath.Dir(b.Path) != w.folder {
		t.Errorf("%s is not in %s", b.Path, w.folder)
	}
}

func checkStats(t *testing.T, w *world, b *litekeep.Backup) {
	t.Helper()
	stats, err := w.BackupStats(t.Context())
	if err != nil || len(stats) != 1 {
		t.Fatalf("stats: %v, %v", stats, err)
	}
	s := stats[0]
	if s.Database != "app" || s.Count != 1 || s.Verified != 1 || s.Damaged != 0 || s.SizeBytes != b.SizeBytes ||
		s.DocumentBytes != b.DocumentBytes || s.NewestRows != 5 || s.NewestTables != 2 || !s.Oldest.Equal(b.Timestamp) ||
		!s.Newest.Equal(b.Timestamp) || s.LastVerified.Before(b.Verified) || s.MeanDuration != b.Duration ||
		s.Ratio != float64(b.DocumentBytes)/float64(b.SizeBytes) {
		t.Errorf("stats: %+v", s)
	}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Log("Windows has no such permissions; only the files are looked for")
	}
	w := newWorld(t, smallSQL, nil)
	b := w.backup()
	if _, err := w.VerifyBackup(t.Context(), b.Path); err != nil {
		t.Fatal(err)
	}
	if r := w.restore(b.Path, w.db); r.SafetyBackup == "" { // for the pin
		t.Error("no safety backup")
	}
	files := 0
	err := filepath.WalkDir(w.backups, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil || runtime.GOOS == "windows" {
			return err
		}
		want := fs.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		files++
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 9 && runtime.GOOS != "windows" { // two folders, the lock, two objects, two manifests, checked, pin
		t.Errorf("only %d files and folders", files)
	}
}

func TestManyBackups(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	w := newWorld(t, smallSQL, nil, litekeep.WithClock(func() time.Time { return at }))
	var paths []string
	for range 3 { // all at the same millisecond
		paths = append(paths, w.backup().Path)
		w.exec("INSERT INTO account(owner) VALUES('more')")
	}
	list := w.list()
	if len(list) != 3 {
		t.Fatalf("%d backups", len(list))
	}
	for i, b := range list {
		if b.Path != paths[2-i] || b.RecordCount != int64(7-i) {
			t.Errorf("%d: %s with %d rows", i, b.Path, b.RecordCount)
		}
	}
	stats, err := w.BackupStats(t.Context())
	if err != nil || len(stats) != 1 || stats[0].Count != 3 || stats[0].NewestRows != 7 || !stats[0].Oldest.Before(stats[0].Newest) {
		t.Errorf("stats: %+v, %v", stats, err)
	}
}

func TestNotVerified(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, func(c *litekeep.Config) { c.VerifyOnBackup = false })
	b := w.backup()
	if !b.Verified.IsZero() || len(b.Warnings) != 1 || !strings.Contains(b.Warnings[0], "not verified") {
		t.Errorf("%+v", b)
	}
	if _, err := w.VerifyBackup(t.Context(), b.Path); err != nil {
		t.Fatal(err)
	}
	if list := w.list(); list[0].Verified.IsZero() {
		t.Error("a later verification does not count")
	}
}

// TestSourceRefused gives CreateBackup what is no database.
func TestSourceRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]func(path string) error{
		"missing":   os.Remove,
		"no folder": func(path string) error { return os.RemoveAll(filepath.Dir(path)) },
		"folder":    func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
		"text": func(path string) error {
			return os.WriteFile(path, []byte(strings.Repeat("not a database\n", 999)), 0o600)
		},
		"one byte": func(path string) error { return os.WriteFile(path, []byte{'S'}, 0o600) },
		"encrypted": func(path string) error {
			sum := sha256.Sum256([]byte("key"))
			return os.WriteFile(path, []byte(strings.Repeat(string(sum[:]), 256)), 0o600)
		},
		"cut off": func(path string) error {
			info, err := os.Stat(path)
			if err != nil {
				return err
			}
			return os.Truncate(path, info.Size()/2+1)
		},
		"dangling link": func(path string) error { return errors.Join(os.Remove(path), os.Symlink(path+".gone", path)) },
		"damaged page": func(path string) error {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteAt(make([]byte, 4096), 4096)
			return errors.Join(err, f.Close())
		},
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, smallSQL, nil)
			db := filepath.Join(w.dir, "in", "app.db")
			if err := errors.Join(os.Mkdir(filepath.Dir(db), 0o700), os.Rename(w.db, db), spoil(db)); err != nil {
				t.Fatal(err)
			}
			s := w.service(func(c *litekeep.Config) { c.DatabasePath = db })
			b, err := s.CreateBackup(t.Context())
			if b != nil || !errors.Is(err, litekeep.ErrRefused) {
				t.Errorf("not refused: %v", err)
			}
			if err != nil && !strings.Contains(err.Error(), db) {
				t.Errorf("the error does not name the file: %v", err)
			}
			// A plan does not open the file: it finds no more than what is not there or no file.
			if _, planned := s.PlanBackup(t.Context()); planned != nil && planned.Error() != err.Error() {
				t.Errorf("the plan says %q, the backup %q", planned, err)
			}
			if list, err := s.ListBackups(t.Context()); len(list) != 0 || err != nil {
				t.Errorf("listed: %v, %v", list, err)
			}
			if _, err := os.Stat(w.folder); err == nil {
				clean(t, w.folder)
			}
		})
	}
}

// TestUnwritableFolder uses a file where a folder should be, which stops every
// user.
func TestUnwritableFolder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, nil)
	if err := os.WriteFile(w.backups, []byte("a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := tree(t, w.dir)
	_, err := w.CreateBackup(t.Context())
	if err == nil || !strings.Contains(err.Error(), w.backups) {
		t.Errorf("the folder is not named: %v", err)
	}
	for _, kind := range []error{litekeep.ErrBusy, litekeep.ErrRefused, litekeep.ErrConfig, litekeep.ErrDamaged, litekeep.ErrTarget} {
		if errors.Is(err, kind) {
			t.Errorf("a failure of the machine is %v", kind)
		}
	}
	unchanged(t, w.dir, before)
}

func TestZeroBytes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, nil)
	if err := os.Truncate(w.db, 0); err != nil {
		t.Fatal(err)
	}
	b := w.backup()
	target := filepath.Join(w.dir, "restored.db")
	if r := w.restore(b.Path, target); !r.Proven || r.TableCount != 0 {
		t.Errorf("%+v", r)
	}
	if info, err := os.Stat(target); err != nil || info.Size() != 0 {
		t.Errorf("the target: %v, %v", info, err)
	}
}

func TestSymlinkedSource(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, nil)
	link := filepath.Join(w.dir, "link.db")
	if err := os.Symlink(w.db, link); err != nil {
		t.Fatal(err)
	}
	s := w.service(func(c *litekeep.Config) { c.DatabasePath = link })
	b, err := s.CreateBackup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if b.Database != "link" || b.Source != link {
		t.Errorf("%+v", b)
	}
	target := filepath.Join(w.dir, "restored.db")
	w.restore(b.Path, target)
	same(t, w.db, target)
}

// TestConcurrentUse calls everything at once. It is worth most with -race.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, smallSQL, func(c *litekeep.Config) { c.Compression = "gzip" })
	first := w.backup()
	var wg sync.WaitGroup
	call := func(name string, f func(ctx context.Context) error) {
		wg.Go(func() {
			if err := f(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	const rounds = 4
	for i := range rounds {
		call("backup", func(ctx context.Context) error { _, err := w.CreateBackup(ctx); return err })
		call("list", func(ctx context.Context) error { _, err := w.ListBackups(ctx); return err })
		call("stats", func(ctx context.Context) error { _, err := w.BackupStats(ctx); return err })
		call("verify", func(ctx context.Context) error { _, err := w.VerifyBackup(ctx, first.Path); return err })
		call("prune", func(ctx context.Context) error { _, err := w.CleanupOldBackups(ctx, false); return err })
		call("restore", func(ctx context.Context) error {
			target := filepath.Join(w.dir, fmt.Sprintf("restored%d.db", i))
			_, err := w.RestoreBackup(ctx, first.Path, target, litekeep.RestoreOptions{})
			return err
		})
		call("restore to one", func(ctx context.Context) error {
			_, err := w.RestoreBackup(ctx, first.Path, filepath.Join(w.dir, "shared.db"), litekeep.RestoreOptions{})
			return err
		})
	}
	wg.Wait()
	list := w.list()
	safety := rounds - 1 // the first restore to the shared target finds nothing there
	all, err := w.service(func(c *litekeep.Config) { c.DatabasePath = "" }).ListBackups(t.Context())
	if err != nil || len(list) != 1+rounds || len(all) != len(list)+safety {
		t.Errorf("%d backups, %d with the safety backups: %v", len(list), len(all), err)
	}
	for _, b := range all {
		if _, err := w.VerifyBackup(t.Context(), b.Path); err != nil {
			t.Error(err)
		}
	}
	clean(t, w.folder)
	if left, _ := filepath.Glob(filepath.Join(w.dir, ".*")); len(left) != 0 {
		t.Errorf("leftovers: %q", left)
	}
	same(t, w.db, filepath.Join(w.dir, "shared.db"))
}

func TestLogger(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	w := newWorld(t, smallSQL, nil, litekeep.WithLogger(slog.New(slog.NewTextHandler(&out, nil))))
	b := w.backup()
	if err := os.Truncate(b.Path, 10); err != nil {
		t.Fatal(err)
	}
	_, _ = w.VerifyBackup(t.Context(), b.Path)
	_, _ = w.RestoreBackup(t.Context(), b.Path, w.db, litekeep.RestoreOptions{})
	for _, want := range []string{"backup started", "backup done", "backup is not whole", "restore failed", b.Path} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the log does not say %q:\n%s", want, out.String())
		}
	}
}
