package frame

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Compression says how frames are compressed.
type Compression struct {
	Codec string `json:"codec"` // none, gzip or zstd
	Level int    `json:"level"` // 0 for none; gzip 1 to 9; zstd 1 to 22, which stand for four speeds
}

// Codecs lists the names of the codecs, the default first.
func Codecs() []string { return []string{"zstd", "gzip", "none"} }

// DefaultLevel returns the level that codec has when none is chosen.
func DefaultLevel(codec string) int {
	if codec == "none" {
		return 0
	}
	return 1
}

// Check returns an error if c names an unknown codec or level.
func (c Compression) Check() error {
	lowest, highest := 1, 22
	switch c.Codec {
	case "none":
		lowest, highest = 0, 0
	case "gzip":
		highest = 9
	case "zstd":
	default:
		return fmt.Errorf("compression %q is unknown; choose zstd, gzip or none", c.Codec)
	}
	if c.Level < lowest || c.Level > highest {
		return fmt.Errorf("level %d of %s is outside %d to %d", c.Level, c.Codec, lowest, highest)
	}
	return nil
}

// Suffix returns what follows ".json" in the names of objects.
func (c Compression) Suffix() string {
	switch c.Codec {
	case "gzip":
		return ".gz"
	case "zstd":
		return ".zst"
	}
	return ""
}

// A Codec compresses and expands frames. It keeps its tables between calls.
type Codec struct {
	c  Compression
	ze *zstd.Encoder
	zd *zstd.Decoder
	ge *gzip.Writer
	gd gzip.Reader
}

// NewCodec returns a Codec for c, which must pass Check.
func NewCodec(c Compression) *Codec { return &Codec{c: c} }

// Close releases what the codec holds.
func (c *Codec) Close() {
	if c.ze != nil {
		_ = c.ze.Close() // only flushes streams, of which none is open
	}
	if c.zd != nil {
		c.zd.Close()
	}
}

// Compress returns the stored form of f, in parts to be written one after the
// other. They lie in buf or in f: both must stay as they are until then.
func (c *Codec) Compress(buf []byte, f *Frame) ([][]byte, error) {
	if c.c.Codec == "none" {
		return f.Parts, nil
	}
	if c.c.Codec == "zstd" && len(f.Parts) == 1 {
		if err := c.openZstd(); err != nil {
			return nil, err
		}
		if room := len(f.Parts[0])/8*5 + 1<<10; cap(buf) < room { // rows rarely take more
			buf = make([]byte, 0, room)
		}
		return [][]byte{c.ze.EncodeAll(f.Parts[0], buf[:0])}, nil
	}
	w := &chunks{buf: buf[:0]}
	z, err := c.stream(w, f.Len())
	if err != nil {
		return nil, err
	}
	for _, p := range f.Parts {
		if _, err := z.Write(p); err != nil {
			return nil, err
		}
	}
	err = z.Close()
	return append(w.full, w.buf), err
}

func (c *Codec) stream(w io.Writer, size int64) (io.WriteCloser, error) {
	if c.c.Codec == "zstd" {
		if err := c.openZstd(); err != nil {
			return nil, err
		}
		c.ze.ResetContentSize(w, size)
		return c.ze, nil
	}
	if c.ge == nil {
		ge, err := gzip.NewWriterLevel(w, c.c.Level)
		if err != nil {
			return nil, err
		}
		c.ge = ge
	}
	c.ge.Reset(w)
	return c.ge, nil
}

func (c *Codec) openZstd() error {
	if c.ze != nil {
		return nil
	}
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true),
		zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(c.c.Level)), zstd.WithWindowSize(4<<20),
		// Base64 has no matches, but takes a quarter less for its 64 letters.
		zstd.WithAllLitEntropyCompression(true))
	c.ze = e
	return err
}

// ratio returns how many bytes of text one stored byte can stand for at most.
func (c Compression) ratio() int64 {
	switch c.Codec {
	case "zstd":
		return 128 << 10 / 4 // the largest block, of four bytes if it repeats one
	case "gzip":
		return 1032 // a match of 258 bytes takes two bits
	}
	return 1
}

