package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"
)

// Message is something that is to be sent through a channel.
type Message struct {
	ID        string          // unique, and the same for each attempt
	Channel   string          // name of the channel
	Body      json.RawMessage // what the sender made of it
	Created   time.Time
	Next      time.Time // when to try, or to try again
	Attempts  int       // that failed
	Error     string    // of the last attempt, "" if none failed
	Failed    time.Time // when that was
	Delivered time.Time // zero while it waits
}

func (m *Message) targets() []any {
	return []any{
		&m.ID, &m.Channel,
		raw{&m.Body},
		moment{&m.Created},
		moment{&m.Next},
		&m.Attempts, &m.Error,
		moment{&m.Failed},
		moment{&m.Delivered},
	}
}

const selectMessages = "SELECT id,channel,body,created,next,attempts,error,failed,delivered FROM messages"

// Enqueue stores messages, all or none. One whose ID is there replaces it.
func (s *Store) Enqueue(ctx context.Context, messages ...Message) error {
	return s.write(ctx, "queue messages", func(tx *sql.Tx) error {
		for _, m := range messages {
			if m.ID == "" || m.Channel == "" || len(m.Body) == 0 {
				return fmt.Errorf("%w: a message needs an ID, a channel and a body", errInvalid)
			}
			body, err := text(m.Body)
			if err != nil {
				return fmt.Errorf("body of message: %w", err)
			}
			if _, err := tx.ExecContext(ctx, "INSERT OR REPLACE INTO messages VALUES ("+places(9)+")", m.ID, m.Channel, body,
				ms(m.Created), ms(m.Next), m.Attempts, m.Error, ms(m.Failed), ms(m.Delivered)); err != nil {
				return err
			}
		}
		return nil
	})
}

// Waiting returns all messages that were not delivered, in the order in which
// they are due.
func (s *Store) Waiting(ctx context.Context) ([]Message, error) {
	return rows(ctx, s, "read messages", (*Message).targets, selectMessages+" WHERE delivered IS NULL ORDER BY next, id")
}

// Delivered notes when messages were delivered. IDs that are not known, or were
// delivered before, are no error.
func (s *Store) Delivered(ctx context.Context, at time.Time, ids ...string) error {
	return s.forEach(ctx, "note delivery", ids, func(tx *sql.Tx, id string) error {
		_, err := tx.ExecContext(ctx, "UPDATE messages SET delivered=? WHERE id=? AND delivered IS NULL", ms(at), id)
		return err
	})
}

// Failed notes that an attempt to send messages failed at a time, with what error,
// and when the next is due. IDs that are not known, or were delivered, are no
// error.
func (s *Store) Failed(ctx context.Context, at, next time.Time, reason string, ids ...string) error {
	return s.forEach(ctx, "note failed delivery", ids, func(tx *sql.Tx, id string) error {
		_, err := tx.ExecContext(ctx, "UPDATE messages SET failed=?, next=?, error=?, attempts=attempts+1 WHERE id=? AND delivered IS NULL",
			ms(at), ms(next), reason, id)
		return err
	})
}

// forEach does something for each ID, in one transaction.
func (s *Store) forEach(ctx context.Context, op string, ids []string, do func(*sql.Tx, string) error) error {
	return s.write(ctx, op, func(tx *sql.Tx) error {
		for _, id := range ids {
			if err := do(tx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// TrimMessages removes messages that were delivered before a time, and returns
// how many.
func (s *Store) TrimMessages(ctx context.Context, before time.Time) (int, error) {
	return s.exec(ctx, "trim messages", "DELETE FROM messages WHERE delivered<?", ms(before))
}
