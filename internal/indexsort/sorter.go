package indexsort

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// Options are the limits of a Sorter. The zero value works.
type Options struct {
	// MemoryBytes bounds the memory for records; 0 means 32 MiB. A single
	// record may be larger.
	MemoryBytes int
	// TempDir is the folder for the temporary file; "" means os.TempDir.
	TempDir string
}

const (
	defaultMemory = 32 << 20
	minMemory     = 64 << 10
	putSize       = 64 << 10 // of the Sorter's own batch
	maxFanIn      = 128      // runs that are merged at once
	largeHeads    = 32 << 20 // what the next records of these may take together, if they are large
	maxLast       = 4096     // a longer last record of a run is not remembered
	checkEvery    = 4096     // records between looks at the context
)

var errClosed = errors.New("sorter takes no more records")

// Sorter sorts the records of one index. Put may be called by several
// goroutines at the same time; every other method by one. Records that come in
// the order of their table sort faster: those with equal first columns often are
// in order then.
type Sorter struct {
	columns []Column
	enc     sqlitefile.Encoding
	memory  int // of a run, before it is spilled
	tempDir string
	own     *Batch

	mu     sync.Mutex // of what follows; held for no longer than copying takes
	run    *run       // is being filled
	tail   []byte     // the record that came last into the run before
	follow bool       // as [Batch.follow], of all records of all runs before
	large  int        // the largest batch that was taken over
	spare  []*run     // that can be filled again
	chunk  [][]byte
	err    error
	done   bool // Sorted was called

	// idle holds a run that was spilled, or nil at first, while nothing is
	// being spilled. Who takes it out owns what follows.
	idle      chan *run
	spillErr  error
	sorter    runSorter
	file      *spillFile
	stretches []stretch
}

// New returns a Sorter of records whose first fields are ordered as columns
// say, in a database with encoding enc.
func New(columns []Column, enc sqlitefile.Encoding, o Options) *Sorter {
	if o.MemoryBytes <= 0 {
		o.MemoryBytes = defaultMemory
	}
	s := &Sorter{
		columns: columns, enc: enc, tempDir: o.TempDir, run: &run{}, follow: true,
		memory: max(o.MemoryBytes, minMemory) / 2, // while one run is filled, another is spilled
		idle:   make(chan *run, 1),
	}
	s.idle <- nil
	s.sorter.order = order{columns: columns, enc: enc}
	s.own = s.NewBatch()
	return s
}

// Add copies a whole record. Errors are those of [Batch.Add] and [Sorter.Put].
func (s *Sorter) Add(record []byte) error {
	if s.own == nil {
		return errClosed
	}
	if err := s.own.Add(record); err != nil {
		return err
	}
	if s.own.Size() < putSize {
		return nil
	}
	return s.Put(s.own)
}

// Put takes the records of a batch over and empties it. When the memory is full
// a run is written to the temporary file meanwhile; an error of that comes from
// a later Put, or from Sorted.
func (s *Sorter) Put(b *Batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.done {
		return errClosed
	}
	if s.err != nil {
		return s.err
	}
	large := len(b.data) > maxKept
	if large {
		s.large = max(s.large, len(b.data))
	}
	s.run.take(b, s.newChunk)
	b.reset()
	if s.run.footprint() < s.memory {
		return nil
	}
	spent := <-s.idle // waits for the run before this one, so that there are never three
	if s.err = s.spillErr; s.err != nil {
		s.idle <- spent
		return s.err
	}
	if spent != nil {
		s.recycle(spent)
	}
	full := s.run
	s.run = s.newRun()
	s.endRun(full, &b.order)
	if large { // and gone before the next one comes
		s.err = s.spill(full)
		full.drop()
		s.spillErr = s.err
		s.idle <- full
		return s.err
	}
	go func() {
		s.spillErr = s.spill(full)
		s.idle <- full
	}()
	return nil
}

// endRun notes whether the records of a run follow those of the run before.
func (s *Sorter) endRun(r *run, o *order) {
	if !s.follow || len(r.entries) == 0 {
		return
	}
	first, last := r.record(r.entries[0]), r.record(r.entries[len(r.entries)-1])
	s.follow = r.follow && len(last) <= maxLast && (s.tail == nil || follows(o, s.tail, first))
	if s.follow {
		s.tail = append(s.tail[:0], last...)
	}
}

func (s *Sorter) newChunk() []byte {
	if n := len(s.chunk); n > 0 {
		c := s.chunk[n-1]
		s.chunk = s.chunk[:n-1]
		return c[:0]
	}
	return make([]byte, 0, chunkLen)
}

func (s *Sorter) newRun() *run {
	if n := len(s.spare); n > 0 {
		r := s.spare[n-1]
		s.spare = s.spare[:n-1]
		return r
	}
	return &run{}
}

// recycle keeps the memory of a run for the next.
func (s *Sorter) recycle(r *run) {
	for _, c := range r.chunks {
		if cap(c) == chunkLen {
			s.chunk = append(s.chunk, c)
		}
	}
	s.spare = append(s.spare, &run{chunks: r.chunks[:0], entries: r.entries[:0]})
}

