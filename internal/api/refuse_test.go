package api_test

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/api"
	"github.com/litekeep/litekeep/internal/service"
)

// TestBadRequests sends what no operation takes. The door starts nothing.
func TestBadRequests(t *testing.T) {
	const restore = "/api/backup/restore/" + backupFile
	for _, c := range []struct {
		name   string
		call   call
		status int
		detail string
	}{
		{"unknown parameter", call{"POST", "/api/backup/cleanup?dryrun=true", "", admin, nil}, 400, "dryrun"},
		{"doubled parameter", call{"POST", "/api/backup/cleanup?dry_run=true&dry_run=false", "", admin, nil}, 400, "dry_run"},
		{"broken query", call{"POST", "/api/backup/cleanup?dry_run=%zz", "", admin, nil}, 400, "query"},
		{"wait", call{"POST", "/api/backup/create?wait=soon", "", admin, nil}, 400, "wait"},
		{"wait too long", call{"POST", "/api/backup/create?wait=2h", "", admin, nil}, 400, "wait"},
		{"negative wait", call{"POST", "/api/backup/create?wait=-1s", "", admin, nil}, 400, "wait"},
		{"boolean", call{"POST", "/api/backup/cleanup?dry_run=maybe", "", admin, nil}, 400, "dry_run"},
		{"limit", call{"GET", "/api/runs?limit=501", "", admin, nil}, 400, "limit"},
		{"kind", call{"GET", "/api/runs?kind=lunch", "", admin, nil}, 400, "kind"},
		{"time", call{"GET", "/api/audit?since=yesterday", "", admin, nil}, 400, "since"},
		{"no body", call{"POST", restore, "", admin, nil}, 400, "body"},
		{"no JSON", call{"POST", restore, "{", admin, nil}, 400, "body"},
		{"more than JSON", call{"POST", restore, `{"dry_run":true} {}`, admin, nil}, 400, "body"},
		{"unknown field", call{"POST", restore, `{"dry_run":true,"target":"/etc/passwd"}`, admin, nil}, 400, "target"},
		{"doubled field", call{"POST", restore, `{"dry_run":true,"dry_run":false}`, admin, nil}, 400, "body"},
		{"wrong type", call{"POST", restore, `{"dry_run":"yes"}`, admin, nil}, 400, "dry_run"},
		{"null", call{"POST", restore, `null`, admin, nil}, 400, "body"},
		{"list", call{"POST", restore, `[]`, admin, nil}, 400, "body"},
		{"long reason", call{"POST", restore, `{"reason":"` + strings.Repeat("x", 1001) + `"}`, admin, nil}, 400, "reason"},
		{"body of an operation without one", call{"POST", "/api/backup/create", `{"database":"app"}`, admin, nil}, 400, "database"},
		{"role", call{"POST", "/api/tokens", `{"name":"x","role":"king"}`, admin, nil}, 400, "role"},
		{"name", call{"POST", "/api/tokens", `{"role":"viewer"}`, admin, nil}, 400, "name"},
		{"contradiction", call{"POST", "/api/tokens", `{"name":"x","role":"viewer","never_expires":true,"expires":"2027-01-01T00:00:00Z"}`, admin, nil}, 400, "never_expires"},
		{"confirm", call{"POST", restore, `{"confirm":"other"}`, admin, nil}, 400, "bad request"},
		{"wrong token", call{"GET", "/healthz", "", "wrong", nil}, 401, "not signed in"},
		{"flood", call{"GET", "/api/databases", "", "flood", nil}, 429, ""},
		{"form", call{"POST", restore, `confirm=app`, admin, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}, 415, "content type"},
		{"too large", call{"POST", restore, `{"reason":"` + strings.Repeat("x", 1<<20) + `"}`, admin, nil}, 413, "too large"},
		{"nobody", call{"POST", "/api/backup/create", "", "", nil}, 401, "token"},
		{"nobody asks for metrics", call{"GET", "/metrics", "", "", nil}, 401, "token"},
		{"metrics of all for one who sees some", call{"GET", "/metrics", "", "app-viewer", nil}, 403, "not allowed"},
		{"no such path", call{"GET", "/api/nothing", "", admin, nil}, 404, "/api/docs"},
		{"wrong method", call{"GET", "/api/backup/create", "", admin, nil}, 404, ""},
		{"wrong method of a path", call{"PUT", "/api/databases", "", admin, nil}, 405, "GET"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake("app")
			p := problemOf(t, c.call.do(t, api.New(f, options(nil))), c.status)
			if !strings.Contains(p["detail"].(string), c.detail) {
				t.Errorf("detail %q lacks %q", p["detail"], c.detail)
			}
			for _, what := range f.seen() {
				if strings.HasPrefix(what, "start") || strings.HasPrefix(what, "preview") {
					t.Errorf("the door was asked to %s", what)
				}
			}
		})
	}
}

