package config

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/litekeep/litekeep/internal/retention"
)

// schemaNode is as much of a JSON schema as the tests look at.
type schemaNode struct {
	Ref         string                 `json:"$ref"`
	Description string                 `json:"description"`
	Properties  map[string]*schemaNode `json:"properties"`
	Items       *schemaNode            `json:"items"`
	Required    []string               `json:"required"`
	Enum        []any                  `json:"enum"`
	Pattern     string                 `json:"pattern"`
	AnyOf       []*schemaNode          `json:"anyOf"`
	OneOf       []*schemaNode          `json:"oneOf"`
	Additional  *bool                  `json:"additionalProperties"`
	Defs        map[string]*schemaNode `json:"$defs"`
}

func readSchema(t *testing.T) *schemaNode {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var s schemaNode
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return &s
}

// misfits returns where a value does not fit a schema: unknown keys, missing ones, words
// that are not allowed, texts that do not match.
func misfits(root, s *schemaNode, path string, v any) []string {
	if s.Ref != "" {
		s = root.Defs[strings.TrimPrefix(s.Ref, "#/$defs/")]
	}
	if s == nil {
		return []string{path + ": no schema"}
	}
	var wrong []string
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if s.Properties[k] == nil {
				wrong = append(wrong, path+"."+k+": unknown")
				continue
			}
			wrong = append(wrong, misfits(root, s.Properties[k], path+"."+k, x)...)
		}
		for _, k := range s.Required {
			if _, ok := v[k]; !ok {
				wrong = append(wrong, path+"."+k+": missing")
			}
		}
		fits := 0
		for _, one := range s.OneOf { // which say what is required, and no more
			if !slices.ContainsFunc(one.Required, func(k string) bool { _, ok := v[k]; return !ok }) {
				fits++
			}
		}
		if len(s.OneOf) > 0 && fits != 1 {
			wrong = append(wrong, fmt.Sprintf("%s: %d of its forms fit", path, fits))
		}
	case []any:
		if s.Items == nil {
			return []string{path + ": not a list"}
		}
		for i, x := range v {
			wrong = append(wrong, misfits(root, s.Items, fmt.Sprintf("%s.%d", path, i), x)...)
		}
	case string:
		if s.Enum != nil && !slices.Contains(s.Enum, any(v)) {
			wrong = append(wrong, path+": "+v+" is not allowed")
		}
		for _, node := range append([]*schemaNode{s}, s.AnyOf...) {
			if node.Pattern != "" && !regexp.MustCompile(node.Pattern).MatchString(v) {
				wrong = append(wrong, path+": "+v+" does not match")
			}
		}
	}
	return wrong
}

// sampleFile is what config init writes.
func sampleFile(t *testing.T) string {
	t.Helper()
	text, err := Sample{
		State: "/var/lib/litekeep", Destination: "/var/backups/$${odd} one",
		Databases: []SampleDatabase{{"app", "/srv/app.db"}, {"yes", "/srv/it's \"${odd}\".db"}},
	}.File()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// uncommented is a sample in which the keys that are only shown are used.
func uncommented(text string) string {
	text = strings.ReplaceAll(text, "channels: []\n", "")
	lines := strings.Split(text, "\n")
	key := regexp.MustCompile(`^( +)# ( *)((- )?[a-z_]+:( |$).*)$`)
	for i, line := range lines {
		lines[i] = key.ReplaceAllString(line, "$1$2$3")
	}
	return strings.Join(lines, "\n")
}

func TestSample(t *testing.T) {
	text := sampleFile(t)
	c := mustParse(t, text)
	if got := c.Databases[1]; got.Name != "yes" || got.Path != `/srv/it's "${odd}".db` || got.Destinations[0] != "/var/backups/$${odd} one" {
		t.Errorf("the sample says %+v", got)
	}
	if db := c.Databases[0]; db.Retention.Monthly != 12 || db.Retention.Within != 7*day {
		t.Errorf("retention %+v", db.Retention)
	}
	// What is only shown in comments is right too.
	all, err := parseConfig("litekeep.yaml", "/etc", []byte(uncommented(text)), env(map[string]string{
		"SMTP_PASSWORD": "x", "SLACK_URL": "https://a.example.org", "HEARTBEAT_URL": "https://b.example.org",
	}), files)
	if err != nil {
		t.Fatal(err)
	}
	if len(all.Notifications.Channels) != 3 || !all.Databases[0].Sealed {
		t.Errorf("the comments of the sample are not all used: %s", all.YAML())
	}
}

// TestSchema holds the schema against files that are right and files that are not.
func TestSchema(t *testing.T) {
	s := readSchema(t)
	for name, text := range map[string]string{"sample": sampleFile(t), "uncommented": uncommented(sampleFile(t)), "full": full, "minimal": minimal, "fleet": fleetFile} {
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if wrong := misfits(s, s, "", v); wrong != nil {
			t.Errorf("%s: %v", name, wrong)
		}
	}
	var v any
	if err := yaml.Unmarshal([]byte("databases: [{name: a, retention: {dayly: 1}, verify: maybe, time_limit: 5 days}]"), &v); err != nil {
		t.Fatal(err)
	}
	if wrong := misfits(s, s, "", v); len(wrong) != 4 {
		t.Errorf("of four mistakes it finds %q", wrong)
	}
	if err := yaml.Unmarshal([]byte("databases: [{name: a, path: /a.db, match: /*.db}]"), &v); err != nil {
		t.Fatal(err)
	}
	if wrong := misfits(s, s, "", v); len(wrong) != 1 {
		t.Errorf("of path and match together it finds %q", wrong)
	}
}

// TestDescriptions checks that every key is described, in the schema too.
func TestDescriptions(t *testing.T) {
	s := readSchema(t)
	for _, section := range sections {
		name := section.typ.Name()
		node := s.Defs[name]
		switch name {
		case "Config":
			node = s
		case "Settings": // its keys are those of Database, and of its own
		}
		if node == nil || node.Additional == nil || *node.Additional {
			t.Errorf("%s: not in the schema, or it takes unknown keys", name)
			continue
		}
		for _, k := range keysOf(section.typ) {
			if p := node.Properties[k.name]; p == nil || len(p.Description) < 10 && p.Ref == "" {
				t.Errorf("%s: %s is not described in the schema", name, k.name)
			}
			owner, field := fieldOf(section.typ, k)
			if text := descriptions()[owner+"."+field]; text == "" || !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %s has no comment that ends in a full stop: %q", name, k.name, text)
			}
		}
		if len(node.Properties) != len(keysOf(section.typ)) {
			t.Errorf("%s: %d keys in the schema, %d in the type", name, len(node.Properties), len(keysOf(section.typ)))
		}
	}
	known := slices.Sorted(sectionTypes())
	for name := range descriptions() {
		if owner, _, _ := strings.Cut(name, "."); !slices.Contains(known, owner) {
			t.Errorf("%s stands in no section", name)
		}
	}
}

