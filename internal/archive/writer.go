package archive

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/pipeline"
	"github.com/litekeep/litekeep/internal/seal"
)

// alone is the length from which a frame goes through by itself, so that no two
// very large rows are in memory at once.
const alone = 8 << 20

// A Writer compresses, hashes and writes frames. One goroutine uses it.
type Writer struct {
	out         io.Writer
	compression frame.Compression
	sum         hash.Hash // of the object; nil if it is hashed as it is read back
	size        int64     // of the object
	frames      []manifest.Frame
	follow      func(StoredFrame) error // nil if nobody reads back
	spare       chan []byte
	p           *pipeline.Pipeline[job, *packed]
	sealer      *seal.Sealer // nil for a plain object
	added       int          // frames
	ending      bool         // the next frame is the last
	ended       bool         // the last frame was added
}

// job is a frame and its place in the object.
type job struct {
	*frame.Frame
	number int
	last   bool
}

type packed struct {
	job
	parts   [][]byte
	buf     []byte
	sum     [sha256.Size]byte
	imprint Imprint
}

// NewWriter returns a Writer to out, which it does not close. Where out is nil
// the frames are hashed and thrown away. Memory of frames that were written
// goes to spare.
func NewWriter(ctx context.Context, out io.Writer, c frame.Compression, workers int, spare chan []byte) *Writer {
	w := &Writer{out: out, compression: c, sum: sha256.New(), spare: spare}
	bufs := make(chan []byte, workers+2)
	worker := func() func(job) (*packed, error) {
		codec := frame.NewCodec(c)
		var scratch []byte // what is to be sealed
		return func(j job) (*packed, error) {
			f := j.Frame
			p := &packed{job: j}
			if w.follow != nil { // first: whatever changed the text from here on would show
				p.imprint = imprintOf(f.Parts...)
			}
			p.sum = hashParts(f.Parts)
			if out == nil {
				return p, nil
			}
			select {
			case p.buf = <-bufs:
			default:
			}
			var err error
			if w.sealer == nil {
				p.parts, err = codec.Compress(p.buf, f)
				return p, err
			}
			if p.parts, err = codec.Compress(scratch[:0], f); err == nil {
				scratch, err = w.seal(p, j, scratch)
			}
			return p, err
		}
	}
	w.p = pipeline.New(ctx, workers, workers, worker, func(p *packed) error {
		err := w.write(p)
		w.recycle(p, bufs)
		return err
	})
	return w
}

// Follow makes the Writer tell of each frame, in order, once its bytes have gone
// to its output, for a caller who reads the object back: written is called by the
// goroutine that writes. The object as a whole is left to be hashed then. Follow
// is called before Add.
func (w *Writer) Follow(written func(StoredFrame) error) { w.sum, w.follow = nil, written }

// Seal makes the Writer seal every frame with s, whose header it writes at once.
// It is called before Add, and frames have to be added as an export does it: one
// after Digest, and no more.
func (w *Writer) Seal(s *seal.Sealer) error {
	w.sealer = s
	if _, err := (objectWriter{w}).Write(s.Header().Text()); err != nil {
		return fmt.Errorf("write object: %w", err)
	}
	return nil
}

// seal replaces the parts of p, the stored form of a frame, by the sealed form,
// in the memory of p. It returns memory for the next stored form.
func (w *Writer) seal(p *packed, j job, scratch []byte) ([]byte, error) {
	stored := scratch[:0]
	if w.compression.Codec != "none" && len(p.parts) == 1 {
		stored = p.parts[0]
	} else {
		for _, part := range p.parts {
			stored = append(stored, part...)
		}
	}
	sealed, err := w.sealer.AppendFrame(p.buf[:0], j.number, j.last, stored)
	if err != nil {
		return nil, err
	}
	p.parts = append(p.parts[:0:0], sealed)
	if cap(stored) >= alone {
		stored = nil
	}
	return stored, nil
}

func hashParts(parts [][]byte) (sum [sha256.Size]byte) {
	if len(parts) == 1 {
		return sha256.Sum256(parts[0])
	}
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(sum[:0])
	return sum
}

