package api_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/api"
	"github.com/litekeep/litekeep/internal/service"
)

func unescape(path string) string {
	plain, err := url.PathUnescape(path)
	if err != nil {
		panic(err)
	}
	return plain
}

const admin = "admin"

// TestAnswers goes through what operations answer when all is well.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		method, target, body string
		status               int
		want                 map[string]any
	}{
		{"POST", "/api/backup/create", "", 200, map[string]any{
			"success": true, "done": true, "run_id": "run1", "backup_filename": backupFile, "backup_path": "/srv/backups/app/" + backupFile,
			"timestamp": "2026-11-22T02:00:00.123Z", "size_bytes": 33.0, "checksum": checksum, "table_count": 3.0, "record_count": 42.0,
			"warnings": []any{}, "copies": []any{}, "outcome": "ok", "database": "app",
		}},
		{"POST", "/api/backup/create", "{}", 200, map[string]any{"success": true}},
		{"POST", "/api/backup/create?database=app&wait=10s", "", 200, map[string]any{"done": true}},
		{"GET", "/api/backup/list", "", 200, map[string]any{"success": true, "count": 1.0, "size_bytes": 33.0, "database": "app"}},
		{"GET", "/api/backup/stats", "", 200, map[string]any{"success": true, "count": 2.0, "size_bytes": 10.0}},
		{"POST", "/api/backup/verify/" + backupFile, "", 200, map[string]any{"success": true, "ok": true, "frames": 7.0, "problem": nil}},
		{"POST", "/api/backup/restore/" + backupFile, `{"confirm":"app","reason":"a test"}`, 200, map[string]any{
			"success": true, "dry_run": false, "safety_backup": "/srv/safety", "steps": []any{"build", "publish"}, "table_count": 3.0, "record_count": 42.0,
		}},
		{"POST", "/api/backup/restore/" + backupFile, `{"dry_run":true}`, 200, map[string]any{"success": true, "dry_run": true}},
		{"POST", "/api/backup/cleanup", "", 200, map[string]any{"success": true, "dry_run": false, "kept": 1.0, "dropped": 1.0, "run_id": "run1"}},
		{"POST", "/api/backup/cleanup?dry_run=true", "", 200, map[string]any{"success": true, "dry_run": true, "dropped": 1.0, "removed": 0.0, "freed_bytes": 10.0, "run_id": ""}},
		{"POST", "/api/backup/cleanup", `{"dry_run":true}`, 200, map[string]any{"dry_run": true}},
		{"POST", "/api/backup/sync", "", 200, map[string]any{"success": true}},
		{"GET", "/api/backup/" + backupFile, "", 200, map[string]any{"success": true, "file": backupFile, "checksum": checksum, "verified_at": "2026-11-22T02:00:00.123Z"}},
		{"POST", "/api/backup/pin/" + backupFile, `{"note":"before the move"}`, 200, map[string]any{"success": true}},
		{"POST", "/api/backup/pin/" + backupFile, "", 200, map[string]any{"success": true}},
		{"DELETE", "/api/backup/pin/" + backupFile, "", 200, map[string]any{"success": true}},
		{"GET", "/api/backup/trash", "", 200, map[string]any{"success": true, "count": 1.0}},
		{"POST", "/api/backup/undelete/" + backupFile, "", 200, map[string]any{"success": true}},
		{"GET", "/api/databases", "", 200, map[string]any{"success": true, "count": 1.0}},
		{"GET", "/api/databases/app", "", 200, map[string]any{"success": true, "name": "app", "problems": []any{}}},
		{"POST", "/api/databases/app/accept-size", `{"reason":"we moved out"}`, 200, map[string]any{"success": true}},
		{"GET", "/api/runs", "", 200, map[string]any{"success": true, "runs": []any{}, "count": 0.0}},
		{"GET", "/api/channels", "", 200, map[string]any{"success": true, "count": 1.0}},
		{"POST", "/api/channels/test?channel=mail", "", 200, map[string]any{"success": true}},
		{"GET", "/api/tokens", "", 200, map[string]any{"success": true, "count": 1.0}},
		{"POST", "/api/tokens", `{"name":"ci","role":"operator","databases":["app"]}`, 201, map[string]any{"success": true, "secret": "lk_secret"}},
		{"DELETE", "/api/tokens/t1", "", 200, map[string]any{"success": true}},
		{"GET", "/api/audit", "", 200, map[string]any{"success": true, "count": 1.0}},
		{"GET", "/api/audit/verify", "", 200, map[string]any{"success": true, "ok": true}},
		{"GET", "/api/settings", "", 200, map[string]any{"success": true}},
		{"POST", "/api/config/reload", "", 200, map[string]any{"success": true, "changes": []any{"database app: schedule"}}},
		{"GET", "/healthz", "", 200, map[string]any{"status": "ok"}},
		{"GET", "/readyz", "", 200, map[string]any{"status": "ok"}},
	} {
		t.Run(c.method+" "+c.target+" "+c.body, func(t *testing.T) {
			r := call{c.method, c.target, c.body, admin, nil}.do(t, api.New(newFake("app"), options(nil)))
			got := object(t, r)
			if r.StatusCode != c.status {
				t.Fatalf("status %d: %v", r.StatusCode, got)
			}
			for name, want := range c.want {
				if v, ok := got[name]; !ok || fmt.Sprint(v) != fmt.Sprint(want) {
					t.Errorf("%s is %v, want %v", name, v, want)
				}
			}
			if cache := r.Header.Get("Cache-Control"); cache != "no-store" {
				t.Errorf("Cache-Control is %q", cache)
			}
			if r.Header.Get("X-Request-Id") == "" {
				t.Error("no request id")
			}
		})
	}
}

