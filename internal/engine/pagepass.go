package engine

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"time"

	"github.com/zeebo/xxh3"
)

// passCopy copies the file of a database in a rollback mode. Under a shared
// lock, with no journal that is to be rolled back, the file is what was last
// committed: a writer changes it only under an exclusive lock. So a copy made
// under one shared lock is consistent, but keeps writers from committing for
// as long as it takes.
//
// Therefore the lock is given up as soon as somebody is about to write, and every
// few milliseconds: see walk. What others change meanwhile is read again: those
// pages that a follower finds in their journals, or all, where it cannot tell. Of
// that, only blocks that differ are written. If that comes to no end, the last pass
// runs under one lock, which it holds for no longer than it takes to read the file:
// see lockedPass.
type passCopy struct {
	s        *source
	dest     copyFile
	busy     time.Duration
	lease    time.Duration // how long the lock is held at a time
	progress func(done, total int64)

	pageSize  int64
	blockSize int64
	blocks    []uint64 // hashes of the blocks in dest, 0 for those that are not there
	seed      uint64
	follow    *follower // nil until somebody is about to write
	alone     bool      // there can be no follower
	again     int64     // bytes that were read again
	locked    bool      // the last pass was under one lock
	late      late
}

// copyFile is the file that a copy is written to, as of os.File.
type copyFile interface {
	io.WriterAt
	Name() string
	Truncate(size int64) error
}

const (
	// chunkBytes is read before it is looked whether somebody is about to write, who
	// then waits for a fraction of a millisecond.
	chunkBytes = 256 << 10
	// passLease is for how long the lock is held at a time, at most.
	passLease = 2 * time.Millisecond
	// lockSpin is for how long a lock that others hold is tried without a rest after
	// one of them was seen at work, and lockSleep how often then.
	lockSpin  = 2 * time.Millisecond
	lockSleep = 100 * time.Microsecond
	// journalSpin is how long a writer that has the right to write is given to open
	// its journal, which it does with the first page.
	journalSpin = 100 * time.Microsecond
	// maxBlocks bounds the memory for the hashes of the blocks: 8 MiB.
	maxBlocks = 1 << 20
	minBlock  = 4 << 10
)

// copyInPasses makes dest a copy of the source, whose shared lock is held, and
// gives up the lock.
func (s *source) copyInPasses(ctx context.Context, dest string, o *SnapshotOptions, info *SnapshotInfo) error {
	// What an attempt before has left is overwritten, and cut off at the end. ext4
	// would take a file that is truncated first for one that must not get lost,
	// and write all of it to the disk when it is closed.
	f, err := os.OpenFile(dest, os.O_WRONLY, 0)
	if err != nil {
		return writeFault("write", dest, err)
	}
	p := newPassCopy(s, f, o)
	err = p.run(ctx)
	info.Again, info.Locked = info.Again+p.again, p.locked
	if closeErr := f.Close(); err == nil && closeErr != nil {
		err = writeFault("write", dest, closeErr)
	}
	return err
}

func newPassCopy(s *source, dest copyFile, o *SnapshotOptions) *passCopy {
	p := &passCopy{s: s, dest: dest, busy: o.BusyTimeout, progress: o.Progress, seed: rand.Uint64()}
	p.pageSize = max(pageSizeOf(s.header), 512)
	p.blockSize = minBlock
	for s.size/p.blockSize > maxBlocks {
		p.blockSize *= 2
	}
	p.late.limit = lateBytes
	if p.lease = o.lease; p.lease == 0 {
		p.lease = passLease
	}
	return p
}

func (p *passCopy) run(ctx context.Context) error {
	defer func() {
		if p.follow != nil {
			p.follow.close()
		}
	}()
	if clean, err := p.pass(ctx); err != nil || clean {
		return err
	}
	p.locked = true
	return p.lockedPass(ctx)
}

// state is what changes with every commit.
type state struct {
	marks   marks
	version [16]byte // the header's change counter and what follows it
}

// counter is the change counter, which each commit counts up.
func (st state) counter() uint32 { return binary.BigEndian.Uint32(st.version[:]) }

