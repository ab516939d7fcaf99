package seal

import (
	"context"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/litekeep/litekeep/internal/keys"
)

// An Opener opens the frames of one backup.
type Opener struct {
	tag [tagOfBackup]byte
	*secrets
}

// Open finds a key of the ring that opens a record of the header, or of extra,
// and authenticates the header. The error matches
//
//   - ErrNoKey: the ring is empty;
//   - ErrWrongKey: no key of the ring opens it; it says which would;
//   - ErrOtherBackup: an extra belongs to another backup;
//   - ErrHeader: a key is right, but the header was changed;
//   - keys.ErrUnavailable besides: a key management service was of no help, so
//     its key may be right.
//
// Keys that cost little are tried first.
func (h *Header) Open(ctx context.Context, ring []keys.Key, extra ...*Rewrap) (*Opener, error) {
	dataKey, err := h.dataKey(ctx, ring, extra)
	if err != nil {
		return nil, fmt.Errorf("open sealed backup: %w", err)
	}
	s, err := newSecrets(dataKey, h.fixed)
	if err != nil {
		return nil, err
	}
	return &Opener{[tagOfBackup]byte(h.id()), s}, nil
}

func (h *Header) id() []byte {
	id, err := hex.DecodeString(h.Backup)
	if err != nil { // ParseHeader decoded it
		panic("seal: a Header that was not parsed")
	}
	return id
}

// costs orders the types of keys by what it takes to try one.
var costs = []string{keys.TypeFile, keys.TypePassphrase, keys.TypeKMS}

func (h *Header) dataKey(ctx context.Context, ring []keys.Key, extra []*Rewrap) ([]byte, error) {
	for _, x := range extra {
		if x.Backup != h.Backup || x.mac != h.mac {
			return nil, fmt.Errorf("%w: rewrapped keys of %s, header of %s", ErrOtherBackup, x.Backup, h.Backup)
		}
	}
	records := h.Records(extra...)
	if len(ring) == 0 {
		return nil, fmt.Errorf("%w: it opens with %s", ErrNoKey, describe(records))
	}
	ring = slices.Clone(ring)
	slices.SortStableFunc(ring, func(a, b keys.Key) int {
		return slices.Index(costs, a.Type()) - slices.Index(costs, b.Type())
	})
	var wrong []error // what is worth saying besides that no key opens it
	for _, k := range ring {
		for _, r := range records {
			dataKey, err := k.Unwrap(ctx, h.id(), r)
			if err == nil {
				err = h.authenticate(dataKey)
			}
			switch {
			case err == nil:
				return dataKey, nil
			case ctx.Err() != nil:
				return nil, ctx.Err()
			case !errors.Is(err, keys.ErrOtherKey):
				wrong = append(wrong, fmt.Errorf("%s: %w", k, err))
			}
		}
	}
	return nil, verdict(wrong, records)
}

// authenticate tells whether dataKey is that of the header, and the fixed part
// what it was.
func (h *Header) authenticate(dataKey []byte) error {
	s, err := newSecrets(dataKey, h.fixed)
	if err != nil {
		return err
	}
	if !hmac.Equal(s.mac[:], h.mac[:]) {
		return headerError("it was changed, or has the key of another backup")
	}
	return nil
}

// verdict says why nothing opened: a damaged header before a wrong key, and a
// service that gave no answer besides.
func verdict(wrong []error, records []keys.Record) error {
	var damaged, unavailable []error
	for _, err := range wrong {
		if errors.Is(err, keys.ErrUnavailable) {
			unavailable = append(unavailable, err)
		} else {
			damaged = append(damaged, err)
		}
	}
	switch {
	case len(damaged) > 0 && errors.Is(damaged[0], ErrHeader):
		return damaged[0]
	case len(damaged) > 0:
		return fmt.Errorf("%w: %w", ErrHeader, damaged[0])
	case len(unavailable) > 0:
		return fmt.Errorf("%w: no other key opens it, which is sealed under %s", errors.Join(unavailable...), describe(records))
	}
	return fmt.Errorf("%w: it is sealed under %s", ErrWrongKey, describe(records))
}

// describe lists the keys of records.
func describe(records []keys.Record) string {
	var names []string
	for _, r := range records {
		if name := r.String(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return strings.Join(names, " or ")
}

// Rewrap returns the text of a new object that holds the data key wrapped under
// every key of ring. It belongs beside the sealed object, which stays as it is:
// whoever has an old key and the object can still open it. The key that opens
// the backup now comes from old and extra, as for Open.
func (h *Header) Rewrap(ctx context.Context, old, ring []keys.Key, extra ...*Rewrap) ([]byte, error) {
	dataKey, err := h.dataKey(ctx, old, extra)
	if err != nil {
		return nil, fmt.Errorf("rewrap: %w", err)
	}
	records, err := wrapAll(ctx, ring, h.id(), dataKey)
	if err != nil {
		return nil, fmt.Errorf("rewrap: %w", err)
	}
	return encodeRewrap(h.Backup, h.mac, records)
}

// OpenFrame appends the stored form of a sealed frame to dst. sealed is exactly
// what AppendFrame appended. The error is a *FrameError.
func (o *Opener) OpenFrame(dst []byte, number int, last bool, sealed []byte) ([]byte, error) {
	f := &FrameReader{o: o, whole: &sealed, number: number}
	for {
		stored, err := f.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if len(dst) == 0 && cap(dst) < len(stored) && len(sealed) == 0 {
			dst = stored // it is nobody else's
			continue
		}
		dst = append(slices.Grow(dst, len(stored)+len(sealed)), stored...)
	}
	switch {
	case len(sealed) > 0:
		return nil, &FrameError{number, fmt.Sprintf("%d bytes follow it", len(sealed)), ErrCutOff}
	case f.Last() && !last:
		return nil, &FrameError{number, "it is the last, but more frames are expected", ErrCutOff}
	case !f.Last() && last:
		return nil, &FrameError{number, "it is not the last that was sealed, but no more frames are expected", ErrCutOff}
	}
	return dst, nil
}

// OpenBlob returns the text of a blob that was sealed for the same purpose. The
// error matches ErrDamaged.
func (o *Opener) OpenBlob(purpose string, sealed []byte) ([]byte, error) {
	text, err := o.blobs.Decrypt(sealed, o.blobData(purpose))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", purpose, ErrDamaged)
	}
	return text, nil
}
