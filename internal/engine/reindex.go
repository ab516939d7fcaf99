package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
)

// buildSettings are those of a file that is thrown away when building it
// fails: nothing is journalled or synced. A page cache larger than 2 MB makes
// building indexes slower; sorting in a second thread makes it faster.
const buildSettings = "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; " +
	"PRAGMA cache_size=-2000; PRAGMA threads=2"

// Reindex builds the content of the named indexes of the private database
// path, whose root pages are there. The file is neither journalled nor synced:
// after an error it is worthless. ErrConstraint says that the rows violate a
// UNIQUE index.
func Reindex(ctx context.Context, path string, indexes []string) error {
	if len(indexes) == 0 {
		return nil
	}
	err := withRollbackHeader(path, func() error {
		c, err := Open(ctx, path, OpenOptions{})
		if err != nil {
			return err
		}
		err = c.Exec(ctx, buildSettings)
		for i := 0; i < len(indexes) && err == nil; i++ {
			// A name alone could be taken for that of a collation.
			if err = c.Exec(ctx, "REINDEX main."+quoteName(indexes[i])); err != nil {
				err = fmt.Errorf("index %q: %w", indexes[i], err)
			}
		}
		return errors.Join(err, c.Close())
	})
	if err != nil {
		return fmt.Errorf("reindex: %w", err)
	}
	return nil
}

// withRollbackHeader runs do while the header of a private file says that it
// is in a rollback mode, so that SQLite does not begin a write-ahead log, and
// puts back what it said.
func withRollbackHeader(path string, do func() error) error {
	versions, err := swapVersions(path, [2]byte{1, 1})
	if err != nil {
		return err
	}
	err = do()
	if versions != [2]byte{1, 1} {
		_, swapErr := swapVersions(path, versions)
		err = errors.Join(err, swapErr)
	}
	return err
}

// swapVersions replaces the write and read version in the header of a private
// file and returns what they were.
func swapVersions(path string, versions [2]byte) (old [2]byte, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return old, fmt.Errorf("open %s: %w", path, unwrapPath(err))
	}
	_, err = f.ReadAt(old[:], offsetReadVersion-1)
	if err == nil && old != versions {
		_, err = f.WriteAt(versions[:], offsetReadVersion-1)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return old, writeFault("write", path, err)
	}
	return old, nil
}
