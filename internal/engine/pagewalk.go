package engine

import (
	"context"
	"errors"
	"slices"
	"time"
)

// walk is the way through a source on which the lock is given up again and again.
type walk struct {
	p     *passCopy
	at    state     // of the source; what was read is of this state, but for what is stale
	total int64     // bytes of the source
	next  int64     // all before it was read
	stale []bool    // blocks before next that may have been changed since they were read
	from  int       // the stale block to begin with
	done  int64     // bytes that were read
	lost  int       // how often it was unknown what others had changed, since all was read
	since time.Time // when the lock was taken
	// waited is how long that took. For as long, and fairLease at most, a writer that
	// is about to commit may be made to wait: one that never rests would be given way
	// to all the time.
	waited time.Duration
}

// A walk is given up when so many times the source was read, and so many bytes more:
// others write faster than it is read. Where they were lost so often it is enough to
// have read everything once more.
const (
	maxTimes = 3
	maxMore  = 16 << 20
	maxLost  = 8
)

// fairLease is over when SQLite's own busy handler tries for the second time, after a
// millisecond.
const fairLease = 500 * time.Microsecond

// run reads the source, which w writes, until all is of one state, and reports
// whether it came to that. The shared lock is held before it, but not after it.
func (k *walk) run(ctx context.Context, w *writer) (clean bool, err error) {
	size := k.total
	k.since = time.Now()
	for {
		buf, err := k.buffer(ctx, w)
		if err != nil {
			return false, err
		}
		c := written{buf: buf, spans: k.upcoming()}
		if err = k.read(c); err != nil {
			return false, err
		}
		w.full <- c // has room for all buffers
		if !k.left() {
			if err = k.compare(); err != nil { // finds what was written without a lock
				return false, err
			}
			clean = !k.left()
		}
		if clean || k.done > maxTimes*size+maxMore || k.lost > maxLost && k.done > 2*size {
			err = k.p.s.file.unlock(lockNone)
			k.tell()
			return clean, err
		}
	}
}

// tell tells how far it is.
func (k *walk) tell() {
	if k.p.progress != nil {
		k.p.progress(k.next/k.p.pageSize, k.total/k.p.pageSize)
	}
}

// buffer returns a buffer that is free. Writers do not have to wait for that, or for
// the end of the walk.
func (k *walk) buffer(ctx context.Context, w *writer) (uintptr, error) {
	for {
		if err := k.letWrite(ctx); err != nil {
			return 0, err
		}
		select {
		case buf := <-w.free:
			return buf, nil
		case <-w.bad:
			return 0, w.err
		default:
		}
		k.p.rest() // a slow disk
		if err := ctx.Err(); err != nil {
			return 0, err
		}
	}
}

// letWrite gives up the lock if it has been held for long enough, and finds out what
// others have done when it has it again.
func (k *walk) letWrite(ctx context.Context) error {
	writes, err := k.p.s.file.reserved()
	if err != nil {
		return err
	}
	lease := k.p.lease
	if writes {
		lease = min(lease, k.waited, fairLease)
	}
	if time.Since(k.since) < lease {
		return nil
	}
	if err = k.p.unlock(writes); err != nil {
		return err
	}
	k.tell()
	asked := time.Now()
	if err = errors.Join(ctx.Err(), k.p.lock(ctx)); err != nil {
		return err
	}
	k.since = time.Now()
	k.waited = k.since.Sub(asked)
	return k.compare()
}

// upcoming returns what is to be read next, a chunk at most: what was not read yet,
// and what may have changed since.
func (k *walk) upcoming() (spans []span) {
	room := k.p.chunk()
	if n := min(k.total-k.next, room); n > 0 {
		spans = append(spans, span{k.next, int(n)})
		k.next += n
		room -= n
	}
	if k.next < k.total {
		return spans
	}
	for range k.stale { // in turn, so that none waits for ever
		off := int64(k.from) * k.p.blockSize
		n := min(k.p.blockSize, k.total-off) // less than nothing, if the source has become shorter
		if k.stale[k.from] && n > 0 {
			if n > room {
				break
			}
			spans = append(spans, span{off, int(n)})
			room -= n
		}
		k.stale[k.from] = false
		k.from = (k.from + 1) % len(k.stale)
	}
	return spans
}

// left reports whether something is to be read.
func (k *walk) left() bool { return k.next < k.total || slices.Contains(k.stale, true) }

// read reads the spans of c.
func (k *walk) read(c written) error {
	at := c.buf
	for _, s := range c.spans {
		if err := k.p.s.file.readAt(at, s.n, s.off); err != nil {
			return err
		}
		at += uintptr(s.n)
		k.done += int64(s.n)
	}
	return nil
}

// compare looks at the source under the shared lock, and finds out what has become
// stale since it was looked at last.
func (k *walk) compare() error {
	now, err := k.p.s.state()
	if err != nil {
		return err
	}
	c, err := k.p.changes(k.at, now)
	if errors.Is(err, errUnknown) {
		if k.next == k.total {
			k.lost++
		}
		c, err = &change{grown: 0}, nil // everything, that is
	}
	if err != nil {
		return err
	}
	k.at = now
	if !c.none() {
		k.mark(c)
	}
	return nil
}

// mark takes note of what has changed.
func (k *walk) mark(c *change) {
	k.total = k.at.marks.main.info.Size()
	size := k.p.blockSize
	if more := k.total/size + 1 - int64(len(k.stale)); more > 0 {
		k.stale = append(k.stale, make([]bool, more)...)
	}
	k.next = min(k.next, k.total) / size * size // the last block may be a part of one
	for _, page := range c.pages {
		off := int64(page-1) * k.p.pageSize
		for b := off / size; b*size < min(off+k.p.pageSize, k.next); b++ {
			k.stale[b] = true
		}
	}
	for b := k.next/size - 1; b >= 0 && (b+1)*size > c.grown*k.p.pageSize; b-- {
		k.stale[b] = true
	}
}