func sectionTypes() func(func(string) bool) {
	return func(yield func(string) bool) {
		for _, s := range sections {
			if !yield(s.typ.Name()) {
				return
			}
		}
	}
}

// fieldOf returns the type that declares a key, and its field.
func fieldOf(t reflect.Type, k key) (owner, field string) {
	for _, i := range k.index[:len(k.index)-1] {
		t = t.Field(i).Type
	}
	return t.Name(), t.Field(k.index[len(k.index)-1]).Name
}

// TestTags reads the numbers of all tags.
func TestTags(t *testing.T) {
	for _, s := range sections {
		for f := range s.typ.Fields() {
			for rule := range strings.SplitSeq(f.Tag.Get("jsonschema"), ",") {
				if name, value, ok := strings.Cut(rule, "="); ok && name != "enum" && !plainInteger.MatchString(value) {
					t.Errorf("%s.%s: %s", s.typ.Name(), f.Name, rule)
				}
			}
		}
	}
}

var updateDocs = flag.Bool("update-docs", false, "write the tables of docs/CONFIGURATION.md anew")

// TestDocumentation holds the tables in the documentation against the types.
func TestDocumentation(t *testing.T) {
	const path = "../../docs/CONFIGURATION.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	for _, s := range sections {
		name := s.typ.Name()
		begin, end := "<!-- keys of "+name+" -->\n", "<!-- end -->"
		_, after, ok := strings.Cut(got, begin)
		old, _, ended := strings.Cut(after, end)
		if !ok || !ended {
			t.Errorf("there is no table of the keys of %s", name)
			continue
		}
		want := keyTable(s.typ)
		if *updateDocs {
			got = strings.Replace(got, begin+old+end, begin+want+end, 1)
		} else if old != want {
			t.Errorf("the table of %s is out of date; write it anew with -update-docs:\n%s", name, want)
		}
	}
	for _, v := range variables {
		if !strings.Contains(got, "`"+v.name+"`") {
			t.Errorf("%s is not documented", v.name)
		}
	}
	for _, e := range Events() {
		if !strings.Contains(got, "`"+e+"`") {
			t.Errorf("the event %s is not documented", e)
		}
	}
	if *updateDocs {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// keyTable is the table of the keys of one section, with their defaults.
func keyTable(t reflect.Type) string {
	var b strings.Builder
	b.WriteString("| key | default | meaning |\n|---|---|---|\n")
	defaults := reflect.New(t).Elem()
	c := Default()
	for _, v := range []any{*c, c.Defaults, c.Defaults.Retention, c.Notifications, c.Server, c.Runs} {
		if reflect.TypeOf(v) == t {
			defaults = reflect.ValueOf(v)
		}
	}
	for _, k := range keysOf(t) {
		if len(k.index) > 1 {
			continue // of Settings
		}
		owner, field := fieldOf(t, k)
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", k.name, defaultText(k, defaults.FieldByIndex(k.index)), descriptions()[owner+"."+field])
	}
	return b.String()
}

func defaultText(k key, v reflect.Value) string {
	switch {
	case k.required:
		return "needed"
	case k.or != "":
		return "needed, or `" + k.or + "`"
	case v.Kind() == reflect.Struct, v.Kind() == reflect.Slice, k.omit && v.IsZero():
		return ""
	case v.Type() == durationType && v.Int() < 0:
		return "see there"
	case v.Type() == durationType:
		return "`" + retention.FormatDuration(time.Duration(v.Int())) + "`"
	}
	return fmt.Sprintf("`%v`", v)
}
