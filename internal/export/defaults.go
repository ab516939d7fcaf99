package export

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"sync"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/value"
)

// defaults are the values of a table's columns in records that are older than
// the columns, by field. SQLite is asked for them when the first such record
// is met.
type defaults struct {
	once     sync.Once
	values   []value.Value
	disputed map[int]error // fields that versions of SQLite read differently
	err      error
}

// get returns the default of a field.
func (d *defaults) get(ctx context.Context, path string, t *Table, field int) (value.Value, error) {
	d.once.Do(func() {
		if d.err = d.ask(ctx, path, t); d.err != nil {
			d.err = fmt.Errorf("defaults of added columns: %w", d.err)
		}
	})
	if d.err != nil {
		return value.Value{}, d.err
	}
	return d.values[field], d.disputed[field]
}

func (d *defaults) ask(ctx context.Context, path string, t *Table) (err error) {
	if d.values, err = engine.Defaults(ctx, path, t.object); err != nil {
		return err
	}
	info := t.object.Table
	if len(d.values) != len(info.StorageOrder) {
		return fmt.Errorf("SQLite gives %d for %d fields", len(d.values), len(info.StorageOrder))
	}
	texts, err := engine.DefaultTexts(ctx, path, t.object)
	if err != nil {
		return err
	}
	d.disputed = map[int]error{}
	for field, column := range info.StorageOrder {
		c := &info.Columns[column]
		if isDisputed(&d.values[field], c, texts[column]) {
			d.disputed[field] = fmt.Errorf("rows that are older than column %q have no value of it, and versions of SQLite "+
				"do not agree on what its DEFAULT %s is (store it: UPDATE %q SET %q = %q): %w",
				c.Name, texts[column], t.Label, c.Name, c.Name, ErrRefused)
		}
	}
	return nil
}

// wordOrWideHex are literals whose meaning as a default has changed.
var (
	booleanDefault = regexp.MustCompile(`(?i)^[\s(]*(true|false)[\s)]*$`)
	wideHexDefault = regexp.MustCompile(`(?i)^[\s(+-]*0x0*[0-9a-f]{16}[\s)]*$`)
)

// isDisputed reports whether the default v of a column, written as text, is
// another value for older versions of SQLite: found by trying literals and types
// on 3.40 and 3.54. Whole numbers that are written as reals were integers in
// columns without affinity, TRUE and FALSE were integers in columns of TEXT, and
// hexadecimal numbers of 64 bits were texts.
func isDisputed(v *value.Value, c *engine.Column, text string) bool {
	switch {
	case wideHexDefault.MatchString(text):
		return true
	case v.Kind == value.Real:
		f := v.Float()
		return !c.RealAffinity && f == math.Trunc(f) && math.Abs(f) < 1<<63
	}
	return v.Kind == value.Text && booleanDefault.MatchString(text)
}
