package dashboard_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// someFile is the backup that the tests look at.
func (w *world) someFile(database string) string { return w.fake.backups[database][12].File }

// everyPage are the addresses of all pages, with what an admin reads there.
func (w *world) everyPage() map[string][]string {
	shop := "/databases/shop/backups/" + w.someFile("shop")
	return map[string][]string{
		"/": {
			"<h1>4 of 9 databases need attention</h1>", "Unprotected", "There is nothing to restore yet.", "No success yet",
			`You can restore to <strong><time datetime="2026-11-20T02:03:11-05:00"`, "02:03 on Fri 20 Nov</time> (2 days ago)</strong>",
			"Run next:", "litekeep backup crm", "57.1", "Mon 23 Nov 02:03", "azblob://offsite", "Size: 3",
		},
		"/?q=SHOP+srv":                     {`data-text="shop /srv/shop/shop.db"`, `value="SHOP srv"`},
		"/?show=ok":                        {`data-text="auth /srv/auth/auth.db"`},
		"/?q=nothing":                      {"Nothing fits this filter."},
		"/databases/shop":                  {"What is wrong", "connection refused", "Day by day", "of 30 backups from", "Before the upgrade", "02:03 today", "Europe/Berlin (CET)", "no rule keeps it", "9.00 MiB in the trash"},
		"/databases/shop?day=2026-11-20":   {"Backups of Friday 20 November 2026", "Show all days"},
		"/databases/shop?day=2020-01-01":   {"There is no backup of this day."},
		"/databases/sessions":              {"Cleanups pause.", "The newest backup has 91 % fewer rows than the one before."},
		"/databases/billing":               {"There is no backup yet.", "There is something to draw from the second backup on.", "There was no run yet."},
		"/databases/wiki":                  {"Writing the backup: 12.0 MiB of 21.0 MiB, 31,200 rows, 9 s left", `value="57.1"`},
		"/databases/shop/cleanup":          {"would remove <strong>8 backups</strong>", "What goes", "What stays", "pinned: Before the upgrade", "1 a week for 8 weeks"},
		shop:                               {"Tue 10 Nov 2026 02:03 CET", "stock &lt;movements&gt;", "gone", "−50 %", "9f86d081884c7d65", "Pinned for ever: “Before the upgrade”", "SQLite 3.54.1", "sealed", "The row count of 4 tables is not what it was"},
		shop + "/restore":                  {"Begin the dry run", "Comes after a dry run that went well."},
		"/runs":                            {"Partly copied", "attempt 3", "permission denied", "Older runs"},
		"/runs?kind=restore":               {"There is no such run."},
		"/runs?database=crm":               {`<option selected>crm</option>`},
		"/runs?outcome=failed":             {`<option value="failed" selected>`},
		"/runs/live-1":                     {"Running", "snapshot of 21.0 MiB", "Cancel", `<noscript><meta http-equiv="refresh" content="3"></noscript>`},
		"/runs/crm-100":                    {"Open /srv/crm/crm.db: permission denied.", "The way out:", "attempt 3 of 3"},
		"/trash":                           {"shop", "Undelete", "Gone for good"},
		"/audit":                           {"2041", "refused", "page tree was deleted by mistake", "01JD2X9"},
		"/audit?verify=1":                  {"The chain is unbroken: 2,041 entries."},
		"/audit?actor=ci&since=2026-11-21": {"2039", `value="2026-11-21"`},
		"/audit?until=2026-11-20":          {"There is no such entry."},
		"/settings":                        {"(set)", "ops-mail", "Works", "Not tried", "The server answered 404 no_service.", "10.0.0.5:8443"},
		"/settings/tokens":                 {"ada", "expired", "revoked", "shop, wiki"},
	}
}

