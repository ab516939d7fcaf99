package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/litekeep/litekeep/internal/frame"
	"github.com/litekeep/litekeep/internal/keys"
)

// Version is the version of sealed objects that this package reads and writes.
const Version = 1

// Limits of a header.
const (
	MaxHeaderBytes = 128 << 10
	MaxRecords     = 16 // wrapped keys
)

// The texts of a header that are always the same.
const (
	headerOpen = `{"litekeep_sealed":`
	rewrapOpen = `{"litekeep_sealed_keys":`
	keysOpen   = "\"keys\":[\n"
	keysClose  = "]}\n"
	cipherName = "AES-256-GCM"
)

// A Header is the beginning of a sealed object. It holds no secret.
type Header struct {
	Backup string // the id of the backup: 32 hexadecimal digits
	Codec  string // of the frames: none, gzip or zstd

	text    []byte
	fixed   []byte // the part of text that is authenticated
	mac     [sha256.Size]byte
	records []keys.Record
}

// A Rewrap is a set of records that belongs to a header and stands in an
// object beside it. It holds no secret.
type Rewrap struct {
	Backup string // the id of the backup that it belongs to

	text    []byte
	mac     [sha256.Size]byte
	records []keys.Record
}

// wireFixed is the fixed part of a header as JSON.
type wireFixed struct {
	Version int    `json:"litekeep_sealed"`
	Backup  string `json:"backup"`
	Codec   string `json:"codec"`
	Cipher  string `json:"cipher"`
}

type wireHeader struct {
	wireFixed
	MAC  string        `json:"mac"`
	Keys []keys.Record `json:"keys"`
}

type wireRewrap struct {
	Version int           `json:"litekeep_sealed_keys"`
	Backup  string        `json:"backup"`
	MAC     string        `json:"mac"`
	Keys    []keys.Record `json:"keys"`
}

// Text returns the bytes of the header, with which the object begins.
func (h *Header) Text() []byte { return bytes.Clone(h.text) }

// Len returns the length of the header in bytes: where the first frame begins.
func (h *Header) Len() int64 { return int64(len(h.text)) }

// Records returns the wrapped keys, those of the header first, then those of
// extra.
func (h *Header) Records(extra ...*Rewrap) []keys.Record {
	all := slices.Clone(h.records)
	for _, x := range extra {
		all = append(all, x.records...)
	}
	return all
}

// Records returns the wrapped keys.
func (r *Rewrap) Records() []keys.Record { return slices.Clone(r.records) }

// Text returns the bytes of the object.
func (r *Rewrap) Text() []byte { return bytes.Clone(r.text) }

// fixedText writes the fixed part of a header: all lines before the mac.
func fixedText(backup, codec string) []byte {
	return fmt.Appendf(nil, "%s%d,\n\"backup\":%q,\n\"codec\":%q,\n\"cipher\":%q,\n",
		headerOpen, Version, backup, codec, cipherName)
}

// appendRecords writes the rest: the mac and the wrapped keys.
func appendRecords(dst []byte, mac [sha256.Size]byte, records []keys.Record) ([]byte, error) {
	dst = fmt.Appendf(dst, "\"mac\":\"%x\",\n%s", mac, keysOpen)
	for i, r := range records {
		text, err := json.Marshal(r, jsontext.EscapeForHTML(false), jsontext.EscapeForJS(false))
		if err != nil {
			return nil, fmt.Errorf("encode wrapped key: %w", err)
		}
		dst = append(dst, text...)
		if i < len(records)-1 {
			dst = append(dst, ',')
		}
		dst = append(dst, '\n')
	}
	return append(dst, keysClose...), nil
}

func encodeHeader(fixed []byte, mac [sha256.Size]byte, records []keys.Record) ([]byte, error) {
	return appendRecords(bytes.Clone(fixed), mac, records)
}

func encodeRewrap(backup string, mac [sha256.Size]byte, records []keys.Record) ([]byte, error) {
	return appendRecords(fmt.Appendf(nil, "%s%d,\n\"backup\":%q,\n", rewrapOpen, Version, backup), mac, records)
}

