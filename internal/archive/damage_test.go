package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/litekeep/litekeep/internal/archive"
	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/manifest"
)

// TestEveryBitFlip checks that Read, with the hash of the whole, finds every
// single flipped bit of an object.
func TestEveryBitFlip(t *testing.T) {
	for _, c := range compressions {
		s := write(t, c, 1, 150, 200, 90)
		damaged := bytes.Clone(s.object)
		for i := range damaged {
			for bit := range 8 {
				damaged[i] ^= 1 << bit
				if err := s.read(t.Context(), bytes.NewReader(damaged), 1); !errors.Is(err, archive.ErrDamaged) {
					t.Fatalf("%v: bit %d of byte %d of %d is flipped: %v", c, bit, i, len(damaged), err)
				}
				damaged[i] ^= 1 << bit
			}
		}
		if err := s.read(t.Context(), bytes.NewReader(damaged), 1); err != nil {
			t.Fatalf("%v: unchanged: %v", c, err)
		}
	}
}

// TestTextIsProven checks that Read alone, which a restore uses, never gives a
// text that was not written, whichever bit is flipped; the imprints of the writer
// are as good as the hashes.
func TestTextIsProven(t *testing.T) {
	for _, c := range compressions {
		plain, followed := write(t, c, 1, 300), writeFollowed(t, c, 1, 300)
		if !bytes.Equal(plain.object, followed.object) {
			t.Fatalf("%v: the object is another one if it is followed", c)
		}
		for i := range plain.object {
			for bit := range 8 {
				damaged := bytes.Clone(plain.object)
				damaged[i] ^= 1 << bit
				for _, s := range []*stored{plain, followed} {
					err := s.readAll(t.Context(), bytes.NewReader(damaged), archive.ReadOptions{}, func(x archive.Text) error {
						if !bytes.Equal(x.Bytes, s.texts[0]) {
							t.Errorf("%v: bit %d of byte %d gives another text", c, bit, i)
						}
						return nil
					})
					if err != nil && !errors.Is(err, archive.ErrDamaged) {
						t.Errorf("%v: bit %d of byte %d: %v", c, bit, i, err)
					}
				}
			}
		}
	}
}

func TestTruncated(t *testing.T) {
	for _, c := range compressions {
		s := write(t, c, 2, 2000, 3000)
		for _, n := range []int{0, 1, len(s.object) / 2, len(s.object) - 1} {
			err := s.read(t.Context(), bytes.NewReader(s.object[:n]), 2)
			if !errors.Is(err, archive.ErrDamaged) || !strings.Contains(err.Error(), "truncated") {
				t.Errorf("%v: %d of %d bytes: %v", c, n, len(s.object), err)
			}
		}
	}
}

// TestDamageIsNamed checks that an error says which frame it is, and where.
func TestDamageIsNamed(t *testing.T) {
	s := write(t, frame.Compression{Codec: "none"}, 1, 100, 100, 100)
	s.object[250] ^= 1
	err := archive.Read(t.Context(), bytes.NewReader(s.object), s.c, s.sum.Frames[1:], 1, archive.ReadOptions{}, func(archive.Text) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "frame 2 at byte 200: its SHA-256 is ") {
		t.Errorf("%v", err)
	}
}

// TestWrongFrames checks that a manifest which does not fit its object is found
// out.
func TestWrongFrames(t *testing.T) {
	for _, c := range compressions {
		for name, change := range map[string]func(f []manifest.Frame){
			"text longer":  func(f []manifest.Frame) { f[1].Bytes++ },
			"text shorter": func(f []manifest.Frame) { f[1].Bytes-- },
			"text huge":    func(f []manifest.Frame) { f[1].Bytes = 1 << 60 },
			"stored less":  func(f []manifest.Frame) { f[1].Stored-- },
			"stored more":  func(f []manifest.Frame) { f[1].Stored++ },
			"moved":        func(f []manifest.Frame) { f[1].Offset++ },
			"swapped":      func(f []manifest.Frame) { f[1].Offset, f[2].Offset = f[2].Offset, f[1].Offset },
			"other hash":   func(f []manifest.Frame) { f[1].SHA256[31] ^= 1 },
		} {
			s := write(t, c, 1, 400, 400, 400, 400)
			change(s.sum.Frames)
			if err := s.read(t.Context(), bytes.NewReader(s.object), 1); !errors.Is(err, archive.ErrDamaged) {
				t.Errorf("%v, %s: %v", c, name, err)
			}
		}
	}
}

// eofReader gives io.EOF together with the last byte, as io.ReaderAt allows.
type eofReader struct{ *bytes.Reader }

