package keys

import (
	"encoding/hex"
	"fmt"
	"unicode/utf8"
)

// Limits of a record, which Check enforces (docs/FORMAT.md).
const (
	maxWrapped = 4096 // bytes of a wrapped key: an RSA key of a KMS has 512
	maxURL     = 2048 // bytes of a KMS URL
	saltBytes  = 16
	idDigits   = 16
)

// The least and the most that Argon2id may cost. A record is not to be trusted
// before it is opened, so the most is what any machine can bear.
const (
	minMemoryKiB, maxMemoryKiB = 8 << 10, 128 << 10
	maxTime                    = 10
	maxLanes                   = 8
)

// kdfArgon2id is the name of the one function that stretches passphrases.
const kdfArgon2id = "argon2id"

// A Record is a wrapped data key, as it stands in a header. Members that do
// not belong to its type are zero.
type Record struct {
	Type string `json:"type"`
	ID   string `json:"id"` // 16 hexadecimal digits

	URL string `json:"url,omitzero"` // of a KMS key

	// Of a passphrase.
	KDF       string `json:"kdf,omitzero"` // argon2id
	Salt      []byte `json:"salt,omitzero"`
	Time      uint32 `json:"time,omitzero"` // passes
	MemoryKiB uint32 `json:"memory_kib,omitzero"`
	Lanes     uint8  `json:"lanes,omitzero"`

	Wrapped []byte `json:"wrapped"`
}

// Check tells whether r keeps the rules of its type. The error matches
// ErrRecord.
func (r Record) Check() error {
	if err := r.check(); err != nil {
		return fmt.Errorf("%w: %w", ErrRecord, err)
	}
	return nil
}

func (r Record) check() error {
	if id, err := hex.DecodeString(r.ID); err != nil || len(r.ID) != idDigits || hex.EncodeToString(id) != r.ID {
		return fmt.Errorf("id %q is not %d hexadecimal digits", r.ID, idDigits)
	}
	if len(r.Wrapped) == 0 || len(r.Wrapped) > maxWrapped {
		return fmt.Errorf("%d bytes of wrapped key are not between 1 and %d", len(r.Wrapped), maxWrapped)
	}
	if r.Type != TypePassphrase && (r.KDF != "" || r.Salt != nil || r.Cost() != Cost{}) {
		return fmt.Errorf("type %q has no salt and no cost", r.Type)
	}
	if r.Type != TypeKMS && (r.URL != "" || len(r.Wrapped) != wrappedBytes) {
		return fmt.Errorf("type %q has no URL and %d bytes of wrapped key", r.Type, wrappedBytes)
	}
	switch r.Type {
	case TypeFile:
		return nil
	case TypeKMS:
		if r.URL == "" || len(r.URL) > maxURL || !utf8.ValidString(r.URL) || kmsID(r.URL) != r.ID {
			return fmt.Errorf("url does not belong to id %s", r.ID)
		}
		return nil
	case TypePassphrase:
		if r.KDF != kdfArgon2id {
			return fmt.Errorf("key derivation %q is unknown", r.KDF)
		}
		if len(r.Salt) != saltBytes {
			return fmt.Errorf("%d bytes of salt are not %d", len(r.Salt), saltBytes)
		}
		return r.Cost().Check()
	}
	return fmt.Errorf("type %q is unknown", r.Type)
}

// Cost returns the cost of the passphrase's record, zero for another.
func (r Record) Cost() Cost { return Cost{r.Time, r.MemoryKiB, r.Lanes} }

// String names the key of the record, for people.
func (r Record) String() string {
	switch r.Type {
	case TypeFile:
		return "key file " + r.ID
	case TypePassphrase:
		return "a passphrase"
	case TypeKMS:
		return r.URL
	}
	return r.Type + " " + r.ID
}
