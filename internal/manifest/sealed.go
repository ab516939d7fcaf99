package manifest

import (
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/litekeep/litekeep/internal/seal"
)

// purpose is what the sealed part of a manifest is sealed for.
const purpose = "litekeep manifest 1"

// errSealedName says that a manifest in the clear is of a sealed object, or the
// other way round.
var errSealedName = &InvalidError{"object", "a sealed object has a sealed manifest, and no other has one"}

// Sealed is the manifest of a sealed object: what anybody may read of it, and a
// sealed part, which holds the whole manifest.
type Sealed struct {
	Database string    `json:"database"`
	Object   string    `json:"object"`
	Created  Timestamp `json:"created"`
	Stored   Stored    `json:"stored"`
	Verified Timestamp `json:"verified"`
	Writer   string    `json:"writer"`
	Header   string    `json:"header"` // the text of the object's header
	Part     []byte    `json:"sealed"` // the manifest as Encode would write it, sealed
}

// wireSealed is a Sealed as JSON.
type wireSealed struct {
	Version int `json:"litekeep_manifest"`
	*Sealed
	SHA256 Hash `json:"sha256"`
}

// EncodeSealed returns the text of the manifest of an object that was sealed by
// s. It refuses, with an *InvalidError, a manifest that DecodeSealed and Open
// would refuse.
func EncodeSealed(m *Manifest, s *seal.Sealer) ([]byte, error) {
	text, err := encode(m)
	if err != nil {
		return nil, err
	}
	if err := checkHeader(m, s.Header()); err != nil {
		return nil, err
	}
	part, err := s.SealBlob(purpose, text)
	if err != nil {
		return nil, err
	}
	c := &Sealed{
		Database: m.Database, Object: m.Object, Created: At(m.Created.Time), Stored: m.Stored,
		Verified: At(m.Verified.Time), Writer: m.Writer, Header: string(s.Header().Text()), Part: part,
	}
	if _, err := c.check(); err != nil {
		return nil, err
	}
	return finished(c.appendText(make([]byte, 0, 2048+len(c.Header)+len(part)/3*4)))
}

func (s *Sealed) appendText(dst []byte) ([]byte, error) {
	w := &writer{buf: fmt.Appendf(dst, "%s%d,\n", versionOpen, VersionSealed)}
	w.member("database", s.Database)
	w.member("object", s.Object)
	w.member("created", s.Created)
	w.member("stored", s.Stored)
	w.member("verified", s.Verified)
	w.member("writer", s.Writer)
	w.member("header", s.Header)
	w.member("sealed", s.Part)
	return w.close()
}

// IsSealed tells whether the text of a manifest is one for DecodeSealed.
func IsSealed(text []byte) bool { return version(text) == fmt.Sprint(VersionSealed) }

// DecodeSealed reads what of a sealed manifest is in the clear. It accepts
// exactly what EncodeSealed writes; only Open tells whether it is true. Its
// errors are those of Decode, and that of a header that makes no sense matches
// an error of package seal.
func DecodeSealed(text []byte) (*Sealed, *seal.Header, error) {
	if err := checkOpening(text, VersionSealed); err != nil {
		return nil, nil, err
	}
	s := new(Sealed)
	if err := json.Unmarshal(text, &wireSealed{Sealed: s}, json.RejectUnknownMembers(true)); err != nil {
		return nil, nil, syntaxError(err)
	}
	h, err := s.check()
	if err != nil {
		return nil, nil, err
	}
	again, err := s.appendText(make([]byte, 0, len(text)))
	if err := compareLayout(text, again, err); err != nil {
		return nil, nil, err
	}
	return s, h, nil
}

func (s *Sealed) check() (*seal.Header, error) {
	switch {
	case !plainName(s.Database):
		return nil, invalid("database", "%q is not a plain name", s.Database)
	case !plainName(s.Object):
		return nil, invalid("object", "%q is not a plain file name", s.Object)
	case !IsSealedName(s.Object):
		return nil, errSealedName
	case s.Created.IsZero():
		return nil, invalid("created", "is missing")
	case s.Stored.Bytes < 1:
		return nil, invalid("stored.bytes", "%d bytes are not a length", s.Stored.Bytes)
	}
	if err := checkWriter(s.Writer); err != nil {
		return nil, err
	}
	h, err := seal.ParseHeader([]byte(s.Header))
	if err != nil {
		return nil, fmt.Errorf("header in the manifest: %w", err)
	}
	return h, nil
}

// Open opens the sealed part and compares it with what is in the clear. The error
// matches seal.ErrDamaged where either was changed, or is one of Decode.
func (s *Sealed) Open(h *seal.Header, o *seal.Opener) (*Manifest, error) {
	text, err := o.OpenBlob(purpose, s.Part)
	if err != nil {
		return nil, fmt.Errorf("sealed part of the manifest: %w", err)
	}
	m, err := decode(text)
	if err != nil {
		return nil, fmt.Errorf("sealed part of the manifest: %w", err)
	}
	if err := checkHeader(m, h); err != nil {
		return nil, err
	}
	for _, x := range []struct {
		field string
		same  bool
	}{
		{"database", s.Database == m.Database},
		{"object", s.Object == m.Object},
		{"created", s.Created == m.Created},
		{"stored", s.Stored == m.Stored},
		{"verified", s.Verified == m.Verified},
		{"writer", s.Writer == m.Writer},
	} {
		if !x.same {
			return nil, fmt.Errorf("%s differs from the sealed part of the manifest: %w", x.field, seal.ErrDamaged)
		}
	}
	return m, nil
}

// checkHeader compares a manifest with the header of its object.
func checkHeader(m *Manifest, h *seal.Header) error {
	switch {
	case !IsSealedName(m.Object):
		return errSealedName
	case m.Compression.Codec != h.Codec:
		return invalid("compression.codec", "%q, but the header says %q", m.Compression.Codec, h.Codec)
	case m.Frames[0].Offset != h.Len():
		return invalid(frameField(0, "offset"), "%d, but the header has %d bytes", m.Frames[0].Offset, h.Len())
	}
	return nil
}
