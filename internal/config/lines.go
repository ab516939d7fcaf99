package config

import (
	"reflect"
	"strings"
)

// A Line is one setting as people may see it: secrets show as (set).
type Line struct {
	Section string // the key that it stands below, "database NAME" or "channel NAME"; "" for none
	Key     string // "retention.within"
	Value   string
}

// Lines returns the configuration as it is in force, a line for each setting.
func (c *Config) Lines() []Line {
	l := lines{e: encoder{secret: Secret.String}}
	l.add("", "", reflect.ValueOf(c).Elem())
	return l.list
}

type lines struct {
	e    encoder
	list []Line
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
				parts = append(parts, l.e.scalar(field.Index(i)))
			}
			l.list = append(l.list, Line{section, prefix + k.name, strings.Join(parts, ", ")})
		default:
			l.list = append(l.list, Line{section, prefix + k.name, l.e.scalar(field)})
		}
	}
}
