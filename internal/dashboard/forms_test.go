package dashboard_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// idle ends all runs without a trace.
func (f *fake) idle() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.list {
		f.list[i].Running = nil
	}
}

// TestForms posts each form, and looks at what was asked for and where it leads.
func TestForms(t *testing.T) {
	w := newWorld(t, true)
	file := w.someFile("shop")
	backup := "/databases/shop/backups/" + file
	for _, c := range []struct {
		path string
		form url.Values
		to   string // "" for a page instead of a redirect
		did  string
	}{
		{"/databases/shop/backup", nil, "/runs/", "backup shop "},
		{"/databases/shop/sync", nil, "/runs/", "sync shop "},
		{"/databases/shop/cleanup", nil, "/runs/", "cleanup shop "},
		{"/databases/sessions/accept", url.Values{"reason": {"old ones were removed"}}, "/databases/sessions?done=accepted", `accept sessions "old ones were removed"`},
		{backup + "/verify", nil, "/runs/", "verify shop " + file},
		{backup + "/unpin", nil, backup + "?done=unpinned", "unpin shop " + file},
		{backup + "/pin", url.Values{"note": {" keep "}, "until": {"2026-12-24"}}, backup + "?done=pinned", "pin shop " + file + ` "keep" 2026-12-25T00:00:00+01:00`},
		{backup + "/pin", url.Values{}, backup + "?done=pinned", "pin shop " + file + ` "" 0001-01-01T00:00:00Z`},
		{"/runs/live-1/cancel", nil, "/runs/live-1?done=cancelled", "cancel backup"},
		{"/databases/shop/trash/x.json.zst/undelete", nil, "/trash?done=undeleted", "undelete shop x.json.zst"},
		{"/settings/reload", nil, "", "reload"},
		{"/settings/channels/ops-mail/test", nil, "/settings?done=tested", "test ops-mail"},
		{"/settings/tokens/t1/revoke", nil, "/settings/tokens?done=revoked", "revoke t1"},
	} {
		got := w.post(access.Admin, c.path, c.form)
		if did := strings.Join(w.fake.done(), ";"); did != c.did {
			t.Errorf("%s did %q, not %q", c.path, did, c.did)
		}
		to := got.header.Get("Location")
		if c.to == "" && got.status != 200 || c.to != "" && (got.status != http.StatusSeeOther || !strings.HasPrefix(to, c.to)) {
			t.Errorf("%s: %d to %q", c.path, got.status, to)
		}
		if c.to != "" && !strings.HasPrefix(to, "/runs/r") {
			if page := w.get(access.Admin, to); page.status != 200 || !strings.Contains(page.body, `class="notice tone-ok" role="status"`) {
				t.Errorf("%s leads to %s: %d", c.path, to, page.status)
			}
		}
		w.fake.idle()
	}
	for path, form := range map[string]url.Values{
		backup + "/pin":                 {"until": {"2026-11-21"}},
		"/databases/shop/backups/x/pin": {"until": {"soon"}},
	} {
		if got := w.post(access.Admin, path, form); got.status != 400 {
			t.Errorf("%s with %v: %d", path, form, got.status)
		}
	}
	got := w.post(access.Admin, "/settings/channels/slack/test", nil)
	if got.status != http.StatusBadGateway || !strings.Contains(got.body, "did not get through slack") {
		t.Errorf("a channel that fails: %d", got.status)
	}
	w.fake.find("shop").Running = &service.Run{}
	if got := w.post(access.Admin, "/databases/shop/backup", nil); got.status != 409 {
		t.Errorf("a second run: %d", got.status)
	}
}

