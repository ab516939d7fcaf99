package litekeep

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"golang.org/x/sync/errgroup"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/human"
	"github.com/litekeep/litekeep/internal/store"
	"github.com/litekeep/litekeep/internal/vault"
)

// errUnreachable: a destination could not be opened.
var errUnreachable = errors.New("destination cannot be reached")

// remotePlace is the place of a backup in a destination.
type remotePlace struct {
	s    *Service
	text string // of the destination
	ref  vault.Ref
	open *destination.Destination // if not nil, the destination, which somebody else closes
}

func (p remotePlace) name() string { return p.ref.Object }

// with opens the destination for as long as do takes.
func (p remotePlace) with(ctx context.Context, do func(*destination.Destination) error) error {
	if p.open != nil {
		return do(p.open)
	}
	d, err := p.s.openDestination(ctx, p.text, false)
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreachable, err)
	}
	return errors.Join(do(d), d.Close())
}

func (p remotePlace) size(ctx context.Context) (size int64, err error) {
	err = p.with(ctx, func(d *destination.Destination) error {
		size, err = objectSize(ctx, d, p.ref)
		return err
	})
	return size, err
}

// objectSize asks the listing for the size of an object.
func objectSize(ctx context.Context, d *destination.Destination, ref vault.Ref) (int64, error) {
	for info, err := range d.Store.List(ctx, ref.Key()) {
		if err != nil {
			return 0, err
		}
		if info.Key == ref.Key() {
			return info.Size, nil
		}
	}
	return 0, fmt.Errorf("%s: %w", ref.Key(), fs.ErrNotExist)
}

func (p remotePlace) object(ctx context.Context) (objectReader, error) {
	d, err := p.s.openDestination(ctx, p.text, false)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnreachable, err)
	}
	size, err := objectSize(ctx, d, p.ref)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return remoteObject{d.Object(ctx, p.ref, size), d}, nil
}

func (p remotePlace) sibling(ctx context.Context, suffix string) (text []byte, err error) {
	err = p.with(ctx, func(d *destination.Destination) error {
		text, err = d.ReadFile(ctx, p.ref, suffix)
		return err
	})
	return text, err
}

func (p remotePlace) put(ctx context.Context, suffix string, text []byte, replace bool) error {
	return p.with(ctx, func(d *destination.Destination) error {
		key := p.ref.Key() + suffix
		if !replace {
			return d.Store.Put(ctx, key, bytes.NewReader(text))
		}
		if r, ok := d.Store.(store.Replacer); ok {
			return r.Replace(ctx, key, text)
		}
		// A note about a backup: to lose it between the two is to not know.
		if err := d.Store.Delete(ctx, key); err != nil {
			return err
		}
		return d.Store.Put(ctx, key, bytes.NewReader(text))
	})
}

// remoteObject is an object in a destination that stays open with it.
type remoteObject struct {
	*vault.Object
	destination *destination.Destination
}

// Close closes the destination.
func (o remoteObject) Close() error { return o.destination.Close() }

// latestAt is latest in a destination: folder is its URL with the name of the database
// as the last element.
func (s *Service) latestAt(ctx context.Context, folder string, c *choice) (*Backup, error) {
	text, database, ok := destination.SplitDatabase(folder)
	if !ok {
		return nil, &Error{
			Op: "list", Path: folder, Err: ErrNoBackup,
			Hint: "end the URL with the name of a database, as in s3://bucket/prefix/app, or with that of a backup",
		}
	}
	d, err := s.openDestination(ctx, text, false)
	if err != nil {
		return nil, explain("list", folder, err)
	}
	defer d.Close()
	list, err := d.List(ctx, database)
	if err != nil {
		return nil, explain("list", folder, err)
	}
	for _, found := range list { // the newest first
		if found.Problem != "" {
			c.pass(destination.Join(text, found.Ref), found.Problem)
			continue
		}
		at := remotePlace{s: s, text: text, ref: found.Ref, open: d}
		b, err := readBackup(ctx, at, folder, nil)
		b.Path = destination.Join(text, found.Ref)
		if err != nil {
			c.pass(b.Path, err.Error())
		} else if c.offer(b) {
			break
		}
	}
	best := c.best()
	if best == nil {
		return nil, &Error{Op: "list", Path: folder, Err: ErrNoBackup, Hint: "`litekeep list --dir " + human.ShellWord(text) + "` shows what is there"}
	}
	return best, nil
}

// otherCopies returns where else the backup at path, or at a URL, should lie.
func (s *Service) otherCopies(path string) []string {
	if len(s.cfg.Copies) == 0 {
		return nil
	}
	path, err := absolute(path)
	if err != nil {
		return nil
	}
	_, ref, ok := destination.Split(path)
	if !ok {
		return nil
	}
	var others []string
	for _, text := range append([]string{s.cfg.BackupDirectory}, s.cfg.Copies...) {
		if other, err := absolute(destination.Join(text, ref)); err == nil && other != path {
			others = append(others, other)
		}
	}
	return others
}

// anotherMayDo reports whether a failure to read the backup at path is one that
// another copy of it may not have.
func (s *Service) anotherMayDo(ctx context.Context, path string, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if errors.Is(explain("", path, err), ErrDamaged) || errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrTarget) {
		return true
	}
	var e *store.Error
	return errors.As(err, &e) || destination.IsURL(path) && isOpenError(err)
}

// isOpenError reports whether a destination could not be opened at all.
func isOpenError(err error) bool {
	return errors.Is(err, store.ErrNoBucket) || errors.Is(err, store.ErrPermission) || errors.Is(err, errUnreachable)
}

// fallThrough reads the backup at path, or another copy of it if that fails
// before anything was written to w.
func (s *Service) fallThrough(ctx context.Context, path string, w io.Writer,
	read func(ctx context.Context, path string, w io.Writer) error,
) error {
	out := &counted{w: w}
	first := read(ctx, path, out)
	if first == nil {
		return nil
	}
	failed, err := path, first
	for _, other := range s.otherCopies(path) {
		if out.n > 0 || !s.anotherMayDo(ctx, failed, err) {
			break
		}
		s.log.Warn("reading another copy", "failed", failed, "error", cause(err), "from", other)
		if failed, err = other, read(ctx, other, out); err == nil {
			return nil
		}
	}
	return first
}

// counted counts what is written.
type counted struct {
	w io.Writer
	n int64
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// listed is how many backups of a destination are looked at side by side.
const listed = 8

// listAt lists the backups in a destination, by database, newest first.
func (s *Service) listAt(ctx context.Context, text string) ([]*Backup, error) {
	d, err := s.openDestination(ctx, text, false)
	if err != nil {
		return nil, explain("list", "", err)
	}
	defer d.Close()
	copies, err := d.List(ctx, s.cfg.Name)
	if err != nil {
		return nil, explain("list", "", err)
	}
	unlock, err := s.unlocker(ctx, s.cfg.sealed())
	if err != nil {
		return nil, err
	}
	list := make([]*Backup, len(copies))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(listed)
	for i, c := range copies {
		g.Go(func() error {
			at := remotePlace{s: s, text: text, ref: c.Ref, open: d}
			list[i] = readListed(ctx, at, "", c.Database, unlock)
			list[i].Path = destination.Join(text, c.Ref)
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, explain("list", "", err)
	}
	return list, nil
}
