package state_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/state"
)

// TestReadTokens looks at tokens while the state is open, and leaves files alone that
// Open would change.
func TestReadTokens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	now := time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)
	s, err := state.Open(t.Context(), path, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, token := range []state.Token{
		{ID: "tk_1", Name: "ada", Role: "admin", Created: now, Expires: now.Add(time.Hour)},
		{ID: "tk_2", Name: "bob", Role: "viewer", Created: now.Add(time.Second)},
	} {
		token.Hash[0] = byte(i)
		if err := s.PutToken(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.RevokeToken(t.Context(), "tk_2", now); err != nil {
		t.Fatal(err)
	}
	got, err := state.ReadTokens(t.Context(), path)
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	if a := got[0]; a.ID != "tk_1" || a.Name != "ada" || a.Role != "admin" || !a.Expires.Equal(now.Add(time.Hour)) || !a.Revoked.IsZero() {
		t.Errorf("%+v", a)
	}
	if b := got[1]; !b.Expires.IsZero() || !b.Revoked.Equal(now) {
		t.Errorf("%+v", b)
	}
}

func TestReadTokensOfNoState(t *testing.T) {
	damaged := filepath.Join(t.TempDir(), "state.db")
	text := bytes.Repeat([]byte("not a database "), 100)
	if err := os.WriteFile(damaged, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := state.ReadTokens(t.Context(), damaged); !errors.Is(err, state.ErrUnavailable) {
		t.Error(err)
	}
	if got, err := os.ReadFile(damaged); err != nil || !bytes.Equal(got, text) {
		t.Error("it was changed", err)
	}
	empty := filepath.Join(t.TempDir(), "state.db")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := state.ReadTokens(t.Context(), empty); !errors.Is(err, state.ErrForeign) {
		t.Error(err)
	}
	if _, err := state.ReadTokens(t.Context(), filepath.Join(t.TempDir(), "none")); !errors.Is(err, state.ErrUnavailable) {
		t.Error(err)
	}
}
