package engine

import (
	"context"
	"errors"
	"hash/maphash"
	"os"
	"time"
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
// file.
type passCopy struct {
	s        *source
	dest     *os.File
	busy     time.Duration
	progress func(done, total int64)

	pageSize  int64
	blockSize int64
	blocks    []uint64 // hashes of the blocks in dest
	seed      maphash.Seed
	buf       uintptr // chunkBytes in the library's memory
}

const (
	// chunkBytes is read under one shared lock: a writer that wants to commit
	// waits for a fraction of a millisecond.
	chunkBytes = 1 << 20
	// maxBlocks bounds the memory for the hashes of the blocks.
	maxBlocks = 1 << 20
	minBlock  = 64 << 10
	// maxPasses is how many passes are tried before one under one lock.
	maxPasses = 3
)

// copyInPasses makes dest a copy of the source, whose shared lock is held and
// given up. It returns how many passes it took besides the first.
func (s *source) copyInPasses(ctx context.Context, dest string, o *SnapshotOptions) (again int, err error) {
	f, err := os.OpenFile(dest, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return 0, writeFault("write", dest, err)
	}
	p := &passCopy{s: s, dest: f, busy: o.BusyTimeout, progress: o.Progress, seed: maphash.MakeSeed()}
	p.pageSize = max(pageSizeOf(s.header), 512)
	p.blockSize = minBlock
	for s.size/p.blockSize > maxBlocks {
		p.blockSize *= 2
	}
	p.buf = cAlloc(s.conn.tls, int(max(chunkBytes, p.blockSize)))
	defer cFree(s.conn.tls, p.buf)
	again, err = p.run(ctx)
	if closeErr := f.Close(); err == nil && closeErr != nil {
		err = writeFault("write", dest, closeErr)
	}
	return again, err
}

func (p *passCopy) run(ctx context.Context) (again int, err error) {
	for ; ; again++ {
		held := again == maxPasses
		clean, err := p.pass(ctx, held)
		if err != nil || clean {
			return again, err
		}
		if held {
			return again, errMoved // it cannot be: the lock was held
		}
	}
}

// state is what changes with every commit.
type state struct {
	marks   marks
	version [16]byte // the header's change counter and what follows it
}

// pass goes through the file once and reports whether nobody has committed
// meanwhile. The shared lock is held when it is called, and when it returns
// true.
func (p *passCopy) pass(ctx context.Context, held bool) (clean bool, err error) {
	before, err := p.look()
	if err != nil {
		return false, err
	}
	clean = true
	total := before.marks.main.info.Size()
	step := max(chunkBytes, p.blockSize)
	for off := int64(0); off < total; off += step {
		n := int(min(step, total-off))
		if err = p.s.file.readAt(p.buf, n, off); err != nil {
			return false, err
		}
		if !held {
			if err = p.s.file.unlock(lockNone); err != nil {
				return false, err
			}
		}
		if err = errors.Join(ctx.Err(), p.store(off, n)); err != nil {
			return false, err
		}
		if p.progress != nil {
			p.progress((off+int64(n))/p.pageSize, total/p.pageSize)
		}
		if held {
			continue
		}
		if err = p.s.file.lock(ctx, lockShared, p.busy); err != nil {
			return false, err
		}
		if clean {
			now, err := p.look()
			if err != nil {
				return false, err
			}
			clean = now.same(before)
		}
	}
	if !clean {
		return false, nil
	}
	if err = p.dest.Truncate(total); err != nil {
		return false, writeFault("write", p.dest.Name(), err)
	}
	return true, nil
}

// look tells the state of the source, whose shared lock is held. It is
// errMoved where the file is no longer one that a passCopy can copy.
func (p *passCopy) look() (st state, err error) {
	if st.marks, err = p.s.look(); err != nil {
		return st, err
	}
	header, err := p.s.file.header()
	if err != nil {
		return st, err
	}
	copy(st.version[:], header[offsetChangeCounter:])
	if st.marks.wal.filled() || header[offsetReadVersion] == 2 || !st.marks.main.exists() || st.marks.main.info.Size() == 0 ||
		!os.SameFile(st.marks.main.info, p.s.marks.main.info) {
		return st, errMoved
	}
	p.s.marks = st.marks
	hot, err := p.s.hotJournal()
	if err == nil && hot {
		err = errMoved
	}
	return st, err
}

func (st state) same(o state) bool {
	return st.version == o.version && st.marks.main.same(o.marks.main)
}

// store writes those of the blocks that are at offset off of the source, and
// in the buffer now, that are not in dest yet.
func (p *passCopy) store(off int64, n int) error {
	data := bytesAt(p.buf, n)
	for len(data) > 0 {
		// Blocks next to each other are written at once.
		run := 0
		for run < len(data) && p.isNew(off+int64(run), data[run:min(run+int(p.blockSize), len(data))]) {
			run = min(run+int(p.blockSize), len(data))
		}
		if _, err := p.dest.WriteAt(data[:run], off); err != nil {
			return writeFault("write", p.dest.Name(), err)
		}
		skip := min(run+int(p.blockSize), len(data)) // the block after the run is known
		off += int64(skip)
		data = data[skip:]
	}
	return nil
}

// isNew reports whether a block differs from what is in dest, and takes note
// of it. The hash is 64 bits with a random seed: to take a changed block for
// an unchanged one has a chance of 2^-64 a block.
func (p *passCopy) isNew(off int64, block []byte) bool {
	i := int(off / p.blockSize)
	for len(p.blocks) <= i {
		p.blocks = append(p.blocks, 0)
	}
	sum := max(maphash.Bytes(p.seed, block), 1) // 0 stands for no block
	if p.blocks[i] == sum {
		return false
	}
	p.blocks[i] = sum
	return true
}
