package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/engine"
)

func sampleToken() Token {
	t := Token{ID: "t1", Name: "CI", Role: "operator", Databases: []string{"app", "we\"b"}, Created: at(0), Expires: at(90), Used: at(3), Revoked: at(4)}
	for i := range t.Hash {
		t.Hash[i] = byte(i * 7)
	}
	return t
}

func sampleMessage() Message {
	return Message{ID: "m1", Channel: "mail", Body: json.RawMessage(`{"text": "ä"}`), Created: at(1), Next: at(2), Attempts: 3, Error: "refused", Failed: at(1)}
}

func sampleCondition() Condition {
	return Condition{Subject: "database:app", Kind: "failed", Since: at(1), Told: at(2), Count: 4, Detail: json.RawMessage(`[1]`)}
}

func TestTokens(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "state.db"))
	ctx := t.Context()
	first := sampleToken()
	second := Token{ID: "t2", Name: "all", Role: "admin", Hash: [32]byte{9}, Created: at(-1)}
	must(t, s.PutToken(ctx, first))
	must(t, s.PutToken(ctx, second))
	want(t, "tokens", []Token{second, first})(s.Tokens(ctx))
	want(t, "by ID", first)(s.Token(ctx, "t1"))
	for _, err := range []error{
		errOf(s.Token(ctx, "t3")), s.RevokeToken(ctx, "t3", at(0)),
	} {
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("a token that is not there: %v", err)
		}
	}
	for _, twice := range []Token{{ID: "t1", Hash: [32]byte{1}}, {ID: "t4", Hash: [32]byte{9}}} {
		if err := s.PutToken(ctx, twice); !errors.Is(err, engine.ErrConstraint) {
			t.Errorf("stored %v: %v", twice.ID, err)
		}
	}
	must(t, s.RevokeToken(ctx, "t1", at(80))) // it was before
	must(t, s.RevokeToken(ctx, "t2", at(80)))
	want(t, "revoked before", first)(s.Token(ctx, "t1"))
	second.Revoked = at(80)
	for _, use := range []struct{ at, noted int }{{10, 10}, {69, 10}, {70, 70}, {0, 70}, {131, 131}} {
		must(t, s.TouchToken(ctx, "t2", at(use.at)))
		second.Used = at(use.noted)
		want(t, fmt.Sprintf("used at %d", use.at), second)(s.Token(ctx, "t2"))
	}
	must(t, s.TouchToken(ctx, "t3", at(1)))
}

func errOf[T any](_ T, err error) error { return err }

func messageIDs(list []Message, err error) (string, error) {
	var all []string
	for _, m := range list {
		all = append(all, m.ID)
	}
	return strings.Join(all, " "), err
}

func TestMessages(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "state.db"))
	ctx := t.Context()
	message := func(id, channel string, next int) Message {
		return Message{ID: id, Channel: channel, Body: json.RawMessage(`{}`), Created: at(0), Next: at(next)}
	}
	must(t, s.Enqueue(ctx, message("a", "mail", 5), message("b", "slack", 3), message("c", "mail", 9)))
	must(t, s.Enqueue(ctx))
	if err := s.Enqueue(ctx, message("d", "mail", 1), Message{ID: "e", Channel: "mail", Body: json.RawMessage("{")}); !errors.Is(err, errInvalid) {
		t.Errorf("a body that is no JSON: %v", err)
	}
	want(t, "waiting", "b a c")(messageIDs(s.Waiting(ctx)))

	must(t, s.Failed(ctx, at(5), at(20), "refused", "a", "unknown"))
	must(t, s.Failed(ctx, at(6), at(30), "refused again", "a"))
	failed := message("a", "mail", 30)
	failed.Attempts, failed.Error, failed.Failed = 2, "refused again", at(6)
	must(t, s.Delivered(ctx, at(7), "b", "unknown"))
	must(t, s.Delivered(ctx, at(8), "b"))
	must(t, s.Failed(ctx, at(9), at(10), "too late", "b"))
	want(t, "waiting", []Message{message("c", "mail", 9), failed})(s.Waiting(ctx))

	must(t, s.Enqueue(ctx, message("a", "mail", 1))) // replaced
	want(t, "waiting", "a c")(messageIDs(s.Waiting(ctx)))
	want(t, "trimmed", 0)(s.TrimMessages(ctx, at(7)))
	want(t, "trimmed", 1)(s.TrimMessages(ctx, at(8)))
	want(t, "waiting", "a c")(messageIDs(s.Waiting(ctx)))
	m := sampleMessage()
	must(t, s.Enqueue(ctx, m))
	want(t, "waiting", []Message{message("a", "mail", 1), m, message("c", "mail", 9)})(s.Waiting(ctx))
}

func TestConditions(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "state.db"))
	ctx := t.Context()
	c := sampleCondition()
	other := Condition{Subject: "database:app", Kind: "overdue", Since: at(5)}
	must(t, s.PutCondition(ctx, other))
	must(t, s.PutCondition(ctx, Condition{Subject: c.Subject, Kind: c.Kind}))
	must(t, s.PutCondition(ctx, c))
	want(t, "conditions", []Condition{c, other})(s.Conditions(ctx))
	for range 2 {
		must(t, s.DeleteCondition(ctx, "database:app", "failed"))
	}
	if err := s.PutCondition(ctx, Condition{Detail: json.RawMessage("nope")}); !errors.Is(err, errInvalid) {
		t.Errorf("a detail that is no JSON: %v", err)
	}
	want(t, "conditions", []Condition{other})(s.Conditions(ctx))
}

func TestNotes(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "state.db"))
	ctx := t.Context()
	if _, err := s.Note(ctx, "a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a note that is not there: %v", err)
	}
	must(t, s.PutNote(ctx, "a", json.RawMessage(`1`)))
	must(t, s.PutNote(ctx, "a", json.RawMessage(`{"b": [2]}`)))
	want(t, "note", json.RawMessage(`{"b": [2]}`))(s.Note(ctx, "a"))
	for _, bad := range []string{"", "{", "nope"} {
		if err := s.PutNote(ctx, "a", json.RawMessage(bad)); !errors.Is(err, errInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for range 2 {
		must(t, s.DeleteNote(ctx, "a"))
	}
	if _, err := s.Note(ctx, "a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a note that was removed: %v", err)
	}
}
