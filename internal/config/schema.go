package config

import (
	_ "embed"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"
	"sync"

	"github.com/invopop/jsonschema"
)

// types.go is where the keys are described, in the comments of their fields.
//
//go:embed types.go
var typesSource string

// descriptions are the comments in types.go: of types by their names, of fields by
// "Type.Field".
var descriptions = sync.OnceValue(func() map[string]string {
	known := map[string]string{}
	file, err := parser.ParseFile(token.NewFileSet(), "types.go", typesSource, parser.ParseComments)
	if err != nil {
		return known // it was compiled: this cannot be
	}
	for _, decl := range file.Decls {
		types, ok := decl.(*ast.GenDecl)
		if !ok || types.Tok != token.TYPE {
			continue
		}
		for _, spec := range types.Specs {
			describe(known, spec.(*ast.TypeSpec), types.Doc)
		}
	}
	return known
})

// describe adds the comments of one type.
func describe(known map[string]string, spec *ast.TypeSpec, doc *ast.CommentGroup) {
	name := spec.Name.Name
	known[name] = comment(doc)
	body, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, f := range body.Fields.List {
		for _, field := range f.Names {
			known[name+"."+field.Name] = comment(f.Doc)
		}
	}
}

// comment is the text of a comment as one line.
func comment(doc *ast.CommentGroup) string { return strings.Join(strings.Fields(doc.Text()), " ") }

// Schema returns the JSON schema of litekeep.yaml, for editors that complete and check
// while somebody writes. It is looser than Parse, which knows more.
func Schema() ([]byte, error) {
	r := &jsonschema.Reflector{
		Anonymous:                  true,
		ExpandedStruct:             true,
		FieldNameTag:               "yaml",
		RequiredFromJSONSchemaTags: true,
		Mapper:                     schemaOf,
		LookupComment: func(t reflect.Type, field string) string {
			if field == "" {
				return descriptions()[t.Name()]
			}
			return descriptions()[t.Name()+"."+field]
		},
	}
	s := r.Reflect(&Config{})
	s.Title = "litekeep.yaml"
	if channel := s.Definitions["Channel"]; channel != nil {
		if events, ok := channel.Properties.Get("events"); ok {
			events.Items.Enum = anyOf(Events())
		}
	}
	if database := s.Definitions["Database"]; database != nil {
		database.OneOf = orKeys(reflect.TypeFor[Database]())
	}
	return json.MarshalIndent(s, "", "  ")
}

// orKeys say that of a key and the one that can stand in its place there is one.
func orKeys(t reflect.Type) (list []*jsonschema.Schema) {
	for _, k := range keysOf(t) {
		if k.or != "" {
			list = append(list, &jsonschema.Schema{Required: []string{k.name}}, &jsonschema.Schema{Required: []string{k.or}})
		}
	}
	return list
}

// schemaOf gives the types of values that are texts in the file their patterns. A
// reference to a variable fits everywhere.
func schemaOf(t reflect.Type) *jsonschema.Schema {
	text := func(pattern string) *jsonschema.Schema {
		return &jsonschema.Schema{Type: "string", Pattern: `^(` + pattern + `|.*\$\{.*)$`}
	}
	switch t {
	case durationType:
		return orZero(text(`([0-9]+w)?([0-9]+d)?([0-9.]+(h|m|s|ms))*`))
	case bytesType:
		return orZero(text(`[0-9]+ *([kMGT]?B|[KMGT]iB)`))
	case percentType:
		return text(`(100|[0-9]{1,2})%`)
	case secretType:
		return &jsonschema.Schema{Type: "string", MinLength: ptr(uint64(1))}
	}
	return nil
}

// orZero lets the number 0 stand without a unit.
func orZero(s *jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{s, {Const: 0}}}
}

func ptr[T any](v T) *T { return &v }

func anyOf(words []string) []any {
	list := make([]any, len(words))
	for i, w := range words {
		list[i] = w
	}
	return list
}
