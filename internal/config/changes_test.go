package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChanges(t *testing.T) {
	before := mustParse(t, full)
	if got := Changes(before, mustParse(t, full)); len(got) > 0 {
		t.Errorf("nothing changed, but %q", got)
	}
	for _, r := range []struct{ from, to string }{
		{"name: shop", "name: store"},
		{"  time_limit: 20m", "  time_limit: 25m"},
		{"${SMTP_PASSWORD}", "another-hunter"},
		{"dead, type: heartbeat", "alive, type: heartbeat"},
		{"listen: 0.0.0.0:8420", `listen: "off"`},
		{"destinations: [/backups, ", "destinations: [/elsewhere, "},
		{"events: [failed, overdue]", "events: []"},
		{"state: state", "state: other"},
		{"public_url: https://backups.example.org/", "public_url: https://other.example"},
	} {
		text := strings.Replace(full, r.from, r.to, 1)
		if text == full {
			t.Fatalf("%s is not there", r.from)
		}
		t.Run(r.to, func(t *testing.T) {
			got := Changes(before, mustParse(t, text))
			want := map[string][]string{
				"name: store":            {"database shop: removed", "database store: added"},
				"  time_limit: 25m":      {"database app: time_limit: 20m → 25m", "database shop: time_limit: 20m → 25m"},
				"another-hunter":         {"channel ops: password: changed"},
				"alive, type: heartbeat": {"channel dead: removed", "channel alive: added"},
				`listen: "off"`:          {"server.listen: 0.0.0.0:8420 → off (at the next start)"},
				"destinations: [/elsewhere, ": {"database app: destinations: /backups, s3://bucket/x?region=eu-central-1, /etc/litekeep/copies → " +
					"/elsewhere, s3://bucket/x?region=eu-central-1, /etc/litekeep/copies"},
				"state: other":                      {"state: /etc/litekeep/state → /etc/litekeep/other (at the next start)"},
				"public_url: https://other.example": {"server.public_url: https://backups.example.org → https://other.example"},
				"events: []":                        {"channel local: events: failed, overdue → none"},
			}[r.to]
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSecret(t *testing.T) {
	const text = "correct horse"
	s := NewSecret(text)
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "within", Channel{Password: s})
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "within", Channel{Password: s})
	inJSON, err := json.Marshal(map[string]any{"a": s, "b": &s, "c": Channel{Password: s}})
	if err != nil {
		t.Fatal(err)
	}
	shown := fmt.Sprintf("%v %+v %#v %s %q %x %d %v %+v %#v", s, s, s, s, s, s, s, Channel{Password: s}, &Channel{Password: s}, Channel{Password: s}) +
		string(inJSON) + log.String()
	for _, form := range []string{text, "horse", fmt.Sprintf("%x", text)} {
		if strings.Contains(shown, form) {
			t.Errorf("the secret shows: %s", shown)
		}
	}
	if !strings.Contains(shown, "(set)") || s.Reveal() != text || !s.IsSet() || NewSecret("").IsSet() || (Secret{}).Reveal() != "" {
		t.Errorf("shown as %s", shown)
	}
	if !s.Equal(NewSecret(text)) || s.Equal(Secret{}) {
		t.Error("Equal")
	}
}
