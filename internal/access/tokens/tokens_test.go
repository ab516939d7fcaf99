package tokens_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/access/tokens"
	"github.com/litekeep/litekeep/internal/state"
)

var start = time.Date(2026, 11, 22, 2, 0, 0, 5e6, time.UTC)

func now() time.Time { return start }

func open(t *testing.T, dir string) *tokens.Store {
	t.Helper()
	s, err := state.Open(t.Context(), filepath.Join(dir, "state.db"), now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return tokens.New(s, dir)
}

func ever(t *testing.T, s *tokens.Store) bool {
	t.Helper()
	e, err := s.EverToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestStore takes a token through its life, as two processes see it.
func TestStore(t *testing.T) {
	dir := t.TempDir()
	mine, its := open(t, dir), open(t, dir)
	if ever(t, mine) {
		t.Error("there was a token before the first")
	}
	r := access.NewRegistry(mine, now)
	secret, made, err := r.Create(t.Context(), access.NewToken{Name: "ci", Role: access.Operator, Databases: []string{"shop", "app"}})
	if err != nil {
		t.Fatal(err)
	}
	_, all, err := r.Create(t.Context(), access.NewToken{Name: "ada", Role: access.Admin, Never: true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := its.Tokens(t.Context())
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	for i := range got {
		want := map[string]access.Token{made.ID: made, all.ID: all}[got[i].ID]
		if diff := cmp.Diff(want, got[i]); diff != "" {
			t.Error(diff)
		}
	}
	if _, err := access.NewRegistry(its, now).Authenticate(t.Context(), secret); err != nil {
		t.Error(err)
	}
	if _, err := r.Revoke(t.Context(), "ci"); err != nil {
		t.Fatal(err)
	}
	if _, err := access.NewRegistry(its, now).Authenticate(t.Context(), secret); !errors.Is(err, access.ErrUnknownToken) {
		t.Error(err)
	}
	got, err = its.Tokens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range got {
		if x.ID == made.ID && (!x.LastUsed.Equal(start) || !x.Revoked.Equal(start)) {
			t.Errorf("%+v", x)
		}
	}
	if err := its.RevokeToken(t.Context(), "tk_none", start); !errors.Is(err, access.ErrNoSuchToken) {
		t.Error(err)
	}
}

// TestLost loses the state. The service must not look as if it never had a token.
func TestLost(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, _, err := access.NewRegistry(s, now).Create(t.Context(), access.NewToken{Name: "ada", Role: access.Admin}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, tokens.Mark)); err != nil {
		t.Fatal(err)
	}
	if !ever(t, s) {
		t.Error("the token itself is a sign of it")
	}
	if _, _, err := access.NewRegistry(s, now).Create(t.Context(), access.NewToken{Name: "bob", Role: access.Admin}); err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(dir, "state.db*"))
	if err != nil || len(found) == 0 {
		t.Fatal(found, err)
	}
	for _, name := range found {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	if s := open(t, dir); !ever(t, s) {
		t.Error("the new state is open to all")
	}
	none := tokens.New(nil, dir)
	if !ever(t, none) {
		t.Error("without a state it is open to all")
	}
	if _, err := none.Tokens(t.Context()); !errors.Is(err, state.ErrUnavailable) {
		t.Error(err)
	}
	if _, err := tokens.New(nil, t.TempDir()).EverToken(t.Context()); !errors.Is(err, state.ErrUnavailable) {
		t.Error("nobody can tell, but it is told:", err)
	}
}
