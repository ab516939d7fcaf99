package vault

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/retention"
	"github.com/litekeep/litekeep/internal/store"
)

// Contents is what a place holds.
type Contents struct {
	Copies []*Copy    // listed, by database, the newest first
	Trash  []*Trashed // in the same order
	// unlisted are being removed, with the suffixes of what they still have.
	unlisted map[Ref][]string
}

// A Trashed is a copy in the trash: not listed, but all there. Its Text, Outline
// and Problem are those of its manifest.
type Trashed struct {
	Copy
	manifest.Trashed
	mark string // the suffix of its manifest
}

// Scan finds what a place holds of a database, or of all if it is "".
func (p *Place) Scan(ctx context.Context, database string) (*Contents, error) {
	return p.scan(ctx, database, false)
}

// Trash finds what is in the trash of a database, or of all if it is "", in the order
// of Scan. It reads no manifest of a copy that is listed.
func (p *Place) Trash(ctx context.Context, database string) ([]*Trashed, error) {
	found, err := p.scan(ctx, database, true)
	if err != nil {
		return nil, err
	}
	return found.Trash, nil
}

// scan is Scan, where only the trash matters without the copies that are listed.
func (p *Place) scan(ctx context.Context, database string, trashOnly bool) (*Contents, error) {
	all, err := p.files(ctx, database)
	if err != nil {
		return nil, err
	}
	found := &Contents{unlisted: map[Ref][]string{}}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for ref, sizes := range all {
		c := newCopy(ref, sizes)
		stay, mark := trashMark(sizes)
		_, listed := sizes[manifest.Suffix]
		_, unlisted := sizes[manifest.PrunedSuffix]
		switch {
		case listed && trashOnly:
		case listed:
			found.Copies = append(found.Copies, &c)
			g.Go(func() error { return p.readManifest(ctx, &c, manifest.Suffix) })
		case unlisted: // also what went from the trash
			found.unlisted[ref] = c.Beside
		case mark != "":
			t := &Trashed{Copy: c, Trashed: stay, mark: mark}
			found.Trash = append(found.Trash, t)
			g.Go(func() error { return p.readManifest(ctx, &t.Copy, mark) })
		}
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("list %s: %w", p.Name, err)
	}
	slices.SortFunc(found.Copies, func(a, b *Copy) int { return CompareRefs(a.Ref, b.Ref) })
	slices.SortFunc(found.Trash, func(a, b *Trashed) int { return CompareRefs(a.Ref, b.Ref) })
	return found, nil
}

// List lists the copies of a database, or of all if it is "": by database, the
// newest first.
func (p *Place) List(ctx context.Context, database string) ([]*Copy, error) {
	found, err := p.Scan(ctx, database)
	if err != nil {
		return nil, err
	}
	return found.Copies, nil
}

// Used reports whether a place holds anything of a database, be it in the trash or
// half removed. It reads no file.
func (p *Place) Used(ctx context.Context, database string) (bool, error) {
	all, err := p.files(ctx, database)
	for _, sizes := range all {
		_, listed := sizes[manifest.Suffix]
		_, unlisted := sizes[manifest.PrunedSuffix]
		if _, mark := trashMark(sizes); listed || unlisted || mark != "" {
			return true, err
		}
	}
	return false, err
}

func newCopy(ref Ref, sizes map[string]int64) Copy {
	c := Copy{Ref: ref, Size: -1}
	if size, ok := sizes[""]; ok {
		c.Size = size
	}
	for _, suffix := range slices.Sorted(maps.Keys(sizes)) {
		if suffix != "" && suffix != manifest.Suffix {
			c.Beside = append(c.Beside, suffix)
		}
	}
	return c
}

// trashMark finds the newest mark of the trash; older ones are left of moves that
// were cut off.
func trashMark(sizes map[string]int64) (stay manifest.Trashed, mark string) {
	for suffix := range sizes {
		if t, ok := manifest.ParseTrashedSuffix(suffix); ok && suffix > mark { // they are written alike, the time first
			stay, mark = t, suffix
		}
	}
	return stay, mark
}

