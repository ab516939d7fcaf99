package api

import (
	"bytes"
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/litekeep/litekeep/internal/access"
)

// The page of the document, made on the server: it needs no script and no other
// host.
var (
	//go:embed page/page.html
	pageSource string
	//go:embed page/page.css
	pageStyle []byte
	pageShape = template.Must(template.New("page").Parse(pageSource))
)

// pagePolicy is the page's Content-Security-Policy.
const pagePolicy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// What the page shows.
type (
	pageData struct {
		Title, About string
		Groups       []pageGroup
		Schemas      []pageSchema
	}
	pageGroup struct {
		Name, About string
		Operations  []pageOperation
	}
	pageOperation struct {
		ID, Method, Path, Summary string
		About                     []string
		Public                    bool
		Parameters                []pageField
		Body                      pageType
		Responses                 []pageResponse
	}
	pageField struct {
		Name, In, About string
		Required        bool
		Type            pageType
	}
	pageResponse struct {
		Status, About string
		Type          pageType
	}
	// pageType is a type in words, with the schema that it is about.
	pageType   struct{ Before, Schema, After string }
	pageSchema struct {
		Name   string
		Fields []pageField
	}
)

// registerPage serves the page of the document and its style.
func (a *API) registerPage() {
	a.static("get-page", "/api/docs", "This document, for people", "text/html; charset=utf-8", &a.page)
	a.static("get-page-style", "/api/docs/style.css", "The style of that page", "text/css; charset=utf-8", &pageStyle)
}

// pageText makes the page of a document.
func pageText(d *huma.OpenAPI) []byte {
	var b bytes.Buffer
	if err := pageShape.Execute(&b, pageOf(d)); err != nil {
		panic(err) // it is made of what is in this package
	}
	return b.Bytes()
}

// static serves a text that does not change once the API is made.
func (a *API) static(id, path, summary, media string, text *[]byte) {
	op := operation{id: id, method: http.MethodGet, path: path, tag: "service", public: true, summary: summary}
	register(a, op, func(context.Context, access.Principal, *struct{}) (*stream, error) {
		return streamed(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", media)
			w.Header().Set("Content-Security-Policy", pagePolicy)
			_, _ = w.Write(*text) // there is nobody else to tell
		}), nil
	})
	a.amend(op, func(o *huma.Operation) {
		kind, _, _ := strings.Cut(media, ";")
		o.Responses["200"].Content = map[string]*huma.MediaType{kind: {Schema: &huma.Schema{Type: huma.TypeString}}}
	})
}

func pageOf(d *huma.OpenAPI) pageData {
	p := pageData{Title: d.Info.Title, About: d.Info.Description}
	for _, tag := range d.Tags {
		g := pageGroup{Name: tag.Name, About: tag.Description}
		for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
			all := operations(d.Paths[path])
			for _, method := range slices.Sorted(maps.Keys(all)) {
				if slices.Contains(all[method].Tags, tag.Name) {
					g.Operations = append(g.Operations, pageOperationOf(all[method]))
				}
			}
		}
		p.Groups = append(p.Groups, g)
	}
	schemas := d.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		p.Schemas = append(p.Schemas, pageSchema{name, fieldsOf(schemas[name])})
	}
	return p
}

func pageOperationOf(o *huma.Operation) pageOperation {
	p := pageOperation{
		ID: o.OperationID, Method: o.Method, Path: o.Path, Summary: o.Summary, Public: len(o.Security) > 0,
		About: strings.FieldsFunc(o.Description, func(r rune) bool { return r == '\n' }),
	}
	for _, x := range o.Parameters {
		p.Parameters = append(p.Parameters, pageField{x.Name, x.In, x.Description, x.Required, typeText(x.Schema)})
	}
	if o.RequestBody != nil {
		p.Body = mediaText(o.RequestBody.Content)
	}
	for _, status := range slices.Sorted(maps.Keys(o.Responses)) {
		r := o.Responses[status]
		p.Responses = append(p.Responses, pageResponse{status, r.Description, mediaText(r.Content)})
	}
	return p
}

func fieldsOf(s *huma.Schema) []pageField {
	var all []pageField
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		x := s.Properties[name]
		all = append(all, pageField{Name: name, About: x.Description, Required: slices.Contains(s.Required, name), Type: typeText(x)})
	}
	return all
}

// mediaText tells what a body is: its schema, or else its types.
func mediaText(content map[string]*huma.MediaType) pageType {
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(content)) {
		if t := typeText(content[kind].Schema); t.Schema != "" {
			return t
		}
		kinds = append(kinds, kind)
	}
	return pageType{Before: strings.Join(kinds, ", ")}
}

// typeText tells a type in words.
func typeText(s *huma.Schema) pageType {
	switch {
	case s == nil:
		return pageType{}
	case s.Ref != "":
		return pageType{Schema: s.Ref[strings.LastIndex(s.Ref, "/")+1:]}
	case s.Items != nil:
		t := typeText(s.Items)
		t.Before = "list of " + t.Before
		return t
	case len(s.OneOf) > 0:
		return typeText(s.OneOf[0])
	case len(s.Enum) > 0:
		var words []string
		for _, v := range s.Enum {
			words = append(words, fmt.Sprint(v))
		}
		return pageType{Before: strings.Join(words, ", ")}
	}
	t := pageType{Before: cmp.Or(map[string]string{"date-time": "time", "binary": "bytes"}[s.Format], s.Type)}
	if s.Nullable {
		t.After = " or null"
	}
	return t
}
