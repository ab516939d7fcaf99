package litekeep

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/human"
	"github.com/litekeep/litekeep/internal/keys"
	"github.com/litekeep/litekeep/internal/manifest"
)

// enoughBefore is how many good backups are compared with a newer one, whether that holds
// much less: as many as somebody may make before he sees that rows are gone, and no more
// than can be read in a second where each is a request.
const enoughBefore = 16

// fewRows may become less than half of them without anything being wrong.
const fewRows = 100

// isShrunken reports whether a backup holds so much less than an older one that somebody
// has to look: no rows at all, or less than half of them. The service asks by its
// configuration, once for each backup.
func isShrunken(b, older *Backup) bool {
	return b.RecordCount == 0 && older.RecordCount > 0 ||
		older.RecordCount >= fewRows && b.RecordCount < older.RecordCount/2
}

// warnOfFuller tells who restores a backup of one before it in the same folder or
// destination that holds much more. Of a safety backup nothing is told: it is taken for
// what it holds. Sealed ones are opened with the keys that opened it; for one in the clear
// no key is asked for.
func (r *restore) warnOfFuller(ctx context.Context) {
	if r.backup.manifest == nil {
		return
	}
	b := newBackup("", r.backup.manifest.Summary())
	err := b.readPin(ctx, r.s.place(r.out.Backup)) // which says whether it is a safety backup
	if b.Safety {
		return
	}
	var full *Backup
	if err == nil {
		full, err = r.s.fuller(ctx, r.out.Backup, b, r.backup.sealed())
	}
	if err != nil {
		r.s.log.Warn("the backups before it cannot be compared", "backup", r.out.Backup, "error", err)
	}
	if full != nil {
		r.warn("%s has %s, the backup of %s had %s: %s", r.out.Backup,
			human.Plural(b.RecordCount, "row"), full.Timestamp.UTC().Format(time.RFC3339), human.Plural(full.RecordCount, "row"), full.Path)
	}
}

// fuller returns the newest of the backups before b, whose object is at path, that holds
// much more; nil if none of the last 16 good ones does. Sealed ones are looked at if they
// are to be opened.
func (s *Service) fuller(ctx context.Context, path string, b *Backup, open bool) (full *Backup, err error) {
	unlock, err := s.unlocker(ctx, open)
	if err != nil {
		return nil, err
	}
	older, done, err := s.older(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	sealed, good := 0, 0
	for _, o := range older {
		if manifest.IsSealedName(o.place.name()) {
			if sealed++; sealed > lockedLooks || unlock == nil {
				break
			}
		}
		x, err := readSummary(ctx, o.place, "", unlock)
		if errors.Is(err, keys.ErrUnavailable) || ctx.Err() != nil {
			return nil, err
		}
		if err != nil || x.Damaged || x.Locked || x.Safety || x.Verified.IsZero() {
			continue
		}
		if isShrunken(b, x) {
			x.Path = o.path
			return x, nil
		}
		if good++; good == enoughBefore {
			break
		}
	}
	return nil, nil
}

// olderBackup is a backup before another one.
type olderBackup struct {
	place place
	path  string // or its URL
}

// older returns the backups before the one at path, the newest first; done ends the use of
// their places.
func (s *Service) older(ctx context.Context, path string) (all []olderBackup, done func() error, err error) {
	if !destination.IsURL(path) {
		paths, err := objects(filepath.Dir(path), manifest.Suffix)
		slices.Sort(paths)
		for _, p := range slices.Backward(paths) {
			if filepath.Base(p) < filepath.Base(path) {
				all = append(all, olderBackup{s.place(p), p})
			}
		}
		return all, func() error { return nil }, err
	}
	text, ref, _ := destination.Split(path)
	d, err := s.openDestination(ctx, text, false)
	if err != nil {
		return nil, nil, err
	}
	list, err := d.List(ctx, ref.Database)
	if err != nil {
		return nil, nil, errors.Join(err, d.Close())
	}
	for _, c := range list {
		if c.Object < ref.Object {
			all = append(all, olderBackup{remotePlace{s: s, text: text, ref: c.Ref, open: d}, destination.Join(text, c.Ref)})
		}
	}
	return all, d.Close, nil
}