func (w *Writer) write(p *packed) error {
	f := manifest.Frame{Offset: w.size, Bytes: p.Len(), Rows: p.Rows, SHA256: p.sum}
	for _, part := range p.parts {
		if _, err := (objectWriter{w}).Write(part); err != nil {
			return fmt.Errorf("write object: %w", err)
		}
	}
	f.Stored = w.size - f.Offset
	return w.wrote(f, p.job, p.imprint)
}

// wrote notes a frame that was written.
func (w *Writer) wrote(f manifest.Frame, j job, imprint Imprint) error {
	w.frames = append(w.frames, f)
	if w.follow == nil {
		return nil
	}
	return w.follow(StoredFrame{Frame: f, Number: j.number, Last: j.last, Imprint: &imprint})
}

// recycle gives the memory of p back, unless it is large.
func (w *Writer) recycle(p *packed, bufs chan []byte) {
	ours := w.compression.Codec != "none" || w.sealer != nil // not the frame's own
	if len(p.parts) == 1 && ours && cap(p.parts[0]) < alone {
		select {
		case bufs <- p.parts[0][:0]:
		default:
		}
	}
	for _, part := range p.Frame.Parts {
		if cap(part) < alone {
			select {
			case w.spare <- part:
			default:
			}
		}
	}
}

// Add takes the next frame.
func (w *Writer) Add(f *frame.Frame) error {
	j := job{f, w.added, w.ending}
	w.added++
	if w.sealer != nil && w.ended {
		return errors.New("a frame follows the last one")
	}
	w.ended = w.ending
	if f.Len() < alone {
		return w.p.Add(j)
	}
	if err := w.p.Flush(); err != nil {
		return err
	}
	return w.addAlone(j)
}

// addAlone writes a very large frame while nothing else is under way, without
// holding its stored form.
func (w *Writer) addAlone(f job) error {
	var imprint Imprint
	if w.follow != nil {
		imprint = imprintOf(f.Parts...)
	}
	entry := manifest.Frame{Offset: w.size, Bytes: f.Len(), Rows: f.Rows, SHA256: hashParts(f.Parts)}
	if w.out != nil {
		codec := frame.NewCodec(w.compression)
		defer codec.Close()
		var out io.Writer = objectWriter{w}
		var sealed io.Closer = io.NopCloser(nil)
		if w.sealer != nil {
			s := w.sealer.FrameWriter(out, f.number, f.last)
			out, sealed = s, s
		}
		err := codec.CompressTo(out, f.Frame)
		if err == nil {
			err = sealed.Close()
		}
		if err != nil {
			return fmt.Errorf("write object: %w", err)
		}
		entry.Stored = w.size - entry.Offset
	}
	return w.wrote(entry, f, imprint)
}

// objectWriter appends to the object.
type objectWriter struct{ w *Writer }

func (o objectWriter) Write(b []byte) (int, error) {
	n, err := o.w.out.Write(b)
	if o.w.sum != nil {
		o.w.sum.Write(b[:n])
	}
	o.w.size += int64(n)
	return n, err
}

// Digest waits for all frames so far and returns their content digest, which the
// last frame holds.
func (w *Writer) Digest() (string, error) {
	w.ending = true
	if err := w.p.Flush(); err != nil {
		return "", err
	}
	last := manifest.Frame{} // the frame that is still to come, which does not count
	return manifest.ContentDigest(append(w.frames, last)), nil
}

// Summary is what a Writer wrote.
type Summary struct {
	Frames   []manifest.Frame
	Bytes    int64         // of the object
	SHA256   manifest.Hash // of the object; zero after Follow
	Document int64         // length of the document in bytes
}

// Close waits for all frames to be written.
func (w *Writer) Close() (*Summary, error) {
	if err := w.p.Close(); err != nil {
		return nil, err
	}
	if w.sealer != nil && !w.ended {
		return nil, errors.New("the last frame is missing")
	}
	s := &Summary{Frames: w.frames, Bytes: w.size}
	if w.sum != nil {
		s.SHA256 = manifest.Hash(w.sum.Sum(nil))
	}
	for i := range s.Frames {
		s.Document += s.Frames[i].Bytes
	}
	return s, nil
}

// Stop abandons what is under way. After Close it does nothing.
func (w *Writer) Stop() { w.p.Stop() }
