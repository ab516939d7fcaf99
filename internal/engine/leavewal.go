package engine

import (
	"context"
	"errors"
)

// A database in WAL mode cannot take content with pages of another size, since the frames
// of its log have its own. If nobody else is connected it leaves the mode first.

// unlessAlone returns the error inWAL, if there is one, unless no connection has the
// target open.
func unlessAlone(ctx context.Context, target string, inWAL error) error {
	if inWAL == nil {
		return nil
	}
	alone, err := isAlone(ctx, target)
	if err == nil && !alone {
		err = inWAL
	}
	return err
}

// isAlone reports whether no connection has the database at path open, which is in WAL
// mode, where each keeps a shared lock for as long as it lives. It leaves no trace.
func isAlone(ctx context.Context, path string) (alone bool, err error) {
	c, err := Open(ctx, path, OpenOptions{})
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	f, err := c.file()
	if err != nil {
		return false, err
	}
	defer f.release()
	if err = f.lock(ctx, lockShared, 0); err == nil {
		err = errors.Join(f.lock(ctx, lockExclusive, 0), f.unlock(lockNone))
	}
	if errors.Is(err, ErrBusy) {
		return false, nil
	}
	return err == nil, err
}

// leaveWAL switches the target to a rollback journal, if it has to leave WAL mode, and
// keeps everybody else out from a last look for commits until the end of the publication.
func (p *Publication) leaveWAL(ctx context.Context) error {
	if !p.mustLeave || p.left {
		return nil
	}
	if err := p.to.end(); err != nil {
		return err
	}
	// With exclusive locking the lock that a transaction takes outlasts it.
	err := p.to.Exec(ctx, "PRAGMA locking_mode=EXCLUSIVE; BEGIN IMMEDIATE")
	if err == nil {
		err = p.changed()
	}
	if err == nil {
		err = p.to.Exec(ctx, "COMMIT; PRAGMA journal_mode=DELETE")
	}
	if err != nil {
		return errors.Join(err, p.to.end(), p.letIn())
	}
	p.left, p.watched = true, false
	return nil
}

// backToWAL undoes leaveWAL where nothing was published since.
func (p *Publication) backToWAL() error {
	if !p.left {
		return nil
	}
	return errors.Join(p.to.Exec(context.Background(), "PRAGMA journal_mode=WAL"), p.letIn())
}

// letIn ends exclusive locking, which takes another access.
func (p *Publication) letIn() error {
	return p.to.Exec(context.Background(), "PRAGMA locking_mode=NORMAL; BEGIN; SELECT 1 FROM sqlite_schema; COMMIT")
}
