package keys

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// What a key of 32 bytes is used for: labels of HKDF.
const (
	labelID   = "litekeep 1 id"
	labelWrap = "litekeep 1 wrap"
)

// wrappedBytes is the length of a data key under AES-256-GCM: nonce, key, tag.
const wrappedBytes = 12 + DataKeyBytes + 16

// derive returns n bytes that belong to key and label, by HKDF-SHA256 without a
// salt: key is uniformly random already.
func derive(key []byte, label string, n int) ([]byte, error) {
	b, err := hkdf.Key(sha256.New, key, nil, label, n)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	return b, nil
}

// A wrapper is a key of 32 bytes at work: the fingerprint of the key and the
// cipher that wraps under it.
type wrapper struct {
	id     string
	cipher tink.AEAD
}

func newWrapper(key []byte) (*wrapper, error) {
	id, err := derive(key, labelID, idDigits/2)
	if err != nil {
		return nil, err
	}
	k, err := derive(key, labelWrap, 32)
	if err != nil {
		return nil, err
	}
	cipher, err := subtle.NewAESGCM(k)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return &wrapper{hex.EncodeToString(id), cipher}, nil
}

// wrap fills in the id and the wrapped key of r. The associated data is the id
// of the backup: a record does not open in another.
func (w *wrapper) wrap(r Record, backup, dataKey []byte) (Record, error) {
	if err := checkLengths(backup, dataKey); err != nil {
		return Record{}, err
	}
	wrapped, err := w.cipher.Encrypt(dataKey, backup)
	if err != nil {
		return Record{}, fmt.Errorf("wrap data key: %w", err)
	}
	r.ID, r.Wrapped = w.id, wrapped
	return r, nil
}

func (w *wrapper) unwrap(backup []byte, r Record) ([]byte, error) {
	if r.ID != w.id {
		return nil, ErrOtherKey
	}
	dataKey, err := w.cipher.Decrypt(r.Wrapped, backup)
	if err != nil || len(dataKey) != DataKeyBytes {
		return nil, fmt.Errorf("%w: it was changed, or is that of another backup", ErrRecord)
	}
	return dataKey, nil
}