// TestPages reads each page as an admin.
func TestPages(t *testing.T) {
	w := newWorld(t, true)
	for path, want := range w.everyPage() {
		got := w.get(access.Admin, path)
		if got.status != http.StatusOK {
			t.Errorf("%s: %d\n%s", path, got.status, got.body)
			continue
		}
		for _, text := range want {
			if !strings.Contains(got.body, text) {
				t.Errorf("%s does not have %q", path, text)
			}
		}
		checkHeaders(t, path, got.header)
		checkMarkup(t, path, got.body)
	}
	if w.log.Len() > 0 {
		t.Error("something was logged:", w.log)
	}
}

// checkHeaders checks what keeps browsers careful.
func checkHeaders(t *testing.T, path string, h http.Header) {
	t.Helper()
	policy := h.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
		t.Errorf("%s: the policy is %q", path, policy)
	}
	if h.Get("Cache-Control") != "no-store" {
		t.Errorf("%s may be stored: %q", path, h.Get("Cache-Control"))
	}
}

var (
	inline   = regexp.MustCompile(`(?i)\sstyle=|\son[a-z]+=|<style|<script(?:[^>]*)>[^<]`)
	outside  = regexp.MustCompile(`(?:src|href|action)="(?:https?:)?//`)
	leftOver = regexp.MustCompile(`%!|ZgotmplZ|<no value>|0001-01-01`)
)

// checkMarkup checks what the policy would stop, and what templates leave when
// they go wrong.
func checkMarkup(t *testing.T, path, body string) {
	t.Helper()
	for _, r := range []*regexp.Regexp{inline, outside, leftOver} {
		if found := r.FindString(body); found != "" {
			t.Errorf("%s has %q", path, found)
		}
	}
	if !strings.Contains(body, "</html>") {
		t.Errorf("%s does not end", path)
	}
}

// TestStatic checks that a file keeps for ever under its name, and not under
// another.
func TestStatic(t *testing.T) {
	w := newWorld(t, true)
	page := w.do(http.MethodGet, "", "/login", nil)
	files := regexp.MustCompile(`/static/[^"]+`).FindAllString(page.body, -1)
	if len(files) != 3 {
		t.Fatal("the page loads", files)
	}
	for _, f := range files {
		got := w.do(http.MethodGet, "", f, nil)
		if got.status != 200 || !strings.Contains(got.header.Get("Cache-Control"), "immutable") || got.header.Get("Content-Type") == "" {
			t.Errorf("%s: %d %v", f, got.status, got.header)
		}
	}
	for _, f := range []string{"/static/app.css", "/static/", "/static/..%2fdoc.go", "/static/app.000000000000.js"} {
		if got := w.do(http.MethodGet, "", f, nil); got.status != http.StatusNotFound {
			t.Errorf("%s: %d", f, got.status)
		}
	}
}

// TestRoles checks that nobody is shown a form that the door would refuse.
func TestRoles(t *testing.T) {
	w := newWorld(t, true)
	action := regexp.MustCompile(`<form method="post" action="([^"]+)"`)
	shown := map[access.Role][]string{}
	for _, role := range []access.Role{access.Viewer, access.Operator, access.Admin} {
		for path := range w.everyPage() {
			for _, m := range action.FindAllStringSubmatch(w.get(role, path).body, -1) {
				if m[1] != "/theme" && m[1] != "/logout" && !slices.Contains(shown[role], m[1]) {
					shown[role] = append(shown[role], m[1])
				}
			}
		}
		for _, path := range shown[role] {
			if got := w.post(role, path, nil); got.status == http.StatusForbidden || got.status == http.StatusNotFound {
				t.Errorf("%s is shown %s and refused: %d", role, path, got.status)
			}
			w.fake.idle()
		}
	}
	if len(shown[access.Viewer]) > 0 {
		t.Error("a viewer is shown", shown[access.Viewer])
	}
	if len(shown[access.Operator]) < 5 || len(shown[access.Admin]) <= len(shown[access.Operator]) {
		t.Errorf("an operator is shown %d forms, an admin %d", len(shown[access.Operator]), len(shown[access.Admin]))
	}
	for _, path := range shown[access.Admin] {
		if got := w.post(access.Viewer, path, nil); got.status != http.StatusForbidden && got.status != http.StatusBadRequest {
			t.Errorf("a viewer posts %s: %d", path, got.status)
		}
	}
	if did := w.fake.done(); slices.ContainsFunc(did, func(s string) bool { return strings.Contains(s, "vic") }) {
		t.Error("a viewer did", did)
	}
}

