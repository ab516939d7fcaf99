package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"time"
	"unsafe"
)

// ErrNotAtRest says that a database cannot be read where it lies, and that a
// snapshot is needed.
var ErrNotAtRest = errors.New("the database is not at rest")

// InPlace reads the file of a database in a rollback mode where it lies, as long
// as nobody writes to it. It is an io.ReaderAt for a database that seems to be at
// rest, and saves the snapshot.
//
// All bytes are read through SQLite's file layer under a shared lock, which is
// given up every few milliseconds, so that a writer waits no longer than that.
// Each time the lock is taken again the database must be as it was at first (see
// state); once it is not, all that was read is of no use, and every call fails
// with ErrNotAtRest. In WAL mode the lock would keep nobody from writing, but the last
// one who closes the database from tidying up, so none is held: there it is the
// sidecars and the time of the file that tell of a writer, who has to make a -wal
// before anything else, and whose checkpoint writes to the file.
//
// Methods may be called concurrently, Close last.
type InPlace struct {
	s     *source
	first state
	size  int64
	wal   bool // the database is in WAL mode
	// files are connections that no reader uses. Each reader has one, since
	// the library's state for a thread cannot be shared.
	files chan *placeFile

	gate  sync.RWMutex // taken for reading while bytes are read
	held  bool         // the shared lock is; in WAL mode, the database was looked at just now
	moved error        // why nothing can be read any more
	lapse *time.Timer  // gives up the shared lock
}

// placeFile is a connection that is used for reading alone; the lock is that of
// the source, since POSIX locks belong to the process.
type placeFile struct {
	conn *Conn
	file *vfsFile
}

const (
	// lease is how long the shared lock is held at a time.
	lease = 2 * time.Millisecond
	// restTime and restRate say for how long nobody must have written to a
	// database: as long as reading it may take, at least. What is written to
	// more often is likely to change meanwhile, and the work would be in vain.
	restTime = 2 * time.Second
	restRate = 100 << 20 // bytes in a second
	// placeFiles is how many readers do not have to wait for another.
	placeFiles = 4
)

// OpenInPlace opens the live database path for reading it where it lies. The
// error is ErrNotAtRest, or another one that Snapshot would return, if the
// database has to be copied: it is in WAL mode and somebody has it open or has left
// a -wal, has a journal that is to be rolled back, was written to only just now, or
// is in use by a writer.
func OpenInPlace(ctx context.Context, path string) (*InPlace, *SnapshotInfo, error) {
	s, err := openSource(ctx, path, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open in place: %w", err)
	}
	p := &InPlace{s: s, size: s.size, held: true, files: make(chan *placeFile, placeFiles)}
	info, err := p.begin()
	if err != nil {
		return nil, nil, fmt.Errorf("open in place: %w", errors.Join(err, s.close()))
	}
	p.lapse = time.AfterFunc(lease, p.release)
	return p, info, nil
}

// begin looks whether the database can be read in place.
func (p *InPlace) begin() (*SnapshotInfo, error) {
	pageSize := pageSizeOf(p.s.header)
	if !p.s.isDatabase() || pageSize == 0 {
		return nil, ErrNotAtRest
	}
	mode := JournalDelete
	if p.wal = p.s.walMode(); p.wal {
		mode = JournalWAL
	}
	if err := p.s.checkTail(); err != nil {
		return nil, err
	}
	var err error
	if p.first, err = p.state(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotAtRest, err)
	}
	rest := restTime + time.Duration(float64(p.size)/restRate*float64(time.Second))
	if age := time.Since(p.first.marks.main.info.ModTime()); age < rest {
		return nil, ErrNotAtRest
	}
	if p.wal {
		if err := p.s.file.unlock(lockNone); err != nil {
			return nil, err
		}
	}
	return &SnapshotInfo{
		Pages: p.size / pageSize, PageSize: int(pageSize), Bytes: p.size,
		JournalMode: mode, Quiet: p.wal, SchemaVersion: schemaCookie(p.s.header),
	}, nil
}

// state tells the state of the database. It is errMoved where that cannot be told.
func (p *InPlace) state() (state, error) {
	if p.wal {
		return p.s.closedState()
	}
	return p.s.state()
}

