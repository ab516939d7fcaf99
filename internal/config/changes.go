package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Changes says in words what is different in after, a line each: "database app: added",
// "database app: schedule: 0 2 * * * → @hourly". Secrets are not shown. The defaults
// are not compared: what they changed shows in the databases. A line ends in AtNextStart
// where a service that runs goes on as before.
func Changes(before, after *Config) []string {
	old, now := flatten(before), flatten(after)
	var lines []string
	for _, name := range sortedKeys(old.elements) {
		if !now.elements[name] {
			lines = append(lines, name+": removed")
		}
	}
	for _, name := range sortedKeys(now.elements) {
		if !old.elements[name] {
			lines = append(lines, name+": added")
		}
	}
	for _, name := range sortedKeys(now.elements) {
		switch gone := now.gone[name]; {
		case gone == old.gone[name]:
		case gone:
			lines = append(lines, name+": the file is gone")
		default:
			lines = append(lines, name+": the file is back")
		}
	}
	for _, path := range now.order {
		from, to := old.values[path], now.values[path]
		if now.of[path] != "" && !old.elements[now.of[path]] || from.equal(to) {
			continue
		}
		line := fmt.Sprintf("%s: %s → %s", path, from.shown, to.shown)
		if from.shown == to.shown {
			line = path + ": changed" // a secret
		}
		if needsRestart(path) {
			line += AtNextStart
		}
		lines = append(lines, line)
	}
	return lines
}

// AtNextStart ends what a reload does not change: the service has its state open and
// listens already.
const AtNextStart = " (at the next start)"

func needsRestart(path string) bool {
	return path == "state" || strings.HasPrefix(path, "server.") && path != "server.public_url"
}

// flat is a Config as values by their paths in words.
type flat struct {
	order    []string
	values   map[string]flatValue
	of       map[string]string // the database or channel that a value belongs to
	elements map[string]bool   // "database app", "channel ops"
	gone     map[string]bool   // those whose file is gone
}

// flatValue is one value: what is compared, and what is shown.
type flatValue struct{ text, shown string }

func (v flatValue) equal(other flatValue) bool { return v.text == other.text }

func flatten(c *Config) *flat {
	f := &flat{values: map[string]flatValue{}, of: map[string]string{}, elements: map[string]bool{}, gone: map[string]bool{}}
	own := *c
	own.Databases = slices.DeleteFunc(slices.Clone(c.Databases), func(db Database) bool { return db.Match != "" })
	f.add("", "", reflect.ValueOf(&own).Elem())
	for _, p := range c.Patterns {
		name := "databases " + p.Match
		f.elements[name] = true
		f.add(name, name, reflect.ValueOf(p))
	}
	for _, db := range c.Databases {
		if db.Match != "" { // its settings are those of the pattern
			name := elementName(reflect.ValueOf(db))
			f.elements[name], f.gone[name] = true, db.Gone
		}
	}
	return f
}

// add adds what is in v; element is the database or channel that it belongs to.
func (f *flat) add(path, element string, v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[Settings]():
		return // the defaults; a database's keys are its own
	case v.Kind() == reflect.Struct && v.Type() != secretType:
		for _, k := range keysOf(v.Type()) {
			f.add(subPath(path, element, k.name), element, v.FieldByIndex(k.index))
		}
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct:
		for i := range v.Len() {
			name := elementName(v.Index(i))
			f.elements[name] = true
			f.add(name, name, v.Index(i))
		}
	default:
		f.order = append(f.order, path)
		f.values[path], f.of[path] = valueOf(v), element
	}
}

// subPath is "server.listen", and "database app: schedule".
func subPath(path, element, name string) string {
	switch path {
	case "":
		return name
	case element:
		return path + ": " + name
	}
	return path + "." + name
}

// elementName is "database app" or "channel ops".
func elementName(v reflect.Value) string {
	return strings.ToLower(v.Type().Name()) + " " + v.FieldByName("Name").String()
}

func valueOf(v reflect.Value) flatValue {
	if s, ok := v.Interface().(Secret); ok {
		if !s.IsSet() {
			return flatValue{"", "none"}
		}
		return flatValue{s.Reveal(), s.String()}
	}
	if v.Kind() == reflect.Slice {
		texts := v.Interface().([]string)
		quoted := make([]string, len(texts))
		for i, t := range texts {
			quoted[i] = strconv.Quote(t)
		}
		return flatValue{strings.Join(quoted, " "), orNone(strings.Join(texts, ", "))}
	}
	e := encoder{}
	text := strings.Trim(e.scalar(v), `"`)
	return flatValue{text, orNone(text)}
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
