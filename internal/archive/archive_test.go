package archive_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/litekeep/litekeep/internal/archive"
	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/manifest"
)

// TestMain checks that no test leaves a goroutine.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var compressions = []frame.Compression{{Codec: "none"}, {Codec: "gzip", Level: 1}, {Codec: "zstd", Level: 1}}

// text is the text of frame i, of n bytes.
func text(i, n int) []byte {
	rng := rand.New(rand.NewPCG(uint64(i), uint64(n)))
	b := make([]byte, 0, n+64)
	for len(b) < n {
		b = fmt.Appendf(b, "[%d,\"frame %d, %x\"],\n", len(b), i, rng.Uint32())
	}
	return b[:n]
}

// stored is an object in memory.
type stored struct {
	c      frame.Compression
	object []byte
	sum    *archive.Summary
	texts  [][]byte
}

// write writes frames of the given lengths, every third in several parts.
func write(t testing.TB, c frame.Compression, workers int, lengths ...int) *stored {
	t.Helper()
	s := &stored{c: c}
	var object bytes.Buffer
	spare := make(chan []byte, 4)
	w := archive.NewWriter(t.Context(), &object, c, workers, spare)
	defer w.Stop()
	for i, n := range lengths {
		b := text(i, n)
		s.texts = append(s.texts, bytes.Clone(b))
		f := &frame.Frame{Parts: [][]byte{b}, Rows: int64(i)}
		if i%3 == 2 {
			f.Parts = [][]byte{b[: n/2 : n/2], b[n/2:]}
		}
		if err := w.Add(f); err != nil {
			t.Fatal(err)
		}
		select {
		case b := <-spare:
			clear(b[:cap(b)]) // it is ours again
		default:
		}
	}
	var err error
	if s.sum, err = w.Close(); err != nil {
		t.Fatal(err)
	}
	s.object = object.Bytes()
	return s
}

// read reads all frames and compares them with what was written, and the hash
// of the object with what Close said.
func (s *stored) read(ctx context.Context, r io.ReaderAt, workers int) error {
	whole := sha256.New()
	n := 0
	err := archive.Read(ctx, r, s.c, s.sum.Frames, 0, archive.ReadOptions{Workers: workers, Whole: whole}, func(x archive.Text) error {
		if x.Number != n || !bytes.Equal(x.Bytes, s.texts[n]) {
			return fmt.Errorf("frame %d comes back as number %d with %d bytes", n, x.Number, len(x.Bytes))
		}
		clear(x.Bytes[:cap(x.Bytes)]) // ours until we return
		n++
		return nil
	})
	switch {
	case err != nil:
		return err
	case n != len(s.texts):
		return fmt.Errorf("%d frames come back", n)
	case manifest.Hash(whole.Sum(nil)) != s.sum.SHA256:
		return fmt.Errorf("the object's hash differs: %w", archive.ErrDamaged)
	}
	return nil
}

func TestRoundTrip(t *testing.T) {
	for _, c := range compressions {
		for _, workers := range []int{0, 1, 3} {
			for _, lengths := range [][]int{nil, {1}, {100, 20, 3000}, {300_000, 1, 70_000, 2 << 20, 5, 1 << 20, 900_000, 12}} {
				s := write(t, c, workers, lengths...)
				if err := s.read(t.Context(), bytes.NewReader(s.object), workers); err != nil {
					t.Errorf("%v, %d workers, %v: %v", c, workers, lengths, err)
				}
				s.checkSummary(t)
			}
		}
	}
}

// checkSummary checks every number of the summary.
func (s *stored) checkSummary(t *testing.T) {
	t.Helper()
	sum := s.sum
	var offset, length int64
	for i, f := range sum.Frames {
		if f.Offset != offset || f.Bytes != int64(len(s.texts[i])) || f.Rows != int64(i) || f.SHA256 != sha256.Sum256(s.texts[i]) {
			t.Errorf("%v, frame %d: %+v", s.c, i, f)
		}
		offset += f.Stored
		length += f.Bytes
	}
	if sum.Bytes != int64(len(s.object)) || offset != sum.Bytes || sum.Document != length || sum.SHA256 != sha256.Sum256(s.object) {
		t.Errorf("%v: %+v", s.c, sum)
	}
}

// TestFromTheMiddle checks that a range of frames can be read by itself.
func TestFromTheMiddle(t *testing.T) {
	for _, c := range compressions {
		s := write(t, c, 2, 1000, 2000, 3000, 4000, 5000)
		var got []int
		err := archive.Read(t.Context(), bytes.NewReader(s.object), c, s.sum.Frames[2:4], 2, archive.ReadOptions{}, func(x archive.Text) error {
			if !bytes.Equal(x.Bytes, s.texts[x.Number]) {
				return errors.New("another text")
			}
			got = append(got, x.Number)
			return nil
		})
		if err != nil || !slices.Equal(got, []int{2, 3}) {
			t.Errorf("%v: %v, %v", c, got, err)
		}
	}
}

