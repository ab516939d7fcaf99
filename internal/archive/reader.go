package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/pipeline"
	"github.com/litekeep/litekeep/internal/seal"
)

// ErrDamaged is wrapped by errors that say an object is not what was written.
var ErrDamaged = errors.New("backup is damaged")

// A Text is the text of one frame as it was read.
type Text struct {
	StoredFrame
	Bytes []byte
	// Result is what the check that Read was given returned.
	Result any
}

// A StoredFrame is a frame of an object, as a Reader has to know it.
type StoredFrame struct {
	manifest.Frame
	Number int // in the object
	// Last says that no other frame of the object follows, which is checked
	// where it is sealed.
	Last bool
	// Imprint, if not nil, is that of a frame that this process has written. It is
	// compared instead of the SHA-256 of the text.
	Imprint *Imprint
}

// Large says that the frame goes through by itself, while none other is in memory.
func (f *StoredFrame) Large() bool { return f.Bytes >= alone }

// ReadOptions are the choices of Read and NewReader; the zero value reads with
// one worker.
type ReadOptions struct {
	Workers int
	// Check, if not nil, is called by the workers, in parallel and in no order,
	// with each frame's text; it must not change it.
	Check func(number int, text []byte) (any, error)
	// Whole, if not nil, is given the stored bytes of every frame, in order.
	Whole io.Writer
	// Opener opens the frames of a sealed object.
	Opener *seal.Opener
	// Total is how many frames a sealed object has, for Read.
	Total int
}

// Read reads frames of an object from r as a Reader does. First is the number of
// the first of them.
func Read(ctx context.Context, r io.ReaderAt, c frame.Compression, frames []manifest.Frame, first int,
	o ReadOptions, each func(Text) error,
) error {
	reader := NewReader(ctx, r, c, o, each)
	defer reader.Stop()
	for i := range frames {
		n := first + i
		if err := reader.Add(StoredFrame{Frame: frames[i], Number: n, Last: n == o.Total-1}); err != nil {
			return err
		}
	}
	return reader.Close()
}

// A Reader reads frames of an object, expands them and checks their hashes. Add,
// Close and Stop are called by one goroutine.
type Reader struct {
	p *pipeline.Pipeline[StoredFrame, unpacked]
}

// NewReader returns a Reader of the frames of r that it will be given. It calls
// each with their texts in order, from one goroutine. The text is each's until it
// returns.
func NewReader(ctx context.Context, r io.ReaderAt, c frame.Compression, o ReadOptions, each func(Text) error) *Reader {
	workers := max(o.Workers, 1)
	texts, spare := make(chan []byte, workers+1), make(chan []byte, workers+1)
	worker := func() func(StoredFrame) (unpacked, error) {
		x := &expander{r: r, codec: frame.NewCodec(c), plain: c.Codec == "none", o: o, spare: spare}
		return func(f StoredFrame) (unpacked, error) {
			var buf []byte
			select {
			case buf = <-texts:
			default:
			}
			u, err := x.expand(&f, buf)
			if err != nil {
				return u, fmt.Errorf("frame %d at byte %d: %w", f.Number, f.Offset, err)
			}
			u.text.StoredFrame = f
			if o.Check != nil {
				if u.text.Result, err = o.Check(f.Number, u.text.Bytes); err != nil {
					return u, fmt.Errorf("frame %d: %w", f.Number, err)
				}
			}
			return u, nil
		}
	}
	outlet := func(u unpacked) error {
		if o.Whole != nil {
			if _, err := o.Whole.Write(u.stored); err != nil {
				return err
			}
			if !u.shared {
				give(spare, u.stored)
			}
		}
		if err := each(u.text); err != nil {
			return err
		}
		give(texts, u.text.Bytes)
		return nil
	}
	return &Reader{pipeline.New(ctx, workers, workers, worker, outlet)}
}

// Add takes the next frame. It may return an error that an earlier one met.
func (r *Reader) Add(f StoredFrame) error {
	if !f.Large() {
		return r.p.Add(f)
	}
	if err := r.p.Flush(); err != nil {
		return err
	}
	if f.Bytes >= huge { // the collector alone would let two of them be there at once
		debug.FreeOSMemory()
	}
	if err := r.p.Add(f); err != nil {
		return err
	}
	return r.p.Flush()
}

// Close waits until all frames are read.
func (r *Reader) Close() error { return r.p.Close() }

// Stop abandons what is under way. After Close it does nothing.
func (r *Reader) Stop() { r.p.Stop() }

// huge is the length from which the memory of the frame before is given back
// first.
const huge = 16 << 20

// give keeps memory to be used again, unless it is large or there is enough.
func give(spare chan []byte, b []byte) {
	if cap(b) < alone {
		select {
		case spare <- b:
		default:
		}
	}
}

type unpacked struct {
	text   Text
	stored []byte // only if asked for
	shared bool   // text is a part of stored
}

