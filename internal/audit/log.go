package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/litekeep/litekeep/internal/durable"
)

// ErrUnavailable says that an entry could not be written: the disk is full, the
// folder is read-only, or another process holds the lock for too long. Who is about
// to change or hand out something MUST refuse to do it then; a backup is worth more
// than its entry and goes on.
var ErrUnavailable = errors.New("audit log cannot be written")

const (
	// lockName is the file that writers lock.
	lockName = "audit.lock"
	// lockPatience is how long Append waits for another process. A write takes
	// milliseconds, and a look at the end of a large file some tenths of a second.
	lockPatience = 5 * time.Second
	// lookEvery is how often it looks whether the lock is free, and breath how long one who
	// writes without an end leaves it free for that.
	lookEvery = 4 * time.Millisecond
	breath    = 20 * time.Millisecond
	// maxBatch bounds what is written with one flush, and so the memory.
	maxBatch = 64
	// defaultMaxSize of a file: some 16,000 entries, which take a fraction of a
	// second to look through when the service starts.
	defaultMaxSize = 8 << 20
)

// Options of a Log. The zero value works, but for the clock.
type Options struct {
	// Now is the clock; required.
	Now func() time.Time
	// MaxSize is the size in bytes from which a file gets no more entries.
	// Default 8 MiB.
	MaxSize int64
	// Disk does the writing; its zero value is right except in tests.
	Disk durable.Disk
}

// A Log is the audit log in a folder, for writing. It is safe for concurrent use,
// beside other Logs on the same folder, in this process and in others.
//
// Every method of a nil Log that writes answers ErrUnavailable.
type Log struct {
	dir string
	o   Options

	queueMu sync.Mutex
	queue   []*request

	commit sync.Mutex // held while a batch is written; guards what is below
	file   *os.File   // the last file, nil where it has to be looked for
	tail   tail       // valid while file is open
	closed bool
	turns  durable.Turns

	headMu sync.Mutex
	head   Head
}

// request is an entry that waits to be written.
type request struct {
	entry Entry
	done  bool // guarded by commit
	err   error
}

// New returns the log in the folder dir. It does no I/O; the folder is made with
// the first entry.
func New(dir string, o Options) *Log {
	if o.MaxSize <= 0 {
		o.MaxSize = defaultMaxSize
	}
	return &Log{dir: dir, o: o, turns: durable.Turns{Breath: breath}}
}

// Check makes the log ready for writing, and records it when a crash or somebody
// has damaged the end. The service calls it when it starts, and may call it again to
// see whether the log can be written again. The error matches ErrUnavailable.
func (l *Log) Check() error {
	if l == nil {
		return ErrUnavailable
	}
	l.commit.Lock()
	defer l.commit.Unlock()
	return unavailable(l.write(nil))
}

// Append writes an entry and returns it as it is in the log, with its number, time
// and hashes. It returns when the entry is on the medium. The error matches
// ErrUnavailable. It takes no context: what happened is recorded also when nobody
// waits for the answer any more.
func (l *Log) Append(e Entry) (Entry, error) {
	if l == nil {
		return Entry{}, ErrUnavailable
	}
	r := &request{entry: e.clean()}
	l.queueMu.Lock()
	l.queue = append(l.queue, r)
	l.queueMu.Unlock()

	l.commit.Lock()
	defer l.commit.Unlock()
	for !r.done { // unless the one that held the lock has written it
		batch := l.take()
		err := unavailable(l.write(batch))
		for _, b := range batch {
			b.done, b.err = true, err
		}
	}
	if r.err != nil {
		return Entry{}, r.err
	}
	return r.entry, nil
}

// take removes some entries from the queue, the oldest first.
func (l *Log) take() []*request {
	l.queueMu.Lock()
	defer l.queueMu.Unlock()
	n := min(len(l.queue), maxBatch)
	batch := l.queue[:n:n]
	l.queue = l.queue[n:]
	return batch
}

func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// Head returns the last entry that this Log has written or found; the zero Head
// where it has done neither.
func (l *Log) Head() Head {
	if l == nil {
		return Head{}
	}
	l.headMu.Lock()
	defer l.headMu.Unlock()
	return l.head
}

// Close gives the file back. Later calls of Append answer ErrUnavailable.
func (l *Log) Close() error {
	if l == nil {
		return nil
	}
	l.commit.Lock()
	defer l.commit.Unlock()
	l.closed = true
	return l.drop()
}

