package state

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// Condition is a trouble that lasts, or what people were told of it.
type Condition struct {
	Subject string // what it is about: a database, a place
	Kind    string // the event, such as "failed" or "overdue"
	Since   time.Time
	Told    time.Time // last, zero for never
	Count   int       // of events
	Detail  json.RawMessage
}

func (c *Condition) targets() []any {
	return []any{&c.Subject, &c.Kind, moment{&c.Since}, moment{&c.Told}, &c.Count, raw{&c.Detail}}
}

const selectConditions = "SELECT subject,kind,since,told,count,detail FROM conditions"

// PutCondition stores a condition in the place of one with its subject and kind.
func (s *Store) PutCondition(ctx context.Context, c Condition) error {
	detail, err := text(c.Detail)
	if err != nil {
		return fmt.Errorf("store condition: %w", err)
	}
	_, err = s.exec(ctx, "store condition", "INSERT OR REPLACE INTO conditions VALUES (?,?,?,?,?,?)",
		c.Subject, c.Kind, ms(c.Since), ms(c.Told), c.Count, detail)
	return err
}

// Conditions returns all conditions by subject and kind.
func (s *Store) Conditions(ctx context.Context) ([]Condition, error) {
	return rows(ctx, s, "read conditions", (*Condition).targets, selectConditions+" ORDER BY subject, kind")
}

// DeleteCondition removes a condition. It is no error if it is not there.
func (s *Store) DeleteCondition(ctx context.Context, subject, kind string) error {
	_, err := s.exec(ctx, "delete condition", "DELETE FROM conditions WHERE subject=? AND kind=?", subject, kind)
	return err
}
