package cloud

import (
	"context"
	"errors"
	"time"

	"github.com/litekeep/litekeep/internal/store"
)

// maxVersions is how many versions of one object a Delete removes at most.
const maxVersions = 100

// Delete implements store.Store. See the package's comment for what is gone.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := s.check(ctx, "delete", key); err != nil {
		return err
	}
	for range maxVersions {
		gone, err := s.deleteOne(ctx, key)
		if gone || err != nil {
			return wrap("delete", key, err)
		}
	}
	return wrap("delete", key, store.ErrUndeleted)
}

// deleteOne deletes what a key names. gone is false when an older version has
// come to light by it.
func (s *Store) deleteOne(ctx context.Context, key string) (gone bool, err error) {
	before, err := s.head(ctx, key)
	if errors.Is(err, store.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if err := s.locked(before); err != nil {
		return false, err
	}
	version := s.location.deleteVersions && before.version != ""
	err = s.explain(ctx, s.provider.remove(ctx, s.bucket, s.location.prefix+key, before, version))
	if errors.Is(err, store.ErrPermission) && !before.until.IsZero() {
		return false, &store.LockedError{Until: before.until} // by the server's clock, not by ours
	}
	if err != nil && !errors.Is(err, store.ErrNotExist) {
		return false, err
	}
	for pause := 100 * time.Millisecond; ; pause *= 2 {
		after, err := s.head(ctx, key)
		switch {
		case errors.Is(err, store.ErrNotExist):
			return true, nil
		case err != nil:
			return false, err
		case version && after.version != before.version:
			return false, nil
		case after.token != before.token || after.etag != before.etag:
			return true, nil // somebody has put it anew
		case pause > time.Second:
			return false, store.ErrUndeleted
		}
		if err := sleep(ctx, min(pause, s.options.MaxPause)); err != nil {
			return false, err
		}
	}
}

// locked returns a *store.LockedError when an object cannot be removed yet.
func (s *Store) locked(m meta) error {
	if m.hold {
		return &store.LockedError{}
	}
	if m.until.After(s.options.Now()) {
		return &store.LockedError{Until: m.until}
	}
	return nil
}

// LockedUntil implements store.Locker.
func (s *Store) LockedUntil(ctx context.Context, key string) (time.Time, error) {
	if err := s.check(ctx, "look at the lock of", key); err != nil {
		return time.Time{}, err
	}
	m, err := s.head(ctx, key)
	if err == nil {
		err = s.locked(m)
	}
	until, ok := store.KeptUntil(err)
	if ok && !until.IsZero() {
		return until, nil
	}
	return time.Time{}, wrap("look at the lock of", key, err)
}

// DeleteLocked asks the server to remove an object for good, whether it is
// locked or not. It is for finding out whether the server honours locks: it must
// fail when the object is locked.
func (s *Store) DeleteLocked(ctx context.Context, key string) error {
	if err := s.check(ctx, "delete", key); err != nil {
		return err
	}
	m, err := s.head(ctx, key)
	if err != nil {
		return wrap("delete", key, err)
	}
	err = s.provider.remove(ctx, s.bucket, s.location.prefix+key, m, m.version != "")
	return wrap("delete", key, s.explain(ctx, err))
}

// Purge removes an object with all its versions and delete markers, as far as
// they are not locked. It is for what was only written to try something out.
func (s *Store) Purge(ctx context.Context, key string) error {
	if err := s.check(ctx, "purge", key); err != nil {
		return err
	}
	err := s.provider.purge(ctx, s.bucket, s.location.prefix+key)
	if err = s.explain(ctx, err); errors.Is(err, store.ErrNotExist) {
		return nil
	}
	return wrap("purge", key, err)
}