func (r eofReader) ReadAt(b []byte, off int64) (int, error) {
	n, err := r.Reader.ReadAt(b, off)
	if off+int64(n) == r.Size() {
		err = io.EOF
	}
	return n, err
}

func TestEOFWithTheLastByte(t *testing.T) {
	s := write(t, frame.Compression{Codec: "zstd", Level: 1}, 1, 400, 400)
	if err := s.read(t.Context(), eofReader{bytes.NewReader(s.object)}, 1); err != nil {
		t.Error(err)
	}
}

// faulty fails once a number of bytes was written or read.
type faulty struct {
	io.ReaderAt
	left int
}

var errFault = errors.New("the disk is full")

func (f *faulty) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFault
	}
	return len(b), nil
}

func (f *faulty) ReadAt(b []byte, off int64) (int, error) {
	if off > 5000 {
		return 0, errFault
	}
	return f.ReaderAt.ReadAt(b, off)
}

func TestFaultsOfTheMachine(t *testing.T) {
	for _, c := range compressions {
		w := archive.NewWriter(t.Context(), &faulty{left: 5000}, c, 2, nil)
		var err error
		for i := 0; err == nil && i < 1000; i++ {
			err = w.Add(&frame.Frame{Parts: [][]byte{text(i, 1000)}})
		}
		if !errors.Is(err, errFault) {
			t.Errorf("%v: Add: %v", c, err)
		}
		if _, err := w.Digest(); !errors.Is(err, errFault) {
			t.Errorf("%v: Digest: %v", c, err)
		}
		if _, err := w.Close(); !errors.Is(err, errFault) {
			t.Errorf("%v: Close: %v", c, err)
		}
		w.Stop()

		s := write(t, c, 2, 20_000, 20_000, 20_000, 20_000)
		err = s.read(t.Context(), &faulty{ReaderAt: bytes.NewReader(s.object)}, 2)
		if !errors.Is(err, errFault) || errors.Is(err, archive.ErrDamaged) {
			t.Errorf("%v: Read: %v; the medium's fault is no damage", c, err)
		}
	}
}

func TestCheck(t *testing.T) {
	s := write(t, frame.Compression{Codec: "gzip", Level: 1}, 2, 100, 2000, 300)
	var mu sync.Mutex
	seen := map[int]bool{}
	o := archive.ReadOptions{Workers: 3, Check: func(n int, b []byte) (any, error) {
		mu.Lock()
		defer mu.Unlock()
		seen[n] = bytes.Equal(b, s.texts[n-7])
		return fmt.Sprint("result ", n), nil
	}}
	err := archive.Read(t.Context(), bytes.NewReader(s.object), s.c, s.sum.Frames, 7, o, func(x archive.Text) error {
		if x.Result != fmt.Sprint("result ", x.Number) {
			return fmt.Errorf("frame %d has %v", x.Number, x.Result)
		}
		return nil
	})
	if err != nil || len(seen) != 3 || !seen[7] || !seen[8] || !seen[9] {
		t.Errorf("%v, %v", seen, err)
	}
	bad := errors.New("no row")
	o.Check = func(n int, _ []byte) (any, error) {
		if n == 8 {
			return nil, bad
		}
		return nil, nil
	}
	count := 0
	err = archive.Read(t.Context(), bytes.NewReader(s.object), s.c, s.sum.Frames, 7, o, func(archive.Text) error { count++; return nil })
	if !errors.Is(err, bad) || !strings.Contains(err.Error(), "frame 8") || count != 1 {
		t.Errorf("after %d frames: %v", count, err)
	}
}

func TestCancel(t *testing.T) {
	s := write(t, frame.Compression{Codec: "zstd", Level: 1}, 2, slices.Repeat([]int{1000}, 50)...)
	ctx, cancel := context.WithCancel(t.Context())
	count := 0
	err := archive.Read(ctx, bytes.NewReader(s.object), s.c, s.sum.Frames, 0, archive.ReadOptions{Workers: 2}, func(archive.Text) error {
		if count++; count == 3 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || count != 3 {
		t.Errorf("Read after the end of its context: %d frames, %v", count, err)
	}
	w := archive.NewWriter(ctx, io.Discard, s.c, 2, nil)
	if err := w.Add(&frame.Frame{Parts: [][]byte{text(1, 1000)}}); err == nil {
		_, err = w.Digest()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Digest after the end of the context: %v", err)
		}
	}
	if _, err := w.Close(); !errors.Is(err, context.Canceled) {
		t.Errorf("Close after the end of the context: %v", err)
	}
	stop := errors.New("enough")
	err = archive.Read(t.Context(), bytes.NewReader(s.object), s.c, s.sum.Frames, 0, archive.ReadOptions{}, func(archive.Text) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("Read returns %v, not its callback's error", err)
	}
}
