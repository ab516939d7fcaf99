package archive_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
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
	whole  manifest.Hash // of the object
	// followed is what the writer told of the frames, nil if nobody asked.
	followed []archive.StoredFrame
}

// write writes frames of the given lengths, every third in several parts.
func write(t testing.TB, c frame.Compression, workers int, lengths ...int) *stored {
	t.Helper()
	return writeFrames(t, c, workers, false, lengths)
}

// writeFollowed is write with a follower.
func writeFollowed(t testing.TB, c frame.Compression, workers int, lengths ...int) *stored {
	t.Helper()
	return writeFrames(t, c, workers, true, lengths)
}

func writeFrames(t testing.TB, c frame.Compression, workers int, follow bool, lengths []int) *stored {
	t.Helper()
	s := &stored{c: c}
	var object bytes.Buffer
	spare := make(chan []byte, 4)
	w := archive.NewWriter(t.Context(), &object, c, workers, spare)
	defer w.Stop()
	if follow {
		s.followed = []archive.StoredFrame{}
		w.Follow(func(f archive.StoredFrame) error {
			if f.Number != len(s.followed) || f.Offset+f.Stored != int64(object.Len()) || f.Imprint == nil {
				t.Errorf("told of %+v when %d frames of %d bytes are written", f, len(s.followed), object.Len())
			}
			s.followed = append(s.followed, f)
			return nil
		})
	}
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
	s.whole = sha256.Sum256(s.object)
	return s
}

// readAll reads all frames, by what the writer told of them if it did.
func (s *stored) readAll(ctx context.Context, r io.ReaderAt, o archive.ReadOptions, each func(archive.Text) error) error {
	if s.followed == nil {
		return archive.Read(ctx, r, s.c, s.sum.Frames, 0, o, each)
	}
	reader := archive.NewReader(ctx, r, s.c, o, each)
	defer reader.Stop()
	for _, f := range s.followed {
		if err := reader.Add(f); err != nil {
			return err
		}
	}
	return reader.Close()
}

// read reads all frames and compares them with what was written, and the hash
// of the object with what Close said.
func (s *stored) read(ctx context.Context, r io.ReaderAt, workers int) error {
	whole := sha256.New()
	n := 0
	err := s.readAll(ctx, r, archive.ReadOptions{Workers: workers, Whole: whole}, func(x archive.Text) error {
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
	case manifest.Hash(whole.Sum(nil)) != s.whole:
		return fmt.Errorf("the object's hash differs: %w", archive.ErrDamaged)
	}
	return nil
}

func TestRoundTrip(t *testing.T) {
	for _, c := range compressions {
		for _, workers := range []int{0, 1, 3} {
			for _, lengths := range [][]int{nil, {1}, {100, 20, 3000}, {300_000, 1, 70_000, 2 << 20, 5, 1 << 20, 900_000, 12}} {
				for _, follow := range []bool{false, true} {
					s := writeFrames(t, c, workers, follow, lengths)
					if err := s.read(t.Context(), bytes.NewReader(s.object), workers); err != nil {
						t.Errorf("%v, %d workers, %v: %v", c, workers, lengths, err)
					}
					s.checkSummary(t)
				}
			}
		}
	}
}

// checkSummary checks every number of the summary.
func (s *stored) checkSummary(t *testing.T) {
	t.Helper()
	sum := s.sum
	var offset, length int64
	if s.followed != nil && len(s.followed) != len(s.texts) {
		t.Errorf("%v: told of %d of %d frames", s.c, len(s.followed), len(s.texts))
	}
	for i, f := range sum.Frames {
		if s.followed != nil && s.followed[i].Frame != f {
			t.Errorf("%v, frame %d: told of %+v, noted %+v", s.c, i, s.followed[i], f)
		}
		if f.Offset != offset || f.Bytes != int64(len(s.texts[i])) || f.Rows != int64(i) || f.SHA256 != sha256.Sum256(s.texts[i]) {
			t.Errorf("%v, frame %d: %+v", s.c, i, f)
		}
		offset += f.Stored
		length += f.Bytes
	}
	whole := s.whole
	if s.followed != nil { // then it is for the follower to take it
		whole = manifest.Hash{}
	}
	if sum.Bytes != int64(len(s.object)) || offset != sum.Bytes || sum.Document != length || sum.SHA256 != whole {
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