// drop forgets the end of the log, so that the next write looks for it again.
func (l *Log) drop() error {
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}

// write appends a batch under the lock of the folder.
func (l *Log) write(batch []*request) (err error) {
	if l.closed {
		return os.ErrClosed
	}
	if err := l.o.Disk.MkdirAll(l.dir); err != nil {
		return err
	}
	lock, err := l.lock()
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.drop()) // nobody knows what is there now
		}
		err = errors.Join(err, lock.Unlock())
		l.turns.End()
	}()
	if err := l.find(); err != nil {
		return err
	}
	return l.append(batch)
}

// lock locks the folder when others had their turn, too.
func (l *Log) lock() (*durable.Lock, error) {
	l.turns.Begin()
	as := durable.Self(l.o.Now(), "write the audit log")
	return durable.WaitEvery(context.Background(), filepath.Join(l.dir, lockName), as, lockPatience, lookEvery)
}

// find looks for the end of the log, unless it is where it was left.
func (l *Log) find() error {
	if l.file != nil {
		names, err := list(l.dir)
		if err != nil {
			return err
		}
		size, same := sizeOf(l.file, l.dir, l.tail.name)
		if same && size == l.tail.size && len(names) > 0 && names[len(names)-1] == l.tail.name {
			return nil
		}
		if err := l.drop(); err != nil {
			return err
		}
	}
	t, err := findTail(l.dir)
	if err != nil {
		return err
	}
	if t.fresh { // so that a head that is missing later tells something
		if err := writeHead(l.o.Disk, l.dir, Head{}); err != nil {
			return err
		}
		t.fresh = false
	}
	l.tail = t
	l.setHead(t.head)
	if t.name == "" {
		return nil
	}
	return l.open(t.name)
}

func (l *Log) setHead(h Head) {
	l.headMu.Lock()
	defer l.headMu.Unlock()
	l.head = h
}

func (l *Log) open(name string) (err error) {
	l.file, err = os.OpenFile(filepath.Join(l.dir, name), os.O_WRONLY|os.O_APPEND, 0)
	return err
}

// begin makes the file that the next entry is the first of.
func (l *Log) begin() error {
	if err := l.drop(); err != nil {
		return err
	}
	l.tail.name, l.tail.size = fileName(l.tail.next), 0
	f, err := l.o.Disk.Create(filepath.Join(l.dir, l.tail.name))
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := l.o.Disk.SyncDir(l.dir); err != nil {
		return err
	}
	return l.open(l.tail.name)
}

// append writes what mends the log, and a batch, and flushes both and the head.
// Bytes that have to be recorded are recorded in the file where they are.
func (l *Log) append(batch []*request) error {
	mends := len(l.tail.mend) > 0 || l.tail.unended
	full := l.tail.size >= l.o.MaxSize && len(batch) > 0 && !mends
	if full || l.file == nil && (mends || len(batch) > 0) {
		if err := l.begin(); err != nil {
			return err
		}
	}
	var out []byte
	if l.tail.unended {
		out = append(out, '\n')
	}
	entries := make([]*Entry, 0, len(batch)+len(l.tail.mend))
	for i := range l.tail.mend {
		entries = append(entries, &l.tail.mend[i])
	}
	for _, r := range batch {
		entries = append(entries, &r.entry)
	}
	head, next := l.tail.head, l.tail.next
	for _, e := range entries {
		e.Seq, e.Prev, e.Time = next, head.Hash, l.o.Now().UTC().Truncate(time.Millisecond)
		line, err := e.encode()
		if err != nil {
			return err
		}
		out = append(out, line...)
		head, next = e.head(), e.Seq+1
	}
	if err := l.flush(out, head); err != nil {
		return err
	}
	l.tail = tail{name: l.tail.name, size: l.tail.size + int64(len(out)), head: head, next: next}
	l.setHead(head)
	return nil
}

// flush brings lines to the medium, and then the head. It does nothing where there
// are no lines and the head is right.
func (l *Log) flush(out []byte, head Head) error {
	stored, err := ReadHead(l.dir)
	if len(out) == 0 && err == nil && stored == head {
		return nil
	}
	if l.file != nil {
		if _, err := l.file.Write(out); err != nil {
			return err
		}
		// Also where nothing is written: what a killed process left is in the
		// system's memory, and the head must not be ahead of the medium.
		if err := l.o.Disk.SyncFile(l.file, l.file.Name()); err != nil {
			return err
		}
	}
	return writeHead(l.o.Disk, l.dir, head)
}
