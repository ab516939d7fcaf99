package litekeep

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/litekeep/litekeep/internal/archive"
	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/manifest"
)

// source is what a restore reads: a backup, or a document without a manifest.
type source struct {
	path     string
	file     *os.File
	manifest *manifest.Manifest // nil for a document alone
	digest   string             // of a document alone, once it was read
}

func openSource(path string) (*source, error) {
	m, err := readManifest(path)
	var none *noManifestError
	if err != nil && !errors.As(err, &none) {
		return nil, err
	}
	f, err := os.Open(path)
	if m != nil && errors.Is(err, fs.ErrNotExist) {
		return nil, errNoObject
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case m == nil && !info.Mode().IsRegular():
		err = fmt.Errorf("%s is not a file", path)
	case !info.Mode().IsRegular():
		err = fmt.Errorf("the object is not a file: %w", archive.ErrDamaged)
	case m != nil && info.Size() != m.Stored.Bytes:
		err = fmt.Errorf("the object has %d bytes, not %d: %w", info.Size(), m.Stored.Bytes, archive.ErrDamaged)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &source{path: path, file: f, manifest: m}, nil
}

func (s *source) close() { _ = s.file.Close() }

// size is the length of the document, or a guess.
func (s *source) size() int64 {
	if s.manifest != nil {
		return s.manifest.Document.Bytes
	}
	info, err := s.file.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}

// texts calls each with the canonical text of the document, in order.
func (s *source) texts(ctx context.Context, each func([]byte) error) error {
	if s.manifest != nil {
		return archive.Read(ctx, s.file, frame.Compression(s.manifest.Compression), s.manifest.Frames, 0,
			archive.ReadOptions{Workers: workers()}, func(t archive.Text) error { return each(t.Bytes) })
	}
	r, err := expand(bufio.NewReaderSize(s.file, 64<<10))
	if err != nil {
		return fmt.Errorf("%w: %w", err, archive.ErrDamaged)
	}
	c := newRecutter(ctx, each)
	err = document.Canonicalize(c, r)
	s.digest, err = c.finish(err)
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
