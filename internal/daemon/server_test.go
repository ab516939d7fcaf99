package daemon

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/service"
)

const servingYAML = `
state: %[1]s/state
server: {listen: off}
defaults:
  destinations: [%[1]s/backups]
  schedule: "0 2 * * *"
databases:
  - {name: app, path: %[1]s/app.db}
  - {name: hidden, path: %[1]s/hidden.db}
`

// site is a service that listens, with a token for each role, and one of each for
// the database app alone ("viewer-app").
type site struct {
	t       *testing.T
	d       *Daemon
	secrets map[string]string
}

func newSite(t *testing.T) *site {
	t.Helper()
	dir := t.TempDir()
	makeDatabase(t, filepath.Join(dir, "app.db"), 10)
	makeDatabase(t, filepath.Join(dir, "hidden.db"), 10)
	if err := os.WriteFile(filepath.Join(dir, "litekeep.yaml"), fmt.Appendf(nil, servingYAML, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, secrets: map[string]string{"nobody": "", "wrong": "lk_wrong"}}
	s.d, _ = serveWith(t, dir, func(c *config.Config) { c.Server.Listen = "127.0.0.1:0" })
	for _, role := range []access.Role{access.Viewer, access.Operator, access.Admin} {
		for name, databases := range map[string][]string{string(role): nil, string(role) + "-app": {"app"}} {
			secret, _, err := s.d.tokens.Create(t.Context(), access.NewToken{Name: name, Role: role, Databases: databases})
			if err != nil {
				t.Fatal(err)
			}
			s.secrets[name] = secret
		}
	}
	waitForRun(t, s.d, "app", service.OutcomeOK)
	waitForRun(t, s.d, "hidden", service.OutcomeOK)
	return s
}

// file is a backup of a database.
func (s *site) file(database string) string {
	s.t.Helper()
	views, err := s.d.service.Backups(s.t.Context(), ada, database)
	if err != nil || len(views) == 0 {
		s.t.Fatal(err, len(views))
	}
	return views[0].File
}

// ask sends a request with the token of that name. A body that begins with { is
// JSON, any other a form. Redirects are not followed.
func (s *site) ask(who, method, path, body string) (status int, text string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.d.URL()+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/json")
	}
	if secret := s.secrets[who]; secret != "" {
		r.Header.Set("Authorization", "Bearer "+secret)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, string(content)
}

// TestWhoMayWhat holds what the table of package access says to a whole service.
func TestWhoMayWhat(t *testing.T) {
	s := newSite(t)
	all := []string{"nobody", "wrong", "viewer-app", "viewer", "operator-app", "operator", "admin-app", "admin"}
	see := []int{401, 401, 404, 200, 404, 200, 404, 200}
	operate := []int{401, 401, 404, 403, 404, 200, 404, 200}
	govern := []int{401, 401, 404, 403, 404, 403, 404, 200}
	page := func(list []int) []int { // people are led to the login
		list = append([]int{}, list...)
		list[0], list[1] = 303, 303
		return list
	}
	whole := []int{401, 401, 403, 403, 403, 403, 403, 200} // of the service, not of a database
	file := s.file("hidden")
	runs, err := s.d.service.Runs(t.Context(), ada, service.RunFilter{Database: "hidden"})
	if err != nil || len(runs) == 0 {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path, body string
		want               []int
	}{
		{"GET", "/api/databases/hidden", "", see},
		{"GET", "/api/backup/list?database=hidden", "", see},
		{"GET", "/api/backup/stats?database=hidden", "", see},
		{"GET", "/api/backup/trash?database=hidden", "", see},
		{"GET", "/api/backup/" + file + "?database=hidden", "", see},
		{"GET", "/api/runs?database=hidden", "", see},
		{"GET", "/api/runs/" + runs[0].ID, "", see},
		{"POST", "/api/backup/verify/" + file + "?database=hidden", "{}", operate},
		{"POST", "/api/backup/create?database=hidden", "{}", operate},
		{"POST", "/api/backup/cleanup?database=hidden&dry_run=true", "{}", operate},
		{"GET", "/api/backup/download/" + file + "?database=hidden", "", govern},
		{"POST", "/api/backup/cleanup?database=hidden", "{}", govern},
		{"POST", "/api/backup/pin/" + file + "?database=hidden", "{}", govern},
		{"DELETE", "/api/backup/pin/" + file + "?database=hidden", "", govern},
		{"POST", "/api/backup/restore/" + file + "?database=hidden", `{"dry_run":true}`, govern},
		{"GET", "/databases/hidden", "", page(see)},
		{"GET", "/databases/hidden/backups/" + file, "", page(see)},
		{"GET", "/runs/" + runs[0].ID, "", page(see)},
		{"GET", "/databases/hidden/cleanup", "", page(operate)},
		{"GET", "/databases/hidden/backups/" + file + "/download", "", page(govern)},
		{"GET", "/api/audit", "", whole},
		{"GET", "/api/tokens", "", whole},
		{"POST", "/api/config/reload", "{}", whole},
		{"GET", "/audit", "", page(whole)},
		{"GET", "/settings/tokens", "", page(whole)},
		// A program that comes with a token that has expired must not be led to a page.
		{"GET", "/metrics", "", []int{401, 401, 403, 200, 403, 200, 403, 200}},
		{"GET", "/healthz", "", []int{200, 401, 200, 200, 200, 200, 200, 200}},
	} {
		for i, who := range all {
			got, text := s.ask(who, c.method, c.path, c.body)
			if who == "wrong" && got == http.StatusTooManyRequests {
				continue // it was tried too often
			}
			if got != c.want[i] {
				t.Errorf("%s: %s %s: %d, want %d: %s", who, c.method, c.path, got, c.want[i], text)
			}
		}
	}
	for _, who := range []string{"viewer-app", "operator-app", "admin-app"} {
		for _, path := range []string{"/api/databases", "/api/backup/stats", "/api/runs", "/api/settings", "/api/channels", "/", "/runs", "/trash", "/settings"} {
			if status, text := s.ask(who, "GET", path, ""); status != 200 || strings.Contains(text, "hidden.db") || strings.Contains(text, "/hidden") {
				t.Errorf("%s: %s: %d: %s", who, path, status, text)
			}
		}
	}
}

// TestRefusedRestoreOfThePages is recorded, though the form lacks its dry run too.
func TestRefusedRestoreOfThePages(t *testing.T) {
	s := newSite(t)
	path := "/databases/app/backups/" + s.file("app") + "/restore"
	if status, _ := s.ask("viewer", "POST", path, "confirm=app&reason=test"); status != http.StatusForbidden {
		t.Errorf("status %d", status)
	}
	list, err := s.d.service.Audit(t.Context(), ada, service.AuditFilter{Actor: "viewer"})
	if err != nil || len(list) != 1 || list[0].Action != "restore" || list[0].Outcome != "refused" {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestTokensThatCannotBe are mistakes of whoever asks, not of the service.
func TestTokensThatCannotBe(t *testing.T) {
	s := newSite(t)
	for body, want := range map[string]int{
		`{"name":"a<b","role":"viewer"}`:                                           400,
		`{"name":"viewer","role":"viewer"}`:                                        400,
		`{"name":"old","role":"viewer","expires":"2020-01-01T00:00:00Z"}`:          400,
		`{"name":"service","role":"viewer"}`:                                       400,
		`{"name":"x","role":"viewer","databases":["nowhere"]}`:                     400,
		`{"name":"good","role":"viewer","expires":"2999-01-01T00:00:00Z"}`:         400, // too late
		`{"name":"fine","role":"viewer","databases":["app"],"never_expires":true}`: 201,
	} {
		if status, text := s.ask("admin", "POST", "/api/tokens", body); status != want {
			t.Errorf("%s: %d: %s", body, status, text)
		}
	}
	if status, _ := s.ask("admin", "DELETE", "/api/tokens/tk_000000000000", ""); status != http.StatusNotFound {
		t.Errorf("a token that is not there: %d", status)
	}
}
