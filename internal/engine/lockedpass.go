package engine

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
)

const (
	// lockedChunk is read at a time in the pass under one lock: it stays in the
	// cache of a core until it is hashed.
	lockedChunk = 256 << 10
	// minReaders and maxReaders bound how many read in that pass: as many as
	// there are cores, and more than one also where a disk is waited for.
	minReaders, maxReaders = 2, 8
	// lateBytes is how much of what that pass finds changed is kept in memory.
	lateBytes = 16 << 20
)

// late is what has changed between the pass before and the one under one lock.
// It is kept until the lock is given up.
type late struct {
	limit int // bytes
	mu    sync.Mutex
	held  int // bytes
	runs  []lateRun
}

// lateRun is content of the source at an offset.
type lateRun struct {
	off  int64
	data []byte
}

// keep takes a copy of data, or reports that it is too much.
func (l *late) keep(off int64, data []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held+len(data) > l.limit {
		return false
	}
	l.held += len(data)
	l.runs = append(l.runs, lateRun{off, append([]byte(nil), data...)})
	return true
}

// lockedPass goes through the file once under one shared lock.
//
// Writers wait for as long as that lasts, so nothing is done under the lock but
// to read and hash: files are opened before, and what has changed since the pass
// before is written afterwards, unless it is more than late has room for. What
// is neither written nor kept is in dest as it is now, as its hash says. So dest
// becomes what the file is under this lock, whatever is committed afterwards.
func (p *passCopy) lockedPass(ctx context.Context) (err error) {
	files := make([]*placeFile, min(max(runtime.GOMAXPROCS(0), minReaders), maxReaders))
	defer func() {
		for _, f := range files {
			if f != nil {
				err = errors.Join(err, f.close())
			}
		}
	}()
	for i := range files {
		if files[i], err = openPlaceFile(ctx, p.s.conn.path); err != nil {
			return err
		}
	}
	if err = p.s.file.lock(ctx, lockShared, p.busy); err != nil {
		return err
	}
	total, err := p.compareAll(ctx, files)
	if err = errors.Join(err, p.s.file.unlock(lockNone)); err != nil {
		return err
	}
	for _, run := range p.late.runs {
		if err = errors.Join(ctx.Err(), p.write(run.off, run.data)); err != nil {
			return err
		}
	}
	return p.end(total)
}

// compareAll reads the whole file under the shared lock that is held, finds what
// is not in dest, and returns how long the file is.
func (p *passCopy) compareAll(ctx context.Context, files []*placeFile) (total int64, err error) {
	before, total, err := p.begin()
	if err != nil {
		return 0, err
	}
	var next atomic.Int64 // the chunk that is read next
	errs := make([]error, len(files))
	var group sync.WaitGroup
	for i, f := range files {
		group.Go(func() { errs[i] = p.compareChunks(ctx, f, &next, total) })
	}
	group.Wait()
	if err = firstCause(errs); err != nil {
		return 0, err
	}
	now, err := p.s.state()
	if err == nil && !now.same(before) {
		err = errMoved // the path leads to another file now, or was written to without a lock
	}
	return total, err
}

// compareChunks reads chunks of a file that is locked until none is left, and
// sees to what is not in dest.
func (p *passCopy) compareChunks(ctx context.Context, f *placeFile, next *atomic.Int64, total int64) error {
	chunk := max(lockedChunk, p.blockSize)
	buf := cAlloc(f.conn.tls, int(chunk))
	defer cFree(f.conn.tls, buf)
	for {
		off := (next.Add(1) - 1) * chunk
		if off >= total {
			return nil
		}
		n := int(min(chunk, total-off))
		if err := errors.Join(ctx.Err(), f.file.readAt(buf, n, off)); err != nil {
			return err
		}
		err := p.eachNew(off, bytesAt(buf, n), func(off int64, run []byte) error {
			if p.late.keep(off, run) {
				return nil
			}
			return p.write(off, run)
		})
		if err != nil {
			return err
		}
	}
}
