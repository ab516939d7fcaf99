package config

import (
	"bytes"
	_ "embed"
	"text/template"
)

//go:embed sample.yaml.tmpl
var sampleText string

var sample = template.Must(template.New("litekeep.yaml").
	Funcs(template.FuncMap{"quote": func(text string) string { return quote(escape(text)) }}).Parse(sampleText))

// Sample is what a first litekeep.yaml is made from.
type Sample struct {
	State       string // folder of the service
	Destination string // folder of the backups
	Databases   []SampleDatabase
}

// SampleDatabase is one database of a Sample.
type SampleDatabase struct{ Name, Path string }

// File returns a litekeep.yaml with comments for somebody who writes his first one.
func (s Sample) File() ([]byte, error) {
	var b bytes.Buffer
	err := sample.Execute(&b, s)
	return b.Bytes(), err
}
