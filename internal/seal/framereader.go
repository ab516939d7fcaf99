package seal

import (
	"errors"
	"fmt"
	"io"
)

// A FrameReader reads the stored form of one frame, each piece of which is
// authenticated before any byte of it is handed out. It is used by one
// goroutine.
type FrameReader struct {
	o      *Opener
	r      io.Reader
	whole  *[]byte // what is left of the sealed frame, instead of r
	number int
	piece  uint32
	last   bool // of the object
	ended  bool
	rest   []byte
	buf    []byte
	sealed []byte // the piece at hand
	err    error
}

// FrameReader returns a reader of the frame with this number, which begins
// where r stands. It reads no further than the frame's end, and its errors, but
// for io.EOF, are *FrameErrors.
func (o *Opener) FrameReader(r io.Reader, number int) *FrameReader {
	return &FrameReader{o: o, r: r, number: number}
}

// Last tells, after io.EOF, whether the frame is the last of the object. Where
// it is not, the next one follows; where it is, nothing may.
func (f *FrameReader) Last() bool { return f.ended && f.last }

// Read reads the stored form of the frame.
func (f *FrameReader) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for len(f.rest) == 0 {
		var err error
		if f.rest, err = f.next(); err != nil {
			return 0, err
		}
	}
	n := copy(b, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

// next returns the next piece, or io.EOF.
func (f *FrameReader) next() ([]byte, error) {
	if f.err != nil {
		return nil, f.err
	}
	if f.ended {
		return nil, io.EOF
	}
	stored, err := f.open()
	if err != nil {
		f.err = err
	}
	return stored, err
}

func (f *FrameReader) open() ([]byte, error) {
	identity := f.o.identity[:]
	data := append(make([]byte, 0, len(identity)+prefixBytes), identity...)
	data = data[:len(identity)+prefixBytes]
	before, err := f.take(prefixBytes)
	if err != nil {
		return nil, err
	}
	copy(data[len(identity):], before)
	p := parsePrefix(data[len(identity):])
	if !p.plausible() {
		return nil, f.foreign(p, nil)
	}
	if f.sealed, err = f.take(int(p.length)); err != nil {
		return nil, err
	}
	stored, err := f.o.frames.Decrypt(f.sealed, data)
	if err != nil {
		return nil, f.foreign(p, data)
	}
	if err := f.place(p); err != nil {
		return nil, err
	}
	f.piece++
	f.ended, f.last = p.flags&flagLastPiece != 0, p.flags&flagLastFrame != 0
	return stored, nil
}

// take returns the next n bytes, which are good until the next call.
func (f *FrameReader) take(n int) ([]byte, error) {
	cutOff := &FrameError{f.number, "it is missing or cut off", ErrCutOff}
	if f.whole != nil {
		if len(*f.whole) < n {
			return nil, cutOff
		}
		b := (*f.whole)[:n]
		*f.whole = (*f.whole)[n:]
		return b, nil
	}
	if cap(f.buf) < n {
		f.buf = make([]byte, n)
	}
	_, err := io.ReadFull(f.r, f.buf[:n])
	switch {
	case err == nil:
		return f.buf[:n], nil
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return nil, cutOff
	}
	return nil, &FrameError{f.number, "", err}
}

// foreign says why a piece does not open. data is the associated data with
// which it did not, nil where its prefix makes no sense.
func (f *FrameReader) foreign(p prefix, data []byte) error {
	if p.backup == f.o.tag {
		return &FrameError{f.number, "", ErrDamaged}
	}
	if data != nil { // a piece of this backup whose prefix was changed?
		copy(data[len(f.o.identity):], f.o.tag[:])
		if _, err := f.o.frames.Decrypt(f.sealed, data); err == nil {
			return &FrameError{f.number, "", ErrDamaged}
		}
	}
	return &FrameError{f.number, "the header and this frame are not of one backup", ErrOtherBackup}
}

// place compares what a piece is, which is certain, with what belongs here.
func (f *FrameReader) place(p prefix) error {
	switch got := int(p.frame); {
	case got > f.number:
		return &FrameError{f.number, fmt.Sprintf("frame %d stands here; those before it are missing or elsewhere", got), ErrMisplaced}
	case got < f.number:
		return &FrameError{f.number, fmt.Sprintf("frame %d stands here, again or in the wrong place", got), ErrMisplaced}
	case p.piece != f.piece:
		return &FrameError{f.number, fmt.Sprintf("its piece %d stands where %d belongs", p.piece, f.piece), ErrMisplaced}
	}
	return nil
}