// TestNarrow checks that a token for one database shows nothing of the others.
func TestNarrow(t *testing.T) {
	w := newWorld(t, true)
	for path, want := range map[string]int{
		"/": 200, "/runs": 200, "/databases/wiki": 200, "/databases/shop": 404, "/databases/shop/cleanup": 404, "/runs/crm-100": 404,
		"/databases/shop/backups/" + w.someFile("shop"): 404, "/trash": 200,
	} {
		got := w.do(http.MethodGet, w.narrow, path, nil)
		if got.status != want {
			t.Errorf("%s: %d, not %d", path, got.status, want)
		}
		if strings.Contains(got.body, "shop.db") || strings.Contains(got.body, "crm.db") || strings.Contains(got.body, `/databases/crm`) {
			t.Errorf("%s tells of other databases", path)
		}
	}
	if body := w.do(http.MethodGet, w.narrow, "/", nil).body; strings.Contains(body, `href="/audit"`) {
		t.Error("the audit log of all is offered")
	}
}

// TestFailures checks what people are told when something goes wrong.
func TestFailures(t *testing.T) {
	w := newWorld(t, true)
	for _, c := range []struct {
		err    error
		status int
		text   string
	}{
		{fmt.Errorf("x: %w", access.ErrForbidden), 403, "You may not do this"},
		{fmt.Errorf("x: %w", service.ErrNotFound), 404, "There is no such thing"},
		{fmt.Errorf("x: %w", service.ErrRunning), 409, "A run goes on"},
		{fmt.Errorf("x: %w", litekeep.ErrBusy), 409, "Somebody else is at work"},
		{fmt.Errorf("x: %w", service.ErrStopping), 503, "The service is stopping"},
		{fmt.Errorf("x: %w", service.ErrAudit), 503, "This cannot be recorded"},
		{fmt.Errorf("%w: %w", service.ErrAway, errMachine), 503, "The backups are away"},
		{fmt.Errorf("%w: the name is wrong", service.ErrRequest), 400, "The name is wrong."},
		{&litekeep.Error{Op: "restore", Path: "/a", Kind: litekeep.ErrTarget, Err: errors.New("no room"), Hint: "free some"}, 400, "Free some."},
		{errMachine, 500, "Something went wrong here"},
	} {
		w.fake.fail = c.err
		got := w.get(access.Admin, "/")
		if got.status != c.status || !strings.Contains(got.body, c.text) {
			t.Errorf("%v: %d, not %d with %q", c.err, got.status, c.status, c.text)
		}
		if strings.Contains(got.body, "state.db") {
			t.Errorf("%v tells what is inside", c.err)
		}
		if !strings.Contains(got.body, "req-1") {
			t.Errorf("%v does not name the request", c.err)
		}
	}
	if !strings.Contains(w.log.String(), "state.db") || !strings.Contains(w.log.String(), "req-1") {
		t.Error("the log has only", w.log)
	}
	w.fake.fail = nil
	for _, path := range []string{"/nothing", "/databases/none", "/databases/..%2f..%2fetc", "/databases/shop/backups/..%2f..%2fetc%2fpasswd", "/runs/none", "/databases/shop/backups/x/restore"} {
		if got := w.get(access.Admin, path); got.status != http.StatusNotFound || !strings.Contains(got.body, "There is no such") {
			t.Errorf("%s: %d", path, got.status)
		}
	}
	if got := w.get(access.Admin, "/audit?since=yesterday"); got.status != 400 {
		t.Errorf("a day that is none: %d", got.status)
	}
	if got := w.post(access.Admin, "/settings/tokens", url.Values{"name": {strings.Repeat("x", 70<<10)}}); got.status != 400 {
		t.Errorf("a form that is too large: %d", got.status)
	}
}
