package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrInvalid is matched by the error for a file that cannot be used as it is.
var ErrInvalid = errors.New("configuration is not valid")

// maxShown is how many problems an Error shows. A file of the wrong kind has hundreds.
const maxShown = 20

// Problem is one thing that is wrong, and where.
type Problem struct {
	Line   int `json:"line"`   // counted from 1; 0 for what is not in the file
	Column int `json:"column"` // in characters, counted from 1
	// Key leads to the place: "databases.0.schedule", or the name of an environment
	// variable. "" where the text is no YAML.
	Key     string `json:"key"`
	Message string `json:"message"`
	// Hint is the way out: the nearest right key or value. "" if there is none.
	Hint string `json:"hint,omitempty"`
	// Excerpt is the line and a line with a marker below it, secrets hidden.
	Excerpt string `json:"excerpt,omitempty"`
}

// Error is all that is wrong with a file. It matches ErrInvalid.
type Error struct {
	File     string
	Problems []Problem // in the order of the file, at least one
}

// Error shows the problems with their excerpts, at most twenty of them.
func (e *Error) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		if i == maxShown {
			fmt.Fprintf(&b, "and %d more", len(e.Problems)-maxShown)
			break
		}
		b.WriteString(e.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
		}
		b.WriteString(": " + p.text())
		if p.Excerpt != "" {
			b.WriteString("\n" + p.Excerpt)
		}
	}
	return b.String()
}

// Unwrap returns ErrInvalid.
func (e *Error) Unwrap() error { return ErrInvalid }

// text is the message with the last key that leads to it, and the hint.
func (p Problem) text() string {
	text := p.Message
	if name := lastKey(p.Key); name != "" {
		text = name + ": " + text
	}
	if p.Hint != "" {
		text += "; " + p.Hint
	}
	return text
}

// lastKey is the last part of a path that is a name: destinations of
// databases.0.destinations.1.
func lastKey(path string) string {
	parts := strings.Split(path, ".")
	for _, part := range slices.Backward(parts) {
		if strings.Trim(part, "0123456789") != "" {
			return part
		}
	}
	return ""
}

// place is a place in a file.
type place struct{ line, column int }

// maxProblems is how many problems of a file are told of. Looking for more takes time
// and helps nobody.
const maxProblems = 100

// problems collects what is wrong with one file.
type problems struct {
	name   string
	text   source
	list   []Problem
	hidden map[place]bool // of which no excerpt is shown
}

// full reports whether there are as many problems as are told of.
func (p *problems) full() bool { return len(p.list) >= maxProblems }

// add adds a problem, once.
func (p *problems) add(at place, key, message, hint string) {
	if p.full() {
		return
	}
	for _, old := range p.list {
		if old.Line == at.line && old.Column == at.column && old.Message == message && lastKey(old.Key) == lastKey(key) {
			return // of a default that several databases have
		}
	}
	p.list = append(p.list, Problem{Line: at.line, Column: at.column, Key: key, Message: message, Hint: hint})
}

// err returns an *Error, or nil if nothing is wrong.
func (p *problems) err() error {
	if len(p.list) == 0 {
		return nil
	}
	slices.SortStableFunc(p.list, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	for i := range p.list {
		if at := (place{p.list[i].Line, p.list[i].Column}); !p.hidden[at] {
			p.list[i].Excerpt = p.text.excerpt(at)
		}
	}
	return &Error{File: p.name, Problems: p.list}
}