type expander struct {
	r      io.ReaderAt
	codec  *frame.Codec
	stored []byte
	plain  bool // what is stored, or sealed, is the text
	o      ReadOptions
	spare  chan []byte // memory of stored frames that went to Whole
}

func (x *expander) expand(f *StoredFrame, buf []byte) (unpacked, error) {
	sealed := x.o.Opener != nil
	if whole := storedPlain(f.Bytes, sealed); x.plain && f.Stored != whole {
		return unpacked{}, fmt.Errorf("a text of %d bytes is stored as %d, not %d: %w", f.Bytes, f.Stored, whole, ErrDamaged)
	}
	if (sealed || !x.plain) && f.Large() {
		return x.expandAlone(f)
	}
	if x.plain && !sealed {
		x.stored = buf
	} else if x.stored == nil {
		select {
		case x.stored = <-x.spare:
		default:
		}
	}
	if int64(cap(x.stored)) < f.Stored {
		x.stored = make([]byte, f.Stored)
	}
	stored := x.stored[:f.Stored]
	if x.o.Whole != nil || x.plain && !sealed || f.Stored >= alone {
		x.stored = nil
	}
	if n, err := x.r.ReadAt(stored, f.Offset); err != nil && n < len(stored) { // EOF may come with the last byte
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("the object is truncated: %w", ErrDamaged)
		}
		return unpacked{}, err
	}
	text, err := x.text(f, stored, buf)
	return unpacked{text: Text{Bytes: text}, stored: stored, shared: x.plain}, err
}

func storedPlain(bytes int64, sealed bool) int64 {
	if sealed {
		return seal.SealedLen(bytes)
	}
	return bytes
}

// text opens and expands what is stored, and checks its hash.
func (x *expander) text(f *StoredFrame, stored, buf []byte) ([]byte, error) {
	text := stored
	if x.o.Opener != nil {
		var err error
		if text, err = x.o.Opener.OpenFrame(nil, f.Number, f.Last, stored); err != nil {
			return nil, damaged(err)
		}
	}
	if !x.plain {
		var err error
		if text, err = x.codec.Expand(buf, text, f.Bytes); err != nil {
			return nil, fmt.Errorf("%w: %w", err, ErrDamaged)
		}
	}
	return text, checkText(text, f)
}

// checkText checks that a text is that of a frame.
func checkText(text []byte, f *StoredFrame) error {
	if f.Imprint == nil {
		return checkHash(text, &f.Frame)
	}
	if imprintOf(text) != *f.Imprint {
		return fmt.Errorf("it is not what was written: %w", ErrDamaged)
	}
	return nil
}

// damaged marks what is wrong with a sealed frame as damage, unless it could not
// be read at all.
func damaged(err error) error {
	for _, kind := range []error{seal.ErrDamaged, seal.ErrMisplaced, seal.ErrCutOff, seal.ErrOtherBackup} {
		if errors.Is(err, kind) {
			return fmt.Errorf("%w: %w", err, ErrDamaged)
		}
	}
	return err
}

// expandAlone expands a frame that goes through by itself, without holding its
// stored form. No other frame is under way, so its stored bytes go to whole at
// once.
func (x *expander) expandAlone(f *StoredFrame) (unpacked, error) {
	var stored io.Reader = io.NewSectionReader(x.r, f.Offset, f.Stored)
	if x.o.Whole != nil {
		stored = io.TeeReader(stored, x.o.Whole)
	}
	source := stored
	var opened *seal.FrameReader
	if x.o.Opener != nil {
		opened = x.o.Opener.FrameReader(stored, f.Number)
		source = opened
	}
	text, err := x.codec.ExpandFrom(source, f.Stored, f.Bytes)
	if opened != nil {
		if wrong := checkEnd(opened, stored, f); wrong != nil {
			return unpacked{}, damaged(wrong) // the cause of err, if that is not nil
		}
	}
	if err != nil {
		return unpacked{}, fmt.Errorf("%w: %w", err, ErrDamaged)
	}
	return unpacked{text: Text{Bytes: text}}, checkText(text, f)
}

// checkEnd checks that a sealed frame opens to its end, is the last where the
// last belongs and nowhere else, and takes all of its room.
func checkEnd(opened *seal.FrameReader, stored io.Reader, f *StoredFrame) error {
	if _, err := io.Copy(io.Discard, opened); err != nil {
		return err
	}
	rest, err := io.Copy(io.Discard, stored)
	if err != nil {
		return err
	}
	if rest > 0 || opened.Last() != f.Last {
		return &seal.FrameError{Frame: f.Number, Reason: "it does not end where it should", Err: seal.ErrCutOff}
	}
	return nil
}

func checkHash(text []byte, f *manifest.Frame) error {
	if sum := sha256.Sum256(text); sum != [sha256.Size]byte(f.SHA256) {
		return fmt.Errorf("its SHA-256 is %s, not %s: %w",
			hex.EncodeToString(sum[:4]), hex.EncodeToString(f.SHA256[:4]), ErrDamaged)
	}
	return nil
}
