package store

import (
	"context"
	"errors"
	"io"
	"time"
)

// SizedPutter is a Store that does better when it knows how much is coming.
type SizedPutter interface {
	// PutSized is Put with a guess of the size of r in bytes, the higher the
	// safer: an upload is divided into parts whose number is limited, and more
	// than about 10 % above the guess may be refused. 0 is "unknown".
	PutSized(ctx context.Context, key string, r io.Reader, guess int64) error
}

// PutSized calls PutSized where s has it, and Put where not.
func PutSized(ctx context.Context, s Store, key string, r io.Reader, guess int64) error {
	if p, ok := s.(SizedPutter); ok {
		return p.PutSized(ctx, key, r, guess)
	}
	return s.Put(ctx, key, r)
}

// Checksummer is a Store that keeps checksums of its objects, which can be asked
// for without reading the objects.
type Checksummer interface {
	// Checksum returns what the store says of the content of key, and its size
	// in bytes. It returns the zero Checksum when the store keeps none that
	// package store knows; that is no error. The error matches ErrNotExist when
	// there is no such object.
	Checksum(ctx context.Context, key string) (Checksum, int64, error)
}

// Locker is a Store that can be told to keep an object until a date, whoever
// asks to remove it.
type Locker interface {
	// LockedUntil returns the time before which key cannot be removed, the zero
	// time when it can. A lock without a date is a *LockedError without one. The
	// error matches ErrNotExist when there is no such object.
	LockedUntil(ctx context.Context, key string) (time.Time, error)
	// PutUntil is Put, of an object that MUST NOT be removable before until.
	// When the store does not honour that, the object is removed again as far
	// as possible, and the error says so.
	PutUntil(ctx context.Context, key string, r io.Reader, until time.Time) error
}

// LockedError says until when an object is kept. It matches ErrLocked.
type LockedError struct {
	Until time.Time // zero: until somebody lifts the lock
}

// Error gives the date in UTC.
func (e *LockedError) Error() string {
	if e.Until.IsZero() {
		return "kept until its legal hold is lifted"
	}
	return "kept until " + e.Until.UTC().Format("2006-01-02 15:04:05Z")
}

// Is tells that the error matches ErrLocked.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// KeptUntil returns the date of a *LockedError in err. ok tells whether there is
// one; the date is zero where the lock has none.
func KeptUntil(err error) (until time.Time, ok bool) {
	var locked *LockedError
	if !errors.As(err, &locked) {
		return time.Time{}, false
	}
	return locked.Until, true
}