// TestRestore goes the way to a restore, and tries to leave it.
func TestRestore(t *testing.T) {
	w := newWorld(t, true)
	file := w.someFile("shop")
	path := "/databases/shop/backups/" + file + "/restore"
	full := url.Values{"confirm": {"shop"}, "reason": {"orders were lost"}, "safety": {"yes"}}
	with := func(key, value string) url.Values {
		v := url.Values{key: {value}}
		for k, list := range full {
			if k != key {
				v[k] = list
			}
		}
		return v
	}
	refused := func(form url.Values, text string) {
		t.Helper()
		got := w.post(access.Admin, path, form)
		if got.status != 400 || !strings.Contains(got.body, text) {
			t.Errorf("%v: %d without %q", form, got.status, text)
		}
		if did := w.fake.done(); len(did) > 0 {
			t.Errorf("%v did %q", form, did)
		}
	}
	refused(full, "There is no dry run of this restore")
	full.Set("run", "shop-100")
	refused(full, "There is no dry run of this restore")

	got := w.post(access.Admin, path+"/dry-run", nil)
	to := got.header.Get("Location")
	_, id, _ := strings.Cut(to, "?run=")
	if got.status != 303 || id == "" {
		t.Fatalf("%d to %q", got.status, to)
	}
	if did := w.fake.done(); len(did) != 1 || !strings.Contains(did[0], "dry=true") {
		t.Fatalf("did %q", did)
	}
	full.Set("run", id)
	if body := w.get(access.Admin, to).body; !strings.Contains(body, `data-run="`+id) || strings.Contains(body, "restore-now") {
		t.Error("the page does not wait for the dry run")
	}
	refused(full, "There is no dry run of this restore") // it has not ended
	w.fake.finish(id)
	body := w.get(access.Admin, to).body
	for _, text := range []string{"Prove that it is what was backed up.", "restore-now", "two programs have the database open", "checked"} {
		if !strings.Contains(strings.ToLower(body), strings.ToLower(text)) {
			t.Errorf("after the dry run the page does not have %q", text)
		}
	}
	refused(with("confirm", "Shop"), "is not the name of the database")
	refused(with("reason", " "), "A reason is needed")
	refused(with("reason", "refuse me"), "The disk has no room for the safety backup.")
	other := "/databases/shop/backups/" + w.fake.backups["shop"][3].File + "/restore"
	if got := w.post(access.Admin, other, full); got.status != 400 {
		t.Errorf("the dry run of another backup counts: %d", got.status)
	}
	w.fake.change(id, func(r *service.Run) { r.Ended = now.Add(-61 * time.Minute) })
	refused(full, "more than an hour ago")
	w.fake.change(id, func(r *service.Run) { r.Ended = now })

	got = w.post(access.Admin, path, with("safety", ""))
	did := strings.Join(w.fake.done(), ";")
	if want := `restore dry=false safety=false reason="orders were lost" confirm="shop" shop ` + file; did != want {
		t.Errorf("did %q, not %q", did, want)
	}
	if got.status != 303 || !strings.HasPrefix(got.header.Get("Location"), "/runs/") {
		t.Errorf("%d to %s", got.status, got.header.Get("Location"))
	}
}

// TestTokens makes a token, whose secret is in one answer and in no other.
func TestTokens(t *testing.T) {
	w := newWorld(t, true)
	form := url.Values{"name": {"grafana"}, "role": {"viewer"}, "databases": {"shop, wiki"}, "days": {"30"}}
	got := w.post(access.Admin, "/settings/tokens", form)
	if got.status != 200 || !strings.Contains(got.body, "lk_Zm9yLXRlc3RzLW9ubHk") {
		t.Fatalf("%d", got.status)
	}
	if did := w.fake.done(); did[0] != "token grafana viewer [shop wiki] 2026-12-22" {
		t.Errorf("did %q", did)
	}
	if body := w.get(access.Admin, "/settings/tokens").body; strings.Contains(body, "lk_Zm9") || !strings.Contains(body, "grafana") {
		t.Error("the secret is shown again, or the token is not")
	}
	form.Set("days", "never")
	w.post(access.Admin, "/settings/tokens", form)
	if did := w.fake.done(); did[0] != "token grafana viewer [shop wiki] 0001-01-01" {
		t.Errorf("did %q", did)
	}
	for key, value := range map[string]string{"name": "", "days": "-1", "databases": "nothere"} {
		bad := url.Values{"name": {"again"}, "role": {"operator"}, "days": {"30"}}
		bad.Set(key, value)
		got := w.post(access.Admin, "/settings/tokens", bad)
		if got.status != 400 || !strings.Contains(got.body, `role="alert"`) || !strings.Contains(got.body, `value="operator" selected`) {
			t.Errorf("%s=%q: %d", key, value, got.status)
		}
	}
	if did := w.fake.done(); len(did) > 0 {
		t.Errorf("did %q", did)
	}
}

