package export

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// defaults are the values of a table's columns in records that are older than
// the columns, by field. SQLite is asked for them when the first such record
// is met.
type defaults struct {
	once     sync.Once
	values   []value.Value
	disputed map[int]string // fields that would be read differently if they were stored, and what to do
	err      error
}

// defaultOf returns the default of a field. Where versions of SQLite may not agree on
// it, it is noted that the table must be short.
func (e *encoder) defaultOf(t *Table, field int) (value.Value, error) {
	d := &t.defaults
	d.once.Do(func() {
		if d.err = d.ask(e.ctx, t, e.enc); d.err != nil {
			d.err = fmt.Errorf("defaults of added columns: %w", d.err)
		}
	})
	if d.err != nil {
		return value.Value{}, d.err
	}
	if reason := d.disputed[field]; reason != "" {
		e.plan.missing.short(t, reason)
	}
	return d.values[field], nil
}

// endsAt returns an error unless the columns of t from the one at i on, and no others,
// are those that a record of so many fields lacks.
func (t *Table) endsAt(i, fields int) error {
	for _, c := range t.columns[i:] {
		if c.field < fields {
			return fmt.Errorf("its record ends before column %q, but not before all after it: %w", t.Columns[i].Bytes, ErrRefused)
		}
	}
	return nil
}

func (d *defaults) ask(ctx context.Context, t *Table, enc sqlitefile.Encoding) (err error) {
	var texts []string
	if d.values, texts, err = engine.Defaults(ctx, t.object, enc); err != nil {
		return err
	}
	info := t.object.Table
	if len(d.values) != len(info.StorageOrder) {
		return fmt.Errorf("SQLite gives %d for %d fields", len(d.values), len(info.StorageOrder))
	}
	d.disputed = map[int]string{}
	for field, column := range info.StorageOrder {
		c, why := &info.Columns[column], ""
		switch {
		case isDisputed(&d.values[field], c, texts[column]):
			why = "versions of SQLite may not agree on what its DEFAULT %s is"
		case isUnlikeStored(&d.values[field], enc):
			why = "SQLite takes its DEFAULT %s for another text than the same blob that is stored"
		default:
			continue
		}
		d.disputed[field] = fmt.Sprintf("rows of table %q that are older than column %q are kept without it, since "+why+" (UPDATE %q SET %q = %q stores it)",
			t.Label, c.Name, texts[column], t.Label, c.Name, c.Name)
	}
	return nil
}

// plainDefault is one literal, of which a number alone may have a sign; parentheses
// may be around it, and a word without any is a text. What CAST makes of a number and
// what a sign makes of a text or of TRUE has changed, in columns of TEXT at the least.
// Both cases are named: to fold all of Unicode takes 5 ms, at the start of every command.
var plainDefault = regexp.MustCompile(`^[\s(]*(?:` +
	`[+-]?\s*(?:0[xX][0-9a-fA-F_]+|(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9][0-9_]*)(?:[eE][+-]?[0-9][0-9_]*)?)` +
	`|[xX]?'(?:[^']|'')*'|"(?:[^"]|"")*"|` + "`(?:[^`]|``)*`" + `|\[[^\]]*\]|[a-zA-Z_\x{80}-\x{10ffff}][a-zA-Z0-9_$\x{80}-\x{10ffff}]*` +
	`)[\s)]*$`)

// These are literals whose meaning as a default has changed.
var (
	booleanDefault = regexp.MustCompile(`(?i)^[\s(]*(true|false)[\s)]*$`)
	wideHexDefault = regexp.MustCompile(`(?i)^[\s(+-]*0x0*[0-9a-f]{16}[\s)]*$`)
	decimalDefault = regexp.MustCompile(`^[\s('+-]*([0-9]*)(\.?)([0-9]*)(?:[eE]([+-]?[0-9]+))?[\s')]*$`)
)

// isDisputed reports whether the default v of a column, written as text, may be
// another value for older versions of SQLite: found by trying literals, expressions
// and types on 3.40 and 3.54. Of expressions too many differ to tell which, so all
// count. Of literals, whole numbers that are written as reals were integers in
// columns without affinity, TRUE and FALSE were integers in columns of TEXT, and
// hexadecimal numbers of 64 bits were texts; see also roundsVariously.
func isDisputed(v *value.Value, c *engine.Column, text string) bool {
	if text == "" {
		return c.HasDefault // how it is written is not known
	}
	digits := strings.ReplaceAll(text, "_", "") // 1_000 is 1000
	switch {
	case !plainDefault.MatchString(text), wideHexDefault.MatchString(digits):
		return true
	case v.Kind == value.Real:
		f := v.Float()
		return !c.RealAffinity && f == math.Trunc(f) && math.Abs(f) < 1<<63 || roundsVariously(digits)
	}
	return v.Kind == value.Text && booleanDefault.MatchString(text)
}

// isUnlikeStored reports whether a row would be another if it had the default v stored.
// The bytes of a blob become a text in the encoding of the database, but SQLite takes
// those of a DEFAULT for UTF-8.
func isUnlikeStored(v *value.Value, enc sqlitefile.Encoding) bool {
	return v.Kind == value.Blob && len(v.Bytes) > 0 && enc != sqlitefile.UTF8
}

// roundsVariously reports whether versions and builds of SQLite may differ in the
// last bit of the decimal number text. They scale the digits by a power of ten, in
// arithmetic of 53, 64 or 106 bits, which gives the nearest float64 in any of them
// if digits and power both have one of their own.
func roundsVariously(text string) bool {
	m := decimalDefault.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	whole, point, fraction, power := m[1], m[2], m[3], m[4]
	if point == "" && power == "" {
		return roundsIntegerVariously(whole)
	}
	exponent, err := strconv.Atoi("0" + strings.TrimLeft(power, "+-"))
	if err != nil || exponent >= 400 {
		return false // infinite, or zero
	}
	if strings.HasPrefix(power, "-") {
		exponent = -exponent
	}
	digits := strings.TrimLeft(whole+fraction, "0")
	significant := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(significant) - len(fraction)
	n, err := strconv.ParseUint(significant, 10, 64)
	return significant != "" && (err != nil || n > 1<<53 || exponent < -22 || exponent > 22)
}

// roundsIntegerVariously is roundsVariously for an integer without a sign. The
// processor rounds what an int64 can hold, but an index of SQLite 3.40 has the integer.
// Of more digits the first 18 are taken, so the others count only where they are what
// decides between two float64.
func roundsIntegerVariously(digits string) bool {
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
		return n > 1<<53
	}
	x, _, err := big.ParseFloat(digits, 10, 256, big.ToNearestEven)
	if err != nil {
		return true
	}
	off := new(big.Float).SetPrec(256).SetMantExp(x, -59) // more than 18 digits leave
	low, _ := new(big.Float).Sub(x, off).Float64()
	high, _ := new(big.Float).Add(x, off).Float64()
	return low != high
}
