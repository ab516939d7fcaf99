package litekeep

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/export"
)

// errNeedsSnapshot says that a database has something that can only be looked
// at in a copy of it.
var errNeedsSnapshot = errors.New("the database has an index that SQLite has to make in a copy")

// exportSource writes the object, from the database itself if that is at rest,
// else from a snapshot.
func (r *run) exportSource(ctx context.Context) (*object, error) {
	object, err := r.exportInPlace(ctx)
	if object != nil || err != nil {
		return object, err
	}
	if err := r.takeSnapshot(ctx); err != nil {
		return nil, err
	}
	return r.export(ctx)
}

// exportInPlace is export that reads the database where it lies. It returns
// neither an object nor an error where a snapshot is needed: when the database is
// not at rest or was changed meanwhile, and when it would be refused, so that the
// reason is always that of the one way.
func (r *run) exportInPlace(ctx context.Context) (*object, error) {
	live, info, err := engine.OpenInPlace(ctx, r.source)
	if err != nil {
		r.s.log.Debug("a snapshot is needed", "database", r.source, "reason", err)
		return nil, ctx.Err()
	}
	defer func() { _ = live.Close() }() // it has only read, and what it has read is compared before
	r.live, r.snapshot = live, info
	defer func() { r.live = nil }()
	object, err := r.export(ctx)
	if err == nil {
		return object, nil
	}
	again := live.Unchanged() != nil || errors.Is(err, errNeedsSnapshot) || errors.Is(explain("backup", r.source, err), ErrRefused)
	if !again || ctx.Err() != nil {
		return nil, err
	}
	r.s.log.Debug("a snapshot is needed", "database", r.source, "reason", err)
	r.m.Warnings = nil
	if !errors.Is(err, errNeedsSnapshot) {
		r.found = export.Choices{} // of a database that was written to, perhaps
	}
	return nil, r.removeSnapshot()
}

// removeSnapshot removes what was in the snapshot's place, if anything was.
func (r *run) removeSnapshot() error {
	err := os.Remove(r.snapshotPath())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return err
}

// openExported opens what is exported: the snapshot or, with a copy of its schema
// in the snapshot's place, the database itself.
func (r *run) openExported(ctx context.Context) (from io.ReaderAt, done func(), err error) {
	if r.live == nil {
		f, err := os.Open(r.snapshotPath())
		return f, func() { _ = f.Close() }, err
	}
	if err := r.removeSnapshot(); err != nil { // of an attempt before
		return nil, nil, err
	}
	return r.live, func() {}, export.CopySchema(ctx, r.live, r.snapshot.Bytes, r.snapshotPath())
}
