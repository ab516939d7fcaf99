package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/state"
)

// tokens keeps the tokens of package access in the state.
type tokens struct{ store *state.Store }

// NewTokenStore returns the tokens that a state keeps.
func NewTokenStore(store *state.Store) access.TokenStore { return tokens{store} }

func (t tokens) PutToken(ctx context.Context, a access.Token) error {
	return t.store.PutToken(ctx, state.Token{
		ID: a.ID, Name: a.Name, Hash: a.Hash, Role: string(a.Role), Databases: a.Databases, Created: a.Created,
		Expires: a.Expires, Used: a.LastUsed, Revoked: a.Revoked,
	})
}

func (t tokens) Tokens(ctx context.Context) ([]access.Token, error) {
	stored, err := t.store.Tokens(ctx)
	list := make([]access.Token, len(stored))
	for i, s := range stored {
		list[i] = access.Token{
			ID: s.ID, Name: s.Name, Hash: s.Hash, Role: access.Role(s.Role), Databases: s.Databases, Created: s.Created,
			Expires: s.Expires, LastUsed: s.Used, Revoked: s.Revoked,
		}
	}
	return list, err
}

func (t tokens) RevokeToken(ctx context.Context, id string, at time.Time) error {
	err := t.store.RevokeToken(ctx, id, at)
	if errors.Is(err, state.ErrNotFound) {
		return access.ErrNoSuchToken
	}
	return err
}

func (t tokens) TouchToken(ctx context.Context, id string, at time.Time) error {
	return t.store.TouchToken(ctx, id, at)
}
