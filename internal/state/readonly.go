package state

import (
	"context"
	"fmt"
	"time"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/value"
)

// readWait is how long ReadTokens waits for a service that writes.
const readWait = 5 * time.Second

// ReadTokens returns the tokens in the state in the file path, for somebody who only looks:
// other than Open it changes nothing, whatever the file is. Hash, Databases, Created
// and Used are left zero. An error matches ErrUnavailable, and ErrForeign if the file is no state.
func ReadTokens(ctx context.Context, path string) ([]Token, error) {
	c, err := engine.Open(ctx, path, engine.OpenOptions{ReadOnly: true, BusyTimeout: readWait})
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w: %w", ErrUnavailable, err)
	}
	var found []Token
	err = c.Query(ctx, "PRAGMA application_id", nil, func(row []value.Value) error {
		if row[0].Int != applicationID {
			return fmt.Errorf("%w: its application id is %d", ErrForeign, row[0].Int)
		}
		return nil
	})
	if err == nil {
		err = c.Query(ctx, "SELECT id,name,role,expires,revoked FROM tokens ORDER BY created, id", nil, func(row []value.Value) error {
			found = append(found, Token{
				ID: string(row[0].Bytes), Name: string(row[1].Bytes), Role: string(row[2].Bytes),
				Expires: momentOf(row[3]), Revoked: momentOf(row[4]),
			})
			return nil
		})
	}
	if closing := c.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return nil, fmt.Errorf("read tokens: %w: %w", ErrUnavailable, err)
	}
	return found, nil
}

// momentOf reads what ms has stored.
func momentOf(v value.Value) time.Time {
	if v.Kind != value.Integer {
		return time.Time{}
	}
	return time.UnixMilli(v.Int).UTC()
}