// ParseHeader reads the text of a header, with nothing after it. It accepts
// exactly what a Sealer writes. The error matches ErrNotSealed, ErrVersion or
// ErrHeader.
func ParseHeader(text []byte) (*Header, error) {
	if err := checkOpening(text, headerOpen); err != nil {
		return nil, err
	}
	var w wireHeader
	if err := decode(text, &w); err != nil {
		return nil, err
	}
	h := &Header{Backup: w.Backup, Codec: w.Codec, text: bytes.Clone(text), records: w.Keys}
	switch {
	case w.Cipher != cipherName:
		return nil, headerError("cipher %q is unknown", w.Cipher)
	case !slices.Contains(frame.Codecs(), w.Codec):
		return nil, headerError("codec %q is unknown", w.Codec)
	}
	if err := checkCommon(w.Backup, w.MAC, &h.mac, w.Keys); err != nil {
		return nil, err
	}
	h.fixed = fixedText(w.Backup, w.Codec)
	again, err := encodeHeader(h.fixed, h.mac, h.records)
	return h, checkLayout(text, again, err)
}

// ParseRewrap reads the text of a Rewrap. It accepts exactly what
// Header.Rewrap writes. The error matches ErrNotSealed, ErrVersion or
// ErrHeader.
func ParseRewrap(text []byte) (*Rewrap, error) {
	if err := checkOpening(text, rewrapOpen); err != nil {
		return nil, err
	}
	var w wireRewrap
	if err := decode(text, &w); err != nil {
		return nil, err
	}
	r := &Rewrap{Backup: w.Backup, text: bytes.Clone(text), records: w.Keys}
	if err := checkCommon(w.Backup, w.MAC, &r.mac, w.Keys); err != nil {
		return nil, err
	}
	again, err := encodeRewrap(r.Backup, r.mac, r.records)
	return r, checkLayout(text, again, err)
}

// checkOpening looks at the first line: what it is, and its version.
func checkOpening(text []byte, open string) error {
	rest, ok := bytes.CutPrefix(text, []byte(open))
	if !ok {
		return fmt.Errorf("%w: it does not begin with %s", ErrNotSealed, open)
	}
	version, _, ok := bytes.Cut(rest, []byte(",\n"))
	if !ok || len(version) == 0 || len(version) > 9 || len(bytes.Trim(version, "0123456789")) > 0 {
		return headerError("its first line has no version")
	}
	if string(version) != fmt.Sprint(Version) {
		return fmt.Errorf("%w: %s: a newer litekeep may open it", ErrVersion, version)
	}
	return nil
}

func decode(text []byte, into any) error {
	if len(text) > MaxHeaderBytes {
		return headerError("more than %d bytes", MaxHeaderBytes)
	}
	if err := json.Unmarshal(text, into, json.RejectUnknownMembers(true)); err != nil {
		return headerError("%v", err)
	}
	return nil
}

func checkCommon(backup, macText string, mac *[sha256.Size]byte, records []keys.Record) error {
	id, err := hex.DecodeString(backup)
	if err != nil || len(id) != keys.BackupIDBytes || hex.EncodeToString(id) != backup {
		return headerError("the id of the backup is not %d hexadecimal digits", 2*keys.BackupIDBytes)
	}
	m, err := hex.DecodeString(macText)
	if err != nil || len(m) != len(mac) {
		return headerError("the mac is not %d hexadecimal digits", 2*len(mac))
	}
	*mac = [sha256.Size]byte(m)
	return checkRecords(records)
}

func checkRecords(records []keys.Record) error {
	if n := len(records); n < 1 || n > MaxRecords {
		return headerError("%d wrapped keys are not between 1 and %d", n, MaxRecords)
	}
	for i, r := range records {
		if err := r.Check(); err != nil {
			return headerError("wrapped key %d: %v", i, err)
		}
		if slices.ContainsFunc(records[:i], func(q keys.Record) bool { return q.Type == r.Type && q.ID == r.ID }) {
			return headerError("%s occurs twice", r)
		}
	}
	return nil
}

// checkLayout compares the text with the one that would be written, which
// settles what is left: order, white space, escapes, digits.
func checkLayout(text, again []byte, err error) error {
	if err != nil {
		return err
	}
	if !bytes.Equal(text, again) {
		return headerError("not in canonical form")
	}
	return nil
}

func headerError(reason string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrHeader, fmt.Sprintf(reason, args...))
}
