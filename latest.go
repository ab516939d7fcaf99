package litekeep

import (
	"cmp"
	"context"
	"errors"
	"path/filepath"
	"slices"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/manifest"
)

// ErrNoBackup: a folder holds no backup that could be restored.
var ErrNoBackup = errors.New("no good backup")

// LatestBackup returns the newest good backup in the folder of a database: one
// that was verified, that no later verification found damaged, and whose object
// is there. The safety backup of a restore holds what somebody wanted to be rid
// of, so it is taken only where there is no other; one that was never read back
// only where there is not even that.
//
// Folder may also be the URL of a database in a destination, such as
// s3://bucket/prefix/app.
func LatestBackup(ctx context.Context, folder string) (*Backup, error) {
	if destination.IsURL(folder) {
		return New(Config{}).latestAt(ctx, folder)
	}
	paths, err := objects(folder, manifest.Suffix)
	if err != nil {
		return nil, explain("list", folder, err)
	}
	slices.Sort(paths)
	var safety, unverified *Backup
	for _, path := range slices.Backward(paths) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b, err := readBackup(ctx, localPlace{path: path}, folder, nil)
		if err != nil || b.Damaged {
			continue
		}
		switch {
		case b.Verified.IsZero():
			unverified = cmp.Or(unverified, b)
		case !b.Pinned.IsZero():
			safety = cmp.Or(safety, b)
		default:
			return b, nil
		}
	}
	found := cmp.Or(safety, unverified)
	if found == nil {
		return nil, &Error{
			Op: "list", Path: folder, Err: ErrNoBackup,
			Hint: "give the folder of one database, such as backups/" + filepath.Base(folder) + ", or the path of a backup",
		}
	}
	return found, nil
}
