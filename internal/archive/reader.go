package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/pipeline"
)

// ErrDamaged is wrapped by errors that say an object is not what was written.
var ErrDamaged = errors.New("backup is damaged")

// A Text is the text of one frame as it was read.
type Text struct {
	Number int
	Bytes  []byte
	// Result is what the check that Read was given returned.
	Result any
}

// ReadOptions are the choices of Read; the zero value reads with one worker.
type ReadOptions struct {
	Workers int
	// Check, if not nil, is called by the workers, in parallel and in no order,
	// with each frame's text; it must not change it.
	Check func(number int, text []byte) (any, error)
	// Whole, if not nil, is given the stored bytes of every frame, in order.
	Whole io.Writer
}

// Read reads frames of an object from r, expands them and checks their hashes,
// and calls each with their texts in order. The text is each's until it
// returns.
func Read(ctx context.Context, r io.ReaderAt, c frame.Compression, frames []manifest.Frame, first int,
	o ReadOptions, each func(Text) error,
) error {
	workers := max(o.Workers, 1)
	texts := make(chan []byte, workers+2)
	worker := func() func(int) (unpacked, error) {
		x := &expander{r: r, codec: frame.NewCodec(c), whole: o.Whole, plain: c.Codec == "none"}
		return func(i int) (unpacked, error) {
			var buf []byte
			select {
			case buf = <-texts:
			default:
			}
			u, err := x.expand(&frames[i], buf)
			if err != nil {
				return u, fmt.Errorf("frame %d at byte %d: %w", first+i, frames[i].Offset, err)
			}
			u.text.Number = first + i
			if o.Check != nil {
				if u.text.Result, err = o.Check(first+i, u.text.Bytes); err != nil {
					return u, fmt.Errorf("frame %d: %w", first+i, err)
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
		}
		if err := each(u.text); err != nil {
			return err
		}
		if cap(u.text.Bytes) < alone {
			select {
			case texts <- u.text.Bytes:
			default:
			}
		}
		return nil
	}
	p := pipeline.New(ctx, workers, workers+1, worker, outlet)
	defer p.Stop()
	for i := range frames {
		large := frames[i].Bytes >= alone
		if large {
			if err := p.Flush(); err != nil {
				return err
			}
		}
		if err := p.Add(i); err != nil {
			return err
		}
		if large {
			if err := p.Flush(); err != nil {
				return err
			}
		}
	}
	return p.Close()
}

type unpacked struct {
	text   Text
	stored []byte // only if asked for
}

type expander struct {
	r      io.ReaderAt
	codec  *frame.Codec
	stored []byte
	whole  io.Writer // as ReadOptions.Whole
	plain  bool      // the stored bytes are the text
}

func (x *expander) expand(f *manifest.Frame, buf []byte) (unpacked, error) {
	if x.plain && f.Bytes != f.Stored {
		return unpacked{}, fmt.Errorf("a text of %d bytes is stored as %d: %w", f.Bytes, f.Stored, ErrDamaged)
	}
	if !x.plain && f.Bytes >= alone {
		return x.expandAlone(f)
	}
	if x.plain {
		x.stored = buf
	}
	if int64(cap(x.stored)) < f.Stored {
		x.stored = make([]byte, f.Stored)
	}
	stored := x.stored[:f.Stored]
	if x.whole != nil || x.plain || f.Stored >= alone {
		x.stored = nil
	}
	if n, err := x.r.ReadAt(stored, f.Offset); err != nil && n < len(stored) { // EOF may come with the last byte
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("the object is truncated: %w", ErrDamaged)
		}
		return unpacked{}, err
	}
	text := stored
	if !x.plain {
		var err error
		if text, err = x.codec.Expand(buf, stored, f.Bytes); err != nil {
			return unpacked{}, fmt.Errorf("%w: %w", err, ErrDamaged)
		}
	}
	return unpacked{text: Text{Bytes: text}, stored: stored}, checkHash(text, f)
}

// expandAlone expands a frame that goes through by itself, without holding its
// stored form. No other frame is under way, so its stored bytes go to whole at
// once.
func (x *expander) expandAlone(f *manifest.Frame) (unpacked, error) {
	var stored io.Reader = io.NewSectionReader(x.r, f.Offset, f.Stored)
	if x.whole != nil {
		stored = io.TeeReader(stored, x.whole)
	}
	text, err := x.codec.ExpandFrom(stored, f.Stored, f.Bytes)
	if err != nil {
		return unpacked{}, fmt.Errorf("%w: %w", err, ErrDamaged)
	}
	return unpacked{text: Text{Bytes: text}}, checkHash(text, f)
}

func checkHash(text []byte, f *manifest.Frame) error {
	if sum := sha256.Sum256(text); sum != [sha256.Size]byte(f.SHA256) {
		return fmt.Errorf("its SHA-256 is %s, not %s: %w",
			hex.EncodeToString(sum[:4]), hex.EncodeToString(f.SHA256[:4]), ErrDamaged)
	}
	return nil
}