// TestDigest checks the content digest in the middle of a run: of all frames
// but the first and the one that is still to come.
func TestDigest(t *testing.T) {
	w := archive.NewWriter(t.Context(), nil, frame.Compression{Codec: "zstd", Level: 1}, 2, nil)
	defer w.Stop()
	h := sha256.New()
	for i := range 40 {
		b := text(i, 1000)
		if i > 0 {
			sum := sha256.Sum256(b)
			h.Write(sum[:])
		}
		if err := w.Add(&frame.Frame{Parts: [][]byte{b[:10], b[10:]}}); err != nil {
			t.Fatal(err)
		}
		if i%13 != 12 {
			continue
		}
		if got, err := w.Digest(); err != nil || got != fmt.Sprintf("sha256:%x", h.Sum(nil)) {
			t.Errorf("after %d frames: %s, %v", i+1, got, err)
		}
	}
	sum, err := w.Close()
	if err != nil || len(sum.Frames) != 40 || sum.Bytes != 0 || sum.Document != 40_000 {
		t.Errorf("%+v, %v", sum, err)
	}
}

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
// text that was not written, whichever bit is flipped.
func TestTextIsProven(t *testing.T) {
	for _, c := range compressions {
		s := write(t, c, 1, 300)
		for i := range s.object {
			for bit := range 8 {
				damaged := bytes.Clone(s.object)
				damaged[i] ^= 1 << bit
				err := archive.Read(t.Context(), bytes.NewReader(damaged), c, s.sum.Frames, 0, archive.ReadOptions{}, func(x archive.Text) error {
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

// gauge tells how much memory is live after a collection, at its highest.
type gauge struct{ base, peak uint64 }

func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (g *gauge) look() { g.peak = max(g.peak, live()) }

// TestLargeFramesAlone writes and reads frames of 12 MiB among small ones, and
// checks that no two of them are in memory at once.
func TestLargeFramesAlone(t *testing.T) {
	const large, count = 12 << 20, 6
	make_ := func(i int) *frame.Frame {
		f := &frame.Frame{}
		for range 3 { // as a Cutter gives it: taken over, in parts
			f.Parts = append(f.Parts, bytes.Repeat([]byte{byte('a' + i), 'x', '\n', '7'}, large/12))
		}
		return f
	}
	for _, c := range compressions {
		var object bytes.Buffer
		object.Grow(count * (large + 1<<20))
		g := &gauge{base: live()}
		w := archive.NewWriter(t.Context(), lookingWriter{&object, g}, c, 4, nil)
		for i := range count {
			if err := w.Add(make_(i)); err != nil {
				t.Fatal(err)
			}
			if err := w.Add(&frame.Frame{Parts: [][]byte{text(i, 100)}}); err != nil {
				t.Fatal(err)
			}
		}
		sum, err := w.Close()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: at most %d MiB live while writing frames of %d", c.Codec, (g.peak-g.base)>>20, large>>20)
		if g.peak > g.base+2*large+12<<20 {
			t.Errorf("%s: %d bytes live while writing", c.Codec, g.peak-g.base)
		}
		g = &gauge{base: live()}
		n := 0
		err = archive.Read(t.Context(), bytes.NewReader(object.Bytes()), c, sum.Frames, 0, archive.ReadOptions{Workers: 4}, func(x archive.Text) error {
			g.look()
			if x.Number%2 == 0 && !bytes.Equal(x.Bytes, bytes.Join(make_(x.Number/2).Parts, nil)) {
				return errors.New("another text")
			}
			n++
			return nil
		})
		if err != nil || n != 2*count {
			t.Fatal(n, err)
		}
		t.Logf("%s: at most %d MiB live while reading", c.Codec, (g.peak-g.base)>>20)
		if g.peak > g.base+2*large+12<<20 {
			t.Errorf("%s: %d bytes live while reading", c.Codec, g.peak-g.base)
		}
	}
}

// lookingWriter looks at the memory while parts are written.
type lookingWriter struct {
	w io.Writer
	g *gauge
}

func (w lookingWriter) Write(b []byte) (int, error) {
	w.g.look()
	return w.w.Write(b)
}

// TestMemoryIsFlat checks that ten times as many frames need no more memory.
func TestMemoryIsFlat(t *testing.T) {
	for _, c := range compressions {
		peak := func(count int) uint64 {
			spare := make(chan []byte, 6)
			g := &gauge{base: live()}
			w := archive.NewWriter(t.Context(), io.Discard, c, 2, spare)
			body := text(1, 256<<10)
			for i := range count {
				var b []byte
				select {
				case b = <-spare:
				default:
				}
				b = append(b[:0], body...)
				if err := w.Add(&frame.Frame{Parts: [][]byte{b}}); err != nil {
					t.Fatal(err)
				}
				if i%20 == 19 {
					g.look()
				}
			}
			if _, err := w.Close(); err != nil {
				t.Fatal(err)
			}
			return g.peak - min(g.base, g.peak)
		}
		few, many := peak(20), peak(200)
		if many > few+2<<20 {
			t.Errorf("%s: %d KiB for 20 frames, %d KiB for 200", c.Codec, few>>10, many>>10)
		}
	}
}
