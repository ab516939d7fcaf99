package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/litekeep/litekeep/internal/value"
)

// DefaultTexts returns the DEFAULT of each column of the table as its
// declaration writes it, "" where there is none. path is the private database
// that table was described from.
func DefaultTexts(ctx context.Context, path string, table *Object) ([]string, error) {
	c, _, err := openTolerant(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("defaults of %q: %w", table.Name, err)
	}
	texts := make([]string, len(table.Table.Columns))
	name := value.Value{Kind: value.Text, Bytes: []byte(table.Name)}
	err = c.Query(ctx, "SELECT cid, dflt_value FROM pragma_table_xinfo(?, 'main')", []value.Value{name}, func(row []value.Value) error {
		if i := row[0].Int; i >= 0 && i < int64(len(texts)) {
			texts[i] = string(row[1].Bytes)
		}
		return nil
	})
	if err = errors.Join(err, c.Close()); err != nil {
		return nil, fmt.Errorf("defaults of %q: %w", table.Name, err)
	}
	return texts, nil
}