func TestManyDatabases(t *testing.T) {
	h := api.New(newFake("shop", "app"), options(nil))
	for _, c := range []call{
		{"POST", "/api/backup/create", "", admin, nil},
		{"GET", "/api/backup/list", "", admin, nil},
		{"GET", "/api/backup/" + backupFile, "", admin, nil},
		{"GET", "/api/backup/download/" + backupFile, "", admin, nil},
		{"POST", "/api/backup/restore/" + backupFile, `{"dry_run":true}`, admin, nil},
		{"POST", "/api/backup/cleanup?dry_run=true", "", admin, nil},
		{"GET", "/api/backup/trash", "", admin, nil},
	} {
		p := problemOf(t, c.do(t, h), 400)
		if !strings.Contains(p["detail"].(string), "app, shop") || fmt.Sprint(p["databases"]) != "[app shop]" {
			t.Errorf("%s: %v", c.target, p)
		}
		c.target += map[bool]string{true: "&", false: "?"}[strings.Contains(c.target, "?")] + "database=shop"
		if r := c.do(t, h); r.StatusCode != 200 {
			t.Errorf("%s: status %d", c.target, r.StatusCode)
		}
	}
	problemOf(t, call{"GET", "/api/backup/list", "", admin, nil}.do(t, api.New(newFake(), options(nil))), 404)
}

// TestTraversal asks for files that are no backups. None of the names reaches
// the door, unless as a name to look up.
func TestTraversal(t *testing.T) {
	names := []string{
		"..", ".", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "..%5cboot.ini", "a%00.json", "%0a", "app%2f" + backupFile,
		".hidden.json", "%ff%fe", strings.Repeat("x", 4000), "C:%5cx", "c:x", "%2e%2e%2f" + backupFile, "a%2f..%2f" + backupFile,
		"..%252f..%252fetc%252fpasswd", "not-a-backup.json", "link.json.zst",
	}
	f := newFake("app")
	h := api.New(f, options(nil))
	for _, path := range []string{"download/", "restore/", "verify/", "pin/", "undelete/", ""} {
		for _, name := range names {
			f.calls = nil
			c := call{"GET", "/api/backup/" + path + name, "", admin, nil}
			if path != "download/" && path != "" {
				c.method, c.body = "POST", "{}"
			}
			if path == "restore/" {
				c.body = `{"dry_run":true}`
			}
			r := c.do(t, h)
			_ = r.Body.Close()
			if r.StatusCode != 404 && r.StatusCode != 400 && r.StatusCode/100 != 3 {
				t.Errorf("%s: status %d", c.target, r.StatusCode)
			}
			for _, what := range f.seen() {
				asked := what[strings.LastIndex(what, " ")+1:]
				if strings.ContainsAny(asked, "/\\\x00\n") || strings.HasPrefix(asked, ".") {
					t.Errorf("%s: the door was asked for %q", c.target, what)
				}
			}
			if location := r.Header.Get("Location"); r.StatusCode/100 == 3 && (!strings.HasPrefix(location, "/") || strings.HasPrefix(location, "//")) {
				t.Errorf("%s: redirected to %q", c.target, location)
			}
		}
	}
}

