package litekeep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/litekeep/litekeep/internal/keys"
	"github.com/litekeep/litekeep/internal/keys/kms"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/seal"
)

// AskPassphrase asks a person for a passphrase without showing it: twice, if a
// backup is to be sealed with it, since a slip would seal for good.
type AskPassphrase func(ctx context.Context, twice bool) ([]byte, error)

// WithPassphrase makes the Service ask with ask where a key is given as prompt.
// Without it such a key is refused.
func WithPassphrase(ask AskPassphrase) Option {
	return func(s *Service) { s.keys.ask = ask }
}

// keyring has the keys of a Config, opened when they are first needed. A ring
// for opening backups may hold a mistyped passphrase, one for sealing may not.
type keyring struct {
	ask AskPassphrase

	mu               sync.Mutex
	opening, sealing []keys.Key
}

// ring returns the keys of the Config, in their order. The error matches
// ErrConfig.
func (s *Service) ring(ctx context.Context, sealing bool) ([]keys.Key, error) {
	k := s.keys
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case len(s.cfg.Keys) == 0:
		return nil, nil
	case k.sealing != nil:
		return k.sealing, nil
	case k.opening != nil && !sealing:
		return k.opening, nil
	}
	ring, err := openKeys(ctx, s.cfg.Keys, k.ask, sealing)
	if err != nil {
		return nil, err
	}
	if sealing {
		k.sealing = ring
	} else {
		k.opening = ring
	}
	return ring, nil
}

// openKeys opens the keys that references name. No key management service is
// called yet.
func openKeys(ctx context.Context, refs []string, ask AskPassphrase, twice bool) ([]keys.Key, error) {
	in := keys.Inputs{Services: kms.Services{}}
	if ask != nil {
		in.Prompt = func(ctx context.Context) ([]byte, error) { return ask(ctx, twice) }
	}
	var sources []keys.Source
	for _, ref := range refs {
		source, err := keys.ParseSource(ref)
		if err != nil {
			return nil, keyError(ctx, err)
		}
		sources = append(sources, source)
	}
	ring, err := keys.OpenAll(ctx, sources, in)
	if err != nil {
		return nil, keyError(ctx, err)
	}
	return ring, nil
}

// keyError says that a key cannot be used as it was given.
func keyError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e := &Error{Op: "encryption key", Kind: ErrConfig, Err: err}
	if errors.Is(err, fs.ErrNotExist) {
		e.Hint = "check the path, and whether the disk with the key is there; `litekeep key new FILE` makes a new key, which opens no backup that exists"
	}
	return e
}

// sealed tells whether backups are sealed.
func (c Config) sealed() bool { return len(c.Keys) > 0 }

// newSealer returns the Sealer of one more object, nil if backups are plain.
func (s *Service) newSealer(ctx context.Context) (*seal.Sealer, error) {
	if !s.cfg.sealed() {
		return nil, nil
	}
	ring, err := s.ring(ctx, true)
	if err != nil {
		return nil, err
	}
	sealer, err := seal.New(ctx, s.cfg.Compression, ring)
	if errors.Is(err, seal.ErrHeader) || errors.Is(err, keys.ErrSecret) { // the same key twice, say
		return nil, keyError(ctx, err)
	}
	return sealer, err
}

// unseal finds a key that opens the backup at a place: from its header, or from
// the objects with rewrapped keys beside it.
func (s *Service) unseal(ctx context.Context, at place, h *seal.Header) (*seal.Opener, error) {
	ring, err := s.ring(ctx, false)
	if err != nil {
		return nil, err
	}
	return openHeader(ctx, at, h, ring)
}

func openHeader(ctx context.Context, at place, h *seal.Header, ring []keys.Key) (*seal.Opener, error) {
	o, first := h.Open(ctx, ring)
	if first == nil || ctx.Err() != nil || len(ring) == 0 {
		return o, first
	}
	// One by one: a damaged one must not keep the others from being of use.
	for n := 1; ; n++ {
		x, err := readRewrap(ctx, at, n)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, first
		}
		if err == nil {
			if o, err = h.Open(ctx, ring, x); err == nil {
				return o, nil
			}
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if !errors.Is(err, seal.ErrWrongKey) && errors.Is(first, seal.ErrWrongKey) {
			first = fmt.Errorf("%w; %s%s: %w", first, at.name(), manifest.KeysSuffix(n), err)
		}
	}
}

// readRewrap reads the n-th object with rewrapped keys, counted from 1. The error
// matches fs.ErrNotExist where there is none.
func readRewrap(ctx context.Context, at place, n int) (*seal.Rewrap, error) {
	text, err := at.sibling(ctx, manifest.KeysSuffix(n))
	if err != nil {
		return nil, err
	}
	return seal.ParseRewrap(text)
}
