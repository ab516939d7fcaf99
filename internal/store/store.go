// Package store defines where backups are kept: objects under keys, written
// once and never changed.
//
// A key names one object: one or more names joined by "/", such as
// "app/20261122T020000.123Z.json.zst". CheckKey says which keys are valid. A
// driver MAY refuse a key that continues the key of an object ("a" and "a/b"),
// because it cannot be a file and a folder; it answers ErrExist or ErrForeign. An
// object exists only when it is whole; what is being written, or was when a run
// was cut off, is not there for Get and List.
//
// A Store is what every driver has. What only some can do is an interface of its
// own, found by type assertion: Creator, Renamer, Replacer, Sweeper, Locator,
// SizedPutter, Checksummer, Locker. Package storetest holds the conformance suite
// that every driver and every wrapper of one must pass.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"time"
)

// The errors that callers tell apart. Drivers MUST return errors that match
// them, and wrap what they return in an *Error.
var (
	ErrNotExist = fs.ErrNotExist // there is no object of this key
	ErrExist    = fs.ErrExist    // there is one already
	ErrKey      = errors.New("not a valid key")
	// ErrForeign says that a key's place is taken by something that is no
	// object: a folder, a link, a device. A store never reads, replaces or
	// removes it.
	ErrForeign = errors.New("not a regular file")
	// ErrLocked says that the store refuses to remove an object yet. The error
	// is a *LockedError, which has the date.
	ErrLocked = errors.New("locked")
	// ErrPermission says that whoever asks may not do that.
	ErrPermission = fs.ErrPermission
	// ErrNoBucket says that the bucket, container or folder that holds the
	// objects is not there, which is not the same as an object that is not.
	ErrNoBucket = errors.New("the bucket does not exist")
	// ErrDamaged says that the store holds something else than was written.
	ErrDamaged = errors.New("the store holds other bytes than were written")
	// ErrUndeleted says that a store answered that it deleted an object, and
	// still has it.
	ErrUndeleted = errors.New("still there after it was deleted")
)

// Error tells what could not be done with which key.
type Error struct {
	Op  string // put, get, list, delete, …
	Key string // or the prefix of a listing
	Err error
}

// Error names the operation, the key and the cause.
func (e *Error) Error() string { return fmt.Sprintf("%s %q: %v", e.Op, e.Key, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Info describes an object.
type Info struct {
	Key     string
	Size    int64 // bytes
	ModTime time.Time
}

// Store keeps objects. Implementations MUST be safe for concurrent use, MUST
// refuse an invalid key with ErrKey, and MUST return promptly, with an error that
// matches that of the context, when the context ends; reading from what Get
// returned included.
type Store interface {
	// Put stores all of r under key. It MUST be exclusive: when key exists, or
	// comes to exist meanwhile, nothing changes and the error matches ErrExist.
	// The object MUST become visible whole or not at all, and MUST be durable
	// when Put returns nil. When reading r fails, nothing is stored and the
	// error matches that of r. Put does not close r.
	Put(ctx context.Context, key string, r io.Reader) error

	// Get returns the content of key from its beginning. The caller closes it.
	// The error matches ErrNotExist when there is no such object.
	Get(ctx context.Context, key string) (io.ReadCloser, error)

	// GetRange returns n bytes of key from the offset off. Reading MUST give
	// exactly n bytes or an error; when the object is too short, the error of
	// GetRange or of reading matches io.ErrUnexpectedEOF. A negative off or n is
	// refused. The caller closes the reader.
	GetRange(ctx context.Context, key string, off, n int64) (io.ReadCloser, error)

	// List yields the objects whose keys begin with prefix, any string, in
	// ascending order of the bytes of their keys. It MUST NOT yield anything
	// that Get would not find. An error comes with a zero Info and concerns a
	// part of the listing; the sequence MAY go on after it. Objects that are put
	// or deleted meanwhile MAY be missing.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]

	// Delete makes key not exist, durably. That it did not exist is no error.
	// When something stands there that is no object, it is left alone and the
	// error matches ErrForeign.
	Delete(ctx context.Context, key string) error
}

// Creator is a Store whose objects can be written piece by piece and read back
// before they exist.
type Creator interface {
	// Create begins the object key. The error matches ErrExist when key exists
	// or is being written.
	Create(ctx context.Context, key string) (Object, error)
}

// Object is an object that is being written. It is not safe for concurrent use,
// except that several goroutines may call ReadAt.
type Object interface {
	io.Writer   // appends
	io.ReaderAt // reads what was written

	// Sync makes what was written so far durable.
	Sync() error

	// Publish makes the object exist, durably. Nothing can be written or read
	// through the Object after it, whatever it returns. When key came to exist
	// meanwhile the error matches ErrExist. After an error the object does not exist.
	Publish() error

	// Discard gives the object up and removes what was written. After a
	// successful Publish it does nothing, so it can be deferred.
	Discard() error
}

// CacheDropper is an Object that can have its content read from the medium
// instead of memory. It is for the read-back of what was written.
type CacheDropper interface {
	// DropCache asks for it. It is a hint, and works on what was synced only.
	DropCache()
}

// Renamer is a Store that can give an object another key in one step.
type Renamer interface {
	// Rename MUST be atomic, durable, and exclusive like Put. The errors match
	// ErrNotExist and ErrExist.
	Rename(ctx context.Context, old, new string) error
}

// Replacer is a Store that can change an object in one step. It is for notes
// about a backup only, never for the backup.
type Replacer interface {
	// Replace stores data under key, whether it exists or not. At every moment
	// key has the old or the new content, whole.
	Replace(ctx context.Context, key string, data []byte) error
}

// Sweeper is a Store in which runs that were cut off leave something behind.
type Sweeper interface {
	// Sweep removes what was left of objects whose keys begin with prefix, as
	// far as drop agrees, and returns what it removed. drop is given the key
	// that the object would have had, its size so far and the time that it was
	// last written to. drop MUST agree only to what no run is writing, and
	// what it knows to be its own: others may use the same suffix. Errors do
	// not stop the sweep; they are joined.
	Sweep(ctx context.Context, prefix string, drop func(Info) bool) ([]Info, error)
}

// Locator is a Store whose objects are files that a person can find.
type Locator interface {
	// Path returns the absolute path of key, whether it exists or not.
	Path(key string) (string, error)
}

// Unlist moves the object old to the key unlisted, which is how a backup stops
// being listed before anything of it is removed. It is finished in one step
// where s is a Renamer. Elsewhere it copies and deletes; when that is cut off,
// calling it again finishes it. When unlisted exists already, only old is
// deleted. When old does not exist, the error matches ErrNotExist.
func Unlist(ctx context.Context, s Store, old, unlisted string) error {
	err := move(ctx, s, old, unlisted)
	if errors.Is(err, ErrExist) {
		return s.Delete(ctx, old)
	}
	return err
}

func move(ctx context.Context, s Store, old, new string) error {
	if r, ok := s.(Renamer); ok {
		return r.Rename(ctx, old, new)
	}
	r, err := s.Get(ctx, old)
	if err != nil {
		return err
	}
	err = s.Put(ctx, new, r)
	if closeErr := r.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return s.Delete(ctx, old)
}
