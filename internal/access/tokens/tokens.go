// Package tokens keeps the tokens of package access in the state of the service.
//
// Beside the file of the state it keeps an empty file, Mark, from the first token
// on. The state may be lost: a damaged one is put aside, and a new one begun. Without
// the mark a service would then look as if it never had a token, and be open to
// whoever is at its machine.
package tokens

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/state"
)

// Mark is the name of the file that says that there ever was a token.
const Mark = "tokens.made"

// Store is an access.TokenStore.
type Store struct {
	state *state.Store
	mark  string // path
}

var _ access.TokenStore = (*Store)(nil)

// New returns the tokens in a state. dir is the folder of the state's file, which is
// known also where the state is nil because it could not be opened.
func New(s *state.Store, dir string) *Store {
	return &Store{s, filepath.Join(dir, Mark)}
}

// PutToken stores a new token, after the mark.
func (s *Store) PutToken(ctx context.Context, t access.Token) error {
	err := durable.Disk{}.WriteFile(s.mark, nil, durable.FilePerm)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("mark that there is a token: %w", err)
	}
	return s.state.PutToken(ctx, state.Token{
		ID: t.ID, Name: t.Name, Hash: t.Hash, Role: string(t.Role), Databases: t.Databases,
		Created: t.Created, Expires: t.Expires, Used: t.LastUsed, Revoked: t.Revoked,
	})
}

// Tokens returns all tokens.
func (s *Store) Tokens(ctx context.Context) ([]access.Token, error) {
	stored, err := s.state.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]access.Token, len(stored))
	for i, t := range stored {
		all[i] = access.Token{
			ID: t.ID, Name: t.Name, Hash: t.Hash, Role: access.Role(t.Role), Databases: t.Databases,
			Created: t.Created, Expires: t.Expires, LastUsed: t.Used, Revoked: t.Revoked,
		}
	}
	return all, nil
}

// EverToken looks for the mark, and for tokens where it is gone.
func (s *Store) EverToken(ctx context.Context) (bool, error) {
	_, err := os.Lstat(s.mark)
	if err == nil {
		return true, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	all, err := s.state.Tokens(ctx)
	return len(all) > 0, err
}

// RevokeToken notes when a token was revoked.
func (s *Store) RevokeToken(ctx context.Context, id string, at time.Time) error {
	err := s.state.RevokeToken(ctx, id, at)
	if errors.Is(err, state.ErrNotFound) {
		return fmt.Errorf("%w: %s", access.ErrNoSuchToken, id)
	}
	return err
}

// TouchToken notes when a token was used.
func (s *Store) TouchToken(ctx context.Context, id string, at time.Time) error {
	return s.state.TouchToken(ctx, id, at)
}
