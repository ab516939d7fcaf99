package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// PublishOptions says how Publish works. The zero value does not wait for
// locks.
type PublishOptions struct {
	BusyTimeout time.Duration // how long to wait for the locks of others
	// Progress, if not nil, is called now and then with the number of pages
	// written and the number of pages there are.
	Progress func(done, total int64)
}

// ErrCannotPublish is the sentinel of every *PublishError.
var ErrCannotPublish = errors.New("cannot publish into the database")

// PublishError says why a file cannot be published into a live database, and
// what works instead.
type PublishError struct {
	Target string
	Reason string // a clause, like "it is in WAL mode with pages of 1024 bytes"
	WayOut string // a sentence: what works instead
	Err    error  // the cause, where there is one
}

// Error names the target, the reason and the way out.
func (e *PublishError) Error() string {
	text := "publish into " + e.Target + ": " + e.Reason
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text + ". " + e.WayOut
}

// Unwrap returns the cause.
func (e *PublishError) Unwrap() error { return e.Err }

// Is reports whether target is ErrCannotPublish.
func (e *PublishError) Is(target error) bool { return target == ErrCannotPublish }

// The ways out of a PublishError.
const (
	hintReplace  = "Stop the programs that use it, move it away together with the files beside it (-wal, -shm, -journal), and restore to the path that is then free"
	hintLeaveWAL = "Stop the programs that use it, switch it with PRAGMA journal_mode=DELETE, and try again; or move it away together with its -wal and -shm and restore to the path that is then free"
	hintWait     = "Try again when the program that holds the lock is done, or wait longer"
	hintRights   = "Run as a user who may write to the file and its folder"
)

// Publish replaces the content of the live database target with that of
// newFile, a private complete database, in one transaction of SQLite's backup:
// connections that others have open see the new content with their next
// transaction. A failure, a kill or a power cut at any point leaves the old
// content; a journal that is left beside the target then is rolled back by the
// next connection. target must exist.
//
// The journal mode: a target in WAL mode stays in WAL mode, since SQLite
// cannot leave it while others are connected; a target in a rollback mode
// takes the mode that newFile's header says. In WAL mode the content goes
// through the target's own write-ahead log, so there is no stale one.
//
// Call CanPublish before: it finds out what cannot work.
func Publish(ctx context.Context, newFile, target string, o PublishOptions) error {
	if err := CanPublish(ctx, newFile, target, o); err != nil {
		return err
	}
	err := publish(ctx, newFile, target, &o)
	if errors.Is(err, ErrBusy) {
		return &PublishError{Target: target, Reason: "another connection has it locked", WayOut: hintWait, Err: err}
	}
	if err != nil {
		return fmt.Errorf("publish into %s: %w", target, err)
	}
	return nil
}

func publish(ctx context.Context, newFile, target string, o *PublishOptions) error {
	from, err := Open(ctx, newFile, OpenOptions{Immutable: true})
	if err != nil {
		return err
	}
	// What is in the target does not matter: WritableSchema lets SQLite write
	// to it even if its schema cannot be read, or if it is cut off.
	to, err := Open(ctx, target, OpenOptions{BusyTimeout: o.BusyTimeout, WritableSchema: true})
	if err != nil {
		return errors.Join(err, from.Close())
	}
	err = publishPages(ctx, from, to, o)
	return errors.Join(err, to.Close(), from.Close())
}

// publishBytes is how much is written between two looks at the context.
const publishBytes = 8 << 20

func publishPages(ctx context.Context, from, to *Conn, o *PublishOptions) error {
	if err := to.loadAnySchema(ctx); err != nil {
		return err
	}
	// EXTRA also makes sure that the deletion of the journal, which commits
	// the content, outlasts a power cut.
	if err := to.Exec(ctx, "PRAGMA synchronous=EXTRA; PRAGMA fullfsync=ON"); err != nil {
		return err
	}
	if _, err := from.begin(ctx); err != nil {
		return err
	}
	pageSize, err := from.integer(ctx, "PRAGMA page_size")
	if err != nil {
		return err
	}
	run, err := newPageCopy(from, to, to.path)
	if err != nil {
		return err
	}
	stop := to.watch(ctx) // for the time that the target's locks are waited for
	defer stop()
	for done := false; !done && err == nil; {
		if err = ctx.Err(); err != nil {
			break
		}
		done, err = run.step(int(max(publishBytes/pageSize, 1)))
		if err == nil && o.Progress != nil {
			o.Progress(run.progress())
		}
	}
	if ctx.Err() != nil && errors.Is(err, ErrBusy) {
		err = ctx.Err()
	}
	if finishErr := run.finish(); err == nil {
		err = finishErr // else it repeats the failure of the step
	}
	return err
}

