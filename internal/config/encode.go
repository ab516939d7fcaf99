package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/retention"
)

// YAML writes the configuration as it is in force: each database with all of its
// settings, and so without defaults. Secrets are shown as (set).
func (c *Config) YAML() string { return encode(c, Secret.String) }

// encode writes a Config. secret says what stands for a Secret that is set.
func encode(c *Config, secret func(Secret) string) string {
	e := &encoder{secret: secret}
	written := *c
	written.Databases = slices.Concat(slices.DeleteFunc(slices.Clone(c.Databases), func(db Database) bool { return db.Match != "" }), c.Patterns)
	e.mapping(reflect.ValueOf(&written).Elem(), "", "")
	return e.b.String()
}

type encoder struct {
	b      strings.Builder
	secret func(Secret) string
}

// mapping writes the keys of a struct, the first one after first and the others
// indented.
func (e *encoder) mapping(v reflect.Value, first, indent string) {
	lead := first
	for _, k := range keysOf(v.Type()) {
		field := v.FieldByIndex(k.index)
		if k.omit && field.IsZero() || field.Type() == reflect.TypeFor[Settings]() {
			continue
		}
		e.b.WriteString(lead + k.name + ":")
		lead = indent
		switch {
		case field.Kind() == reflect.Struct && field.Type() != secretType:
			e.nested(field, indent+"  ")
		case field.Kind() == reflect.Slice:
			e.list(field, indent+"  ")
		default:
			e.b.WriteString(" " + e.scalar(field) + "\n")
		}
	}
}

// nested writes a mapping below a key.
func (e *encoder) nested(v reflect.Value, indent string) {
	before := e.b.Len()
	e.b.WriteString("\n")
	e.mapping(v, indent, indent)
	if e.b.Len() == before+1 { // nothing of it is set
		text := e.b.String()[:before]
		e.b.Reset()
		e.b.WriteString(text + " {}\n")
	}
}

// list writes the elements of a list, texts within brackets.
func (e *encoder) list(v reflect.Value, indent string) {
	if v.Len() == 0 || v.Index(0).Kind() != reflect.Struct {
		parts := make([]string, v.Len())
		for i := range parts {
			parts[i] = e.scalar(v.Index(i))
		}
		e.b.WriteString(" [" + strings.Join(parts, ", ") + "]\n")
		return
	}
	e.b.WriteString("\n")
	for i := range v.Len() {
		e.mapping(v.Index(i), indent+"- ", indent+"  ")
	}
}

func (e *encoder) scalar(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case Secret:
		return quote(escape(e.secret(x)))
	case time.Duration:
		return retention.FormatDuration(x)
	case string:
		return quote(escape(x))
	default:
		return fmt.Sprint(x)
	}
}

// plain is text that needs no quotes: YAML takes nothing that looks like it for a
// value of another kind, but for the words in notText.
var plain = regexp.MustCompile(`^[a-zA-Z/][a-zA-Z0-9_./-]*$`)

// notText are words that some reader of YAML takes for something else than a text, in
// any case.
var notText = []string{"true", "false", "null", "yes", "no", "on", "y", "n"}

// quote writes a text so that YAML reads it as one, in quotes where it may need them.
func quote(text string) string {
	if plain.MatchString(text) && !slices.Contains(notText, strings.ToLower(text)) {
		return text
	}
	return strconv.Quote(text)
}