func TestRestoreRequest(t *testing.T) {
	f := newFake("app")
	h := api.New(f, options(nil))
	for body, want := range map[string]service.RestoreRequest{
		`{"confirm":"app","reason":"why"}`:          {File: backupFile, Confirm: "app", Reason: "why"},
		`{"confirm":"app","safety_backup":false}`:   {File: backupFile, Confirm: "app", NoSafetyBackup: true},
		`{"confirm":"app","safety_backup":true}`:    {File: backupFile, Confirm: "app"},
		`{"dry_run":true}`:                          {File: backupFile, DryRun: true},
		`{"dry_run":true,"confirm":"","reason":""}`: {File: backupFile, DryRun: true},
	} {
		if r := (call{"POST", "/api/backup/restore/" + backupFile, body, admin, nil}).do(t, h); r.StatusCode != 200 {
			t.Errorf("%s: status %d", body, r.StatusCode)
		}
		if f.restore != want {
			t.Errorf("%s became %+v", body, f.restore)
		}
	}
}

func TestTokenLife(t *testing.T) {
	f := newFake("app")
	h := api.New(f, options(nil))
	for body, want := range map[string]string{
		`{"name":"x","role":"viewer"}`:                                  "2027-02-20T02:00:00Z",
		`{"name":"x","role":"viewer","never_expires":true}`:             "0001-01-01T00:00:00Z",
		`{"name":"x","role":"viewer","expires":"2027-01-01T00:00:00Z"}`: "2027-01-01T00:00:00Z",
	} {
		if r := (call{"POST", "/api/tokens", body, admin, nil}).do(t, h); r.StatusCode != 201 {
			t.Errorf("%s: status %d", body, r.StatusCode)
		}
		if got := f.token.Expires.Format("2006-01-02T15:04:05Z"); got != want {
			t.Errorf("%s ends %s, want %s", body, got, want)
		}
	}
}

func TestRequestID(t *testing.T) {
	h := api.New(newFake("app"), options(nil))
	for sent, taken := range map[string]bool{
		"abc-123": true, "": false, "a b": false, "x\ny": false, strings.Repeat("x", 65): false, "<script>": false, "ä": false,
	} {
		r := call{"GET", "/healthz", "", "", http.Header{"X-Request-Id": {sent}}}.do(t, h)
		if got := r.Header.Get("X-Request-Id"); (got == sent) != taken || got == "" {
			t.Errorf("%q became %q", sent, got)
		}
	}
}

func TestHealth(t *testing.T) {
	well, sick := newFake("app"), newFake("app")
	sick.sick = true
	for _, c := range []struct {
		f            *fake
		target, role string
		status       int
		keys         []string
	}{
		{well, "/healthz", "", 200, []string{"status"}},
		{sick, "/healthz", "", 200, []string{"status"}},
		{well, "/readyz", "", 200, []string{"status"}},
		{sick, "/readyz", "", 503, []string{"status"}},
		{sick, "/readyz", "app-viewer", 503, []string{"status"}},
		{sick, "/readyz", "viewer", 503, []string{"health", "status"}},
		{sick, "/healthz", "viewer", 200, []string{"health", "status"}},
	} {
		r := call{"GET", c.target, "", c.role, nil}.do(t, api.New(c.f, options(nil)))
		got := object(t, r)
		if keys := slices.Sorted(maps.Keys(got)); r.StatusCode != c.status || !slices.Equal(keys, c.keys) {
			t.Errorf("%s as %q: status %d, %v", c.target, c.role, r.StatusCode, got)
		}
	}
	stopping := make(chan struct{})
	close(stopping)
	o := options(nil)
	o.Stopping = stopping
	if r := (call{"GET", "/readyz", "", "", nil}).do(t, api.New(well, o)); r.StatusCode != 503 {
		t.Errorf("ready while stopping: %d", r.StatusCode)
	}
}

func TestPanic(t *testing.T) {
	f := newFake("app")
	f.panics = true
	var log bytes.Buffer
	p := problemOf(t, call{"GET", "/api/databases", "", admin, nil}.do(t, api.New(f, options(&log))), 500)
	if strings.Contains(fmt.Sprint(p), "fell off") || !strings.Contains(log.String(), "fell off") {
		t.Errorf("got %v, log %s", p, &log)
	}
}

func TestNobodyByDefault(t *testing.T) {
	problemOf(t, call{"GET", "/api/databases", "", admin, nil}.do(t, api.New(newFake("app"), api.Options{})), 401)
}
