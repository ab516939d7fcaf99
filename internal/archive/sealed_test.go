package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/archive"
	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/keys"
	"github.com/litekeep/litekeep/internal/seal"
)

func newSealer(t testing.TB, codec string) *seal.Sealer {
	t.Helper()
	k, err := keys.Generate()
	if err != nil {
		t.Fatal(err)
	}
	s, err := seal.New(t.Context(), codec, []keys.Key{k})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// writeSealed is write, sealed.
func writeSealed(t testing.TB, c frame.Compression, workers int, lengths ...int) (*stored, *seal.Sealer) {
	t.Helper()
	sealer := newSealer(t, c.Codec)
	s := &stored{c: c}
	var object bytes.Buffer
	spare := make(chan []byte, 4)
	w := archive.NewWriter(t.Context(), &object, c, workers, spare)
	defer w.Stop()
	if err := w.Seal(sealer); err != nil {
		t.Fatal(err)
	}
	for i, n := range lengths {
		b := text(i, n)
		s.texts = append(s.texts, bytes.Clone(b))
		f := &frame.Frame{Parts: [][]byte{b}, Rows: int64(i)}
		if i%3 == 2 {
			f.Parts = [][]byte{b[: n/2 : n/2], b[n/2:]}
		}
		if i == len(lengths)-1 {
			if _, err := w.Digest(); err != nil {
				t.Fatal(err)
			}
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
	return s, sealer
}

func (s *stored) readSealed(ctx context.Context, r io.ReaderAt, o *seal.Opener, first, last int) error {
	options := archive.ReadOptions{Workers: 3, Opener: o, Total: len(s.texts)}
	next := first
	err := archive.Read(ctx, r, s.c, s.sum.Frames[first:last+1], first, options, func(x archive.Text) error {
		if x.Number != next || !bytes.Equal(x.Bytes, s.texts[next]) {
			return fmt.Errorf("frame %d came for %d, or with another text", x.Number, next)
		}
		next++
		return nil
	})
	if err == nil && next != last+1 {
		err = fmt.Errorf("%d frames came", next-first)
	}
	return err
}

// TestSealedThereAndBack writes and reads frames of every length, also such as go
// through by themselves and take several pieces, the last among them.
func TestSealedThereAndBack(t *testing.T) {
	for _, c := range compressions {
		for _, lengths := range [][]int{
			{150, 70_000, 300_000, 1, 2},
			{150, 9 << 20, 100, 10 << 20, 200, 5 << 20},
			{200, 9 << 20},
			{1},
		} {
			s, sealer := writeSealed(t, c, 3, lengths...)
			if s.sum.Bytes != int64(len(s.object)) || s.sum.Frames[0].Offset != sealer.Header().Len() {
				t.Errorf("%v: %d bytes of %d, the first frame at %d", c, s.sum.Bytes, len(s.object), s.sum.Frames[0].Offset)
			}
			if len(s.texts[0]) > 20 && bytes.Contains(s.object, s.texts[0][:20]) {
				t.Errorf("%v: the text is in the object", c)
			}
			last := len(lengths) - 1
			for first := range lengths {
				if err := s.readSealed(t.Context(), bytes.NewReader(s.object), sealer.Opener(), first, last); err != nil {
					t.Errorf("%v %v from %d: %v", c, lengths, first, err)
				}
			}
			if err := s.readSealed(t.Context(), bytes.NewReader(s.object), sealer.Opener(), 0, 0); err != nil {
				t.Errorf("%v: the first alone: %v", c, err)
			}
		}
	}
}

// TestSealedEveryBit flips every bit behind the header.
func TestSealedEveryBit(t *testing.T) {
	for _, c := range compressions {
		s, sealer := writeSealed(t, c, 1, 150, 90)
		damaged := bytes.Clone(s.object)
		for i := int(sealer.Header().Len()); i < len(damaged); i++ {
			for bit := range 8 {
				damaged[i] ^= 1 << bit
				if err := s.readSealed(t.Context(), bytes.NewReader(damaged), sealer.Opener(), 0, 1); !errors.Is(err, archive.ErrDamaged) {
					t.Fatalf("%v: bit %d of byte %d: %v", c, bit, i, err)
				}
				damaged[i] ^= 1 << bit
			}
		}
	}
}

// TestSealedDamageInLargeFrames wants the errors of sealing also where a frame is
// opened while it is expanded.
func TestSealedDamageInLargeFrames(t *testing.T) {
	for _, c := range compressions {
		s, sealer := writeSealed(t, c, 2, 100, 9<<20, 9<<20, 50)
		frames := s.sum.Frames
		at := func(i int) []byte { return s.object[frames[i].Offset : frames[i].Offset+frames[i].Stored] }
		flip := bytes.Clone(s.object)
		flip[frames[1].Offset+frames[1].Stored/2] ^= 1
		other, _ := writeSealed(t, c, 2, 100, 9<<20, 9<<20, 50)
		swapped := bytes.Clone(s.object) // the shorter one stands in the place of the longer one
		if len(at(1)) < len(at(2)) {
			copy(swapped[frames[2].Offset:], at(1))
		} else {
			copy(swapped[frames[1].Offset:], at(2))
		}
		frames[1].Stored += 10 // as a false manifest might have it
		err := s.readSealed(t.Context(), bytes.NewReader(s.object), sealer.Opener(), 0, 2)
		if !errors.Is(err, archive.ErrDamaged) {
			t.Errorf("%v: bytes that follow a large frame: %v", c, err)
		}
		frames[1].Stored -= 10
		for name, test := range map[string]struct {
			object []byte
			want   error
		}{
			"flip":    {flip, seal.ErrDamaged},
			"swapped": {swapped, seal.ErrMisplaced},
			"foreign": {append(bytes.Clone(s.object[:frames[1].Offset]), other.object[frames[1].Offset:]...), seal.ErrOtherBackup},
			"cut":     {s.object[:frames[1].Offset+frames[1].Stored/2], seal.ErrCutOff},
		} {
			err := s.readSealed(t.Context(), bytes.NewReader(test.object), sealer.Opener(), 0, 2)
			if !errors.Is(err, archive.ErrDamaged) || !errors.Is(err, test.want) {
				t.Errorf("%v, %s: %v", c, name, err)
			}
		}
	}
}

// TestSealedLast wants the last frame to be the last, and there to be one.
func TestSealedLast(t *testing.T) {
	c := frame.Compression{Codec: "zstd", Level: 1}
	s, sealer := writeSealed(t, c, 1, 100, 100, 100)
	for total, want := range map[int]error{2: seal.ErrCutOff, 3: nil, 4: seal.ErrCutOff} {
		o := archive.ReadOptions{Opener: sealer.Opener(), Total: total}
		n := min(total, 3)
		err := archive.Read(t.Context(), bytes.NewReader(s.object), c, s.sum.Frames[:n], 0, o, func(archive.Text) error { return nil })
		if !errors.Is(err, want) {
			t.Errorf("%d frames in all: %v", total, err)
		}
	}
	add := func(w *archive.Writer) error { return w.Add(&frame.Frame{Parts: [][]byte{text(0, 100)}}) }
	w := archive.NewWriter(t.Context(), io.Discard, c, 1, nil)
	defer w.Stop()
	if err := errors.Join(w.Seal(newSealer(t, "zstd")), add(w)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Close(); err == nil || !strings.Contains(err.Error(), "last frame is missing") {
		t.Errorf("an object without its last frame: %v", err)
	}
	w = archive.NewWriter(t.Context(), io.Discard, c, 1, nil)
	defer w.Stop()
	_, err := w.Digest()
	if err := errors.Join(w.Seal(newSealer(t, "zstd")), err, add(w)); err != nil {
		t.Fatal(err)
	}
	if err := add(w); err == nil {
		t.Error("a frame after the last is taken")
	}
}

// TestSealedMemory wants no more than two large frames at once, sealed too.
func TestSealedMemory(t *testing.T) {
	const large = 12 << 20
	for _, c := range compressions {
		var object bytes.Buffer
		object.Grow(3 * (large + 1<<20))
		sealer := newSealer(t, c.Codec)
		g := &gauge{base: live()}
		w := archive.NewWriter(t.Context(), lookingWriter{&object, g}, c, 4, nil)
		if err := w.Seal(sealer); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if i == 2 {
				if _, err := w.Digest(); err != nil {
					t.Fatal(err)
				}
			}
			f := &frame.Frame{Parts: [][]byte{bytes.Repeat([]byte{byte('a' + i), 'x', '\n', '7'}, large/4)}}
			if err := w.Add(f); err != nil {
				t.Fatal(err)
			}
		}
		sum, err := w.Close()
		if err != nil {
			t.Fatal(err)
		}
		if g.peak > g.base+2*large+24<<20 {
			t.Errorf("%s: %d bytes live while writing", c.Codec, g.peak-g.base)
		}
		wrote := g.peak - g.base
		g = &gauge{base: live()}
		o := archive.ReadOptions{Workers: 4, Opener: sealer.Opener(), Total: 3}
		err = archive.Read(t.Context(), bytes.NewReader(object.Bytes()), c, sum.Frames, 0, o, func(archive.Text) error {
			g.look()
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if g.peak > g.base+2*large+24<<20 {
			t.Errorf("%s: %d bytes live while reading", c.Codec, g.peak-g.base)
		}
		t.Logf("%s: %d MiB live while writing, %d while reading", c.Codec, wrote>>20, (g.peak-g.base)>>20)
	}
}
