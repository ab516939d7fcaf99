package litekeep_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/testjail"
)

// diskSize is the size of the file system that is filled.
const diskSize = 4 << 20

// denseSQL makes a database of the given number of rows of 3000 bytes that
// cannot be compressed.
func denseSQL(rows int) string {
	return fmt.Sprintf(`CREATE TABLE dense(id INTEGER PRIMARY KEY, b BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<%d)
INSERT INTO dense SELECT i, randomblob(3000) FROM n;`, rows)
}

// disk is a folder of little room, and one beside it with plenty.
type disk struct{ full, dir string }

func (d disk) service(db string, change func(*litekeep.Config)) *litekeep.Service {
	c := litekeep.DefaultConfig(db)
	c.BackupDirectory = filepath.Join(d.full, "backups")
	if change != nil {
		change(&c)
	}
	return litekeep.New(c)
}

// isFull reports whether an error says that there is no room.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, engine.ErrFull)
}

// playFullDisk mounts a small file system, which nobody else sees and which goes
// with the process, and fills it in every way.
func playFullDisk(ctx context.Context, args []string) error {
	d := disk{dir: args[0], full: filepath.Join(args[0], "disk")}
	if err := os.Mkdir(d.full, 0o700); err != nil {
		return err
	}
	if err := testjail.SmallDisk(d.full, diskSize); err != nil {
		return err
	}
	for _, scenario := range []struct {
		name string
		play func(context.Context) error
	}{
		{"no room for the snapshot", d.noRoomForSnapshot},
		{"no room for the object", d.noRoomForObject},
		{"no room for both", d.noRoomForBoth},
		{"each page", d.backupAtEachPage},
		{"restore at each page", d.restoreAtEachPage},
		{"no room for the restore", d.noRoomForRestore},
	} {
		if err := scenario.play(ctx); err != nil {
			return fmt.Errorf("%s: %w", scenario.name, err)
		}
		if err := d.empty(); err != nil {
			return err
		}
	}
	fmt.Println("done")
	return nil
}

