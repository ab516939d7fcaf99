package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/litekeep/litekeep/internal/value"
)

// ForeignKeyCheck counts the rows of the private database path that refer to
// a row that does not exist, as PRAGMA foreign_key_check does. note says what
// could not be checked and why, "" when everything was: the declarations may
// not fit together, for example.
func ForeignKeyCheck(ctx context.Context, path string) (violations int64, note string, err error) {
	violations, note, err = foreignKeyCheck(ctx, path)
	if err != nil {
		return 0, "", fmt.Errorf("check foreign keys: %w", err)
	}
	return violations, note, nil
}

func foreignKeyCheck(ctx context.Context, path string) (violations int64, note string, err error) {
	d, err := Describe(ctx, path)
	if err != nil {
		return 0, "", err
	}
	c, _, err := openTolerant(ctx, path)
	if err != nil {
		return 0, "", err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	if err = c.setCache(ctx, checkCacheKiB); err != nil {
		return 0, "", err
	}
	var notes []string
	for i := range d.Objects {
		o := &d.Objects[i]
		if o.Table == nil || !o.Table.HasForeignKeys {
			continue
		}
		found := int64(0)
		err = c.Query(ctx, "PRAGMA main.foreign_key_check("+quoteName(o.Name)+")", nil, func([]value.Value) error {
			found++
			return nil
		})
		violations += found
		if err != nil && !isUncheckable(err) {
			return 0, "", err
		}
		if err != nil {
			notes = append(notes, fmt.Sprintf("table %s: %s", o.Name, messageOf(err)))
		}
	}
	return violations, strings.Join(notes, "; "), nil
}
