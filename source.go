package litekeep

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/litekeep/litekeep/internal/archive"
	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/seal"
)

// source is what a restore reads: a backup, or a document without a manifest.
type source struct {
	object   objectReader
	manifest *manifest.Manifest // nil for a document alone
	backup   *opened            // nil for a document alone
	opener   *seal.Opener       // of a sealed document alone
	digest   string             // of a document alone, once it was read
}

func (s *Service) openSource(ctx context.Context, at place) (*source, error) {
	b, err := s.open(ctx, at)
	var none *noManifestError
	if errors.As(err, &none) {
		return s.openDocument(ctx, at)
	}
	if err != nil {
		return nil, err
	}
	if err := checkSize(b.object.Size(), b.m.Stored); err != nil {
		return nil, errors.Join(err, b.object.Close())
	}
	return &source{object: b.object, manifest: b.m, backup: b}, nil
}

// openDocument opens a document without a manifest, which may be a sealed
// object.
func (s *Service) openDocument(ctx context.Context, at place) (*source, error) {
	object, err := at.object(ctx)
	if err != nil {
		return nil, err
	}
	d := &source{object: object}
	r := objectStream(object)
	if head, _ := r.Peek(sealedOpening); !seal.IsSealed(head) { // a shorter file is not sealed
		return d, nil
	}
	h, err := seal.ReadHeader(r)
	if err == nil {
		d.opener, err = s.unseal(ctx, at, h)
	}
	if err != nil {
		return nil, errors.Join(err, object.Close())
	}
	return d, nil
}

// sealedOpening is how many bytes tell whether an object is sealed.
const sealedOpening = 24

// sealed tells whether what is read was authenticated by a key.
func (s *source) sealed() bool { return s.opener != nil || s.backup != nil && s.backup.opener != nil }

func (s *source) close() { _ = s.object.Close() }

// size is the length of the document, or a guess.
func (s *source) size() int64 {
	if s.manifest != nil {
		return s.manifest.Document.Bytes
	}
	return s.object.Size()
}

// texts calls each with the canonical text of the document, in order.
func (s *source) texts(ctx context.Context, each func([]byte) error) error {
	if s.manifest != nil {
		return s.backup.readAll(ctx, archive.ReadOptions{}, func(t archive.Text) error { return each(t.Bytes) })
	}
	in := objectStream(s.object)
	var sealed *unsealer
	if s.opener != nil {
		if _, err := seal.ReadHeader(in); err != nil {
			return err
		}
		sealed = &unsealer{opener: s.opener, in: in}
		in = bufio.NewReaderSize(sealed, 64<<10)
	}
	r, err := expand(in)
	if err != nil {
		err = fmt.Errorf("%w: %w", err, archive.ErrDamaged)
	} else {
		c := newRecutter(ctx, each)
		err = document.Canonicalize(c, r)
		s.digest, err = c.finish(err)
	}
	if sealed != nil && sealed.err != nil {
		return sealed.err // the cause of err, whatever the readers above made of it
	}
	return err
}

// checkDigest compares the digest that a document says it has with the one that
// its frames have.
func (s *source) checkDigest(said string) error {
	has := s.digest
	if s.manifest != nil {
		has = manifest.ContentDigest(s.manifest.Frames)
	}
	if has != said {
		return fmt.Errorf("the content digest is %s, not %s as the document says: "+
			"it is not what was backed up (some tools round large numbers when they rewrite JSON): %w", has, said, archive.ErrDamaged)
	}
	return nil
}

// unsealer reads the stored frames of a sealed object, one after the other.
type unsealer struct {
	opener *seal.Opener
	in     *bufio.Reader // behind the header
	number int
	frame  *seal.FrameReader
	err    error // what is wrong
}

// Read reads what the frames hold. io.EOF means that the last frame was the
// last, and nothing follows it.
func (u *unsealer) Read(b []byte) (int, error) {
	for u.err == nil {
		if u.frame == nil {
			u.frame = u.opener.FrameReader(u.in, u.number)
		}
		n, err := u.frame.Read(b)
		switch {
		case err == nil:
			return n, nil
		case !errors.Is(err, io.EOF):
			u.err = err
		case !u.frame.Last():
			u.number++
			u.frame = nil
		default:
			if _, err := u.in.Peek(1); errors.Is(err, io.EOF) {
				return 0, io.EOF
			}
			u.err = &seal.FrameError{Frame: u.number, Reason: "bytes follow the last frame", Err: seal.ErrCutOff}
		}
	}
	return 0, u.err
}

// expand returns the text of a file that may be compressed.
func expand(r *bufio.Reader) (io.Reader, error) {
	head, _ := r.Peek(4) // a shorter file is no compressed one
	switch {
	case bytes.Equal(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	case len(head) > 1 && head[0] == 0x1f && head[1] == 0x8b:
		return gzip.NewReader(r)
	}
	return r, nil
}

// recutter cuts canonical text into frames again, to know their hashes, and
// hands the text on.
type recutter struct {
	each   func([]byte) error
	cutter frame.Recutter
	w      *archive.Writer
}

func newRecutter(ctx context.Context, each func([]byte) error) *recutter {
	c := &recutter{each: each, w: archive.NewWriter(ctx, nil, frame.Compression{Codec: "none"}, 1, nil)}
	c.cutter.Emit = func(f *frame.Frame) error {
		for _, p := range f.Parts {
			// The archive only hashes; each may change what it is given.
			if err := each(bytes.Clone(p)); err != nil {
				return err
			}
		}
		return c.w.Add(f)
	}
	return c
}

// Write takes the next piece of the text.
func (c *recutter) Write(b []byte) (int, error) { return len(b), c.cutter.Add(b) }

func (c *recutter) finish(err error) (digest string, _ error) {
	defer c.w.Stop()
	if err == nil {
		err = c.cutter.Close()
	}
	if err != nil {
		return "", err
	}
	sum, err := c.w.Close()
	if err != nil {
		return "", err
	}
	return manifest.ContentDigest(sum.Frames), nil
}
