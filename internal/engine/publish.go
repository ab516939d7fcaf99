package engine

import (
	"context"
	"errors"
	"fmt"
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
// there is no stale one. A target in WAL mode with pages of another size leaves that mode
// first, which takes that nobody else is connected; after a failure it is back in it, after a
// kill its old content may be in a rollback mode.
//
// One goroutine uses a Publication, and closes it.
type Publication struct {
	newFile string
	to      *Conn
	o       PublishOptions
	file    *vfsFile // that of to
	watched bool
	seen    contentMark // of the target, if it is watched

	content   Content // of newFile
	mustLeave bool    // WAL mode, for pages of another size
	left      bool    // and nothing is published yet
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
	content, err := contentOf(newFile)
	if err != nil {
		return nil, err
	}
	inWAL, err := canPublish(ctx, content, target, o)
	if err == nil {
		err = unlessAlone(ctx, target, inWAL)
	}
	if err != nil {
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
	p := &Publication{newFile: newFile, to: to, file: file, o: o, content: content, mustLeave: inWAL != nil}
	// EXTRA also makes sure that the deletion of the journal, which commits
	// the content, outlasts a power cut.
	err = to.loadAnySchema(ctx)
	if err == nil {
		err = to.Exec(ctx, "PRAGMA synchronous=EXTRA; PRAGMA fullfsync=ON")
	}
	if err = p.explain(err); err == nil {
		err = p.checkEncoding(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
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
	inWAL, err := canPublish(ctx, p.content, p.to.path, p.o)
	if err == nil && inWAL != nil && !p.mustLeave {
		err = inWAL
	}
	if err == nil {
		err = p.checkEncoding(ctx)
	}
	if err != nil {
		return err
	}
	from, err := Open(ctx, p.newFile, OpenOptions{Immutable: true})
	if err != nil {
		return p.explain(err)
	}
	if err = p.leaveWAL(ctx); err == nil {
		err = p.pages(ctx, from)
	}
	return p.explain(errors.Join(err, from.Close()))
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

// Close ends what Hold has begun, and what a Publish that failed has.
func (p *Publication) Close() error {
	p.file.release()
	return errors.Join(p.to.end(), p.backToWAL(), p.to.Close())
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
	if p.content.PageSize == 0 { // what has no page yet takes those of the target
		pageSize, err := p.to.integer(ctx, "PRAGMA page_size")
		if err == nil {
			err = from.Exec(ctx, fmt.Sprintf("PRAGMA page_size=%d", pageSize))
		}
		if err != nil {
			return err
		}
	}
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
	p.left = p.left && err != nil
	return err
}