// CompareRefs orders backups by database, the newest first.
func CompareRefs(a, b Ref) int {
	if n := strings.Compare(a.Database, b.Database); n != 0 {
		return n
	}
	return strings.Compare(b.Object, a.Object)
}

// goesAlong tells the files beside an object that belong to the backup and go with
// every copy of it.
func goesAlong(suffix string) bool {
	keys, _ := path.Match(manifest.KeysPattern, suffix) // the pattern is well-formed
	return keys || suffix == PinSuffix
}

// isOurs tells the files beside an object that go when it goes. Whatever else has
// a name that begins like ours is somebody else's.
func isOurs(suffix string) bool {
	_, trashed := manifest.ParseTrashedSuffix(suffix)
	return trashed || goesAlong(suffix) || suffix == manifest.CheckedSuffix || suffix == storedSuffix || suffix == asideSuffix
}

// files finds what a place has of each backup: the sizes of its files by what is
// added to the name of the object, which itself has "".
func (p *Place) files(ctx context.Context, database string) (map[Ref]map[string]int64, error) {
	prefix := ""
	if database != "" {
		prefix = database + "/"
	}
	all := map[Ref]map[string]int64{}
	err := p.eachFile(ctx, prefix, func(ref Ref, suffix string, info store.Info) {
		if all[ref] == nil {
			all[ref] = map[string]int64{}
		}
		all[ref][suffix] = info.Size
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// eachFile calls do for every file of a backup among the keys with a prefix, with what
// its name adds to that of the object.
func (p *Place) eachFile(ctx context.Context, prefix string, do func(ref Ref, suffix string, info store.Info)) error {
	for info, err := range p.Store.List(ctx, prefix) {
		if isElsewhere(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("list %s: %w", p.Name, err)
		}
		if ref, suffix, ok := parseFile(info.Key); ok {
			do(ref, suffix, info)
		}
	}
	return nil
}

// isElsewhere tells an error of a folder in the folder of a database, such as a
// lost+found that only root may read: no backup can be in it.
func isElsewhere(err error) bool {
	var e *store.Error
	return errors.As(err, &e) && errors.Is(err, store.ErrPermission) && strings.Contains(strings.TrimSuffix(e.Key, "/"), "/")
}

// Missing finds what each place lacks: the backups that others hold, that its own
// retention would keep, and that were not put into its trash. Places that are not
// in all are left out.
func Missing(ctx context.Context, all map[*Place]*Contents, now time.Time) map[*Place]map[Ref]bool {
	union := map[Ref]*Copy{}
	pinned := map[Ref]bool{}
	for _, found := range all {
		for _, c := range found.Copies {
			if had := union[c.Ref]; had == nil || had.Problem != "" || c.Problem == "" && !had.verified() {
				union[c.Ref] = c
			}
			pinned[c.Ref] = pinned[c.Ref] || slices.Contains(c.Beside, PinSuffix)
		}
	}
	missing := map[*Place]map[Ref]bool{}
	for p, found := range all {
		missing[p] = map[Ref]bool{}
		for _, d := range p.plan(ctx, outlines(union, pinned), now) {
			if ref, ok := ParseKey(d.Backup.ID); ok && d.Keep {
				missing[p][ref] = true
			}
		}
		for _, c := range found.Copies {
			delete(missing[p], c.Ref)
		}
		for _, t := range found.Trash {
			delete(missing[p], t.Ref)
		}
	}
	return missing
}

// outlines is what the retention can tell without reading the notes beside each
// copy; so whatever has a pin counts as pinned.
func outlines(union map[Ref]*Copy, pinned map[Ref]bool) []retention.Backup {
	list := make([]retention.Backup, 0, len(union))
	for ref, c := range union {
		list = append(list, retention.Backup{
			ID: ref.Key(), Group: c.group(), Time: c.created(), Verified: c.verified(), Damaged: c.Problem != "", Pinned: pinned[ref],
		})
	}
	return list
}
