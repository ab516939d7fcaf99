package api_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/litekeep/litekeep/client"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/api"
	"github.com/litekeep/litekeep/internal/audit"
	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/engine/sqldb"
	"github.com/litekeep/litekeep/internal/notify"
	"github.com/litekeep/litekeep/internal/service"
	"github.com/litekeep/litekeep/internal/state"
)

// keyring is a store of tokens in memory.
type keyring struct {
	mu  sync.Mutex
	all []access.Token
}

func (k *keyring) PutToken(_ context.Context, t access.Token) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = append(k.all, t)
	return nil
}

func (k *keyring) Tokens(context.Context) ([]access.Token, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.all), nil
}

func (k *keyring) EverToken(context.Context) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.all) > 0, nil
}

func (k *keyring) RevokeToken(_ context.Context, id string, at time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := slices.IndexFunc(k.all, func(t access.Token) bool { return t.ID == id })
	if i < 0 {
		return access.ErrNoSuchToken
	}
	k.all[i].Revoked = at
	return nil
}

func (k *keyring) TouchToken(context.Context, string, time.Time) error { return nil }

// A real is a service that keeps real databases, behind its API.
type real struct {
	t      *testing.T
	dir    string
	url    string
	tokens *access.Registry
	door   *service.Service
}

// newReal keeps the databases with these names, each with a table of two rows.
func newReal(t *testing.T, databases ...string) *real {
	t.Helper()
	r := &real{t: t, dir: t.TempDir()}
	yaml := fmt.Sprintf("state: %s/state\ndefaults:\n  destinations: [%s/backups]\n  schedule: off\ndatabases:\n", r.dir, r.dir)
	for _, name := range databases {
		yaml += fmt.Sprintf("  - name: %s\n    path: %s\n", name, r.path(name))
		r.execute(name, "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO users(name) VALUES ('Ada'), ('Bob')")
	}
	c, err := config.Parse("litekeep.yaml", []byte(yaml), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	store, err := state.Open(ctx, filepath.Join(r.dir, "state.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	center, err := notify.New(ctx, nil, notify.NewMemory(), notify.Options{})
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(r.dir, "audit")
	log := audit.New(folder, audit.Options{Now: time.Now})
	r.tokens = access.NewRegistry(&keyring{}, time.Now)
	r.door = service.New(ctx, service.Options{Config: c, State: store, Audit: log, AuditFolder: folder, Tokens: r.tokens, Teller: center})
	guard := access.NewGuard(access.GuardConfig{
		Registry: r.tokens, Sessions: access.NewSessions(time.Hour, time.Now), Throttle: access.NewThrottle(time.Now),
		Limiter: access.NewLimiter(0, 0, time.Now), Now: time.Now, Refuse: api.Refuse,
	})
	stopping := make(chan struct{})
	server := httptest.NewServer(api.New(r.door, api.Options{Authenticate: guard.Authenticate, Stopping: stopping}))
	r.url = server.URL
	var work sync.WaitGroup
	work.Go(func() { center.Run(ctx) })
	work.Go(func() {
		if err := r.door.Serve(ctx); err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	t.Cleanup(func() {
		close(stopping)
		cancel()
		work.Wait()
		server.Close()
		if err := errors.Join(log.Close(), store.Close()); err != nil {
			t.Error(err)
		}
	})
	return r
}

// path is where a database lies.
func (r *real) path(name string) string { return filepath.Join(r.dir, name+".db") }

// execute runs SQL in a database.
func (r *real) execute(name, sql string) {
	r.t.Helper()
	db, err := sqldb.Open(r.t.Context(), r.path(name))
	if err != nil {
		r.t.Fatal(err)
	}
	_, err = db.ExecContext(r.t.Context(), sql)
	if err := errors.Join(err, db.Close()); err != nil {
		r.t.Fatal(err)
	}
}

// count counts the rows of a database.
func (r *real) count(name string) (n int) {
	r.t.Helper()
	db, err := sqldb.Open(r.t.Context(), r.path(name))
	if err != nil {
		r.t.Fatal(err)
	}
	err = db.QueryRowContext(r.t.Context(), "SELECT count(*) FROM users").Scan(&n)
	if err := errors.Join(err, db.Close()); err != nil {
		r.t.Fatal(err)
	}
	return n
}

// token makes a token.
func (r *real) token(role access.Role, databases ...string) string {
	r.t.Helper()
	secret, _, err := r.tokens.Create(r.t.Context(), access.NewToken{Name: string(role) + strings.Join(databases, "-"), Role: role, Databases: databases})
	if err != nil {
		r.t.Fatal(err)
	}
	return secret
}

// client returns a client with a token.
func (r *real) client(token string) *client.Client {
	r.t.Helper()
	h := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	c, err := client.New(r.url, client.WithToken(token), client.WithHTTPClient(h))
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// TestRealRound backs up a database, destroys its content, and restores it.
func TestRealRound(t *testing.T) {
	r := newReal(t, "app", "shop")
	ctx := t.Context()
	admin, operator := r.client(r.token(access.Admin)), r.client(r.token(access.Operator))
	run, err := operator.Backup(ctx, "app")
	if err != nil || run.Created == nil || run.RecordCount != 2 || run.TableCount != 1 || !run.Verified {
		t.Fatalf("backup: %+v, %v", run, err)
	}
	list, err := operator.Backups(ctx, "app")
	if err != nil || len(list) != 1 || list[0].File != run.Backup || list[0].Checksum != run.Created.Checksum {
		t.Fatalf("list: %+v, %v", list, err)
	}
	var object bytes.Buffer
	if _, err := admin.Download(ctx, "app", run.Backup, &object); err != nil {
		t.Fatalf("download: %v", err)
	}
	if sum := sha256.Sum256(object.Bytes()); hex.EncodeToString(sum[:]) != run.Created.Checksum {
		t.Errorf("downloaded something else")
	}
	if _, err := admin.DownloadManifest(ctx, "app", run.Backup, &object); err != nil {
		t.Errorf("manifest: %v", err)
	}
	if v, err := operator.Verify(ctx, "app", run.Backup); err != nil || !v.Checked.OK {
		t.Errorf("verify: %+v, %v", v, err)
	}
	r.execute("app", "DELETE FROM users")
	dry, err := admin.Restore(ctx, "app", client.RestoreRequest{File: run.Backup, DryRun: true})
	if err != nil || !dry.Restored.DryRun || r.count("app") != 0 {
		t.Fatalf("dry run: %+v, %v", dry, err)
	}
	for _, request := range []client.RestoreRequest{
		{File: run.Backup, Confirm: "shop", Reason: "a test"},
		{File: run.Backup, Confirm: "app"},
	} {
		if _, err := admin.Restore(ctx, "app", request); !errors.Is(err, client.ErrBadRequest) || r.count("app") != 0 {
			t.Errorf("restore of %+v: %v", request, err)
		}
	}
	restored, err := admin.Restore(ctx, "app", client.RestoreRequest{File: run.Backup, Confirm: "app", Reason: "a test"})
	if err != nil || restored.Restored.SafetyBackup == "" || r.count("app") != 2 {
		t.Fatalf("restore: %+v, %v", restored, err)
	}
	entries, err := admin.Audit(ctx, client.AuditFilter{Action: "restore"})
	allowed := func(e client.AuditEntry) bool {
		return e.Outcome == "allowed" && e.Object == run.Backup && e.Request != "" && e.Actor == "admin" && e.Detail == "a test"
	}
	if err != nil || !slices.ContainsFunc(entries, allowed) {
		t.Errorf("audit: %+v, %v", entries, err)
	}
	if report, err := admin.VerifyAudit(ctx); err != nil || !report.OK {
		t.Errorf("audit: %+v, %v", report, err)
	}
}

// TestRealRoles tries what each role may not do.
func TestRealRoles(t *testing.T) {
	r := newReal(t, "app", "shop")
	ctx := t.Context()
	admin := r.client(r.token(access.Admin))
	run, err := admin.Backup(ctx, "shop")
	if err != nil {
		t.Fatal(err)
	}
	viewer, operator := r.client(r.token(access.Viewer)), r.client(r.token(access.Operator))
	limited := r.client(r.token(access.Admin, "app"))
	only := func(_ any, err error) error { return err }
	for name, c := range map[string]struct{ got, want error }{
		"viewer lists":           {only(viewer.Backups(ctx, "shop")), nil},
		"viewer backs up":        {only(viewer.Backup(ctx, "shop")), client.ErrForbidden},
		"viewer verifies":        {only(viewer.Verify(ctx, "shop", run.Backup)), client.ErrForbidden},
		"viewer sees tokens":     {only(viewer.Tokens(ctx)), client.ErrForbidden},
		"viewer previews":        {only(viewer.PreviewCleanup(ctx, "shop")), client.ErrForbidden},
		"operator previews":      {only(operator.PreviewCleanup(ctx, "shop")), nil},
		"operator cleans up":     {only(operator.Cleanup(ctx, "shop")), client.ErrForbidden},
		"operator restores":      {only(operator.Restore(ctx, "shop", client.RestoreRequest{File: run.Backup, DryRun: true})), client.ErrForbidden},
		"operator downloads":     {only(operator.Download(ctx, "shop", run.Backup, &bytes.Buffer{})), client.ErrForbidden},
		"operator pins":          {operator.Pin(ctx, "shop", run.Backup, "", time.Time{}), client.ErrForbidden},
		"other database":         {only(limited.Backups(ctx, "shop")), client.ErrNotFound},
		"run of other database":  {only(limited.Run(ctx, run.ID)), client.ErrNotFound},
		"other backup":           {only(limited.BackupDetails(ctx, "shop", run.Backup)), client.ErrNotFound},
		"backup of other name":   {only(limited.BackupDetails(ctx, "app", run.Backup)), client.ErrNotFound},
		"tokens of all":          {only(limited.Tokens(ctx)), client.ErrForbidden},
		"events of other":        {firstError(ctx, limited, "shop"), client.ErrNotFound},
		"own database is chosen": {only(limited.Backups(ctx, "")), nil},
		"wrong token":            {only(r.client("lk_wrong").Backups(ctx, "shop")), client.ErrUnauthenticated},
		"no token":               {only(r.client("").Backups(ctx, "shop")), client.ErrUnauthenticated},
		"health without a token": {only(r.client("").Health(ctx)), nil},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
}

func firstError(ctx context.Context, c *client.Client, database string) error {
	for _, err := range c.Events(ctx, database) {
		return err
	}
	return nil
}

// TestRealFailures has databases that cannot be backed up: the answer says no
// more than that.
func TestRealFailures(t *testing.T) {
	r := newReal(t, "app")
	if err := os.WriteFile(r.path("app"), []byte(strings.Repeat("this is no database ", 500)), 0o600); err != nil {
		t.Fatal(err)
	}
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/api/backup/create", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+r.token(access.Admin))
	q.Close = true
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	p := problemOf(t, answer, 500)
	if p["detail"] != "Backup failed" || strings.Contains(fmt.Sprint(p), r.dir) {
		t.Errorf("got %v", p)
	}
	run, err := r.client(r.token(access.Viewer)).Run(t.Context(), p["run_id"].(string))
	if err != nil || run.Outcome != client.OutcomeRefused || run.Error == "" {
		t.Errorf("the run does not say why: %+v, %v", run, err)
	}
	if got := object(t, call{"GET", "/api/backup/list", "", admin, nil}.do(t, api.New(r.door, options(nil)))); got["count"] != 0.0 {
		t.Errorf("something is listed: %v", got)
	}
}

// TestRealDownloadStaysInside puts a symbolic link where a backup lies.
func TestRealDownloadStaysInside(t *testing.T) {
	r := newReal(t, "app")
	c := r.client(r.token(access.Admin))
	run, err := c.Backup(t.Context(), "app")
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(r.dir, "secret")
	object := run.Created.Path
	if err := errors.Join(os.WriteFile(secret, []byte("secret"), 0o600), os.Remove(object), os.Symlink(secret, object)); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := c.Download(t.Context(), "app", run.Backup, &b); err == nil || b.Len() > 0 {
		t.Errorf("downloaded %q, %v", &b, err)
	}
	beside := filepath.Join(filepath.Dir(object), "other.json.zst")
	if err := os.WriteFile(beside, []byte("no backup"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"other.json.zst", "../../secret", run.Backup + ".manifest.json", "../app/" + run.Backup} {
		if _, err := c.Download(t.Context(), "app", name, &b); !errors.Is(err, client.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
