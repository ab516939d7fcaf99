package archive_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"

	"github.com/litekeep/litekeep/internal/archive"
	"github.com/litekeep/litekeep/internal/frame"
)

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
	const large, count = 12 << 20, 4
	build := func(i int) *frame.Frame {
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
			if err := w.Add(build(i)); err != nil {
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
			if x.Number%2 == 0 && !bytes.Equal(x.Bytes, bytes.Join(build(x.Number/2).Parts, nil)) {
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
			body := text(1, 128<<10)
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
		few, many := peak(20), peak(100)
		if many > few+2<<20 {
			t.Errorf("%s: %d KiB for 20 frames, %d KiB for 100", c.Codec, few>>10, many>>10)
		}
	}
}