// TestFailures goes through the statuses of errors of the door.
func TestFailures(t *testing.T) {
	secret := errors.New("open /var/lib/secret: permission denied")
	create := call{"POST", "/api/backup/create?database=app", "", admin, nil}
	restore := call{"POST", "/api/backup/restore/" + backupFile + "?database=app", `{"confirm":"app","reason":"x"}`, admin, nil}
	details := call{"GET", "/api/backup/" + backupFile + "?database=app", "", admin, nil}
	for _, c := range []struct {
		name   string
		call   call
		err    error
		status int
		detail string // of a 500 all of it, else a part
	}{
		{"unauthenticated", create, access.ErrUnauthenticated, 401, "token"},
		{"forbidden", create, fmt.Errorf("backup: %w", access.ErrForbidden), 403, "role"},
		{"not found", details, service.ErrNotFound, 404, "no such thing"},
		{"running", create, service.ErrRunning, 409, "goes on"},
		{"busy", create, &litekeep.Error{Op: "backup", Kind: litekeep.ErrBusy, Err: secret}, 409, "try again"},
		{"stopping", create, service.ErrStopping, 503, "stopping"},
		{"audit", restore, fmt.Errorf("%w: %w", service.ErrAudit, secret), 503, "nothing is changed"},
		{"request", create, fmt.Errorf("%w: no such channel", service.ErrRequest), 400, "no such channel"},
		{"config", create, fmt.Errorf("%w: Keys: no such file", litekeep.ErrConfig), 400, "Keys"},
		{"target", restore, fmt.Errorf("restore: %w: page size", litekeep.ErrTarget), 400, "page size"},
		{"refused restore", restore, fmt.Errorf("restore: %w: is a directory", litekeep.ErrRefused), 400, "directory"},
		{"restore of a damaged backup", restore, fmt.Errorf("restore: %w: frame 3", litekeep.ErrDamaged), 400, "frame 3"},
		{"restore without a key", restore, fmt.Errorf("restore: %w", litekeep.ErrNoKey), 400, "no key"},
		{"damaged", details, fmt.Errorf("%w: %w", litekeep.ErrDamaged, secret), 409, "the backup is damaged"},
		{"no key", details, litekeep.ErrNoKey, 409, "no key"},
		{"wrong key", details, litekeep.ErrWrongKey, 409, "key"},
		{"refused source", create, fmt.Errorf("%w: %w", litekeep.ErrRefused, secret), 500, "Backup failed"},
		{"failed backup", create, secret, 500, "Backup failed"},
		{"failed restore", restore, secret, 500, "Restore failed"},
		{"failed verification", call{"POST", "/api/backup/verify/" + backupFile + "?database=app", "", admin, nil}, secret, 500, "Verification failed"},
		{"failed cleanup", call{"POST", "/api/backup/cleanup?database=app", "", admin, nil}, secret, 500, "Cleanup failed"},
		{"failed details", details, secret, 500, "Tell all of one backup: failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake("app")
			f.err = c.err
			var log bytes.Buffer
			c.call.header = http.Header{"X-Request-Id": {"req-1"}}
			p := problemOf(t, c.call.do(t, api.New(f, options(&log))), c.status)
			detail := p["detail"].(string)
			if c.status == 500 && detail != c.detail || !strings.Contains(detail, c.detail) {
				t.Errorf("detail %q, want %q", detail, c.detail)
			}
			if strings.Contains(fmt.Sprint(p), "secret") {
				t.Errorf("what is internal got out: %v", p)
			}
			if !strings.Contains(log.String(), "request_id=req-1") || !strings.Contains(log.String(), "error=") {
				t.Errorf("the log does not tell: %s", &log)
			}
		})
	}
}

