package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/litekeep/litekeep/internal/document"
)

// The versions of manifests that this package reads and writes.
const (
	Version       = 1 // plain
	VersionSealed = 2 // with all that tells of the content in a sealed part
)

// Limits that Encode and Decode enforce (docs/FORMAT.md section 6).
const (
	MaxBytes  = 1 << 30  // of the encoded manifest
	MaxFrames = 16777216 // of an object
)

// The errors that callers tell apart. Every other error of Decode is an
// *InvalidError.
var (
	ErrVersion  = errors.New("unknown version of the manifest")
	ErrChecksum = errors.New("manifest is damaged: its checksum does not match")
)

// InvalidError says that a manifest breaks a rule of the format.
type InvalidError struct {
	Field  string // such as "frames[3].offset"; "manifest" for the whole
	Reason string
}

// Error names the field and the rule.
func (e *InvalidError) Error() string {
	if e.Field == "manifest" {
		return "invalid manifest: " + e.Reason
	}
	return fmt.Sprintf("invalid manifest: %s: %s", e.Field, e.Reason)
}

// Manifest describes one backup. Strings of people's making (names of tables,
// paths, warnings) need not be valid UTF-8: Encode replaces what is not by
// U+FFFD, as the document does.
type Manifest struct {
	Database    string            `json:"database"` // the folder
	Object      string            `json:"object"`   // file name of the object
	Created     Timestamp         `json:"created"`  // of the snapshot; equals Source.Created
	Source      document.Source   `json:"source"`
	Settings    document.Database `json:"settings"`
	Compression Compression       `json:"compression"`
	Stored      Stored            `json:"stored"`
	Document    Document          `json:"document"`
	Totals      Totals            `json:"totals"`
	Tables      []Table           `json:"tables"`  // in the order of the document
	Indexes     []Index           `json:"indexes"` // carried as entries, in the order of the document
	Frames      []Frame           `json:"frames"`
	Verified    Timestamp         `json:"verified"` // of the read-back; zero (null) when there was none
	Durations   Durations         `json:"durations"`
	Warnings    []string          `json:"warnings"`
	Writer      string            `json:"writer"` // "litekeep " and its version
}

// Compression says how the frames are compressed.
type Compression struct {
	Codec string `json:"codec"` // none, gzip or zstd
	Level int    `json:"level"`
}

// Stored describes the object as a file.
type Stored struct {
	Bytes  int64 `json:"bytes"`
	SHA256 Hash  `json:"sha256"`
}

// Document describes the text that the object expands to.
type Document struct {
	Bytes  int64  `json:"bytes"`
	Digest string `json:"digest"` // the content digest, see ContentDigest
}

// Totals counts what the document holds.
type Totals struct {
	Tables  int64 `json:"tables"`
	Rows    int64 `json:"rows"` // in all tables
	Indexes int64 `json:"indexes"`
	Entries int64 `json:"entries"` // in all indexes that are carried as entries
}

// Table is a table of the document.
type Table struct {
	Name   string `json:"name"`
	Rows   int64  `json:"rows"`
	Frames [2]int `json:"frames"` // the first and the last frame that hold a line of it
}

// Index is an index whose entries the document carries.
type Index struct {
	Name    string `json:"name"`
	Table   string `json:"table"`
	Entries int64  `json:"entries"`
	Reason  string `json:"reason"` // why it could not be left to a rebuild, for people
}

// Frame is one frame of the object.
type Frame struct {
	Offset int64 `json:"offset"` // in the object, bytes
	Stored int64 `json:"stored"` // in the object, bytes
	Bytes  int64 `json:"bytes"`  // of its text
	Rows   int64 `json:"rows"`   // rows and entries that it holds
	SHA256 Hash  `json:"sha256"` // of its text
}

// Durations says how long the parts of the run took, in seconds.
type Durations struct {
	Snapshot float64 `json:"snapshot"`
	Write    float64 `json:"write"`
	Verify   float64 `json:"verify"`
	Total    float64 `json:"total"`
}

// Hash is a SHA-256. As text it is 64 lower-case hexadecimal digits.
type Hash [sha256.Size]byte

// String returns the hexadecimal digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// AppendText appends the hexadecimal digits to dst.
func (h Hash) AppendText(dst []byte) ([]byte, error) { return hex.AppendEncode(dst, h[:]), nil }

// MarshalText returns the hexadecimal digits.
func (h Hash) MarshalText() ([]byte, error) { return h.AppendText(nil) }

// UnmarshalText reads what MarshalText writes, and refuses upper case.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(h)) {
		return fmt.Errorf("a SHA-256 has %d hexadecimal digits, not %d", hex.EncodedLen(len(h)), len(text))
	}
	for _, c := range text {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return fmt.Errorf("%q is no lower-case hexadecimal digit", c)
		}
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// DigestPrefix begins every content digest.
const DigestPrefix = "sha256:"

// ContentDigest derives the content digest of a document from its frames: the
// first, which tells of the run, and the last, which holds the digest itself,
// do not count. It returns "" when there are fewer than two.
func ContentDigest(frames []Frame) string {
	if len(frames) < 2 {
		return ""
	}
	h := sha256.New()
	for i := range frames[1 : len(frames)-1] {
		h.Write(frames[i+1].SHA256[:])
	}
	return DigestPrefix + hex.EncodeToString(h.Sum(nil))
}
