package api_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
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
		{"forbidden", create, fmt.Errorf("%w: backup needs the role operator", access.ErrForbidden), 403, "needs the role operator"},
		{"not found", details, service.ErrNotFound, 404, "no such database, backup"},
		{"running", create, service.ErrRunning, 409, "goes on"},
		{"busy", create, &litekeep.Error{Op: "backup", Kind: litekeep.ErrBusy, Err: secret}, 409, "try again"},
		{"stopping", create, service.ErrStopping, 503, "stopping"},
		{"audit", restore, fmt.Errorf("%w: %w", service.ErrAudit, secret), 503, "nothing is changed"},
		{"folder away", details, fmt.Errorf("%w: %w", service.ErrAway, secret), 503, "is it mounted?"},
		{"request", create, fmt.Errorf("%w: no such channel", service.ErrRequest), 400, "no such channel"},
		{"config, lines of a file", create, fmt.Errorf("%w: a.yaml:2:1\n  2 |   a\n    |   ^", litekeep.ErrConfig), 400, "a.yaml:2:1\n  2 |   a\n    |   ^"},
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