// spill sorts a run and appends it to the file, to the run before it where it
// follows that. The caller has taken idle.
func (s *Sorter) spill(r *run) (err error) {
	s.sorter.sort(r)
	if s.file == nil {
		if s.file, err = newSpillFile(s.tempDir); err != nil {
			return err
		}
	}
	from, to, err := s.file.write(func(w *bufio.Writer) error {
		for _, e := range r.entries {
			if _, err := w.Write(r.raw(e)); err != nil {
				return fmt.Errorf("write sort file: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	first, last := r.record(r.entries[0]), r.record(r.entries[len(r.entries)-1])
	same := s.sorter.order.sharedBy(first, last)
	n := len(s.stretches)
	if n > 0 && s.stretches[n-1].last != nil && s.sorter.order.compare(s.stretches[n-1].last, first) <= 0 {
		s.stretches[n-1].to = to
		s.stretches[n-1].shared = s.stretches[n-1].shared.meet(same)
	} else {
		s.stretches = append(s.stretches, stretch{from: from, to: to, shared: same})
		n++
	}
	s.stretches[n-1].last = nil
	if len(last) <= maxLast {
		s.stretches[n-1].last = append([]byte(nil), last...)
	}
	return nil
}

// Sorted gives all records in ascending order. Each is valid until the next is
// asked for. It is called once, after the last Put has returned; from then on no
// more records are taken. After an error, which may be ctx's, nothing follows.
func (s *Sorter) Sorted(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		m, err := s.merge(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		for i := 0; ; i++ {
			if i%checkEvery == 0 && ctx.Err() != nil {
				yield(nil, ctx.Err())
				return
			}
			record, err := m.next()
			if errors.Is(err, io.EOF) || !yield(record, err) || err != nil {
				return
			}
		}
	}
}

// merge ends the filling and returns a source of all records.
func (s *Sorter) merge(ctx context.Context) (source, error) {
	if err := s.Put(s.own); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	<-s.idle
	defer func() { s.idle <- nil }()
	if s.spillErr != nil {
		return nil, s.spillErr
	}
	s.endRun(s.run, &s.sorter.order)
	s.done, s.own, s.spare, s.chunk = true, nil, nil, nil
	s.sorter.sort(s.run)
	s.sorter.tmp = nil
	last := &memory{run: s.run}
	if len(s.stretches) == 0 {
		return last, nil
	}
	fanIn := maxFanIn
	if s.large > 0 {
		fanIn = min(max(largeHeads/s.large, 2), maxFanIn)
	}
	for len(s.stretches) >= fanIn {
		if err := s.mergePass(ctx, fanIn); err != nil {
			return nil, err
		}
	}
	same := sharedByAll(s.stretches)
	if n := len(s.run.entries); n > 0 {
		first, last := s.run.record(s.run.entries[0]), s.run.record(s.run.entries[n-1])
		same = same.meet(s.sorter.order.sharedBy(first, last))
	}
	return newMerger(s.sorter.order, same.depth(), s.follow, append(s.readers(s.stretches), last))
}

func sharedByAll(stretches []stretch) shared {
	same := stretches[0].shared
	for _, st := range stretches[1:] {
		same = same.meet(st.shared)
	}
	return same
}

// readers opens stretches; together their buffers take a run's memory.
func (s *Sorter) readers(stretches []stretch) []source {
	buffer := min(max(s.memory/len(stretches), 4<<10), 1<<20)
	sources := make([]source, len(stretches), len(stretches)+1)
	for i, st := range stretches {
		sources[i] = s.file.reader(st, buffer)
	}
	return sources
}

// Large reports whether large records were put, so that two of them, or more, are in
// memory while all are sorted.
func (s *Sorter) Large() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.large > 0
}

// mergePass makes one run of each fanIn ones.
func (s *Sorter) mergePass(ctx context.Context, fanIn int) error {
	var merged []stretch
	for len(s.stretches) > 0 {
		n := min(fanIn, len(s.stretches))
		st, err := s.stretches[0], error(nil)
		if n > 1 {
			st, err = s.mergeSome(ctx, s.stretches[:n])
		}
		if err != nil {
			return err
		}
		merged = append(merged, st)
		s.stretches = s.stretches[n:]
	}
	s.stretches = merged
	return nil
}

// mergeSome makes one run of some.
func (s *Sorter) mergeSome(ctx context.Context, some []stretch) (stretch, error) {
	same := sharedByAll(some)
	m, err := newMerger(s.sorter.order, same.depth(), s.follow, s.readers(some))
	if err != nil {
		return stretch{}, err
	}
	from, to, err := s.file.write(func(w *bufio.Writer) error {
		for i := 0; ; i++ {
			if i%checkEvery == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			record, err := m.next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err == nil {
				err = putRecord(w, record)
			}
			if err != nil {
				return err
			}
		}
	})
	if err != nil {
		return stretch{}, err
	}
	return stretch{from: from, to: to, shared: same}, nil
}

// Close removes the temporary file and frees the memory.
func (s *Sorter) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done, s.own, s.run, s.spare, s.chunk = true, nil, nil, nil, nil
	<-s.idle
	defer func() { s.idle <- nil }()
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file, s.stretches = nil, nil
	return f.close()
}
