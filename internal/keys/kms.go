package keys

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// A Keeper is a key in a key management service.
type Keeper interface {
	// Encrypt returns a ciphertext of text.
	Encrypt(ctx context.Context, text []byte) ([]byte, error)
	// Decrypt returns the text of a ciphertext. The error MUST match
	// ErrOtherKey where the service says that the ciphertext is not its own;
	// every other error means that the service is of no help.
	Decrypt(ctx context.Context, ciphertext []byte) ([]byte, error)
	// Close frees what the Keeper holds.
	Close() error
}

// Services opens Keepers by URL.
type Services interface {
	// Check tells whether url can name a key, without calling anybody.
	Check(url string) error
	// Open returns the Keeper of the key that url names.
	Open(ctx context.Context, url string) (Keeper, error)
}

// kmsKey is a Key. The service is called when it is needed, not before: a ring
// may hold a key of a service that is out of reach, and another that opens.
type kmsKey struct {
	url      string
	services Services
}

// NewKMS returns the key that url names, which is checked but not called. The
// URL holds no secret; the service's own credentials come from the environment.
func NewKMS(url string, services Services) (Key, error) {
	if len(url) > maxURL {
		return nil, fmt.Errorf("%w: the URL has more than %d bytes", ErrSecret, maxURL)
	}
	if err := services.Check(url); err != nil {
		return nil, err
	}
	return &kmsKey{url, services}, nil
}

// kmsID returns the id of the key at url.
func kmsID(url string) string {
	sum := sha256.Sum256([]byte("litekeep 1 kms " + url))
	return hex.EncodeToString(sum[:idDigits/2])
}

// Type returns TypeKMS.
func (k *kmsKey) Type() string { return TypeKMS }

// String returns the URL.
func (k *kmsKey) String() string { return k.url }

// Wrap has the service wrap.
func (k *kmsKey) Wrap(ctx context.Context, backup, dataKey []byte) (Record, error) {
	if err := checkLengths(backup, dataKey); err != nil {
		return Record{}, err
	}
	wrapped, err := k.call(ctx, func(keeper Keeper) ([]byte, error) { return keeper.Encrypt(ctx, dataKey) })
	if err != nil {
		return Record{}, err
	}
	r := Record{Type: TypeKMS, ID: kmsID(k.url), URL: k.url, Wrapped: wrapped}
	return r, r.Check()
}

// Unwrap has the service unwrap. The URL of the record is never called: it is
// not to be trusted. One key may have several URLs (an alias, a replica in
// another region), so records of other URLs are tried too.
func (k *kmsKey) Unwrap(ctx context.Context, _ []byte, r Record) ([]byte, error) {
	if r.Type != TypeKMS {
		return nil, ErrOtherKey
	}
	if err := r.Check(); err != nil {
		return nil, err
	}
	dataKey, err := k.call(ctx, func(keeper Keeper) ([]byte, error) { return keeper.Decrypt(ctx, r.Wrapped) })
	switch {
	case err != nil:
		return nil, err
	case len(dataKey) != DataKeyBytes:
		return nil, fmt.Errorf("%w: %s gave %d bytes, not %d", ErrRecord, k.url, len(dataKey), DataKeyBytes)
	}
	return dataKey, nil
}

func (k *kmsKey) call(ctx context.Context, do func(Keeper) ([]byte, error)) ([]byte, error) {
	keeper, err := k.services.Open(ctx, k.url)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrUnavailable, k.url, err)
	}
	b, err := do(keeper)
	err = errors.Join(err, keeper.Close())
	switch {
	case err == nil:
		return b, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, ErrOtherKey):
		return nil, fmt.Errorf("%s: %w", k.url, err)
	}
	return nil, fmt.Errorf("%w: %s: %w", ErrUnavailable, k.url, err)
}
