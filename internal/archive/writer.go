package archive

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/pipeline"
)

// alone is the length from which a frame goes through by itself, so that no two
// very large rows are in memory at once.
const alone = 8 << 20

// A Writer compresses, hashes and writes frames. One goroutine uses it.
type Writer struct {
	out         io.Writer
	compression frame.Compression
	sum         hash.Hash // of the object; nil if somebody else will hash it
	size        int64     // of the object
	frames      []manifest.Frame
	spare       chan []byte
	p           *pipeline.Pipeline[*frame.Frame, *packed]
}

type packed struct {
	frame *frame.Frame
	parts [][]byte
	buf   []byte
	sum   [sha256.Size]byte
}

// NewWriter returns a Writer to out, which it does not close. Where out is nil
// the frames are hashed and thrown away. Memory of frames that were written
// goes to spare.
func NewWriter(ctx context.Context, out io.Writer, c frame.Compression, workers int, spare chan []byte) *Writer {
	w := &Writer{out: out, compression: c, sum: sha256.New(), spare: spare}
	bufs := make(chan []byte, workers+2)
	worker := func() func(*frame.Frame) (*packed, error) {
		codec := frame.NewCodec(c)
		return func(f *frame.Frame) (*packed, error) {
			p := &packed{frame: f, sum: hashParts(f.Parts)}
			if out == nil {
				return p, nil
			}
			select {
			case p.buf = <-bufs:
			default:
			}
			var err error
			p.parts, err = codec.Compress(p.buf, f)
			return p, err
		}
	}
	w.p = pipeline.New(ctx, workers, workers+2, worker, func(p *packed) error {
		err := w.write(p)
		w.recycle(p, bufs, c)
		return err
	})
	return w
}

// LeaveObjectHash makes the Writer not hash the object as a whole, for a caller
// who does so when the object is read back. It is called before Add.
func (w *Writer) LeaveObjectHash() { w.sum = nil }

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
	f := manifest.Frame{Offset: w.size, Bytes: p.frame.Len(), Rows: p.frame.Rows, SHA256: p.sum}
	for _, part := range p.parts {
		if _, err := (objectWriter{w}).Write(part); err != nil {
			return fmt.Errorf("write object: %w", err)
		}
	}
	f.Stored = w.size - f.Offset
	w.frames = append(w.frames, f)
	return nil
}

// recycle gives the memory of p back, unless it is large.
func (w *Writer) recycle(p *packed, bufs chan []byte, c frame.Compression) {
	if len(p.parts) == 1 && c.Codec != "none" && cap(p.parts[0]) < alone {
		select {
		case bufs <- p.parts[0][:0]:
		default:
		}
	}
	for _, part := range p.frame.Parts {
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
	if f.Len() < alone {
		return w.p.Add(f)
	}
	if err := w.p.Flush(); err != nil {
		return err
	}
	return w.addAlone(f)
}

// addAlone writes a very large frame while nothing else is under way, without
// holding its stored form.
func (w *Writer) addAlone(f *frame.Frame) error {
	entry := manifest.Frame{Offset: w.size, Bytes: f.Len(), Rows: f.Rows, SHA256: hashParts(f.Parts)}
	if w.out != nil {
		codec := frame.NewCodec(w.compression)
		defer codec.Close()
		if err := codec.CompressTo(objectWriter{w}, f); err != nil {
			return fmt.Errorf("write object: %w", err)
		}
		entry.Stored = w.size - entry.Offset
	}
	w.frames = append(w.frames, entry)
	return nil
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

// Digest waits for all frames so far and returns their content digest.
func (w *Writer) Digest() (string, error) {
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
	SHA256   manifest.Hash // of the object; zero after LeaveObjectHash
	Document int64         // length of the document in bytes
}

// Close waits for all frames to be written.
func (w *Writer) Close() (*Summary, error) {
	if err := w.p.Close(); err != nil {
		return nil, err
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
