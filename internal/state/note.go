package state

import (
	"context"
	"encoding/json"
	"fmt"
)

// Note returns what is kept under a key, or ErrNotFound.
func (s *Store) Note(ctx context.Context, key string) (json.RawMessage, error) {
	type note struct{ value json.RawMessage }
	n, err := one(ctx, s, "read note", func(n *note) []any { return []any{raw{&n.value}} }, "SELECT value FROM notes WHERE key=?", key)
	return n.value, err
}

// PutNote keeps JSON under a key, in the place of what is there.
func (s *Store) PutNote(ctx context.Context, key string, value json.RawMessage) error {
	stored, err := text(value)
	if err == nil && stored == "" {
		err = fmt.Errorf("%w: not JSON", errInvalid)
	}
	if err != nil {
		return fmt.Errorf("store note: %w", err)
	}
	_, err = s.exec(ctx, "store note", "INSERT OR REPLACE INTO notes VALUES (?,?)", key, stored)
	return err
}

// DeleteNote removes what is kept under a key. It is no error if there is nothing.
func (s *Store) DeleteNote(ctx context.Context, key string) error {
	_, err := s.exec(ctx, "delete note", "DELETE FROM notes WHERE key=?", key)
	return err
}
