package litekeep

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/litekeep/litekeep/internal/human"
	"github.com/litekeep/litekeep/internal/manifest"
)

// lockedLooks is how many sealed backups are tried with the keys at hand to learn
// whose they are. Each may cost a call of a key management service.
const lockedLooks = 3

// sharing is the newest backup of another database in the folder of this one.
type sharing struct {
	source string // path of the other database, "" where there is none
	at     time.Time
}

// former is what a folder held before a backup was made.
type former struct {
	sharing
	newest *Backup // the newest backup of the database that can be read, nil if there is none
	sealed bool    // the newest backup is sealed, whether it can be read or not
}

// before finds out what a folder holds of the database source.
//
// It looks whether the newest backup in a folder is of another database than
// source that has the same name: its path is another one, is still there, and is
// another file. A database that was moved left nothing at its old path. What a safety
// backup says does not count, since that is of whatever a restore replaced; nor what
// is sealed under keys that are not at hand.
func (s *Service) before(ctx context.Context, folder, source string) (f former) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return f // whatever needs the folder tells
	}
	paths := objectsAmong(entries, folder, manifest.Suffix)
	slices.Sort(paths)
	unlock, err := s.unlocker(ctx, s.cfg.sealed())
	if err != nil {
		unlock = nil // a key that only seals
	}
	tries, first := 0, true
	for _, path := range slices.Backward(paths) {
		if ctx.Err() != nil {
			break
		}
		open, sealed := unlock, manifest.IsSealedName(filepath.Base(path))
		if sealed {
			if tries++; tries > lockedLooks {
				open = nil
			}
			if open == nil && !first {
				continue
			}
		}
		b, _ := readSummary(ctx, listedPlace{s.place(path), entries}, folder, open) // what cannot be read says nothing
		if b.Safety {
			continue
		}
		if first {
			f.sealed, first = sealed, false
		}
		if b.Source == "" {
			continue
		}
		if isOther(b.Source, source) {
			f.sharing = sharing{b.Source, b.Timestamp}
		} else {
			f.newest = b
		}
		break
	}
	return f
}

// warnings are what somebody has to know of b, since the folder held f.
func (f *former) warnings(b *Backup, folder string) []string {
	var all []string
	if f.source != "" {
		all = append(all, f.warning(b.Source, folder))
	}
	if f.newest != nil && isShrunken(b, f.newest) {
		all = append(all, fmt.Sprintf("the database has %s, it had %s in the backup of %s: %s",
			human.Plural(b.RecordCount, "row"), human.Plural(f.newest.RecordCount, "row"), f.newest.Timestamp.UTC().Format(time.RFC3339), f.newest.Path))
	}
	if f.sealed && !b.Sealed {
		all = append(all, "this backup is in the clear, and the one before it is sealed: was the key forgotten? --sealed fails without one")
	}
	return all
}

// isOther reports whether the file at one path is there and is not that at the other.
func isOther(path, source string) bool {
	if path == source || !filepath.IsAbs(path) {
		return false
	}
	other, err := os.Stat(path)
	if err != nil || !other.Mode().IsRegular() {
		return false
	}
	own, err := os.Stat(source)
	return err == nil && !os.SameFile(own, other)
}

// warning says what is shared, and the way out.
func (x sharing) warning(source, folder string) string {
	return fmt.Sprintf("two databases share the backups in %s: the newest until now, of %s, is of %s, and this one is of %s; "+
		"nothing was pruned; give each database a name of its own (--name NAME)",
		folder, x.at.UTC().Format(time.RFC3339), x.source, source)
}
