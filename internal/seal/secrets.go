package seal

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"log/slog"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/litekeep/litekeep/internal/keys"
)

// What a data key is used for: labels of HKDF.
const (
	labelFrames = "litekeep 1 frames"
	labelBlobs  = "litekeep 1 blobs"
	labelHeader = "litekeep 1 header"
)

// secrets is what follows from a data key and the fixed part of a header.
type secrets struct {
	identity [sha256.Size]byte // of the backup: the hash of the fixed part
	mac      [sha256.Size]byte // of the fixed part
	frames   tink.AEAD
	blobs    tink.AEAD
}

func newSecrets(dataKey, fixed []byte) (*secrets, error) {
	s := &secrets{identity: sha256.Sum256(fixed)}
	var err error
	if s.frames, err = newCipher(dataKey, labelFrames); err != nil {
		return nil, err
	}
	if s.blobs, err = newCipher(dataKey, labelBlobs); err != nil {
		return nil, err
	}
	key, err := derive(dataKey, labelHeader)
	if err != nil {
		return nil, err
	}
	h := hmac.New(sha256.New, key)
	h.Write(fixed)
	h.Sum(s.mac[:0])
	return s, nil
}

func derive(dataKey []byte, label string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, dataKey, nil, label, 32)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return key, nil
}

func newCipher(dataKey []byte, label string) (tink.AEAD, error) {
	key, err := derive(dataKey, label)
	if err != nil {
		return nil, err
	}
	c, err := subtle.NewAESGCM(key)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return c, nil
}

// blobData is the associated data of a blob.
func (s *secrets) blobData(purpose string) []byte {
	return append(s.identity[:len(s.identity):len(s.identity)], purpose...)
}

// String returns what is printed of a secret.
func (s *secrets) String() string { return keys.Redacted }

// Format writes what is printed of a secret, for every verb.
func (s *secrets) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(keys.Redacted)) }

// MarshalText returns what is printed of a secret.
func (s *secrets) MarshalText() ([]byte, error) { return []byte(keys.Redacted), nil }

// LogValue returns what is printed of a secret.
func (s *secrets) LogValue() slog.Value { return slog.StringValue(keys.Redacted) }
