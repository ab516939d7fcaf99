package config

import (
	"reflect"
	"slices"
	"strings"

	"github.com/litekeep/litekeep/internal/nearest"
)

// A key is one key of a mapping, as a field of a struct says it.
type key struct {
	name     string
	index    []int // of the field, through inlined structs
	typ      reflect.Type
	required bool
	or       string   // the key that can stand in its place
	omit     bool     // where it has its zero value, in what encode writes
	enum     []string // the values that it can have, nil for any
	min, max *int
	channels []string // the types of a Channel that have it, nil for all
}

// keysOf returns the keys of a struct in their order.
func keysOf(t reflect.Type) []key {
	var keys []key
	for _, f := range reflect.VisibleFields(t) {
		name, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "" || name == "-" || f.Anonymous {
			continue
		}
		k := key{name: name, index: f.Index, typ: f.Type, omit: option == "omitempty", or: f.Tag.Get("or")}
		if types := f.Tag.Get("for"); types != "" {
			k.channels = strings.Fields(types)
		}
		for rule := range strings.SplitSeq(f.Tag.Get("jsonschema"), ",") {
			k.addRule(rule)
		}
		keys = append(keys, k)
	}
	return keys
}

// addRule takes one rule of the tag jsonschema, which the schema is made from too.
func (k *key) addRule(rule string) {
	name, value, _ := strings.Cut(rule, "=")
	switch name {
	case "required":
		k.required = true
	case "enum":
		k.enum = append(k.enum, value)
	case "minimum":
		k.min = number(value)
	case "maximum":
		k.max = number(value)
	}
}

// number reads a number of a tag; a test reads them all.
func number(text string) *int {
	n := 0
	for _, digit := range text {
		n = 10*n + int(digit-'0')
	}
	return &n
}

func keyNames(keys []key) []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
	}
	return names
}

// sections are the structs of a file and where they stand, for keys that somebody
// wrote into the wrong one.
var sections = []struct {
	where string
	typ   reflect.Type
}{
	{"at the top", reflect.TypeFor[Config]()},
	{"under defaults or in a database", reflect.TypeFor[Settings]()},
	{"in a database", reflect.TypeFor[Database]()},
	{"under retention", reflect.TypeFor[Retention]()},
	{"under notifications", reflect.TypeFor[Notifications]()},
	{"in a channel", reflect.TypeFor[Channel]()},
	{"under server", reflect.TypeFor[Server]()},
	{"under server.tls", reflect.TypeFor[TLS]()},
	{"under runs", reflect.TypeFor[Runs]()},
}

// keyHint says what an unknown key of the struct t was probably meant to be: a key of
// t, or one that belongs elsewhere.
func keyHint(name string, t reflect.Type) string {
	own := keyNames(keysOf(t))
	for _, s := range sections {
		if s.typ != t && slices.Contains(keyNames(keysOf(s.typ)), name) {
			return name + " belongs " + s.where
		}
	}
	if hint := didYouMean(name, own); hint != "" {
		return hint
	}
	for _, s := range sections {
		if like := nearest.Word(name, keyNames(keysOf(s.typ))); like != "" && s.typ != t {
			return "did you mean " + like + ", which belongs " + s.where + "?"
		}
	}
	return "known are " + strings.Join(own, ", ")
}
