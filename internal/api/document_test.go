package api_test

import (
	"encoding/json"
	"flag"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/litekeep/litekeep/internal/api"
)

var update = flag.Bool("update", false, "write the golden files anew")

// document is what the tests need of an OpenAPI document.
type document struct {
	Paths map[string]map[string]struct {
		ID         string                `json:"operationId"`
		Summary    string                `json:"summary"`
		Security   []map[string][]string `json:"security"`
		Parameters []struct {
			Name, In string
			Required bool
		} `json:"parameters"`
		RequestBody *struct{ Required bool } `json:"requestBody"`
		Responses   map[string]struct {
			Content map[string]struct{ Schema map[string]any }
		} `json:"responses"`
	}
	Components struct{ Schemas map[string]any }
}

func documentOf(t *testing.T, a *api.API) document {
	t.Helper()
	var d document
	if err := json.Unmarshal(a.Document(), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestGoldenDocument(t *testing.T) {
	const golden = "testdata/openapi.json"
	got := api.New(newFake("app"), options(nil)).Document()
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("the document changed; with -update it is written anew, and its change is one of the API (-want +got):\n%s", d)
	}
}

// sample fills in the parameters of a path.
var sample = strings.NewReplacer("{backup_filename}", backupFile, "{name}", "app", "{id}", "run1")

// bodies are the bodies of operations that need one.
var bodies = map[string]string{
	"restore-backup": `{"dry_run":true}`,
	"create-token":   `{"name":"x","role":"viewer"}`,
	"accept-size":    `{"reason":"x"}`,
}

// TestDocumentAnswers asks for every operation of the document, and finds the
// answer to be one that the document has, as whoever may and as nobody.
func TestDocumentAnswers(t *testing.T) {
	stopping := make(chan struct{})
	close(stopping) // so that streams end
	o := options(nil)
	o.Stopping = stopping
	d := documentOf(t, api.New(newFake("app"), o))
	for path, methods := range d.Paths {
		for method, op := range methods {
			public := len(op.Security) == 1 && len(op.Security[0]) == 0
			f := newFake("app")
			h := api.New(f, o)
			if strings.HasPrefix(path, "/api/runs/") {
				_ = (call{"POST", "/api/backup/create", "", admin, nil}).do(t, h) // makes run1
			}
			for _, role := range []string{admin, ""} {
				c := call{strings.ToUpper(method), sample.Replace(path), bodies[op.ID], role, nil}
				r := c.do(t, h)
				text := content(t, r)
				want, documented := op.Responses[status(r)]
				switch {
				case !documented:
					t.Errorf("%s %s as %q: status %d is not documented: %s", method, path, role, r.StatusCode, text)
				case role == "" && !public && r.StatusCode != 401:
					t.Errorf("%s %s answers nobody with %d", method, path, r.StatusCode)
				case role == admin && r.StatusCode/100 != 2 && op.ID != "get-readiness":
					t.Errorf("%s %s: status %d: %s", method, path, r.StatusCode, text)
				case !matches(r.Header.Get("Content-Type"), slices.Collect(maps.Keys(want.Content))):
					t.Errorf("%s %s: content type %q is not documented: %v", method, path, r.Header.Get("Content-Type"), want.Content)
				}
			}
		}
	}
}

func status(r *http.Response) string { return r.Status[:3] }

func matches(got string, documented []string) bool {
	kind, _, _ := strings.Cut(got, ";")
	return slices.Contains(documented, kind)
}

// TestDocumentIsWhole looks at every operation of the document for what all have
// to say.
func TestDocumentIsWhole(t *testing.T) {
	a := api.New(newFake("app"), options(nil))
	d := documentOf(t, a)
	ids := map[string]bool{}
	for path, methods := range d.Paths {
		for method, op := range methods {
			where := method + " " + path
			if op.ID == "" || ids[op.ID] || op.Summary == "" {
				t.Errorf("%s: id %q, summary %q", where, op.ID, op.Summary)
			}
			ids[op.ID] = true
			need := []string{"400", "401", "403", "429", "500", "503"}
			if len(op.Security) == 1 {
				need = nil
			}
			if strings.Contains(path, "{") {
				need = append(need, "404")
			}
			if op.RequestBody != nil {
				need = append(need, "413", "415")
			}
			for _, status := range need {
				content := op.Responses[status].Content["application/problem+json"]
				if content.Schema["$ref"] != "#/components/schemas/ProblemDetails" {
					t.Errorf("%s does not document %s", where, status)
				}
			}
			if _, wrong := op.Responses["422"]; wrong {
				t.Errorf("%s documents 422, which is never sent", where)
			}
			for _, name := range regexp.MustCompile(`{(\w+)}`).FindAllStringSubmatch(path, -1) {
				if !slices.ContainsFunc(op.Parameters, func(p struct {
					Name, In string
					Required bool
				},
				) bool {
					return p.Name == name[1] && p.In == "path" && p.Required
				}) {
					t.Errorf("%s does not document %s", where, name[1])
				}
			}
			for _, p := range op.Parameters {
				if p.In == "query" && p.Required {
					t.Errorf("%s needs the query %s", where, p.Name)
				}
			}
		}
	}
	if d.Components.Schemas["ErrorModel"] != nil || strings.Contains(string(a.Document()), "ErrorModel") {
		t.Error("huma's own errors are documented")
	}
}

// TestReferences finds every reference of the document to lead somewhere.
func TestReferences(t *testing.T) {
	a := api.New(newFake("app"), options(nil))
	d := documentOf(t, a)
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`"#/components/schemas/(\w+)"`).FindAllStringSubmatch(string(a.Document()), -1) {
		used[m[1]] = true
		if d.Components.Schemas[m[1]] == nil {
			t.Errorf("there is no schema %s", m[1])
		}
	}
	for name := range d.Components.Schemas {
		if !used[name] {
			t.Errorf("the schema %s is not used", name)
		}
	}
}

