package litekeep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/human"
	"github.com/litekeep/litekeep/internal/keys"
	"github.com/litekeep/litekeep/internal/manifest"
)

// ErrNoBackup: a folder holds no backup that could be restored.
var ErrNoBackup = errors.New("no good backup")

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
	return s.latest(ctx, folder, choice{now: s.now()})
}

// LatestBackup is the function of this name for somebody who restores it: it also tells of
// one of the 16 backups before that holds much more. It opens sealed manifests with the
// keys of the Service, if they are at hand: without them nobody can tell how much they hold.
func (s *Service) LatestBackup(ctx context.Context, folder string) (*Backup, error) {
	unlock, err := s.unlocker(ctx, s.cfg.sealed())
	if err != nil {
		unlock = nil // what is chosen can be told without, and who needs the key tells
	}
	return s.latest(ctx, folder, choice{now: s.now(), unlock: unlock, thorough: true})
}

func (s *Service) latest(ctx context.Context, folder string, c choice) (*Backup, error) {
	if destination.IsURL(folder) {
		return s.latestAt(ctx, folder, c)
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
		b, err := readBackup(ctx, localPlace{path: path}, folder, c.opener())
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
	unlock                               func(place, *record) error // nil without keys
	opened                               int                        // sealed backups that it was tried for
	thorough                             bool                       // also an earlier one than the last may hold much more
	verified, safety, unverified, future *Backup
	before                               int // good backups that were compared with verified
	passed                               []string
}

const (
	// ahead is how far the clock of a backup may be ahead of ours.
	ahead = time.Minute
	// enoughBefore is how many backups are compared with the newest good one, whether it
	// holds much less: as many as somebody may make before he sees that rows are gone, and
	// no more than can be read in a second where each is a request.
	enoughBefore = 16
)

// opener returns what opens the next backup, if that is sealed.
func (c *choice) opener() func(place, *record) error {
	if c.unlock == nil {
		return nil
	}
	return func(at place, r *record) error {
		if c.opened++; c.opened > lockedLooks {
			return keys.ErrUnavailable
		}
		return c.unlock(at, r)
	}
}

// offer reports whether no other can be better, or has to be told of.
func (c *choice) offer(b *Backup) bool {
	switch {
	case c.verified != nil:
		return c.compare(b)
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
		return b.Locked || b.RecordCount > 0 && !c.thorough
	}
	return false
}

// compare tells of a backup that holds much more than the one that is taken, which is
// newer. It reports whether nothing is left to be told.
func (c *choice) compare(b *Backup) bool {
	if b.Damaged || b.Verified.IsZero() || b.Safety {
		return false
	}
	if c.before++; !b.Locked && isShrunken(c.verified, b) {
		c.passed = append(c.passed, fmt.Sprintf("%s has %s, the backup of %s had %s: %s", c.verified.Path,
			human.Plural(c.verified.RecordCount, "row"), b.Timestamp.UTC().Format(time.RFC3339), human.Plural(b.RecordCount, "row"), b.Path))
		return true
	}
	return b.Locked || !c.thorough || c.before == enoughBefore
}

// fewRows may become less than half of them without anything being wrong.
const fewRows = 100

// isShrunken reports whether a backup holds so much less than an older one that somebody
// has to look: no rows at all, or less than half of them. The service asks by its
// configuration, once for each backup.
func isShrunken(b, older *Backup) bool {
	return b.RecordCount == 0 && older.RecordCount > 0 ||
		older.RecordCount >= fewRows && b.RecordCount < older.RecordCount/2
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
