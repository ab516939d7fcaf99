package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// printJSON writes v as one line.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.stdout)
	e.SetEscapeHTML(false)
	return unlessClosed(e.Encode(v))
}

// printf writes a result for people.
func (a *app) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(a.stdout, format, args...)
	return unlessClosed(err)
}

// unlessClosed is err, unless whoever read standard output had enough: what the
// command came to do is done all the same.
func unlessClosed(err error) error {
	if isClosedPipe(err) {
		return nil
	}
	return err
}

// colour paints text for standard output.
func (a *app) colour(c text.Color, s string) string {
	if !a.paint {
		return s
	}
	return c.Sprint(s)
}

// stamp is a time as JSON has it: RFC 3339 in UTC with milliseconds, or null.
type stamp time.Time

// MarshalJSON writes the string or null.
func (s stamp) MarshalJSON() ([]byte, error) {
	t := time.Time(s)
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(t.UTC().Format(`"2006-01-02T15:04:05.000Z"`)), nil
}

// orNull is null for the empty string.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// unless is null for what is not known.
func unless[T any](unknown bool, v T) *T {
	if unknown {
		return nil
	}
	return &v
}

// list is never null in JSON.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// newTable returns a table of aligned columns without lines. Columns whose
// header begins with a > are aligned to the right.
func newTable(header ...string) table.Writer {
	t := table.NewWriter()
	row := make(table.Row, len(header))
	columns := make([]table.ColumnConfig, len(header))
	for i, h := range header {
		columns[i] = table.ColumnConfig{Number: i + 1, Align: text.AlignLeft, AlignHeader: text.AlignLeft}
		if right, ok := strings.CutPrefix(h, ">"); ok {
			columns[i].Align, columns[i].AlignHeader, h = text.AlignRight, text.AlignRight, right
		}
		row[i] = h
	}
	t.AppendHeader(row)
	t.SetColumnConfigs(columns)
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box = table.BoxStyle{PaddingRight: "  "}
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	return t
}

// report is a summary for people: a line that says what was done, and aligned
// lines that say more.
type report struct{ b strings.Builder }

func newReport(done, what string) *report {
	r := &report{}
	fmt.Fprintf(&r.b, "%s %s\n", done, oneLine(what))
	return r
}

// add adds a line, unless its text is empty.
func (r *report) add(name, format string, args ...any) {
	if value := fmt.Sprintf(format, args...); value != "" {
		fmt.Fprintf(&r.b, "  %-10s%s\n", name, oneLine(value))
	}
}
