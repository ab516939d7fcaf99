package litekeep

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"github.com/litekeep/litekeep/internal/manifest"
)

// ErrNoBackup: a folder holds no backup that could be restored.
var ErrNoBackup = errors.New("no good backup")

// LatestBackup returns the newest good backup in the folder of a database: one
// that was verified, that no later verification found damaged, and whose object
// is there. A backup that was never read back is taken only where there is no
// other.
func LatestBackup(ctx context.Context, folder string) (*Backup, error) {
	paths, err := objects(folder, manifest.Suffix)
	if err != nil {
		return nil, explain("list", folder, err)
	}
	slices.Sort(paths)
	var unverified *Backup
	for _, path := range slices.Backward(paths) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b, err := readBackup(path)
		if err != nil || b.Damaged {
			continue
		}
		if !b.Verified.IsZero() {
			return b, nil
		}
		if unverified == nil {
			unverified = b
		}
	}
	if unverified == nil {
		return nil, &Error{
			Op: "list", Path: folder, Err: ErrNoBackup,
			Hint: "give the folder of one database, such as backups/" + filepath.Base(folder) + ", or the path of a backup",
		}
	}
	return unverified, nil
}
