package litekeep

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/litekeep/litekeep/internal/archive"
	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/seal"
)

// record is what a manifest tells: all of it or, as long as it is sealed, what
// anybody may know.
type record struct {
	m      *manifest.Manifest // nil while it is sealed
	sealed *manifest.Sealed   // nil for a plain backup
	header *seal.Header       // of a sealed one
}

// readRecord reads the manifest of the backup at a place.
func readRecord(ctx context.Context, at place) (*record, error) {
	text, err := manifestText(ctx, at)
	if err != nil {
		return nil, err
	}
	return decodeRecord(at, text)
}

// manifestText returns the text of the manifest of the backup at a place.
func manifestText(ctx context.Context, at place) ([]byte, error) {
	text, err := at.sibling(ctx, manifest.Suffix)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := at.size(ctx); err != nil {
			return nil, err // no such backup at all
		}
		return nil, &noManifestError{at.name()}
	}
	return text, err
}

// decodeRecord decodes the manifest of the backup at a place.
func decodeRecord(at place, text []byte) (*record, error) {
	r := &record{}
	var err error
	object := ""
	if manifest.IsSealed(text) {
		if r.sealed, r.header, err = manifest.DecodeSealed(text); err == nil {
			object = r.sealed.Object
		}
	} else if r.m, err = manifest.Decode(text); err == nil {
		object = r.m.Object
	}
	if err := checkManifestOf(at, object, err); err != nil {
		return nil, err
	}
	return r, nil
}

// checkManifestOf completes the error of decoding the manifest beside an object, and
// refuses one that belongs to another.
func checkManifestOf(at place, object string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", at.name()+manifest.Suffix, err)
	}
	if object != at.name() {
		return fmt.Errorf("the manifest belongs to %s: %w", object, archive.ErrDamaged)
	}
	return nil
}

// stored says what the object is as a file.
func (r *record) stored() manifest.Stored {
	if r.sealed != nil {
		return r.sealed.Stored
	}
	return r.m.Stored
}

// noManifestError says that an object has no manifest.
type noManifestError struct{ object string }

func (e *noManifestError) Error() string {
	return "its manifest " + e.object + manifest.Suffix + " is missing"
}

func (e *noManifestError) Unwrap() error { return archive.ErrDamaged }

// errNoObject says that there is a manifest alone.
var errNoObject = fmt.Errorf("the object is missing: %w", archive.ErrDamaged)

// openObject opens the object of a backup that has a manifest. One that is
// missing wraps archive.ErrDamaged.
func openObject(ctx context.Context, at place) (objectReader, error) {
	o, err := at.object(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errNoObject
	case errors.Is(err, errNotFile):
		return nil, fmt.Errorf("%w: %w", err, archive.ErrDamaged)
	}
	return o, err
}

// opened is a backup that can be read: its manifest, its object and, where it is
// sealed, what opens its frames.
type opened struct {
	m      *manifest.Manifest
	object objectReader
	opener *seal.Opener // nil for a plain backup
	header *seal.Header
}

// open opens the backup at a place. What is missing or makes no sense wraps
// archive.ErrDamaged, or matches an error of package seal.
func (s *Service) open(ctx context.Context, at place) (*opened, error) {
	r, err := readRecord(ctx, at)
	if err != nil {
		return nil, err
	}
	return s.openRecord(ctx, at, r)
}

func (s *Service) openRecord(ctx context.Context, at place, r *record) (*opened, error) {
	opener, err := s.openManifest(ctx, at, r)
	if err != nil {
		return nil, err
	}
	b := &opened{m: r.m, header: r.header, opener: opener}
	if b.object, err = openObject(ctx, at); err != nil {
		return nil, err
	}
	if err := checkHeader(b.object, b.header); err != nil {
		return nil, errors.Join(err, b.object.Close())
	}
	return b, nil
}

// openManifest opens the manifest of r, if it is sealed.
func (s *Service) openManifest(ctx context.Context, at place, r *record) (*seal.Opener, error) {
	if r.sealed == nil {
		return nil, nil
	}
	opener, err := s.unseal(ctx, at, r.header)
	if err != nil {
		return nil, err
	}
	r.m, err = r.sealed.Open(r.header, opener)
	return opener, err
}

func (b *opened) close() { _ = b.object.Close() }

// read reads the frames from first to last, see archive.Read.
func (b *opened) read(ctx context.Context, first, last int, o archive.ReadOptions, each func(archive.Text) error) error {
	o.Workers, o.Opener, o.Total = workers(), b.opener, len(b.m.Frames)
	return archive.Read(ctx, b.object, frame.Compression(b.m.Compression), b.m.Frames[first:last+1], first, o, each)
}

// readAll reads all frames.
func (b *opened) readAll(ctx context.Context, o archive.ReadOptions, each func(archive.Text) error) error {
	return b.read(ctx, 0, len(b.m.Frames)-1, o, each)
}

// objectStream reads an object from its beginning.
func objectStream(object objectReader) *bufio.Reader {
	return bufio.NewReaderSize(io.NewSectionReader(object, 0, object.Size()), 64<<10)
}

// checkHeader compares the beginning of a sealed object with the header that its
// manifest has. For a plain object h is nil.
func checkHeader(object objectReader, h *seal.Header) error {
	if h == nil {
		return nil
	}
	text := make([]byte, h.Len())
	n, err := object.ReadAt(text, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if bytes.Equal(text[:n], h.Text()) {
		return nil
	}
	other, err := seal.ReadHeader(objectStream(object))
	switch {
	case err != nil:
		return fmt.Errorf("header of the object: %w", err)
	case other.Backup != h.Backup:
		return fmt.Errorf("header of the object: %w", seal.ErrOtherBackup)
	}
	return fmt.Errorf("header of the object: %w: it differs from that in the manifest", seal.ErrHeader)
}
