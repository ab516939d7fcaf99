package metrics

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/goccy/go-yaml"
)

// TestAlertRules wants the example rules to ask for metrics that exist, and to say
// what to do.
func TestAlertRules(t *testing.T) {
	text, err := os.ReadFile("../../deploy/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	known, seen := exists(t), map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			checkQuery(t, r.Alert, r.Expr, known)
			if r.Annotations["summary"] == "" || r.Annotations["description"] == "" || r.Labels["severity"] == "" || seen[r.Alert] {
				t.Errorf("%s: no summary, description or severity, or there twice", r.Alert)
			}
			seen[r.Alert] = true
		}
	}
	for _, want := range []string{
		"LitekeepAbsent", "LitekeepBackupOverdue", "LitekeepBackupsFail", "LitekeepDestinationDown",
		"LitekeepBackupShrunken", "LitekeepDiskLow",
	} {
		if !seen[want] {
			t.Errorf("there is no rule %s", want)
		}
	}
}

// TestDashboard wants the panels of the Grafana dashboard to ask for metrics that
// exist, and not to lie over each other.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("../../deploy/grafana/litekeep.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Title, UID    string
		SchemaVersion int
		Panels        []struct {
			ID          int
			Title, Type string
			GridPos     struct{ X, Y, W, H int }
			Targets     []struct{ Expr, RefID string }
			FieldConfig struct{ Defaults struct{ Unit string } }
			Datasource  struct{ UID string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	if board.Title == "" || board.UID == "" || board.SchemaVersion == 0 || len(board.Panels) < 8 {
		t.Fatalf("%q, %q, %d, %d panels", board.Title, board.UID, board.SchemaVersion, len(board.Panels))
	}
	known, ids, taken := exists(t), map[int]bool{}, map[[2]int]string{}
	for _, p := range board.Panels {
		if ids[p.ID] || p.Title == "" || p.Datasource.UID != "${datasource}" || p.FieldConfig.Defaults.Unit == "" {
			t.Errorf("panel %q: id %d twice, or no title, data source or unit", p.Title, p.ID)
		}
		ids[p.ID] = true
		for _, q := range p.Targets {
			checkQuery(t, p.Title, q.Expr, known)
		}
		if len(p.Targets) == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%s: no query, or too wide", p.Title)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other := taken[at]; other != "" {
					t.Fatalf("%s lies over %s", p.Title, other)
				}
				taken[at] = p.Title
			}
		}
	}
}
