package service

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/manifest"
)

func fileOf(b *litekeep.Backup) string { return filepath.Base(b.Path) }

// fileName is the file name of the object at a path, or at a URL, whose parameters
// may have slashes too.
func fileName(path string) string {
	if _, ref, ok := destination.Split(path); ok {
		return ref.Object
	}
	return filepath.Base(path)
}

// Backups lists the backups of a database, newest first.
func (s *Service) Backups(ctx context.Context, by access.Principal, database string) ([]BackupView, error) {
	k, err := s.may(ctx, by, access.See, database)
	if err != nil {
		return nil, err
	}
	l := k.listing(ctx, s.now())
	if l.err != nil {
		return nil, l.err
	}
	decisions, err := k.retention(ctx, &l, s.now())
	if err != nil && len(decisions) == 0 {
		s.log.Warn("retention cannot be planned", "database", database, "error", err)
	}
	views := make([]BackupView, 0, len(l.backups))
	for _, b := range l.backups {
		views = append(views, k.view(b, decisions[b.Path], s.now()))
	}
	return views, nil
}

func (k *keeper) view(b *litekeep.Backup, d litekeep.Decision, now time.Time) BackupView {
	v := BackupView{
		File: fileOf(b), Backup: b, VerifiedAt: b.Verified, Duration: b.Duration.Seconds(),
		Kept: d.Reason, Goes: d.Path != "" && !d.Keep, Places: k.copyViews(b),
	}
	if b.Pin != nil && b.Pinned.After(now) {
		v.Pinned, v.PinNote, v.PinUntil = true, b.Pin.Note, b.Pin.Until
	}
	return v
}

// Backup tells all of one backup. file is the name of its object, which is
// looked up in the list.
func (s *Service) Backup(ctx context.Context, by access.Principal, database, file string) (*BackupDetails, error) {
	views, err := s.Backups(ctx, by, database)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(views, func(v BackupView) bool { return v.File == file })
	if i < 0 {
		return nil, fmt.Errorf("backup %q of %s: %w", file, database, ErrNotFound)
	}
	out := &BackupDetails{BackupView: views[i], Changes: []TableChange{}}
	local := s.find(database).conf.Load().local
	if out.Details, err = local.BackupDetails(ctx, out.Path); err != nil {
		out.Problem = cmp.Or(out.Problem, err.Error())
		return out, nil
	}
	for _, v := range views[i+1:] {
		if v.Problem != "" || v.Locked {
			continue
		}
		if before, err := local.BackupDetails(ctx, v.Path); err == nil {
			out.Before, out.Changes = v.File, changes(out.Details.Tables, before.Tables)
			break
		}
	}
	return out, nil
}

// changes compares the rows of tables, what changed most first.
func changes(now, before []litekeep.TableDetails) []TableChange {
	was := map[string]int64{}
	for _, t := range before {
		was[t.Name] = t.Rows
	}
	list := []TableChange{}
	for _, t := range now {
		rows, there := was[t.Name]
		delete(was, t.Name)
		switch {
		case !there:
			list = append(list, TableChange{Table: t.Name, Rows: t.Rows, Before: -1})
		case rows != t.Rows:
			list = append(list, TableChange{Table: t.Name, Rows: t.Rows, Before: rows})
		}
	}
	for name, rows := range was {
		list = append(list, TableChange{Table: name, Before: rows, Gone: true})
	}
	slices.SortFunc(list, func(a, b TableChange) int {
		return cmp.Or(cmp.Compare(b.size(), a.size()), cmp.Compare(a.Table, b.Table))
	})
	return list
}

// size is how many rows came or went. A table that came or went counts even if
// it is empty.
func (c TableChange) size() int64 {
	if c.Gone || c.Before < 0 {
		return max(c.Rows, c.Before) + 1
	}
	return max(c.Rows-c.Before, c.Before-c.Rows)
}

// Stats sums up the backups of a database, or of each that by may see if it is "".
func (s *Service) Stats(ctx context.Context, by access.Principal, database string) ([]litekeep.Stats, error) {
	k, err := s.may(ctx, by, access.See, database)
	if err != nil {
		return nil, err
	}
	keepers := []*keeper{k}
	if k == nil {
		keepers = s.seen(by)
	}
	s.readAhead(ctx, keepers)
	all := []litekeep.Stats{}
	for _, k := range keepers {
		l := k.listing(ctx, s.now())
		if l.err != nil {
			return nil, l.err
		}
		all = append(all, litekeep.StatsOf(l.backups)...)
	}
	return all, nil
}

// A Download is a file of a backup that is being sent. The caller closes it.
type Download struct {
	io.ReadSeekCloser
	Name   string
	SHA256 string // hexadecimal, "" for a manifest
	Size   int64
	Time   time.Time // of the backup
}

// Download opens the object of a backup, or its manifest.
func (s *Service) Download(ctx context.Context, by access.Principal, database, file string, wantManifest bool) (*Download, error) {
	a := act{action: access.Download, database: database, object: file}
	k, err := s.admit(ctx, by, a)
	if err != nil {
		return nil, err
	}
	b, err := s.backupOf(ctx, k, file)
	if err != nil {
		return nil, s.done(ctx, by, a, err)
	}
	out := &Download{Name: fileOf(b), SHA256: b.Checksum, Time: b.Timestamp}
	if wantManifest {
		out.Name, out.SHA256 = out.Name+manifest.Suffix, ""
	}
	// The root keeps a symbolic link from leading out of the folder.
	root, err := os.OpenRoot(filepath.Dir(b.Path))
	if err != nil {
		return nil, s.done(ctx, by, a, err)
	}
	defer root.Close()
	f, err := root.Open(out.Name)
	if err != nil {
		return nil, s.done(ctx, by, a, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", out.Name)
	}
	if err != nil {
		_ = f.Close()
		return nil, s.done(ctx, by, a, err)
	}
	out.ReadSeekCloser, out.Size = f, info.Size()
	return out, s.done(ctx, by, a, nil)
}

// Trash lists what was removed and can be had back.
func (s *Service) Trash(ctx context.Context, by access.Principal, database string) ([]TrashView, error) {
	k, err := s.may(ctx, by, access.See, database)
	if err != nil {
		return nil, err
	}
	l := k.listing(ctx, s.now())
	views := []TrashView{}
	for _, t := range l.trash {
		views = append(views, TrashView{
			File: fileName(t.Path), Timestamp: t.Timestamp, SizeBytes: t.SizeBytes, Trashed: t.TrashedAt, Until: t.RemoveAfter,
		})
	}
	return views, l.err
}