// begin looks at the source at the beginning of a pass, and makes room for the
// hashes of its blocks.
func (p *passCopy) begin() (st state, total int64, err error) {
	if st, err = p.s.state(); err != nil {
		return st, 0, err
	}
	total = st.marks.main.info.Size()
	p.makeRoom(total)
	return st, total, nil
}

// makeRoom makes room for the hashes of a source of total bytes.
func (p *passCopy) makeRoom(total int64) {
	if more := total/p.blockSize + 1 - int64(len(p.blocks)); more > 0 {
		p.blocks = append(p.blocks, make([]uint64, more)...)
	}
}

// end makes dest as long as the source.
func (p *passCopy) end(total int64) error {
	if err := p.dest.Truncate(total); err != nil {
		return writeFault("write", p.dest.Name(), err)
	}
	return nil
}

func (p *passCopy) chunk() int64 { return max(chunkBytes, p.blockSize) }

// pass goes through the file, giving up the shared lock again and again, and reports
// whether dest is one state of it now. The lock is held before it, but not after it.
func (p *passCopy) pass(ctx context.Context) (clean bool, err error) {
	at, total, err := p.begin()
	if err != nil {
		return false, err
	}
	w := p.startWriter()
	walk := &walk{p: p, at: at, total: total}
	clean, err = walk.run(ctx, w)
	p.again = max(walk.done-walk.total, 0)
	if err = firstCause([]error{w.stop(), err}); err != nil || !clean {
		return false, err
	}
	return true, p.end(walk.total)
}

// unlock gives up the shared lock. If somebody is about to write, that one's journal
// is looked for before, which will be there soon.
func (p *passCopy) unlock(writes bool) error {
	if writes && p.follows() {
		for start := time.Now(); ; runtime.Gosched() {
			if open, _ := p.follow.look(); open || time.Since(start) > journalSpin {
				break
			}
		}
	}
	return p.s.file.unlock(lockNone)
}

// follows reports whether there is a follower now. There is none before somebody
// writes: most databases are left alone meanwhile.
func (p *passCopy) follows() bool {
	if p.follow == nil && !p.alone {
		p.follow = newFollower(p.s, p.pageSize)
		p.alone = p.follow == nil
	}
	return p.follow != nil
}