// CompressTo writes the stored form of f to w, without holding it in memory.
func (c *Codec) CompressTo(w io.Writer, f *Frame) error {
	z := io.WriteCloser(nopCloser{w})
	if c.c.Codec != "none" {
		var err error
		if z, err = c.stream(w, f.Len()); err != nil {
			return err
		}
	}
	for _, p := range f.Parts {
		if _, err := z.Write(p); err != nil {
			return err
		}
	}
	return z.Close()
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// ExpandFrom reads all of r, one stored frame of the given length, and returns
// its text, which must have exactly size bytes. The stored form is not held in
// memory.
func (c *Codec) ExpandFrom(r io.Reader, stored, size int64) ([]byte, error) {
	if size < 0 || size/c.c.ratio() > stored {
		return nil, fmt.Errorf("%d bytes cannot expand to %d", stored, size)
	}
	z := r
	switch c.c.Codec {
	case "zstd":
		if err := c.openUnzstd(); err != nil {
			return nil, err
		}
		if err := c.zd.Reset(r); err != nil {
			return nil, err
		}
		z = c.zd
	case "gzip":
		if err := c.gd.Reset(r); err != nil {
			return nil, err
		}
		z = &c.gd
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(z, text); err != nil {
		return nil, fmt.Errorf("expands to fewer than %d bytes: %w", size, err)
	}
	rest, err := io.Copy(io.Discard, io.LimitReader(z, 1))
	if err == nil && rest > 0 {
		err = fmt.Errorf("expands to more than %d bytes", size)
	}
	return text, err
}

// Expand appends the text of a stored frame to dst[:0]. The text must have
// exactly size bytes: a frame that would expand to more is refused without
// holding more than that, and a size that the stored bytes cannot have without
// holding anything.
func (c *Codec) Expand(dst, stored []byte, size int64) ([]byte, error) {
	if size < 0 || size/c.c.ratio() > int64(len(stored)) {
		return nil, fmt.Errorf("%d bytes cannot expand to %d", len(stored), size)
	}
	dst = slices.Grow(dst[:0], int(size)+1)
	var err error
	switch c.c.Codec {
	case "zstd":
		dst, err = c.unzstd(dst, stored, size)
	case "gzip":
		dst, err = c.gunzip(dst, stored, size)
	default:
		dst = append(dst, stored[:min(int64(len(stored)), size+1)]...)
	}
	if err == nil && int64(len(dst)) != size {
		err = fmt.Errorf("expands to %d bytes, not %d", len(dst), size)
	}
	return dst, err
}

func (c *Codec) unzstd(dst, stored []byte, size int64) ([]byte, error) {
	if err := c.openUnzstd(); err != nil {
		return nil, err
	}
	out, err := c.zd.DecodeAll(stored, dst[:0:int(size)])
	if err != nil || len(out) == 0 || &out[0] != &dst[:1][0] {
		return out, err
	}
	return dst[:len(out)], nil // with all its capacity, to be used again
}

func (c *Codec) gunzip(dst, stored []byte, size int64) ([]byte, error) {
	r := bytes.NewReader(stored)
	if err := c.gd.Reset(r); err != nil {
		return nil, err
	}
	c.gd.Multistream(false)
	n, err := io.ReadFull(&c.gd, dst[:size])
	if err != nil {
		return dst[:n], err
	}
	switch k, err := io.ReadFull(&c.gd, dst[size:size+1]); { // its checksum is read at its end
	case k > 0:
		return dst[:n], fmt.Errorf("expands to more than %d bytes", size)
	case !errors.Is(err, io.EOF):
		return dst[:n], err
	case r.Len() > 0:
		return dst[:n], errors.New("bytes follow the gzip member")
	}
	return dst[:n], nil
}

// chunks collects what a compressor writes without moving what is there:
// growing one slice would hold a very large frame twice.
type chunks struct {
	full [][]byte
	buf  []byte
}

func (c *chunks) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		if len(c.buf) == cap(c.buf) {
			if len(c.buf) > 0 {
				c.full = append(c.full, c.buf)
			}
			c.buf = make([]byte, 0, 1<<20)
		}
		k := min(len(p), cap(c.buf)-len(c.buf))
		c.buf = append(c.buf, p[:k]...)
		p = p[k:]
	}
	return n, nil
}

func (c *Codec) openUnzstd() (err error) {
	if c.zd == nil {
		c.zd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(math.MaxInt64), zstd.WithDecodeAllCapLimit(true))
	}
	return err
}