// CanPublish finds out, without changing anything, whether Publish can work.
// It returns a *PublishError for what needs another way, ErrBusy when another
// connection holds a lock for longer than the busy timeout, and fs.ErrNotExist
// when there is no target.
func CanPublish(ctx context.Context, newFile, target string, o PublishOptions) error {
	header, err := privateHeader(newFile)
	if err != nil {
		return err
	}
	return CanPublishContent(ctx, Content{PageSize: int(pageSizeOf(header)), Encoding: encodingOf(header)}, target, o)
}

// Content is what matters of a database that is going to be published.
type Content struct {
	PageSize int    // bytes
	Encoding string // "UTF-8", "UTF-16le" or "UTF-16be"; "" for a database without content
}

// CanPublishContent is CanPublish for a file that is not made yet.
func CanPublishContent(ctx context.Context, content Content, target string, o PublishOptions) error {
	s, err := openSource(ctx, target, o.BusyTimeout)
	if err != nil {
		return cannotOpen(target, err)
	}
	err = s.canTake(content)
	return errors.Join(err, s.close())
}

// encodingOf returns the name of the encoding that a header states, "" where
// it states none.
func encodingOf(header []byte) string {
	switch binary.BigEndian.Uint32(header[offsetEncoding:]) {
	case 1:
		return "UTF-8"
	case 2:
		return "UTF-16le"
	case 3:
		return "UTF-16be"
	}
	return ""
}

// privateHeader reads the header of a file that no connection has open.
func privateHeader(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, unwrapPath(err))
	}
	header := make([]byte, headerSize)
	_, err = f.ReadAt(header, 0)
	if err = errors.Join(ignoreEOF(err), f.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, unwrapPath(err))
	}
	return header, nil
}

// cannotOpen gives the failure to open or lock a target its way out.
func cannotOpen(target string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("publish: %w", err)
	case errors.Is(err, ErrBusy):
		return &PublishError{Target: target, Reason: "another connection has it locked", WayOut: hintWait, Err: err}
	case errors.Is(err, fs.ErrPermission):
		return &PublishError{Target: target, Reason: "it may not be read", WayOut: hintRights, Err: err}
	case errors.Is(err, ErrCantOpen):
		return &PublishError{Target: target, Reason: "it cannot be opened", WayOut: hintReplace, Err: err}
	}
	return err
}

// canTake reports whether the database that s holds can take the content.
func (s *source) canTake(content Content) error {
	refuse := func(wayOut string, cause error, format string, args ...any) error {
		return &PublishError{Target: s.conn.path, Reason: fmt.Sprintf(format, args...), WayOut: wayOut, Err: cause}
	}
	if err := mayWrite(s.conn.path); err != nil {
		return refuse(hintRights, err, "it cannot be written to")
	}
	if s.size == 0 {
		return s.checkEmptyTarget()
	}
	hot, err := s.hotJournal()
	if err != nil {
		return err
	}
	if !s.isDatabase() {
		if hot {
			return nil // SQLite rolls it back first, and tells then what it is
		}
		return refuse(hintReplace, ErrNotADatabase, "it is something else than a database")
	}
	pageSize := pageSizeOf(s.header)
	if pageSize == 0 || s.header[offsetReadVersion] > 2 {
		return refuse(hintReplace, ErrNotADatabase, "its header is damaged")
	}
	if have := encodingOf(s.header); have != "" && content.Encoding != "" && have != content.Encoding {
		// SQLite fixes the encoding of a connection when it first reads the
		// schema; those that are open would fail from then on.
		return refuse(hintReplace, nil, "its text is %s and that of the new content %s, which no connection that is open could read", have, content.Encoding)
	}
	if s.walMode() && int64(content.PageSize) != pageSize {
		return refuse(hintLeaveWAL, nil, "it is in WAL mode with pages of %d bytes and the new content has pages of %d, which SQLite cannot change", pageSize, content.PageSize)
	}
	return nil
}

// checkEmptyTarget refuses an empty file whose -wal may be all that is left of
// a database: SQLite would delete it.
func (s *source) checkEmptyTarget() error {
	if err := s.checkEmpty(); err != nil {
		return &PublishError{Target: s.conn.path, Reason: "it is not a database, or all that is left of it is its log", WayOut: hintReplace, Err: err}
	}
	return nil
}