func (d disk) empty() error {
	entries, err := os.ReadDir(d.full)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(d.full, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// failed checks what a backup has left that had no room.
func (d disk) failed(ctx context.Context, s *litekeep.Service, err error) error {
	if !isFull(err) {
		return fmt.Errorf("not the error of a full disk: %w", err)
	}
	list, listErr := s.ListBackups(ctx)
	if listErr != nil || len(list) != 0 {
		return fmt.Errorf("%d backups are listed, %w", len(list), listErr)
	}
	folder := filepath.Join(s.Config().BackupDirectory, s.Config().Name)
	if !exists(folder) {
		return nil
	}
	if left, err := leftovers(folder); err != nil || len(left) > 0 {
		return fmt.Errorf("leftovers: %q, %w", left, err)
	}
	return nil
}

func (d disk) noRoomForSnapshot(ctx context.Context) error {
	db := filepath.Join(d.dir, "large.db")
	if err := execSQL(ctx, db, denseSQL(2000)); err != nil {
		return err
	}
	s := d.service(db, nil)
	_, err := s.CreateBackup(ctx)
	for _, want := range []string{"missing", "free", db} {
		if err == nil || !strings.Contains(err.Error(), want) {
			return fmt.Errorf("the error does not tell %q: %w", want, err)
		}
	}
	var e *litekeep.Error
	if !errors.As(err, &e) || e.Hint == "" || e.Kind != nil {
		return fmt.Errorf("no way out: %w", err)
	}
	if _, planErr := s.PlanBackup(ctx); !isFull(planErr) {
		return fmt.Errorf("the plan has room: %w", planErr)
	}
	return d.failed(ctx, s, err)
}

// noRoomForObject has the snapshot elsewhere, so that the disk is full in the
// middle of the object.
func (d disk) noRoomForObject(ctx context.Context) error {
	db := filepath.Join(d.dir, "large.db") // of the scenario before
	s := d.service(db, func(c *litekeep.Config) { c.TempDirectory = filepath.Join(d.dir, "scratch") })
	_, err := s.CreateBackup(ctx)
	if err := d.failed(ctx, s, err); err != nil {
		return err
	}
	if err := execSQL(ctx, db, "DELETE FROM dense WHERE id>100; VACUUM"); err != nil {
		return err
	}
	_, err = s.CreateBackup(ctx)
	return err
}

// noRoomForBoth has room for the snapshot, but not for the object beside it.
func (d disk) noRoomForBoth(ctx context.Context) error {
	db := filepath.Join(d.dir, "medium.db")
	if err := execSQL(ctx, db, denseSQL(800)); err != nil {
		return err
	}
	s := d.service(db, nil)
	_, err := s.CreateBackup(ctx)
	return d.failed(ctx, s, err)
}

// fill leaves n bytes of the disk.
func (d disk) fill(n int64) error {
	filler := filepath.Join(d.full, "filler")
	if err := os.RemoveAll(filler); err != nil {
		return err
	}
	var st unix.Statfs_t
	if err := unix.Statfs(d.full, &st); err != nil {
		return err
	}
	size := int64(st.Bavail)*st.Bsize - n
	return os.WriteFile(filler, make([]byte, size), 0o600)
}

const page = 4096

// backupAtEachPage leaves room for one page more each time, until there is
// enough. So the disk is full at each file that is written.
func (d disk) backupAtEachPage(ctx context.Context) error {
	db := filepath.Join(d.dir, "small.db")
	if err := execSQL(ctx, db, smallSQL); err != nil {
		return err
	}
	s := d.service(db, func(c *litekeep.Config) { c.TempDirectory = filepath.Join(d.dir, "scratch") })
	failures := 0
	for n := int64(0); ; n += sparse {
		if err := d.fill(n * page); err != nil {
			return err
		}
		_, err := s.CreateBackup(ctx)
		if err == nil {
			break
		}
		failures++
		if err := d.failed(ctx, s, err); err != nil {
			return fmt.Errorf("%d pages: %w", n, err)
		}
	}
	if failures < 3/sparse {
		return fmt.Errorf("only %d failures", failures)
	}
	list, err := s.ListBackups(ctx)
	if err != nil || len(list) != 1 {
		return fmt.Errorf("%d backups, %w", len(list), err)
	}
	if err := d.fill(0); err != nil {
		return err
	}
	if _, err := s.VerifyBackup(ctx, list[0].Path); err != nil {
		return fmt.Errorf("verify on a full disk: %w", err)
	}
	if err := os.Rename(list[0].Path+".manifest.json", list[0].Path+".manifest.json.pruned"); err != nil {
		return err
	}
	if _, err := s.CleanupOldBackups(ctx, false); err != nil || exists(list[0].Path) {
		return fmt.Errorf("prune on a full disk: %w", err)
	}
	return nil
}

// restoreAtEachPage restores to a path where nothing is, and over a database, in
// both journal modes, with one page more of room each time.
func (d disk) restoreAtEachPage(ctx context.Context) error {
	source, was := filepath.Join(d.dir, "two.db"), filepath.Join(d.dir, "was.db")
	if err := errors.Join(execSQL(ctx, source, denseSQL(20)), execSQL(ctx, was, denseSQL(25)+otherSQL)); err != nil {
		return err
	}
	s := d.service(source, func(c *litekeep.Config) { c.BackupDirectory = filepath.Join(d.dir, "plenty") })
	b, err := s.CreateBackup(ctx)
	if err != nil {
		return err
	}
	for _, mode := range []string{"", "delete", "wal"} {
		if mode == "wal" { // for both, so that they can be compared
			if err := errors.Join(execSQL(ctx, was, "PRAGMA journal_mode=wal"), execSQL(ctx, source, "PRAGMA journal_mode=wal")); err != nil {
				return err
			}
			if b, err = s.CreateBackup(ctx); err != nil {
				return err
			}
		}
		failures := 0
		for n := int64(0); ; n += sparse {
			done, err := d.restoreInto(ctx, s, b.Path, mode != "", source, was, n*page)
			if err != nil {
				return fmt.Errorf("mode %q, %d pages: %w", mode, n, err)
			}
			if done {
				break
			}
			failures++
		}
		if failures < 10/sparse {
			return fmt.Errorf("mode %q: only %d failures", mode, failures)
		}
	}
	return nil
}

// restoreInto restores with the given room, and reports whether it was enough.
func (d disk) restoreInto(ctx context.Context, s *litekeep.Service, object string, over bool, source, was string, room int64) (bool, error) {
	if err := d.empty(); err != nil {
		return false, err
	}
	target := filepath.Join(d.full, "target.db")
	if over {
		if err := copyFile(was, target); err != nil {
			return false, err
		}
	}
	if err := d.fill(room); err != nil {
		return false, err
	}
	_, err := s.RestoreBackup(ctx, object, target, litekeep.RestoreOptions{NoSafetyBackup: true})
	if err == nil {
		return true, equal(ctx, target, source)
	}
	if !isFull(err) && !errors.Is(err, engine.ErrIO) { // that is what SQLite says when the -shm has no room
		return false, fmt.Errorf("not the error of a full disk: %w", err)
	}
	left, globErr := filepath.Glob(filepath.Join(d.full, ".*"))
	if globErr != nil || len(left) > 0 {
		return false, fmt.Errorf("leftovers: %q, %w", left, globErr)
	}
	if !over {
		if exists(target) {
			return false, errors.New("something was published")
		}
		return false, nil
	}
	return false, equal(ctx, target, was)
}

func (d disk) noRoomForRestore(ctx context.Context) error {
	db := filepath.Join(d.dir, "huge.db")
	if err := execSQL(ctx, db, denseSQL(2000)); err != nil {
		return err
	}
	s := d.service(db, func(c *litekeep.Config) { c.BackupDirectory = filepath.Join(d.dir, "plenty") })
	b, err := s.CreateBackup(ctx)
	if err != nil {
		return err
	}
	target := filepath.Join(d.full, "target.db")
	for _, dry := range []bool{true, false} {
		_, err = s.RestoreBackup(ctx, b.Path, target, litekeep.RestoreOptions{DryRun: dry})
		if !isFull(err) || !strings.Contains(err.Error(), "missing") {
			return fmt.Errorf("dry %v: %w", dry, err)
		}
	}
	if entries, err := os.ReadDir(d.full); err != nil || len(entries) != 0 {
		return fmt.Errorf("something is left: %v, %w", entries, err)
	}
	return nil
}

// TestFullDisk fills a file system of its own. TestFileSizeLimit needs none.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	out, err := testjail.Output(t, roleCommand(t, "full disk", t.TempDir()))
	if err != nil || string(out) != "done\n" {
		t.Errorf("%v: %s", err, out)
	}
}

// playSizeLimit lets no file grow beyond a size, at first a small one.
func playSizeLimit(ctx context.Context, args []string) error {
	d := disk{dir: args[0], full: args[0]}
	db := filepath.Join(d.dir, "limited.db")
	if err := execSQL(ctx, db, denseSQL(200)); err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ)
	s := d.service(db, nil)
	for size := uint64(1 << 10); ; size *= 2 {
		if err := setSizeLimit(size); err != nil {
			return err
		}
		_, err := s.CreateBackup(ctx)
		if err == nil {
			break
		}
		if errors.Is(err, litekeep.ErrRefused) || errors.Is(err, litekeep.ErrDamaged) {
			return fmt.Errorf("the fault is taken for the source's: %w", err)
		}
		if list, err := s.ListBackups(ctx); err != nil || len(list) != 0 {
			return fmt.Errorf("%d backups, %w", len(list), err)
		}
		if left, err := leftovers(filepath.Join(d.full, "backups", "limited")); err != nil || len(left) > 0 {
			return fmt.Errorf("leftovers: %q, %w", left, err)
		}
	}
	list, err := s.ListBackups(ctx)
	if err != nil || len(list) != 1 {
		return fmt.Errorf("%d backups, %w", len(list), err)
	}
	return d.restoreLimited(ctx, s, db, list[0].Path)
}

func (d disk) restoreLimited(ctx context.Context, s *litekeep.Service, db, object string) error {
	target := filepath.Join(d.dir, "restored.db")
	for size := uint64(1 << 10); ; size *= 2 {
		if err := setSizeLimit(size); err != nil {
			return err
		}
		if _, err := s.RestoreBackup(ctx, object, target, litekeep.RestoreOptions{}); err == nil {
			break
		}
		if exists(target) {
			return errors.New("a failed restore has published")
		}
	}
	if err := equal(ctx, db, target); err != nil {
		return err
	}
	fmt.Println("done")
	return nil
}

// setSizeLimit sets the soft limit, which can be raised again.
func setSizeLimit(size uint64) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	limit.Cur = size
	return unix.Setrlimit(unix.RLIMIT_FSIZE, &limit)
}

func TestFileSizeLimit(t *testing.T) {
	t.Parallel()
	if out, err := roleCommand(t, "size limit", t.TempDir()).CombinedOutput(); err != nil || string(out) != "done\n" {
		t.Errorf("%v: %s", err, out)
	}
}
