package litekeep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/litekeep/litekeep/internal/keys"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/seal"
)

// Rotation is the outcome of RotateKeys for one backup.
type Rotation struct {
	Path     string // of the object
	Database string
	Wrapped  int    // keys that open it now and did not before
	Skipped  string // why nothing was to be done, "" if something was
	Problem  string // why it could not be done
	Err      error  // the same, nil if it could
}

// RotateKeys makes the sealed backups that ListBackups lists open with the keys
// that to names too, in references as in Config.Keys. The keys of the Config open
// them now. No backup is changed: its data key, wrapped under the new keys, is
// stored in a new object beside it. So whoever has an old key still opens old
// backups; new ones are sealed under the keys of the Config that makes them.
//
// All backups are tried; the error is that of the first that failed. A rotation
// that was cut off is simply done again: what is done already is skipped.
func (s *Service) RotateKeys(ctx context.Context, to []string, dryRun bool) ([]Rotation, error) {
	if len(to) == 0 || !s.cfg.sealed() {
		return nil, &Error{Op: "key rotate", Kind: ErrNoKey, Err: errors.New("it takes a key that opens the backups now, and one that is to"), Hint: "--key names the one, --to the other"}
	}
	old, err := s.ring(ctx, false)
	if err != nil {
		return nil, err
	}
	ring, err := openKeys(ctx, to, s.keys.ask, true)
	if err != nil {
		return nil, err
	}
	names, err := s.names()
	if err != nil {
		return nil, explain("key rotate", s.cfg.BackupDirectory, err)
	}
	var all []Rotation
	var first error
	for _, name := range names {
		done, err := s.rotateDatabase(ctx, name, old, ring, dryRun)
		all = append(all, done...)
		if first == nil {
			first = err
		}
		if ctx.Err() != nil {
			return all, explain("key rotate", s.cfg.BackupDirectory, ctx.Err())
		}
	}
	return all, first
}

// rotateDatabase rotates the keys of one database's backups, under its lock.
func (s *Service) rotateDatabase(ctx context.Context, name string, old, ring []keys.Key, dryRun bool) (all []Rotation, err error) {
	list, err := s.list(ctx, name, false)
	if err != nil || len(list) == 0 {
		return nil, explain("key rotate", name, err)
	}
	if !dryRun {
		unlock, busy := s.lock(ctx, name, "key rotate")
		if busy != nil {
			return nil, explain("key rotate", name, busy)
		}
		defer func() { err = errors.Join(err, unlock()) }()
	}
	var first error
	for _, b := range list {
		if ctx.Err() != nil {
			return all, ctx.Err()
		}
		r := Rotation{Path: b.Path, Database: b.Database}
		err := explain("key rotate", b.Path, s.rotate(ctx, s.place(b.Path), old, ring, dryRun, &r))
		if err != nil {
			r.Err, r.Problem, r.Wrapped = err, cause(err).Error(), 0
			if first == nil {
				first = err
			}
		}
		all = append(all, r)
	}
	return all, first
}

func (s *Service) rotate(ctx context.Context, at place, old, ring []keys.Key, dryRun bool, r *Rotation) error {
	x, err := readRecord(ctx, at)
	if err != nil {
		return err
	}
	if x.sealed == nil {
		r.Skipped = "it is not sealed"
		return nil
	}
	missing, err := notYet(ctx, at, x.header, ring)
	if err != nil {
		return err
	}
	if r.Wrapped = len(missing); len(missing) == 0 {
		r.Skipped = "the new keys open it already"
		return nil
	}
	opener, err := openHeader(ctx, at, x.header, old)
	if err != nil {
		return err
	}
	if _, err := x.sealed.Open(x.header, opener); err != nil || dryRun {
		return err // what is damaged is not worth a new key
	}
	extra, next, err := readRewraps(ctx, at, x.header)
	if err != nil {
		return err
	}
	text, err := rewrap(ctx, x.header, old, missing, extra)
	if err != nil {
		return err
	}
	if err := at.put(ctx, manifest.KeysSuffix(next), text, false); err != nil {
		return fmt.Errorf("write rewrapped keys: %w", err)
	}
	s.log.Info("keys rotated", "object", at.name(), "keys", len(missing))
	return nil
}

// notYet returns the keys of a ring that do not open a backup yet.
func notYet(ctx context.Context, at place, h *seal.Header, ring []keys.Key) (missing []keys.Key, err error) {
	for _, k := range ring {
		_, err := openHeader(ctx, at, h, []keys.Key{k})
		switch {
		case err == nil:
		case errors.Is(err, seal.ErrWrongKey):
			missing = append(missing, k)
		default:
			return nil, err
		}
	}
	return missing, nil
}

// readRewraps reads the objects with rewrapped keys that are of use, and says
// which number is free.
func readRewraps(ctx context.Context, at place, h *seal.Header) (all []*seal.Rewrap, next int, err error) {
	for n := 1; ; n++ {
		x, err := readRewrap(ctx, at, n)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return all, n, nil
		case ctx.Err() != nil:
			return nil, 0, ctx.Err()
		case err == nil && x.Backup == h.Backup:
			all = append(all, x)
		}
	}
}

// rewrap wraps a data key anew, with the header's own keys or, where none of the
// old ones is among them, with those of an earlier rotation.
func rewrap(ctx context.Context, h *seal.Header, old, ring []keys.Key, extra []*seal.Rewrap) ([]byte, error) {
	text, first := h.Rewrap(ctx, old, ring)
	for _, x := range extra {
		if first == nil || ctx.Err() != nil {
			break
		}
		var err error
		if text, err = h.Rewrap(ctx, old, ring, x); err == nil {
			return text, nil
		}
	}
	return text, first
}
