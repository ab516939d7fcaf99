package state

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/value"
)

// readWait is how long a reader waits for a service that writes.
const readWait = 5 * time.Second

// ReadTokens returns the tokens in the state in the file path, for somebody who only looks:
// other than Open it changes nothing, whatever the file is. Hash, Databases, Created
// and Used are left zero. An error matches ErrUnavailable, and ErrForeign if the file is no state.
func ReadTokens(ctx context.Context, path string) (found []Token, err error) {
	err = read(ctx, path, "read tokens", "SELECT id,name,role,expires,revoked FROM tokens ORDER BY created, id", func(row []value.Value) {
		found = append(found, Token{
			ID: string(row[0].Bytes), Name: string(row[1].Bytes), Role: string(row[2].Bytes),
			Expires: momentOf(row[3]), Revoked: momentOf(row[4]),
		})
	})
	return found, err
}

// ReadRuns returns the runs of a kind that have ended, newest first, at most 500 of each
// database, for somebody who only looks; see ReadTokens. All but ID, Database, Kind,
// Ended, Outcome, Error and Hint is left zero.
func ReadRuns(ctx context.Context, path, kind string) (found []Run, err error) {
	const query = `SELECT id,database,kind,ended,outcome,error,hint FROM (
		SELECT id,database,kind,ended,outcome,error,hint, row_number() OVER (PARTITION BY database ORDER BY id DESC) AS n FROM runs WHERE kind=? AND ended IS NOT NULL
	) WHERE n<=500 ORDER BY id DESC`
	err = read(ctx, path, "read runs", query, func(row []value.Value) {
		found = append(found, Run{
			ID: string(row[0].Bytes), Database: string(row[1].Bytes), Kind: string(row[2].Bytes), Ended: momentOf(row[3]),
			Outcome: string(row[4].Bytes), Error: string(row[5].Bytes), Hint: string(row[6].Bytes),
		})
	}, value.Value{Kind: value.Text, Bytes: []byte(kind)})
	return found, err
}

// ReadConditions returns the troubles that last, by subject and kind, for somebody who
// only looks; see ReadTokens.
func ReadConditions(ctx context.Context, path string) (found []Condition, err error) {
	err = read(ctx, path, "read conditions", selectConditions+" ORDER BY subject, kind", func(row []value.Value) {
		found = append(found, Condition{
			Subject: string(row[0].Bytes), Kind: string(row[1].Bytes), Since: momentOf(row[2]), Told: momentOf(row[3]),
			Count: int(row[4].Int), Detail: append([]byte(nil), row[5].Bytes...),
		})
	})
	return found, err
}

// ReadNote returns what is kept under a key, for somebody who only looks; see ReadTokens.
// It is nil where there is nothing.
func ReadNote(ctx context.Context, path, key string) (note json.RawMessage, err error) {
	err = read(ctx, path, "read note", "SELECT value FROM notes WHERE key=?", func(row []value.Value) {
		note = append(json.RawMessage(nil), row[0].Bytes...)
	}, value.Value{Kind: value.Text, Bytes: []byte(key)})
	return note, err
}

// read calls each for every row that a query finds in the state in the file path.
func read(ctx context.Context, path, op, query string, each func([]value.Value), args ...value.Value) error {
	c, err := engine.Open(ctx, path, engine.OpenOptions{ReadOnly: true, BusyTimeout: readWait})
	if err != nil {
		return fmt.Errorf("%s: %w: %w", op, ErrUnavailable, err)
	}
	err = c.Query(ctx, "PRAGMA application_id", nil, func(row []value.Value) error {
		if row[0].Int != applicationID {
			return fmt.Errorf("%w: its application id is %d", ErrForeign, row[0].Int)
		}
		return nil
	})
	if err == nil {
		err = c.Query(ctx, query, args, func(row []value.Value) error {
			each(row)
			return nil
		})
	}
	if closing := c.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("%s: %w: %w", op, ErrUnavailable, err)
	}
	return nil
}

// momentOf reads what ms has stored.
func momentOf(v value.Value) time.Time {
	if v.Kind != value.Integer {
		return time.Time{}
	}
	return time.UnixMilli(v.Int).UTC()
}