// problemOf checks that an answer is a problem of a status, and returns it.
func problemOf(t *testing.T, r *http.Response, status int) map[string]any {
	t.Helper()
	p := object(t, r)
	if r.StatusCode != status {
		t.Fatalf("status %d, want %d: %v", r.StatusCode, status, p)
	}
	if got := r.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q", got)
	}
	if p["status"] != float64(status) || p["title"] != http.StatusText(status) || p["success"] != false || p["type"] != "about:blank" {
		t.Errorf("no problem details: %v", p)
	}
	if id := r.Header.Get("X-Request-Id"); id == "" || p["request_id"] != id {
		t.Errorf("request id %v, header %q", p["request_id"], id)
	}
	if status == 401 && !strings.HasPrefix(r.Header.Get("WWW-Authenticate"), "Bearer") {
		t.Error("no WWW-Authenticate")
	}
	if status == 503 && r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	return p
}

// TestRunsThatFail goes through how runs end.
func TestRunsThatFail(t *testing.T) {
	create := call{"POST", "/api/backup/create", "", admin, nil}
	restore := call{"POST", "/api/backup/restore/" + backupFile, `{"confirm":"app","reason":"x"}`, admin, nil}
	for _, c := range []struct {
		call    call
		outcome service.Outcome
		status  int
		detail  string
	}{
		{create, service.OutcomeFailed, 500, "Backup failed"},
		{create, service.OutcomeTimeout, 500, "Backup failed"},
		{create, service.OutcomeCrashed, 500, "Backup failed"},
		{create, service.OutcomeRefused, 500, "Backup failed"},
		{create, service.OutcomeDamaged, 500, "Backup failed"},
		{create, service.OutcomeBusy, 409, "somebody else holds the database or its backups; try again"},
		{create, service.OutcomeCancelled, 409, "the run was cancelled"},
		{restore, service.OutcomeFailed, 500, "Restore failed"},
		{restore, service.OutcomeRefused, 400, "Restore refused: /srv/app.db: why"},
		{restore, service.OutcomeDamaged, 400, "Restore refused: /srv/app.db: why"},
		{restore, service.OutcomeBusy, 409, "somebody else holds the database or its backups; try again"},
	} {
		t.Run(c.call.target+" "+string(c.outcome), func(t *testing.T) {
			f := newFake("app")
			f.outcome, f.runError = c.outcome, "/srv/app.db:\n why"
			p := problemOf(t, c.call.do(t, api.New(f, options(nil))), c.status)
			if p["detail"] != c.detail || p["run_id"] != "run1" {
				t.Errorf("got %v", p)
			}
		})
	}
}

func TestDamageIsAnAnswerOfVerify(t *testing.T) {
	f := newFake("app")
	f.outcome = service.OutcomeDamaged
	r := call{"POST", "/api/backup/verify/" + backupFile, "", admin, nil}.do(t, api.New(f, options(nil)))
	got := object(t, r)
	if r.StatusCode != 200 || got["success"] != false || got["ok"] != false || got["problem"] != "frame 3 is not what was written" {
		t.Errorf("status %d: %v", r.StatusCode, got)
	}
}

func TestPartialBackupIsASuccess(t *testing.T) {
	f := newFake("app")
	f.outcome = service.OutcomePartial
	r := call{"POST", "/api/backup/create", "", admin, nil}.do(t, api.New(f, options(nil)))
	if got := object(t, r); r.StatusCode != 200 || got["success"] != true || got["outcome"] != "partial" {
		t.Errorf("status %d: %v", r.StatusCode, got)
	}
}

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
		{"form", call{"POST", restore, `confirm=app`, admin, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}}, 415, "content type"},
		{"too large", call{"POST", restore, `{"reason":"` + strings.Repeat("x", 1<<20) + `"}`, admin, nil}, 413, "too large"},
		{"nobody", call{"POST", "/api/backup/create", "", "", nil}, 401, "token"},
		{"nobody asks for metrics", call{"GET", "/metrics", "", "", nil}, 401, "token"},
		{"metrics of all for one who sees some", call{"GET", "/metrics", "", "app-viewer", nil}, 403, "role"},
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
	for _, path := range []string{"download/", "restore/", "verify/", "pin/", "undelete/", ""} {
		for _, name := range names {
			f := newFake("app")
			c := call{"GET", "/api/backup/" + path + name, "", admin, nil}
			if path != "download/" && path != "" {
				c.method, c.body = "POST", "{}"
			}
			if path == "restore/" {
				c.body = `{"dry_run":true}`
			}
			r := c.do(t, api.New(f, options(nil)))
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