// TestLogin logs in and out, and goes to no other site.
func TestLogin(t *testing.T) {
	w := newWorld(t, true)
	if got := w.do(http.MethodGet, "", "/runs?kind=backup", nil); got.status != 303 || got.header.Get("Location") != "/login?next=%2Fruns%3Fkind%3Dbackup" {
		t.Errorf("%d to %s", got.status, got.header.Get("Location"))
	}
	if got := w.do(http.MethodPost, "", "/databases/shop/backup", nil); got.status != 401 {
		t.Errorf("nobody began a backup: %d", got.status)
	}
	if got := w.do(http.MethodGet, "", "/live", nil); got.status != 401 {
		t.Errorf("nobody listens: %d", got.status)
	}
	b := w.browser()
	login := func(secret, next string) answer {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.server.URL+"/login",
			strings.NewReader(url.Values{"token": {secret}, "next": {next}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return w.send(b, r)
	}
	page := func() string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.server.URL+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		return w.send(b, r).body
	}
	for next, want := range map[string]string{
		"/runs?kind=backup": "/runs?kind=backup", "//evil.example/": "/", "///evil.example": "/", "https://evil.example": "/", `/\evil.example`: "/", "": "/", "/\tx": "/",
	} {
		if got := login(w.secrets[access.Viewer], next); got.status != 303 || got.header.Get("Location") != want {
			t.Errorf("next %q: %d to %s", next, got.status, got.header.Get("Location"))
		}
	}
	if !strings.Contains(page(), "Log out") {
		t.Error("the session shows no way out")
	}
	out, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.server.URL+"/logout", nil)
	if err != nil {
		t.Fatal(err)
	}
	w.send(b, out)
	if strings.Contains(page(), "Log out") {
		t.Error("the session goes on")
	}
	wrong := login("lk_wrong", "/")
	if wrong.status != 401 || !strings.Contains(wrong.body, "This token does not work.") {
		t.Errorf("a wrong token: %d", wrong.status)
	}
	for range 20 {
		wrong = login("lk_wrong", "/")
	}
	if wrong.status != 429 || wrong.header.Get("Retry-After") == "" || !strings.Contains(wrong.body, "Try again in") {
		t.Errorf("many wrong tokens: %d", wrong.status)
	}
}

// TestOpen looks at a service that has no token.
func TestOpen(t *testing.T) {
	w := newWorld(t, false)
	got := w.do(http.MethodGet, "", "/", nil)
	if got.status != 200 || !strings.Contains(got.body, "There is no token") || strings.Contains(got.body, "Log out") {
		t.Errorf("%d", got.status)
	}
	if got := w.do(http.MethodGet, "", "/login?next=/runs", nil); got.status != 303 || got.header.Get("Location") != "/runs" {
		t.Errorf("%d to %s", got.status, got.header.Get("Location"))
	}
}

// TestTheme keeps the choice, and goes back to the page.
func TestTheme(t *testing.T) {
	w := newWorld(t, true)
	for to, want := range map[string]string{"dark": "litekeep_theme=dark;", "light": "litekeep_theme=light;", "system": "litekeep_theme=; Path=/; Max-Age=0", "<x>": "litekeep_theme=; Path=/; Max-Age=0"} {
		got := w.post(access.Viewer, "/theme", url.Values{"to": {to}, "back": {"/runs"}})
		if got.status != 303 || got.header.Get("Location") != "/runs" || !strings.HasPrefix(got.header.Get("Set-Cookie"), want) {
			t.Errorf("%s: %d %v", to, got.status, got.header)
		}
	}
}

// TestDownload sends bytes, parts of them, and only to those who may have them.
func TestDownload(t *testing.T) {
	w := newWorld(t, true)
	file := w.someFile("shop")
	path := "/databases/shop/backups/" + file + "/download"
	got := w.get(access.Admin, path)
	if got.body != "the bytes of "+file || !strings.Contains(got.header.Get("Content-Disposition"), "shop-"+file) || !strings.HasPrefix(got.header.Get("ETag"), `"9f86`) {
		t.Errorf("%d %v %q", got.status, got.header, got.body)
	}
	if got := w.get(access.Admin, path+"?manifest=1"); !strings.HasSuffix(got.body, ".manifest.json") {
		t.Errorf("the manifest is %q", got.body)
	}
	if got := w.get(access.Operator, path); got.status != 403 {
		t.Errorf("an operator takes all data: %d", got.status)
	}
}
