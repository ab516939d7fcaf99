package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// PublishOptions says how a Publication works. The zero value does not wait for
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

// Error names the target and the reason. The cause is left out where the reason says
// the same, and the way out is for whoever shows the error.
func (e *PublishError) Error() string {
	text := "publish into " + e.Target + ": " + e.Reason
	if e.Err != nil && !errors.Is(e.Err, ErrBusy) && !errors.Is(e.Err, ErrNotADatabase) {
		text += ": " + e.Err.Error()
	}
	return text
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

// ErrChanged: somebody has committed to the target of a Publication since its Watch or
// Hold.
var ErrChanged = errors.New("the database was written to meanwhile")

// A Publication replaces the content of a live database with that of a private complete
// one, in one transaction of SQLite's backup: connections that others have open see the
// new content with their next transaction. A failure, a kill or a power cut at any point
// leaves the old content; a journal that is left beside the target then is rolled back by
// the next connection.
//
// The journal mode: a target in WAL mode stays in WAL mode, since SQLite cannot leave it
// while others are connected; a target in a rollback mode takes the mode that the new
// header says. In WAL mode the content goes through the target's own write-ahead log, so
// there is no stale one.
//
// One goroutine uses a Publication, and closes it.
type Publication struct {
	newFile string
	to      *Conn
	o       PublishOptions
	file    *vfsFile // that of to
	watched bool
	seen    contentMark // of the target, if it is watched
}

// contentMark is another one after others have committed to a database. In WAL mode a
// connection knows whether they have; else the file's header says so, and the connection
// takes a new size of pages for a change.
type contentMark struct {
	wal     bool
	version uint32   // in WAL mode
	header  [16]byte // else: what SQLite compares, from the change counter on
}

// NewPublication opens the target, which must exist, for the content of newFile. The
// errors are those of CanPublish.
func NewPublication(ctx context.Context, newFile, target string, o PublishOptions) (*Publication, error) {
	if err := CanPublish(ctx, newFile, target, o); err != nil {
		return nil, err
	}
	// What is in the target does not matter: WritableSchema lets SQLite write
	// to it even if its schema cannot be read, or if it is cut off.
	to, err := Open(ctx, target, OpenOptions{BusyTimeout: o.BusyTimeout, WritableSchema: true})
	if err != nil {
		return nil, err
	}
	file, err := to.file()
	if err != nil {
		return nil, errors.Join(err, to.Close())
	}
	p := &Publication{newFile: newFile, to: to, file: file, o: o}
	// EXTRA also makes sure that the deletion of the journal, which commits
	// the content, outlasts a power cut.
	err = to.loadAnySchema(ctx)
	if err == nil {
		err = to.Exec(ctx, "PRAGMA synchronous=EXTRA; PRAGMA fullfsync=ON")
	}
	if err != nil {
		return nil, errors.Join(p.explain(err), p.Close())
	}
	return p, nil
}

// Watch makes Publish fail with ErrChanged if somebody else commits to the target from now
// on. A target that is too damaged for commits is not watched.
func (p *Publication) Watch(ctx context.Context) (err error) {
	_, err = p.to.integer(ctx, "PRAGMA data_version") // the connection looks at the file
	if err == nil {
		p.seen, err = p.mark()
	}
	p.watched = err == nil
	return p.unlessDamaged(err)
}

// Hold is Watch, and keeps others from writing to the target until Publish or Close; they
// may read it. Between that and the publication is a moment in which one could.
func (p *Publication) Hold(ctx context.Context) error {
	err := p.to.end()
	if err == nil {
		err = p.to.Exec(ctx, "BEGIN IMMEDIATE")
	}
	if err := p.unlessDamaged(err); err != nil {
		return err
	}
	return p.Watch(ctx)
}

func (p *Publication) unlessDamaged(err error) error {
	if isAny(err, ErrNotADatabase, ErrCorrupt) {
		return nil
	}
	return p.explain(err)
}

// Publish replaces the content. After ErrChanged it may be called again.
func (p *Publication) Publish(ctx context.Context) error {
	if err := CanPublish(ctx, p.newFile, p.to.path, p.o); err != nil {
		return err
	}
	from, err := Open(ctx, p.newFile, OpenOptions{Immutable: true})
	if err != nil {
		return p.explain(err)
	}
	return p.explain(errors.Join(p.pages(ctx, from), from.Close()))
}

// mark returns the mark as of the last lock that the target's connection took. It may be
// called while a backup writes to the target: it asks no more than the file layer.
func (p *Publication) mark() (m contentMark, err error) {
	header, err := p.file.header()
	if err != nil {
		return m, err
	}
	if m.wal = header[offsetReadVersion] == 2; !m.wal {
		copy(m.header[:], header[offsetChangeCounter:])
		return m, nil
	}
	out := cAlloc(p.to.tls, 8)
	defer cFree(p.to.tls, out)
	rc := sqlite3.Xsqlite3_file_control(p.to.tls, p.to.db, 0, sqlite3.SQLITE_FCNTL_DATA_VERSION, out)
	if rc != sqlite3.SQLITE_OK {
		return m, p.to.error("look at", rc)
	}
	m.version = *at[uint32](out)
	return m, nil
}

// changed reports ErrChanged.
func (p *Publication) changed() error {
	if !p.watched {
		return nil
	}
	m, err := p.mark()
	if err == nil && m != p.seen {
		err = ErrChanged
	}
	return err
}

// Close ends what Hold has begun.
func (p *Publication) Close() error {
	p.file.release()
	return errors.Join(p.to.end(), p.to.Close())
}

func (p *Publication) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrBusy):
		return &PublishError{Target: p.to.path, Reason: "another connection has it locked", WayOut: hintWait, Err: err}
	}
	return fmt.Errorf("publish into %s: %w", p.to.path, err)
}

// publishBytes is how much is written between two looks at the context.
const publishBytes = 8 << 20

func (p *Publication) pages(ctx context.Context, from *Conn) error {
	if _, err := from.begin(ctx); err != nil {
		return err
	}
	pageSize, err := from.integer(ctx, "PRAGMA page_size")
	if err != nil {
		return err
	}
	if err := p.to.end(); err != nil {
		return err
	}
	run, err := newPageCopy(from, p.to, p.to.path)
	if err != nil {
		return err
	}
	stop := p.to.watch(ctx) // for the time that the target's locks are waited for
	defer stop()
	err = p.changed()
	done := false
	if err == nil {
		done, err = run.step(0) // locks the target; content without a page is published at once
	}
	if err == nil && !done {
		err = p.changed()
	}
	for !done && err == nil {
		if err = ctx.Err(); err != nil {
			break
		}
		done, err = run.step(int(max(publishBytes/pageSize, 1)))
		if err == nil && p.o.Progress != nil {
			p.o.Progress(run.progress())
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

// CanPublish finds out, without changing anything, whether a Publication can work.
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

// InWALMode reports whether the database at path is in WAL mode.
func InWALMode(ctx context.Context, path string, busy time.Duration) (bool, error) {
	s, err := openSource(ctx, path, busy)
	if err != nil {
		return false, err
	}
	wal := s.walMode()
	return wal, s.close()
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
