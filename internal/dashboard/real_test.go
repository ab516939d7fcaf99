package dashboard_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/audit"
	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/notify"
	"github.com/litekeep/litekeep/internal/service"
	"github.com/litekeep/litekeep/internal/state"
	"github.com/litekeep/litekeep/internal/testdb"
)

// realWorld is a dashboard before a real service, which keeps one database.
func realWorld(t *testing.T) (*world, *service.Service) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	dir := t.TempDir()
	source := filepath.Join(dir, "app.db")
	all := testdb.Nasty()
	sound := all[slices.IndexFunc(all, func(c testdb.Case) bool { return c.Name == "columns-dropped-and-renamed" })]
	if err := sound.Build(ctx, source); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("state: %s\ndatabases:\n  - name: app\n    path: %s\n    schedule: off\n    destinations: [%s]\n", dir, source, filepath.Join(dir, "backups"))
	c, err := config.Parse("litekeep.yaml", []byte(text), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	store, err := state.Open(ctx, filepath.Join(dir, "state.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	log := audit.New(filepath.Join(dir, "audit"), audit.Options{Now: time.Now})
	center, err := notify.New(ctx, nil, notify.NewMemory(), notify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	registry := access.NewRegistry(&tokenStore{}, time.Now)
	s := service.New(ctx, service.Options{Config: c, State: store, Audit: log, AuditFolder: filepath.Join(dir, "audit"), Tokens: registry, Teller: center})
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, log.Close(), store.Close()); err != nil {
			t.Error(err)
		}
	})
	w := &world{t: t, log: &strings.Builder{}, secrets: map[access.Role]string{}}
	w.serve(s, registry, time.Now)
	return w, s
}

// TestRealService backs up, verifies and restores a real database through the
// forms, and reads each page on the way.
func TestRealService(t *testing.T) {
	w, s := realWorld(t)
	by := access.Principal{ID: "local", Name: "local", Role: access.Admin, Via: access.ViaLocal}
	page := func(path string, want ...string) string {
		t.Helper()
		got := w.get("", path)
		if got.status != http.StatusOK {
			t.Fatalf("%s: %d\n%s\n%s", path, got.status, got.body, w.log)
		}
		checkMarkup(t, path, got.body)
		for _, text := range want {
			if !strings.Contains(got.body, text) {
				t.Errorf("%s does not have %q:\n%s", path, text, got.body)
			}
		}
		return got.body
	}
	// run posts a form, and waits for the run that it begins.
	run := func(path string, form url.Values) string {
		t.Helper()
		got := w.post("", path, form)
		to := got.header.Get("Location")
		if got.status != http.StatusSeeOther {
			t.Fatalf("%s: %d\n%s\n%s", path, got.status, got.body, w.log)
		}
		id := to[strings.LastIndexAny(to, "/=")+1:]
		r, err := s.Wait(t.Context(), by, id)
		if err != nil || r.Outcome != service.OutcomeOK {
			t.Fatalf("%s: %v %+v", path, err, r)
		}
		return to
	}
	page("/", "1 of 1 database needs attention", "There is nothing to restore yet.", "There is no token")
	page("/databases/app", "There is no backup yet.")
	page(run("/databases/app/backup", nil), "Backup of app", "Done")
	page("/", "The database is protected")
	body := page("/databases/app", "1 of 1")
	backup := regexp.MustCompile(`/databases/app/backups/[^"/]+`).FindString(body)
	page(backup, "There is no backup before to compare with.", "SHA-256")
	page(run(backup+"/verify", nil), "Every byte is as it was written.")
	if got := w.post("", backup+"/pin", url.Values{"note": {"the first"}}); got.status != 303 {
		t.Fatalf("pin: %d\n%s\n%s", got.status, got.body, w.log)
	}
	page(backup, "“the first”")
	page("/databases/app/cleanup", "would remove nothing")
	dry := run(backup+"/restore/dry-run", nil)
	page(dry, "restore-now")
	_, id, _ := strings.Cut(dry, "run=")
	page(run(backup+"/restore", url.Values{"run": {id}, "confirm": {"app"}, "reason": {"a test"}, "safety": {"yes"}}), "What was done")
	for _, path := range []string{"/runs", "/trash", "/settings", "/settings/tokens"} {
		page(path)
	}
	page("/audit?verify=1", "The chain is unbroken", "a test")
	if got := w.get("", backup+"/download"); got.status != 200 || len(got.body) == 0 {
		t.Errorf("download: %d", got.status)
	}
	if got := w.get("", "/databases/app/backups/nothing.json"); got.status != 404 {
		t.Errorf("a backup that is not there: %d", got.status)
	}
	if w.log.Len() > 0 {
		t.Error(w.log)
	}
}
