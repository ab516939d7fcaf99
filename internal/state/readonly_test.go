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

// TestReadHistory looks at runs and troubles while the state is open.
func TestReadHistory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	now := time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)
	s, err := state.Open(t.Context(), path, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, r := range []state.Run{
		{ID: "1", Database: "app", Kind: "backup", Started: now, Ended: now, Outcome: "ok"},
		{ID: "2", Database: "app", Kind: "backup", Started: now, Ended: now.Add(time.Second), Outcome: "refused", Error: "damaged", Hint: "way out"},
		{ID: "3", Database: "app", Kind: "verify", Started: now, Ended: now, Outcome: "ok"},
		{ID: "4", Database: "app", Kind: "backup", Started: now},
	} {
		err := s.BeginRun(t.Context(), r)
		if err == nil && !r.Ended.IsZero() {
			err = s.EndRun(t.Context(), r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	want := state.Condition{Subject: "database:app", Kind: "failed", Since: now, Told: now, Count: 2, Detail: []byte(`{"a":1}`)}
	if err := s.PutCondition(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	runs, err := state.ReadRuns(t.Context(), path, "backup")
	if err != nil || len(runs) != 2 || runs[1].ID != "1" {
		t.Fatal(runs, err)
	}
	if r := runs[0]; r.ID != "2" || r.Database != "app" || r.Kind != "backup" || r.Outcome != "refused" || r.Error != "damaged" || r.Hint != "way out" || !r.Ended.Equal(now.Add(time.Second)) {
		t.Errorf("%+v", r)
	}
	if err := s.PutNote(t.Context(), "fleet", []byte(`{"b":2}`)); err != nil {
		t.Fatal(err)
	}
	if note, err := state.ReadNote(t.Context(), path, "fleet"); err != nil || string(note) != `{"b":2}` {
		t.Errorf("%s, %v", note, err)
	}
	if note, err := state.ReadNote(t.Context(), path, "other"); err != nil || note != nil {
		t.Errorf("%s, %v", note, err)
	}
	found, err := state.ReadConditions(t.Context(), path)
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if c := found[0]; c.Subject != want.Subject || c.Kind != want.Kind || !c.Since.Equal(now) || !c.Told.Equal(now) || c.Count != 2 || string(c.Detail) != `{"a":1}` {
		t.Errorf("%+v", c)
	}
}
