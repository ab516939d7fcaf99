package litekeep

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/store/folder"
	"github.com/litekeep/litekeep/internal/vault"
)

// ownPlace is the folder of one database in BackupDirectory as a place like any
// other, so that removing, the trash and pins are written once.
type ownPlace struct {
	vault.Place
	io.Closer
	database string // its name in the place, which is not that of a link to it
	path     func(vault.Ref) string
}

// ownPlace opens the folder of the database name. The error matches fs.ErrNotExist
// when there is no BackupDirectory.
func (s *Service) ownPlace(name string) (*ownPlace, error) {
	if err := s.checkPlace(s.cfg.BackupDirectory); err != nil {
		return nil, err
	}
	root, database := s.cfg.BackupDirectory, name
	dir := filepath.Join(root, name)
	if info, err := os.Lstat(dir); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		// A store follows no links; whoever made this one meant it.
		linked, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return nil, err
		}
		root, database = filepath.Split(linked)
	}
	var o folder.Options
	if before := s.disk.Before; before != nil {
		o.Before = func(op durable.Op, path string) error { return before(op, filepath.Join(root, path)) }
	}
	store, err := folder.Open(root, o)
	if err != nil {
		return nil, err
	}
	at := vault.Place{Name: s.cfg.BackupDirectory, Store: store, Policy: s.cfg.policy(), Grace: s.cfg.TrashGrace}
	at.TermsOf = s.termsOf(&at, "")
	return &ownPlace{
		Place:    at,
		Closer:   store,
		database: database,
		path:     func(ref vault.Ref) string { return filepath.Join(dir, ref.Object) },
	}, nil
}

// used reports whether the folder of a database holds any of its backups, be it in
// the trash or half removed.
func (s *Service) used(ctx context.Context, name string) (bool, error) {
	own, err := s.ownPlace(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer own.Close()
	return own.Used(ctx, own.database)
}

// spot is one place where a backup is, or may be.
type spot struct {
	vault.Place
	ref  vault.Ref
	path string // of the backup there
	own  bool   // it is BackupDirectory
}

// destination is what a Decision about a copy there says of the place.
func (at *spot) destination() string {
	if at.own {
		return ""
	}
	return at.Name
}

// spots calls do with every place in which the backup at path should be: the one
// that path names and, where that is one of those of the Config, the others. It
// holds the lock of the database where it has one. Several functions are called one
// after the other, each with all places. An error of a place does not stop the
// others, unless it says that the backup is to be kept; only those of the last
// function count. The error matches ErrNoBackup when all of them were
// vault.ErrNotThere.
func (s *Service) spots(ctx context.Context, op, path string, do ...func(*spot) error) (err error) {
	paths, err := s.allPaths(path)
	if err != nil {
		return explain(op, path, err)
	}
	unlock, err := s.lockSpots(ctx, op, paths)
	if err != nil {
		return explain(op, path, err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	var errs []error
	for _, f := range do {
		errs = nil
		for _, p := range paths {
			err := s.at(ctx, p, f)
			if len(paths) == 1 && errors.Is(err, fs.ErrNotExist) {
				err = vault.ErrNotThere // a folder that is missing is no destination that is down
			}
			if errors.Is(err, vault.ErrPinned) || errors.Is(err, vault.ErrLastGood) {
				return explain(op, path, err)
			}
			errs = append(errs, err)
		}
	}
	missing := slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return !errors.Is(err, vault.ErrNotThere) })
	if len(missing) == len(paths) {
		return explain(op, path, missing[0])
	}
	return explain(op, path, errors.Join(slices.DeleteFunc(errs, func(err error) bool { return errors.Is(err, vault.ErrNotThere) })...))
}

// allPaths returns where the backup at path is, path first.
func (s *Service) allPaths(path string) ([]string, error) {
	path, err := absolute(path)
	if err != nil {
		return nil, err
	}
	if _, _, ok := destination.Split(path); !ok {
		return nil, vault.ErrNotThere
	}
	others := s.otherCopies(path)
	if len(others) > len(s.cfg.Copies) {
		others = nil // path lies somewhere else
	}
	return append([]string{path}, others...), nil
}

// in returns a Service whose backups are in another folder.
func (s *Service) in(folder string) *Service {
	there := *s
	there.cfg.BackupDirectory = folder
	return &there
}

// own tells whether a folder is the BackupDirectory.
func (s *Service) own(folder string) bool {
	abs, err := filepath.Abs(s.cfg.BackupDirectory)
	return err == nil && !destination.IsURL(s.cfg.BackupDirectory) && abs == filepath.FromSlash(folder)
}

// lockSpots takes the lock on the backups of the database in BackupDirectory or,
// when only another folder is looked at, in that.
func (s *Service) lockSpots(ctx context.Context, op string, paths []string) (unlock func() error, err error) {
	for _, path := range paths {
		text, ref, _ := destination.Split(path)
		if destination.IsURL(path) || len(paths) > 1 && !s.own(text) {
			continue
		}
		there := s.in(text)
		if used, err := there.used(ctx, ref.Database); err != nil || !used {
			return func() error { return nil }, err
		}
		return there.lock(ctx, ref.Database, op)
	}
	return func() error { return nil }, nil
}

// at opens the place of the backup at path for as long as do takes.
func (s *Service) at(ctx context.Context, path string, do func(*spot) error) error {
	text, ref, _ := destination.Split(path)
	if destination.IsURL(path) {
		d, err := s.openDestination(ctx, text, false)
		if err != nil {
			return err
		}
		defer d.Close()
		return do(&spot{d.Place, ref, path, text == s.cfg.BackupDirectory})
	}
	own := s.own(text)
	place, err := s.in(text).ownPlace(ref.Database)
	if own && errors.Is(err, fs.ErrNotExist) {
		return vault.ErrNotThere // nothing was ever backed up there
	}
	if err != nil {
		return err
	}
	defer place.Close()
	ref.Database = place.database
	return do(&spot{place.Place, ref, path, own})
}