// ReadAt reads from the database file.
func (p *InPlace) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 || off >= p.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(b)), p.size-off))
	if n == 0 {
		return 0, nil
	}
	f, err := p.take()
	if err != nil {
		return 0, err
	}
	defer p.give(f)
	if err := p.enter(); err != nil {
		return 0, err
	}
	err = f.file.readAt(uintptr(unsafe.Pointer(&b[0])), n, off)
	runtime.KeepAlive(b) // which does not move: what is passed to an interface lies on the heap
	p.gate.RUnlock()
	switch {
	case err != nil:
		return 0, err
	case n < len(b):
		return n, io.EOF
	}
	return n, nil
}

// take returns a connection to read through.
func (p *InPlace) take() (*placeFile, error) {
	select {
	case f := <-p.files:
		return f, nil
	default:
	}
	return openPlaceFile(context.Background(), p.s.conn.path)
}

func openPlaceFile(ctx context.Context, path string) (*placeFile, error) {
	conn, err := Open(ctx, path, OpenOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	file, err := conn.file()
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	file.keepAccessTime()
	return &placeFile{conn, file}, nil
}

func (p *InPlace) give(f *placeFile) {
	select {
	case p.files <- f:
	default:
		_ = f.close() // it has only read
	}
}

func (f *placeFile) close() error {
	f.file.release()
	return f.conn.Close()
}

// enter takes the gate for reading, with the shared lock held.
func (p *InPlace) enter() error {
	for {
		p.gate.RLock()
		if p.held {
			return nil
		}
		p.gate.RUnlock()
		if err := p.hold(); err != nil {
			return err
		}
	}
}

// hold takes the shared lock, if it is not held, and makes sure that the database
// is what it was.
func (p *InPlace) hold() error {
	p.gate.Lock()
	defer p.gate.Unlock()
	if p.held || p.moved != nil {
		return p.moved
	}
	if !p.wal {
		if err := p.s.file.lock(context.Background(), lockShared, 0); err != nil { // a writer is at work
			p.moved = fmt.Errorf("%w: %w", ErrNotAtRest, err)
			return p.moved
		}
	}
	p.held = true
	if err := p.compare(); err != nil {
		return err
	}
	p.lapse.Reset(lease)
	return nil
}

// compare compares the database with what it was, under the shared lock. Where
// that cannot be told, or is not so, the lock is given up for good.
func (p *InPlace) compare() error {
	now, err := p.state()
	if err == nil && !now.same(p.first) {
		err = errMoved
	}
	if err != nil {
		p.moved = fmt.Errorf("%w: %w", ErrNotAtRest, errors.Join(err, p.unlock()))
	}
	return p.moved
}

// release gives up the shared lock.
func (p *InPlace) release() {
	p.gate.Lock()
	defer p.gate.Unlock()
	if err := p.unlock(); err != nil && p.moved == nil {
		p.moved = fmt.Errorf("%w: %w", ErrNotAtRest, err)
	}
}

func (p *InPlace) unlock() error {
	if !p.held {
		return nil
	}
	p.held = false
	if p.wal {
		return nil
	}
	return p.s.file.unlock(lockNone)
}

// Unchanged returns nil if all that was read so far is one state of the database,
// and an error that wraps ErrNotAtRest if somebody has changed it.
func (p *InPlace) Unchanged() error {
	if err := p.enter(); err != nil {
		return err
	}
	p.gate.RUnlock()
	p.gate.Lock()
	defer p.gate.Unlock()
	if !p.held { // it was compared when it was taken, and all reading was done before
		return p.moved
	}
	return p.compare() // finds a change that somebody made without any lock
}

// Close gives up the database.
func (p *InPlace) Close() error {
	p.lapse.Stop()
	p.gate.Lock()
	defer p.gate.Unlock()
	err := p.unlock()
	p.moved = ErrNotAtRest
	close(p.files)
	for f := range p.files {
		err = errors.Join(err, f.close())
	}
	return errors.Join(err, p.s.close())
}

// closedState is state for a database in WAL mode that nobody has open: all of it
// is in its file.
func (s *source) closedState() (state, error) {
	st, header, err := s.observe()
	if err != nil {
		return st, err
	}
	m := st.marks
	if m.wal.exists() || m.shm.exists() || m.journal.filled() || !m.main.exists() || header[offsetReadVersion] != 2 ||
		!os.SameFile(m.main.info, s.marks.main.info) {
		err = errMoved
	}
	return st, err
}
