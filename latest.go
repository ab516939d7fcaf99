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
	var c choice
	for _, path := range slices.Backward(paths) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b, err := readBackup(ctx, localPlace{path: path}, folder, nil)
		if err == nil && c.offer(b) {
			break
		}
	}
	found := c.best()
	if found == nil {
		return nil, &Error{
			Op: "list", Path: folder, Err: ErrNoBackup,
			Hint: "give the folder of one database, such as backups/" + filepath.Base(folder) + ", or the path of a backup",
		}
	}
	return found, nil
}

// choice finds the best of backups that are offered to it, the newest first.
type choice struct{ verified, safety, unverified *Backup }

// offer reports whether no other can be better.
func (c *choice) offer(b *Backup) bool {
	switch {
	case b.Damaged:
	case b.Verified.IsZero():
		c.unverified = cmp.Or(c.unverified, b)
	case b.Safety:
		c.safety = cmp.Or(c.safety, b)
	default:
		c.verified = b
	}
	return c.verified != nil
}

// best returns nil if there is no good backup.
func (c *choice) best() *Backup { return cmp.Or(c.verified, c.safety, c.unverified) }