// lock takes the shared lock. A writer that commits one transaction after the
// other leaves a moment of some ten microseconds between two of them, for which
// only somebody who does not sleep is in time.
func (p *passCopy) lock(ctx context.Context) error {
	start := time.Now()
	active := start // when a writer was seen at work
	for {
		err := p.s.file.lock(ctx, lockShared, 0)
		now := time.Now()
		if err == nil || !errors.Is(err, ErrBusy) || now.Sub(start) > p.busy {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if p.follow != nil {
			if _, news := p.follow.look(); news {
				active = now
			}
		}
		if now.Sub(active) < lockSpin {
			runtime.Gosched()
		} else {
			p.rest()
		}
	}
}

// rest sleeps for a moment. With a follower it does not sleep longer, as time.Sleep
// does: a millisecond, where nothing else is to be done.
func (p *passCopy) rest() {
	if p.follow != nil {
		p.follow.watch.wait(lockSleep)
	} else {
		time.Sleep(lockSleep)
	}
}

// changes returns what has changed from one state of the source to another, or
// errUnknown.
func (p *passCopy) changes(before, now state) (*change, error) {
	if p.follow != nil {
		return p.follow.changes(before, now)
	}
	if now.same(before) {
		return newChange(), nil
	}
	p.follows() // from now on
	return nil, errUnknown
}

// writer stores what a pass has read while the next chunk is read.
type writer struct {
	p    *passCopy
	bufs [8]uintptr // in the library's memory
	free chan uintptr
	full chan written
	done chan struct{} // closed when the writer has ended
	bad  chan struct{} // closed when err is set
	err  error
}

// written is what was read at a time, on its way to dest.
type written struct {
	buf   uintptr
	spans []span // their content is in buf, one after the other
}

// span is a part of the source.
type span struct {
	off int64
	n   int
}

func (c written) store(p *passCopy) error {
	buf := c.buf
	for _, s := range c.spans {
		p.makeRoom(s.off + int64(s.n)) // the source may have grown
		if err := p.store(s.off, bytesAt(buf, s.n)); err != nil {
			return err
		}
		buf += uintptr(s.n)
	}
	return nil
}

func (p *passCopy) startWriter() *writer {
	w := &writer{p: p, done: make(chan struct{}), bad: make(chan struct{})}
	w.free, w.full = make(chan uintptr, len(w.bufs)), make(chan written, len(w.bufs))
	for i := range w.bufs {
		w.bufs[i] = cAlloc(p.s.conn.tls, int(p.chunk()))
		w.free <- w.bufs[i]
	}
	go func() {
		defer close(w.done)
		for c := range w.full {
			if w.err = c.store(p); w.err != nil {
				close(w.bad)
				return
			}
			w.free <- c.buf
		}
	}()
	return w
}

// stop waits until everything is written, and returns why it was not.
func (w *writer) stop() error {
	close(w.full)
	<-w.done
	for _, buf := range w.bufs {
		cFree(w.p.s.conn.tls, buf)
	}
	return w.err
}

// state tells the state of the source, whose shared lock is held. It is errMoved
// where the file is no longer one in a rollback mode whose content is what was
// last committed.
func (s *source) state() (state, error) {
	st, header, err := s.observe()
	if err != nil {
		return st, err
	}
	if st.marks.wal.filled() || header[offsetReadVersion] == 2 || !st.marks.main.exists() || st.marks.main.info.Size() == 0 ||
		!os.SameFile(st.marks.main.info, s.marks.main.info) {
		return st, errMoved
	}
	s.marks = st.marks
	hot, err := s.hotJournal()
	if err == nil && hot {
		err = errMoved
	}
	return st, err
}

// observe takes the state of the source as it is, whatever that is, and its header.
func (s *source) observe() (st state, header []byte, err error) {
	if st.marks, err = s.look(); err != nil {
		return st, nil, err
	}
	if header, err = s.file.header(); err == nil {
		copy(st.version[:], header[offsetChangeCounter:])
	}
	return st, header, err
}

func (st state) same(o state) bool {
	return st.version == o.version && st.marks.main.same(o.marks.main)
}

// store writes those blocks of data, which stands at offset off of the source,
// that are not in dest yet.
func (p *passCopy) store(off int64, data []byte) error { return p.eachNew(off, data, p.write) }

func (p *passCopy) write(off int64, data []byte) error {
	if _, err := p.dest.WriteAt(data, off); err != nil {
		return writeFault("write", p.dest.Name(), err)
	}
	return nil
}

// eachNew calls do with those blocks of data, which stands at offset off of the
// source, that are not in dest yet. Blocks next to each other come at once.
func (p *passCopy) eachNew(off int64, data []byte, do func(off int64, run []byte) error) error {
	for len(data) > 0 {
		run := 0
		for run < len(data) && p.isNew(off+int64(run), data[run:min(run+int(p.blockSize), len(data))]) {
			run = min(run+int(p.blockSize), len(data))
		}
		if run > 0 {
			if err := do(off, data[:run]); err != nil {
				return err
			}
		}
		skip := min(run+int(p.blockSize), len(data)) // the block after the run is known
		off += int64(skip)
		data = data[skip:]
	}
	return nil
}

// isNew reports whether a block differs from what is in dest, and takes note
// of it. The hash is XXH3 of 64 bits with a random seed: to take a changed block
// for an unchanged one has a chance of 2^-64 a block. Writers wait for it, and it
// takes a fifth of the time of hash/maphash.
func (p *passCopy) isNew(off int64, block []byte) bool {
	i := int(off / p.blockSize)
	sum := max(xxh3.HashSeed(block, p.seed), 1) // 0 stands for no block
	if p.blocks[i] == sum {
		return false
	}
	p.blocks[i] = sum
	return true
}
