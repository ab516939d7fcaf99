package seal

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/keys"
)

// A Sealer seals one backup.
type Sealer struct {
	header *Header
	tag    [tagOfBackup]byte
	*secrets
}

// New begins a backup with a fresh id and a fresh data key, wrapped under every
// key of the ring. One key that does not work fails the whole: the backup would
// not open with it later. An empty ring is ErrNoKey.
func New(ctx context.Context, codec string, ring []keys.Key) (*Sealer, error) {
	secret := make([]byte, keys.BackupIDBytes+keys.DataKeyBytes)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("make data key: %w", err)
	}
	return newSealer(ctx, codec, ring, secret[:keys.BackupIDBytes], secret[keys.BackupIDBytes:])
}

func newSealer(ctx context.Context, codec string, ring []keys.Key, id, dataKey []byte) (*Sealer, error) {
	if !slices.Contains(frame.Codecs(), codec) {
		return nil, fmt.Errorf("seal: codec %q is unknown", codec)
	}
	records, err := wrapAll(ctx, ring, id, dataKey)
	if err != nil {
		return nil, err
	}
	fixed := fixedText(hex.EncodeToString(id), codec)
	s, err := newSecrets(dataKey, fixed)
	if err != nil {
		return nil, err
	}
	text, err := encodeHeader(fixed, s.mac, records)
	if err != nil {
		return nil, err
	}
	h, err := ParseHeader(text)
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return &Sealer{h, [tagOfBackup]byte(id), s}, nil
}

// wrapAll wraps a data key under every key of a ring.
func wrapAll(ctx context.Context, ring []keys.Key, id, dataKey []byte) ([]keys.Record, error) {
	if len(ring) == 0 {
		return nil, fmt.Errorf("seal: %w", ErrNoKey)
	}
	var records []keys.Record
	for _, k := range ring {
		r, err := k.Wrap(ctx, id, dataKey)
		if err != nil {
			return nil, fmt.Errorf("seal under %s: %w", k, err)
		}
		records = append(records, r)
	}
	if err := checkRecords(records); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return records, nil
}

// Header returns the header, with whose Text the object begins.
func (s *Sealer) Header() *Header { return s.header }

// Opener returns the Opener of the backup, for reading it back without asking
// for a key again. It says nothing of whether the keys of the ring open it.
func (s *Sealer) Opener() *Opener { return &Opener{s.tag, s.secrets} }

// AppendFrame appends the sealed form of a stored frame, SealedLen(len(stored))
// bytes, to dst. Frames are numbered from 0, without gaps; last is true for the
// last of the object and no other. No number is used twice: frames are sealed
// once. The error matches ErrLimit.
func (s *Sealer) AppendFrame(dst []byte, number int, last bool, stored []byte) ([]byte, error) {
	if len(stored) == 0 {
		return nil, fmt.Errorf("seal frame %d: %w: it is empty", number, ErrLimit)
	}
	dst = slices.Grow(dst, int(SealedLen(int64(len(stored)))))
	for piece := 0; len(stored) > 0; piece++ {
		n := min(len(stored), PieceBytes)
		sealed, p, err := s.sealPiece(number, piece, last, n == len(stored), stored[:n])
		if err != nil {
			return nil, err
		}
		dst = append(append(dst, p...), sealed...)
		stored = stored[n:]
	}
	return dst, nil
}

// sealPiece returns a sealed piece and the prefix that goes before it.
func (s *Sealer) sealPiece(number, piece int, last, ends bool, stored []byte) (sealed, pre []byte, err error) {
	if number < 0 || number >= MaxFrames || int64(piece) >= maxStored/PieceBytes {
		return nil, nil, fmt.Errorf("seal frame %d, piece %d: %w", number, piece, ErrLimit)
	}
	p := prefix{backup: s.tag, length: uint32(len(stored) + sealedMore), frame: uint32(number), piece: uint32(piece)}
	if ends {
		p.flags |= flagLastPiece
	}
	if last {
		p.flags |= flagLastFrame
	}
	data := p.appendTo(append(make([]byte, 0, len(s.identity)+prefixBytes), s.identity[:]...))
	sealed, err = s.frames.Encrypt(stored, data)
	if err != nil {
		return nil, nil, fmt.Errorf("seal frame %d: %w", number, err)
	}
	return sealed, data[len(s.identity):], nil
}

// SealBlob seals a part of the manifest. It opens under the same purpose only.
func (s *Sealer) SealBlob(purpose string, text []byte) ([]byte, error) {
	sealed, err := s.blobs.Encrypt(text, s.blobData(purpose))
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", purpose, err)
	}
	return sealed, nil
}

// FrameWriter returns a writer of one frame whose stored form is not in memory
// as a whole. Close ends the frame, which is not sealed without it; it does not
// close w. A FrameWriter is used by one goroutine.
func (s *Sealer) FrameWriter(w io.Writer, number int, last bool) io.WriteCloser {
	return &frameWriter{s: s, w: w, number: number, last: last}
}

type frameWriter struct {
	s      *Sealer
	w      io.Writer
	number int
	last   bool
	piece  int
	buf    bytes.Buffer
	err    error
}

// Write seals what makes whole pieces. A full piece waits until it is known
// whether more follows.
func (f *frameWriter) Write(b []byte) (n int, err error) {
	for len(b) > 0 && f.err == nil {
		if f.buf.Len() == PieceBytes {
			f.flush(false)
			continue
		}
		k := min(len(b), PieceBytes-f.buf.Len())
		f.buf.Write(b[:k])
		b, n = b[k:], n+k
	}
	return n, f.err
}

func (f *frameWriter) flush(ends bool) {
	sealed, pre, err := f.s.sealPiece(f.number, f.piece, f.last, ends, f.buf.Bytes())
	if err == nil {
		_, err = f.w.Write(pre)
	}
	if err == nil {
		_, err = f.w.Write(sealed)
	}
	f.err = err
	f.piece++
	f.buf.Reset()
}

// Close seals what is left. A second Close returns the error of the first.
func (f *frameWriter) Close() error {
	switch {
	case errors.Is(f.err, errClosed):
		return nil
	case f.err != nil:
		return f.err
	case f.buf.Len() == 0:
		f.err = fmt.Errorf("seal frame %d: %w: it is empty", f.number, ErrLimit)
		return f.err
	}
	if f.flush(true); f.err != nil {
		return f.err
	}
	f.err = errClosed
	return nil
}

var errClosed = errors.New("the frame is closed")
