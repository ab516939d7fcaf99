package indexsort

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// spillFile is a temporary file that sorted runs are appended to.
type spillFile struct {
	f      *os.File
	remove string // where files cannot be removed while they are open
	end    int64
}

// stretch is a sorted run in the file.
type stretch struct {
	from, to int64
	last     []byte // the last record
	shared   shared
}

func newSpillFile(dir string) (*spillFile, error) {
	f, err := os.CreateTemp(dir, ".litekeep-sort-")
	if err != nil {
		return nil, fmt.Errorf("create sort file: %w", err)
	}
	s := &spillFile{f: f}
	if runtime.GOOS == "windows" {
		s.remove = f.Name()
		return s, nil
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("remove name of sort file: %w", err), f.Close())
	}
	return s, nil
}

func (s *spillFile) close() error {
	err := s.f.Close()
	if s.remove != "" {
		err = errors.Join(err, os.Remove(s.remove))
	}
	return err
}

// write appends a run: each writes records with their lengths in front.
func (s *spillFile) write(each func(w *bufio.Writer) error) (from, to int64, err error) {
	count := &offsetWriter{w: s.f, at: s.end}
	w := bufio.NewWriterSize(count, 256<<10)
	if err := each(w); err != nil {
		return 0, 0, err
	}
	if err := w.Flush(); err != nil {
		return 0, 0, fmt.Errorf("write sort file: %w", err)
	}
	from, s.end = s.end, count.at
	return from, s.end, nil
}

// offsetWriter writes from an offset on.
type offsetWriter struct {
	w  io.WriterAt
	at int64
}

func (w *offsetWriter) Write(b []byte) (int, error) {
	n, err := w.w.WriteAt(b, w.at)
	w.at += int64(n)
	return n, err
}

// reader reads the records of a stretch.
type reader struct {
	r   *bufio.Reader
	big []byte // a record that is larger than the buffer
	cut int    // bytes of the buffer that the last record takes
}

func (s *spillFile) reader(st stretch, buffer int) *reader {
	section := io.NewSectionReader(s.f, st.from, st.to-st.from)
	return &reader{r: bufio.NewReaderSize(section, buffer)}
}

// next returns the next record, which is valid until the call after, or io.EOF.
func (r *reader) next() ([]byte, error) {
	if _, err := r.r.Discard(r.cut); err != nil {
		return nil, fmt.Errorf("read sort file: %w", err)
	}
	r.cut = 0
	head, err := r.r.Peek(sqlitefile.MaxVarint)
	if len(head) == 0 {
		return nil, eofOr(err)
	}
	n, l := sqlitefile.Varint(head)
	if l == 0 {
		return nil, fmt.Errorf("read sort file: %w", io.ErrUnexpectedEOF)
	}
	if l+int(n) <= r.r.Size() {
		b, err := r.r.Peek(l + int(n))
		if err != nil {
			return nil, fmt.Errorf("read sort file: %w", err)
		}
		r.cut = len(b)
		return b[l:], nil
	}
	if _, err := r.r.Discard(l); err != nil {
		return nil, fmt.Errorf("read sort file: %w", err)
	}
	if cap(r.big) < int(n) {
		r.big = make([]byte, n)
	}
	if _, err := io.ReadFull(r.r, r.big[:n]); err != nil {
		return nil, fmt.Errorf("read sort file: %w", err)
	}
	return r.big[:n], nil
}

func eofOr(err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return fmt.Errorf("read sort file: %w", err)
}

func putRecord(w *bufio.Writer, record []byte) error {
	var head [binary.MaxVarintLen64]byte
	if _, err := w.Write(sqlitefile.AppendVarint(head[:0], uint64(len(record)))); err != nil {
		return fmt.Errorf("write sort file: %w", err)
	}
	if _, err := w.Write(record); err != nil {
		return fmt.Errorf("write sort file: %w", err)
	}
	return nil
}