// TestPage looks at the page of the document: all operations are on it, its
// links lead somewhere, and nothing of it comes from elsewhere or is inline.
func TestPage(t *testing.T) {
	a := api.New(newFake("app"), options(nil))
	r := call{"GET", "/api/docs", "", "", nil}.do(t, a)
	page := content(t, r)
	policy := r.Header.Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'none'; style-src 'self';") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy %q", policy)
	}
	for path, methods := range documentOf(t, a).Paths {
		for method, op := range methods {
			if id := `<article id="` + op.ID + `">`; !strings.Contains(page, id) {
				t.Errorf("%s %s is not on the page", method, path)
			}
		}
	}
	for _, m := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		switch target := m[1]; {
		case strings.HasPrefix(target, "#"):
			if !strings.Contains(page, `id="`+target[1:]+`"`) {
				t.Errorf("%s leads nowhere", target)
			}
		default:
			if r := (call{"GET", target, "", "", nil}).do(t, a); r.StatusCode != 200 {
				t.Errorf("%s: status %d", target, r.StatusCode)
			}
		}
	}
	for _, wrong := range []string{"<script", "<style", " style=", "http://", "https://", "javascript:"} {
		if strings.Contains(page, wrong) {
			t.Errorf("the page has %s", wrong)
		}
	}
}

func TestMount(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	a := api.New(newFake("app"), options(nil))
	a.Mount(mux)
	for path, want := range map[string]int{"/": 418, "/other": 418, "/metrics": 200, "/healthz": 200, "/api/databases": 200, "/openapi.json": 200, "/api/x": 404} {
		if r := (call{"GET", path, "", admin, nil}).do(t, mux); r.StatusCode != want {
			t.Errorf("%s: status %d", path, r.StatusCode)
		}
	}
	o := options(nil)
	o.Metrics = nil
	without := api.New(newFake("app"), o)
	if r := (call{"GET", "/metrics", "", admin, nil}).do(t, without); r.StatusCode != 404 {
		t.Errorf("metrics that are not there: status %d", r.StatusCode)
	}
}
