package engine

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"github.com/zeebo/xxh3"
)

// passCopy copies the file of a database in a rollback mode. Under a shared
// lock, with no journal that is to be rolled back, the file is what was last
// committed: a writer changes it only under an exclusive lock. So a copy made
// under one shared lock is consistent, but keeps writers from committing for
// as long as it takes.
//
// Therefore the first passes give up the lock after each chunk, and write what
// they have read without it. A pass in which nobody has committed is
// consistent. Each further pass reads all of the file, but writes only the
// blocks that have changed since; if others commit in every pass, the last one
// runs under one lock, which it holds for no longer than it takes to read the
// file: see lockedPass.
type passCopy struct {
	s        *source
	dest     copyFile
	busy     time.Duration
	progress func(done, total int64)

	pageSize  int64
	blockSize int64
	blocks    []uint64 // hashes of the blocks in dest, 0 for those that are not there
	seed      uint64
	late      late
}

// copyFile is the file that a copy is written to, as of os.File.
type copyFile interface {
	io.WriterAt
	Name() string
	Truncate(size int64) error
}

const (
	// chunkBytes is read under one shared lock: a writer that wants to commit
	// waits for a fraction of a millisecond.
	chunkBytes = 1 << 20
	// maxBlocks bounds the memory for the hashes of the blocks: 8 MiB.
	maxBlocks = 1 << 20
	minBlock  = 4 << 10
	// maxPasses is how many passes are tried before one under one lock.
	maxPasses = 3
)

// copyInPasses makes dest a copy of the source, whose shared lock is held, and
// gives up the lock. It returns how many passes it took besides the first.
func (s *source) copyInPasses(ctx context.Context, dest string, o *SnapshotOptions) (again int, err error) {
	// What an attempt before has left is overwritten, and cut off at the end. ext4
	// would take a file that is truncated first for one that must not get lost,
	// and write all of it to the disk when it is closed.
	f, err := os.OpenFile(dest, os.O_WRONLY, 0)
	if err != nil {
		return 0, writeFault("write", dest, err)
	}
	again, err = newPassCopy(s, f, o).run(ctx)
	if closeErr := f.Close(); err == nil && closeErr != nil {
		err = writeFault("write", dest, closeErr)
	}
	return again, err
}

func newPassCopy(s *source, dest copyFile, o *SnapshotOptions) *passCopy {
	p := &passCopy{s: s, dest: dest, busy: o.BusyTimeout, progress: o.Progress, seed: rand.Uint64()}
	p.pageSize = max(pageSizeOf(s.header), 512)
	p.blockSize = minBlock
	for s.size/p.blockSize > maxBlocks {
		p.blockSize *= 2
	}
	p.late.limit = lateBytes
	return p
}

func (p *passCopy) run(ctx context.Context) (again int, err error) {
	for ; again < maxPasses; again++ {
		clean, err := p.pass(ctx)
		if err == nil && clean {
			err = p.s.file.unlock(lockNone)
		}
		if err != nil || clean {
			return again, err
		}
	}
	return again, p.lockedPass(ctx)
}

// state is what changes with every commit.
type state struct {
	marks   marks
	version [16]byte // the header's change counter and what follows it
}

// begin looks at the source at the beginning of a pass, and makes room for the
// hashes of its blocks.
func (p *passCopy) begin() (st state, total int64, err error) {
	if st, err = p.s.state(); err != nil {
		return st, 0, err
	}
	total = st.marks.main.info.Size()
	if more := total/p.blockSize + 1 - int64(len(p.blocks)); more > 0 {
		p.blocks = append(p.blocks, make([]uint64, more)...)
	}
	return st, total, nil
}

// end makes dest as long as the source.
func (p *passCopy) end(total int64) error {
	if err := p.dest.Truncate(total); err != nil {
		return writeFault("write", p.dest.Name(), err)
	}
	return nil
}

func (p *passCopy) chunk() int64 { return max(chunkBytes, p.blockSize) }

// pass goes through the file once, giving up the shared lock after each chunk,
// and reports whether nobody has committed meanwhile. The lock is held before
// and after it.
func (p *passCopy) pass(ctx context.Context) (clean bool, err error) {
	before, total, err := p.begin()
	if err != nil {
		return false, err
	}
	w := p.startWriter()
	clean, err = p.readChunks(ctx, w, before, total)
	if err = firstCause([]error{w.stop(), err}); err != nil || !clean {
		return false, err
	}
	return true, p.end(total)
}

// readChunks reads the whole file, in chunks that w writes, and reports whether
// the state of the source was always the one before.
func (p *passCopy) readChunks(ctx context.Context, w *writer, before state, total int64) (clean bool, err error) {
	buf, err := w.take()
	if err != nil {
		return false, err
	}
	clean = true
	for off := int64(0); off < total; off += p.chunk() {
		n := int(min(p.chunk(), total-off))
		if err = p.s.file.readAt(buf, n, off); err != nil {
			return false, err
		}
		if err = p.s.file.unlock(lockNone); err != nil {
			return false, err
		}
		w.full <- written{off: off, buf: buf, n: n}
		if p.progress != nil {
			p.progress((off+int64(n))/p.pageSize, total/p.pageSize)
		}
		// Before the lock: a slow disk must not make writers wait.
		if buf, err = w.take(); err != nil {
			return false, err
		}
		if err = p.s.file.lock(ctx, lockShared, p.busy); err != nil {
			return false, err
		}
		now, err := p.s.state()
		if err = errors.Join(err, ctx.Err()); err != nil {
			return false, err
		}
		clean = clean && now.same(before)
	}
	return clean, nil
}

// writer stores what a pass has read while the next chunk is read.
type writer struct {
	p    *passCopy
	bufs [2]uintptr // in the library's memory
	free chan uintptr
	full chan written
	done chan struct{} // closed when the writer has ended
	bad  chan struct{} // closed when err is set
	err  error
}

// written is a chunk on its way to dest.
type written struct {
	off int64
	buf uintptr
	n   int
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
			if w.err = p.store(c.off, bytesAt(c.buf, c.n)); w.err != nil {
				close(w.bad)
				return
			}
			w.free <- c.buf
		}
	}()
	return w
}

// take returns a buffer that is free, or why nothing can be written.
func (w *writer) take() (uintptr, error) {
	select {
	case buf := <-w.free:
		return buf, nil
	case <-w.bad:
		return 0, w.err
	}
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
