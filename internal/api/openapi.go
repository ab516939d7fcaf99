package api

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// documentVersion is that of the API, not of the program.
const documentVersion = "1"

// The ways to show who asks, by their names in the document.
const (
	bearer  = "token"
	session = "session"
)

// describe fills in what the document says of the whole.
func describe(d *huma.OpenAPI) {
	d.Info.Description = "Backups of SQLite databases. Answers are JSON with the field success; errors are problem details " +
		"(RFC 9457) with the id of the request. Times are RFC 3339 in UTC. Answers may get new fields."
	d.Security = []map[string][]string{{bearer: {}}, {session: {}}}
	d.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		bearer:  {Type: "http", Scheme: "bearer", Description: "A token of `litekeep token create`"},
		session: {Type: "apiKey", In: "cookie", Name: "session", Description: "The cookie of a session of the dashboard, whatever its name"},
	}
	d.Tags = []*huma.Tag{
		{Name: tagBackups, Description: "Make, look at, restore and keep backups"},
		{Name: "databases", Description: "How the databases are"},
		{Name: "runs", Description: "What the service did and does"},
		{Name: "tokens", Description: "Who may ask"},
		{Name: "audit", Description: "Who did what"},
		{Name: "service", Description: "The service itself"},
	}
}

// schema returns the reference to the schema of a type.
func (a *API) schema(t reflect.Type) *huma.Schema {
	return a.huma.OpenAPI().Components.Schemas.Schema(t, true, t.Name())
}

// amend changes what the document says of an operation.
func (a *API) amend(op operation, change func(*huma.Operation)) {
	change(operations(a.huma.OpenAPI().Paths[op.path])[op.method])
}

// operations are the operations of a path, by their methods.
func operations(p *huma.PathItem) map[string]*huma.Operation {
	all := map[string]*huma.Operation{
		http.MethodGet: p.Get, http.MethodPost: p.Post, http.MethodPut: p.Put, http.MethodPatch: p.Patch, http.MethodDelete: p.Delete,
	}
	maps.DeleteFunc(all, func(_ string, o *huma.Operation) bool { return o == nil })
	return all
}

// registerDocument serves the document and its page. It comes last, so that the
// document has all operations.
func (a *API) registerDocument() {
	op := operation{
		id: "get-openapi", method: http.MethodGet, path: "/openapi.json", tag: "service", public: true,
		summary: "This document", about: "The page at /api/docs shows it.",
	}
	register(a, op, func(context.Context, access.Principal, *struct{}) (*stream, error) {
		return streamed(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/vnd.oai.openapi+json;version=3.1")
			_, _ = w.Write(a.text) // there is nobody else to tell
		}), nil
	})
	a.amend(op, func(o *huma.Operation) {
		o.Responses["200"].Content = map[string]*huma.MediaType{"application/vnd.oai.openapi+json": {Schema: &huma.Schema{Type: huma.TypeObject}}}
	})
	a.registerPage()
	a.tidy()
	a.page = pageText(a.huma.OpenAPI())
	text, err := json.MarshalIndent(a.huma.OpenAPI(), "", "  ")
	if err != nil {
		panic(err) // it is made of what is in this package
	}
	a.text = append(text, '\n')
}

// Document returns the OpenAPI document.
func (a *API) Document() []byte { return slices.Clone(a.text) }

// tidy takes out of the document what huma puts there of its own accord, and
// tells the values of the service's words.
func (a *API) tidy() {
	schemas := a.huma.OpenAPI().Components.Schemas.Map()
	for _, own := range []string{"ErrorModel", "ErrorDetail"} {
		delete(schemas, own)
	}
	for _, s := range schemas {
		for _, p := range s.Properties {
			p.Nullable = p.Nullable && p.Type != huma.TypeArray // a list that is empty is []
		}
	}
	for _, w := range words {
		if s := schemas[w.schema]; s != nil {
			s.Properties[w.property].Enum = w.values
		}
	}
	for _, item := range a.huma.OpenAPI().Paths {
		for _, o := range operations(item) {
			if o.RequestBody != nil && !o.RequestBody.Required && o.RequestBody.Description == "" {
				o.RequestBody.Description = "May be left out"
			}
			slices.SortFunc(o.Parameters, func(x, y *huma.Param) int {
				return int(order[x.In]) - int(order[y.In])
			})
		}
	}
}

// order is how the parameters of an operation are listed.
var order = map[string]uint8{"path": 0, "query": 1, "header": 2}

// words are properties that take one of a few values.
var words = []struct {
	schema, property string
	values           []any
}{
	{"Run", "kind", kinds},
	{"Run", "outcome", outcomes},
	{"OneRunAnswer", "kind", kinds},
	{"OneRunAnswer", "outcome", outcomes},
	{"RunAnswer", "outcome", outcomes},
	{"CreateAnswer", "outcome", outcomes},
	{"VerifyAnswer", "outcome", outcomes},
	{"RestoreAnswer", "outcome", outcomes},
	{"CleanupAnswer", "outcome", outcomes},
	{"SyncAnswer", "outcome", outcomes},
	{"Status", "condition", conditions},
	{"DatabaseAnswer", "condition", conditions},
}

var (
	kinds      = []any{service.KindBackup, service.KindVerify, service.KindRestore, service.KindCleanup, service.KindSync}
	conditions = []any{
		service.ConditionUnprotected, service.ConditionOverdue, service.ConditionFailing, service.ConditionDamaged,
		service.ConditionWarning, service.ConditionOK,
	}
	outcomes = []any{
		service.OutcomeQueued, service.OutcomeRunning, service.OutcomeOK, service.OutcomePartial, service.OutcomeFailed,
		service.OutcomeRefused, service.OutcomeDamaged, service.OutcomeBusy, service.OutcomeTimeout, service.OutcomeCancelled,
		service.OutcomeCrashed,
	}
)
