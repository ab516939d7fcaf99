package state

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Drill is a restore into a scratch place, to prove that it can be done.
type Drill struct {
	ID       string // unique, and sorts by the time at which the drill began
	Database string
	Backup   string // file name
	Started  time.Time
	Ended    time.Time // zero while it is under way
	Outcome  string
	Detail   json.RawMessage
}

func (d *Drill) targets() []any {
	return []any{&d.ID, &d.Database, &d.Backup, moment{&d.Started}, moment{&d.Ended}, &d.Outcome, raw{&d.Detail}}
}

// PutDrill stores a drill in the place of one with its ID.
func (s *Store) PutDrill(ctx context.Context, d Drill) error {
	detail, err := text(d.Detail)
	if err != nil {
		return fmt.Errorf("store drill: %w", err)
	}
	_, err = s.exec(ctx, "store drill", "INSERT OR REPLACE INTO drills VALUES ("+places(7)+")",
		d.ID, d.Database, d.Backup, ms(d.Started), ms(d.Ended), d.Outcome, detail)
	return err
}

// Drills returns at most limit drills of a database, newest first; all databases
// for "", all drills for 0.
func (s *Store) Drills(ctx context.Context, database string, limit int) ([]Drill, error) {
	if limit <= 0 {
		limit = -1 // SQLite's word for no limit
	}
	return rows(ctx, s, "read drills", (*Drill).targets, `SELECT id,database,backup,started,ended,outcome,detail
		FROM drills WHERE database=?1 OR ?1='' ORDER BY id DESC LIMIT ?2`, database, limit)
}

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
