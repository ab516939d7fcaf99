package state

import (
	"context"
	"fmt"
	"time"
)

// Token is a key to the service. Its secret is not known here.
type Token struct {
	ID        string // unique
	Name      string // for people
	Hash      [32]byte
	Role      string
	Databases []string // the only ones that it is for; none is all
	Created   time.Time
	Expires   time.Time // zero is never
	Used      time.Time // last, to the minute; zero is never
	Revoked   time.Time // zero if it was not
}

// usedStep is how exact Token.Used is. A token may be used many times a second.
const usedStep = time.Minute

// hash reads the hash of a token.
type hash struct{ h *[32]byte }

// Scan sets the hash from its 32 bytes.
func (h hash) Scan(stored any) error {
	b, ok := stored.([]byte)
	if !ok || len(b) != len(h.h) {
		return fmt.Errorf("a hash is stored as %T of %d bytes", stored, len(b))
	}
	copy(h.h[:], b)
	return nil
}

func (t *Token) targets() []any {
	return []any{
		&t.ID, &t.Name,
		hash{&t.Hash},
		&t.Role,
		array[string]{&t.Databases},
		moment{&t.Created},
		moment{&t.Expires},
		moment{&t.Used},
		moment{&t.Revoked},
	}
}

const selectTokens = "SELECT id,name,hash,role,databases,created,expires,used,revoked FROM tokens"

// PutToken stores a new token. One whose ID or hash is taken is an error.
func (s *Store) PutToken(ctx context.Context, t Token) error {
	databases, err := list(t.Databases)
	if err != nil {
		return fmt.Errorf("store token: %w", err)
	}
	_, err = s.exec(ctx, "store token", "INSERT INTO tokens VALUES ("+places(9)+")",
		t.ID, t.Name, t.Hash[:], t.Role, databases, ms(t.Created), ms(t.Expires), ms(t.Used), ms(t.Revoked))
	return err
}

// Tokens returns all tokens, also those that have expired or were revoked, oldest
// first.
func (s *Store) Tokens(ctx context.Context) ([]Token, error) {
	return rows(ctx, s, "read tokens", (*Token).targets, selectTokens+" ORDER BY created, id")
}

// Token returns a token by its ID, or ErrNotFound.
func (s *Store) Token(ctx context.Context, id string) (Token, error) {
	return one(ctx, s, "read token", (*Token).targets, selectTokens+" WHERE id=?", id)
}

// RevokeToken notes when a token was revoked. One that was revoked before stays
// as it is. The error is ErrNotFound if there is no such token.
func (s *Store) RevokeToken(ctx context.Context, id string, at time.Time) error {
	changed, err := s.exec(ctx, "revoke token", "UPDATE tokens SET revoked=coalesce(revoked,?) WHERE id=?", ms(at), id)
	if err == nil && changed == 0 {
		err = fmt.Errorf("revoke token: %w", ErrNotFound)
	}
	return err
}

// TouchToken notes when a token was used, if that is a minute or more after the
// last time that was noted. An ID that is not known is no error.
func (s *Store) TouchToken(ctx context.Context, id string, at time.Time) error {
	type answer struct{ due bool }
	list, err := rows(ctx, s, "note use of token", func(x *answer) []any { return []any{&x.due} },
		"SELECT used IS NULL OR used<=? FROM tokens WHERE id=?", ms(at.Add(-usedStep)), id)
	if err != nil || len(list) == 0 || !list[0].due {
		return err
	}
	_, err = s.exec(ctx, "note use of token", "UPDATE tokens SET used=? WHERE id=?", ms(at), id)
	return err
}
