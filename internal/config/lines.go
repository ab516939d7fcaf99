package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/retention"
)

// A Line is one setting as people may see it: secrets show as (set).
type Line struct {
	Section string // the key that it stands below, "database NAME", "channel NAME", or "service" for none
	Key     string // "retention.within"
	Value   string
}

// Lines returns the configuration as it is in force, a line for each setting. Of a
// database that a pattern has brought the lines say where it is from; its settings are
// those of the pattern, which has a section of its own.
func (c *Config) Lines() []Line {
	var l lines
	own := *c
	own.Databases = slices.DeleteFunc(slices.Clone(c.Databases), func(db Database) bool { return db.Match != "" })
	l.add("", "", reflect.ValueOf(&own).Elem())
	for _, p := range c.Patterns {
		l.add("databases "+p.Match, "", reflect.ValueOf(p))
	}
	for _, db := range c.Databases {
		if db.Match != "" {
			l.put("database "+db.Name, "path", db.Path)
			l.put("database "+db.Name, "match", db.Match)
		}
	}
	return l.list
}

type lines struct{ list []Line }

func (l *lines) put(section, key, value string) {
	if section == "" {
		section = "service"
	}
	l.list = append(l.list, Line{section, key, value})
}

// text is a single value as people read it.
func (l *lines) text(v reflect.Value) string {
	if d, ok := v.Interface().(time.Duration); ok {
		return retention.FormatDuration(d)
	}
	return fmt.Sprint(v.Interface()) // which shows no Secret
}

// add adds the keys of a struct.
func (l *lines) add(section, prefix string, v reflect.Value) {
	for _, k := range keysOf(v.Type()) {
		field := v.FieldByIndex(k.index)
		if k.omit && field.IsZero() || field.Type() == reflect.TypeFor[Settings]() {
			continue
		}
		switch {
		case field.Kind() == reflect.Struct && field.Type() != secretType:
			if section == "" {
				l.add(k.name, "", field)
			} else {
				l.add(section, prefix+k.name+".", field)
			}
		case field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct:
			for i := range field.Len() {
				one := field.Index(i)
				name := strings.TrimSuffix(k.name, "s") + " " + one.FieldByName("Name").String()
				l.add(name, "", one)
			}
		case field.Kind() == reflect.Slice:
			var parts []string
			for i := range field.Len() {
				parts = append(parts, l.text(field.Index(i)))
			}
			l.put(section, prefix+k.name, strings.Join(parts, ", "))
		default:
			l.put(section, prefix+k.name, l.text(field))
		}
	}
}
