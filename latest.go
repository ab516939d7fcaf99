package litekeep

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/manifest"
)

// LatestBackup returns the newest good backup in the folder of a database: one
// that was verified, that no later verification found damaged, and whose object
// is there. The safety backup of a restore holds what somebody wanted to be rid
// of, so it is taken only where there is no other; one that was never read back
// only where there is not even that; one from the future, which the clock of this
// machine or of that time has wrong, last of all. PassedOver of the result says
// what somebody who wants the newest has to know of others.
//
// Folder may also be the URL of a database in a destination, such as
// s3://bucket/prefix/app.
func LatestBackup(ctx context.Context, folder string) (*Backup, error) {
	s := New(Config{})
	c := choice{now: s.now()}
	if destination.IsURL(folder) {
		return s.latestAt(ctx, folder, &c)
	}
	paths, err := objects(folder, manifest.Suffix)
	if err != nil {
		return nil, explain("list", folder, err)
	}
	slices.Sort(paths)
	for _, path := range slices.Backward(paths) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		b, err := readBackup(ctx, localPlace{path: path}, folder, nil)
		if err != nil {
			c.pass(path, err.Error())
		} else if c.offer(b) {
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
type choice struct {
	now                                  time.Time
	verified, safety, unverified, future *Backup
	passed                               []string
}

// ahead is how far the clock of a backup may be ahead of ours.
const ahead = time.Minute

// offer reports whether no other can be better.
func (c *choice) offer(b *Backup) bool {
	switch {
	case b.Damaged:
		c.pass(b.Path, "it is damaged")
	case b.Timestamp.After(c.now.Add(ahead)):
		c.future = cmp.Or(c.future, b)
	case b.Verified.IsZero():
		c.unverified = cmp.Or(c.unverified, b)
	case b.Safety:
		c.safety = cmp.Or(c.safety, b)
	default:
		c.verified = b
	}
	return c.verified != nil
}

// pass notes why a backup is not taken.
func (c *choice) pass(path, why string) {
	c.passed = append(c.passed, fmt.Sprintf("%s was passed over: %s", path, why))
}

// best returns nil if there is no good backup.
func (c *choice) best() *Backup {
	b := cmp.Or(c.verified, c.safety, c.unverified, c.future)
	if b == nil {
		return nil
	}
	if c.future != nil {
		b.Future = c.future.Timestamp
		if b == c.future {
			c.passed = append(c.passed, b.Path+": its time lies in the future, and there is no other")
		} else {
			c.pass(c.future.Path, "its time lies in the future")
		}
	}
	b.PassedOver = c.passed
	return b
}
