package litekeep_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/testjail"
)

// systemRoles are the roles that need what only Linux has.
var systemRoles = map[string]func(ctx context.Context, args []string) error{
	"full disk":  playFullDisk,
	"size limit": playSizeLimit,
	"read only":  playReadOnly,
}

// playReadOnly works on a folder that it may only read, from one that it may
// write to.
func playReadOnly(ctx context.Context, args []string) error {
	if err := testjail.DropRights(); err != nil {
		return err
	}
	readOnly, own := args[0], args[1]
	db := filepath.Join(readOnly, "app.db")
	service := func(backups string) *litekeep.Service {
		c := litekeep.DefaultConfig(db)
		c.BackupDirectory = backups
		return litekeep.New(c)
	}
	s := service(filepath.Join(own, "backups"))
	b, err := s.CreateBackup(ctx)
	if err != nil {
		return err
	}
	if _, err := s.RestoreBackup(ctx, b.Path, filepath.Join(own, "restored.db"), litekeep.RestoreOptions{}); err != nil {
		return err
	}
	_, err = s.RestoreBackup(ctx, b.Path, db, litekeep.RestoreOptions{})
	if !errors.Is(err, litekeep.ErrTarget) {
		return fmt.Errorf("a target that may not be written to: %w", err)
	}
	_, err = s.RestoreBackup(ctx, b.Path, filepath.Join(readOnly, "new.db"), litekeep.RestoreOptions{})
	if !errors.Is(err, litekeep.ErrTarget) || !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("a folder that may not be written to: %w", err)
	}
	_, err = service(filepath.Join(readOnly, "backups")).CreateBackup(ctx)
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), readOnly) {
		return fmt.Errorf("a backup folder that may not be written to: %w", err)
	}
	return readOnlyBackups(ctx, s, b.Path)
}

// readOnlyBackups lists, verifies and restores from media that are read-only.
func readOnlyBackups(ctx context.Context, s *litekeep.Service, object string) error {
	folder := filepath.Dir(object)
	if err := os.Chmod(folder, 0o500); err != nil {
		return err
	}
	v, err := s.VerifyBackup(ctx, object)
	if err != nil || !v.OK {
		return fmt.Errorf("verify read-only media: %w", err)
	}
	if list, err := s.ListBackups(ctx); err != nil || len(list) != 1 {
		return fmt.Errorf("list read-only media: %d, %w", len(list), err)
	}
	return os.Chmod(folder, 0o700)
}

// TestReadOnly has a source that nobody may write to, in a folder that nobody
// may write to.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	prepare := map[string]func(t *testing.T, db string){
		"rollback": func(t *testing.T, db string) { makeDatabase(t, db, smallSQL) },
		"wal":      func(t *testing.T, db string) { makeDatabase(t, db, "PRAGMA journal_mode=WAL;"+smallSQL) },
		"wal with log": func(t *testing.T, db string) {
			makeDatabase(t, db, "PRAGMA journal_mode=WAL;"+smallSQL)
			holder := startActor(t, "hold", db)
			holder.ask("UPDATE account SET amount=77")
			holder.kill()
			if !exists(db + "-wal") {
				t.Fatal("there is no log")
			}
		},
	}
	for name, make := range prepare {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			readOnly, own := filepath.Join(dir, "readonly"), filepath.Join(dir, "own")
			if err := errors.Join(os.Mkdir(readOnly, 0o755), os.Mkdir(own, 0o755)); err != nil {
				t.Fatal(err)
			}
			db := filepath.Join(readOnly, "app.db")
			make(t, db)
			files, err := filepath.Glob(filepath.Join(readOnly, "*"))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				if err := os.Chmod(file, 0o444); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o755), os.Chmod(readOnly, 0o555)); err != nil {
				t.Fatal(err)
			}
			if os.Getuid() == 0 { // permissions do not apply to it
				if err := os.Chown(own, testjail.Nobody, testjail.Nobody); err != nil {
					t.Fatal(err)
				}
			}
			before := tree(t, readOnly)
			out, err := roleCommand(t, "read only", readOnly, own).CombinedOutput()
			if err != nil {
				t.Errorf("%v: %s", err, out)
			}
			unchanged(t, readOnly, before)
			if err := os.Chmod(readOnly, 0o755); err != nil { // so that it can be removed
				t.Fatal(err)
			}
			if err == nil {
				same(t, db, filepath.Join(own, "restored.db"))
			}
		})
	}
}
