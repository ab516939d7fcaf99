package keys

import (
	"context"
	"errors"
	"fmt"
)

// The types of keys, as records name them.
const (
	TypeFile       = "file"
	TypePassphrase = "passphrase"
	TypeKMS        = "kms"
)

// DataKeyBytes is the length of a data key.
const DataKeyBytes = 32

// BackupIDBytes is the length of the id of a backup.
const BackupIDBytes = 16

// The errors that callers tell apart.
var (
	// ErrOtherKey: the record is not for this key, or the passphrase is wrong.
	ErrOtherKey = errors.New("it is sealed under another key")
	// ErrRecord: the record is for this key, but it was changed, or belongs to
	// another backup; or it breaks a rule of the format.
	ErrRecord = errors.New("the wrapped key is damaged")
	// ErrUnavailable: a key management service gave no answer, or refused one.
	ErrUnavailable = errors.New("the key management service is of no help")
	// ErrSecret: a key or passphrase cannot be used as it was given.
	ErrSecret = errors.New("unusable key")
)

// A Key wraps data keys. It is safe for concurrent use. No way of printing it
// shows its secret.
type Key interface {
	// Type returns one of the types above.
	Type() string
	// String describes the key for people, without its secret.
	String() string
	// Wrap returns a record from which Unwrap gives dataKey back for the same
	// backup. dataKey has DataKeyBytes bytes, backup BackupIDBytes.
	Wrap(ctx context.Context, backup, dataKey []byte) (Record, error)
	// Unwrap returns the data key of a record. The error matches ErrOtherKey,
	// ErrRecord or ErrUnavailable, or is that of ctx.
	Unwrap(ctx context.Context, backup []byte, r Record) ([]byte, error)
}

func checkLengths(backup, dataKey []byte) error {
	if len(backup) != BackupIDBytes || len(dataKey) != DataKeyBytes {
		return fmt.Errorf("wrap data key: %d bytes of a backup's id and %d of a data key are not %d and %d",
			len(backup), len(dataKey), BackupIDBytes, DataKeyBytes)
	}
	return nil
}
