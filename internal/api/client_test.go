package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/client"
	"github.com/litekeep/litekeep/internal/api"
	"github.com/litekeep/litekeep/internal/service"
)

// A seen notes which operations were asked for.
type seen struct {
	mu  sync.Mutex
	all map[string]bool // method and path
}

func (s *seen) note(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.all[r.Method+" "+r.URL.Path] = true
		s.mu.Unlock()
		next.ServeHTTP(w, r)
	})
}

// serve serves a fake to a client.
func serve(t *testing.T, f *fake, token string, o api.Options) (*client.Client, *seen) {
	t.Helper()
	s := &seen{all: map[string]bool{}}
	o.Now = time.Now // of the deadlines of connections
	server := httptest.NewServer(s.note(api.New(f, o)))
	t.Cleanup(server.Close)
	h := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	c, err := client.New(server.URL, client.WithToken(token), client.WithHTTPClient(h))
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

// TestClientHasAll calls every method of the client, and finds every operation
// of the document asked for.
func TestClientHasAll(t *testing.T) {
	f := newFake("app")
	stopping := make(chan struct{})
	o := options(nil)
	o.Stopping = stopping
	c, s := serve(t, f, "admin", o)
	ctx := t.Context()
	check := func(what string, ok bool, err error) {
		t.Helper()
		if err != nil || !ok {
			t.Errorf("%s: %v, as expected: %v", what, err, ok)
		}
	}
	run, err := c.Backup(ctx, "app")
	check("backup", err == nil && run.Created.Checksum == checksum && run.Backup == backupFile && run.Created.Timestamp.Equal(night), err)
	run, err = c.Verify(ctx, "", backupFile)
	check("verify", err == nil && run.Checked.OK, err)
	run, err = c.Restore(ctx, "", client.RestoreRequest{File: backupFile, Confirm: "app", Reason: "a test", NoSafetyBackup: true})
	check("restore", err == nil && run.Restored.SafetyBackup == "/srv/safety" && f.restore.NoSafetyBackup, err)
	_, err = c.Restore(ctx, "", client.RestoreRequest{File: backupFile, DryRun: true})
	check("dry run", f.restore == service.RestoreRequest{File: backupFile, DryRun: true}, err)
	run, err = c.Cleanup(ctx, "")
	check("cleanup", err == nil && len(run.Pruned) == 2, err)
	run, err = c.Sync(ctx, "")
	check("sync", err == nil && run.Synced[0].Done, err)
	run, err = c.CancelRun(ctx, "run1")
	check("cancel", err == nil && run.ID == "run1", err)
	_, err = c.Runs(ctx, client.RunFilter{Database: "app", Kind: "backup", Outcome: "ok", Before: "x", Limit: 7})
	check("runs", f.filter == service.RunFilter{Database: "app", Kind: "backup", Outcome: "ok", Before: "x", Limit: 7}, err)
	backups, err := c.Backups(ctx, "")
	check("backups", err == nil && backups[0].File == backupFile && backups[0].RecordCount == 42 && backups[0].VerifiedAt.Equal(night), err)
	details, err := c.BackupDetails(ctx, "", backupFile)
	check("details", err == nil && details.Contents.Frames == 7 && details.Changes[0].Table == "users" && details.Contents.Durations.Total == 1, err)
	stats, err := c.Stats(ctx, "")
	check("stats", err == nil && stats[0].Count == 2 && *stats[0].Ratio == 4, err)
	decisions, err := c.PreviewCleanup(ctx, "")
	check("preview", err == nil && len(decisions) == 2, err)
	var b bytes.Buffer
	_, err = c.Download(ctx, "", backupFile, &b)
	check("download", b.String() == objectText, ignore(err, client.ErrChecksum))
	b.Reset()
	_, err = c.DownloadManifest(ctx, "", backupFile, &b)
	check("manifest", b.String() == `{"litekeep_manifest":1}`, err)
	until := night.Add(time.Hour)
	check("pin", true, c.Pin(ctx, "", backupFile, "why", until))
	check("pinned", f.pinned.Equal(until), nil)
	check("unpin", true, c.Unpin(ctx, "", backupFile))
	trash, err := c.Trash(ctx, "")
	check("trash", err == nil && trash[0].File == backupFile, err)
	check("undelete", true, c.Undelete(ctx, "", backupFile))
	all, err := c.Databases(ctx)
	check("databases", err == nil && all[0].Name == "app", err)
	one, err := c.Database(ctx, "app")
	check("database", err == nil && one.RestorableTo.Equal(night), err)
	check("accept", true, c.AcceptSize(ctx, "app", "why"))
	channels, err := c.Channels(ctx)
	check("channels", err == nil && channels[0].Name == "mail", err)
	check("test", true, c.TestChannel(ctx, "mail"))
	settings, err := c.Settings(ctx)
	check("settings", err == nil && settings[0].Key == "listen", err)
	changes, err := c.Reload(ctx)
	check("reload", len(changes) == 1, err)
	tokens, err := c.Tokens(ctx)
	check("tokens", err == nil && tokens[0].Expires.IsZero(), err)
	made, secret, err := c.CreateToken(ctx, client.NewToken{Name: "ci", Role: "viewer", Expires: until})
	check("create token", err == nil && made.ID == "t2" && secret == "lk_secret" && f.token.Expires.Equal(until), err)
	check("revoke", true, c.RevokeToken(ctx, "t1"))
	entries, err := c.Audit(ctx, client.AuditFilter{Since: night, Until: until, Limit: 3})
	check("audit", err == nil && entries[0].Seq == 1, err)
	report, err := c.VerifyAudit(ctx)
	check("verify audit", err == nil && report.OK, err)
	health, err := c.Health(ctx)
	check("health", err == nil && health.Version == "0.1.0", err)
	check("ready", true, c.Ready(ctx))
	go func() {
		f.events <- service.Event{ID: 5, Type: "run", Database: "app", Run: &service.Run{ID: "run1"}}
	}()
	var events []client.Event
	for e, err := range c.Events(ctx, "app") {
		check("events", err == nil && e.Run.ID == "run1", err)
		events = append(events, e)
		close(stopping)
	}
	check("one event", len(events) == 1, nil)

	for path, methods := range documentOf(t, api.New(f, options(nil))).Paths {
		for method := range methods {
			want := strings.ToUpper(method) + " " + sample.Replace(path)
			if !s.all[strings.Replace(want, "/tokens/run1", "/tokens/t1", 1)] && !slices.Contains(notForClients, path) {
				t.Errorf("the client never asks for %s", want)
			}
		}
	}
}

// notForClients are operations for browsers and other programs.
var notForClients = []string{"/metrics", "/openapi.json", "/api/docs", "/api/docs/style.css"}

func ignore(err, kind error) error {
	if errors.Is(err, kind) {
		return nil
	}
	return err
}

// TestClientErrors goes through what a client is told.
func TestClientErrors(t *testing.T) {
	f := newFake("app", "shop")
	c, _ := serve(t, f, "admin", options(nil))
	ctx := t.Context()
	_, err := c.Backups(ctx, "")
	var e *client.Error
	if !errors.Is(err, client.ErrBadRequest) || !errors.As(err, &e) || fmt.Sprint(e.Databases) != "[app shop]" || e.RequestID == "" {
		t.Errorf("two databases: %v", err)
	}
	if _, err := c.Backups(ctx, "none"); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("none: %v", err)
	}
	if _, err := c.BackupDetails(ctx, "app", "../x"); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("a path: %v", err)
	}
	if _, err := c.BackupDetails(ctx, "app", ".."); !errors.Is(err, client.ErrBadRequest) {
		t.Errorf("two dots: %v", err)
	}
	for err, kind := range map[error]error{
		service.ErrRunning: client.ErrConflict, service.ErrStopping: client.ErrUnavailable, errors.New("secret"): client.ErrServer,
	} {
		f.err = err
		_, got := c.Backup(ctx, "app")
		if !errors.Is(got, kind) || strings.Contains(got.Error(), "secret") {
			t.Errorf("%v became %v", err, got)
		}
		if errors.Is(got, client.ErrUnavailable) && (!errors.As(got, &e) || e.RetryAfter != 5*time.Second) {
			t.Errorf("no time to wait: %v", got)
		}
	}
	f.err, f.outcome, f.runError = nil, service.OutcomeRefused, "the database is damaged"
	run, err := c.Backup(ctx, "app")
	var failed *client.RunError
	if !errors.As(err, &failed) || err.Error() != "the database is damaged" || run == nil || run.Outcome != client.OutcomeRefused {
		t.Errorf("a run that failed: %v", err)
	}
	nobody, _ := serve(t, f, "", options(nil))
	if _, err := nobody.Databases(ctx); !errors.Is(err, client.ErrUnauthenticated) {
		t.Errorf("nobody: %v", err)
	}
	flood, _ := serve(t, f, "flood", options(nil))
	if _, err := flood.Databases(ctx); !errors.Is(err, client.ErrTooMany) || !errors.As(err, &e) || e.RetryAfter != 3*time.Second {
		t.Errorf("flood: %v", err)
	}
	if h, err := nobody.Health(ctx); h != nil || err != nil {
		t.Errorf("health for nobody: %v, %v", h, err)
	}
}

// TestClientWaits waits for a run longer than one question does, and stops when
// its context ends.
func TestClientWaits(t *testing.T) {
	f := newFake("app")
	f.hold = make(chan struct{})
	c, _ := serve(t, f, "admin", options(nil))
	run, err := c.StartBackup(t.Context(), "app")
	if err != nil || run.Done() || run.Err() != nil {
		t.Fatalf("%+v, %v", run, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Wait(ctx, run.ID); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
	close(f.hold)
	if run, err = c.Wait(t.Context(), run.ID); err != nil || !run.Done() {
		t.Errorf("%+v, %v", run, err)
	}
}

// TestClientTypes compares the client's types with what the service sends.
func TestClientTypes(t *testing.T) {
	for _, p := range []struct{ mine, its any }{
		{client.Run{}, service.Run{}},
		{client.Status{}, service.Status{}},
		{client.Backup{}, service.BackupView{}},
		{client.BackupDetails{}, api.BackupAnswer{}},
		{client.Stats{}, api.DatabaseStats{}},
		{client.Trashed{}, service.TrashView{}},
		{client.Event{}, service.Event{}},
		{client.Channel{}, service.ChannelStatus{}},
		{client.Health{}, service.Health{}},
		{client.Setting{}, service.Setting{}},
		{client.Token{}, service.Token{}},
		{client.AuditEntry{}, service.AuditEntry{}},
		{client.AuditReport{}, service.AuditReport{}},
		{client.NewToken{}, api.TokenBody{}},
		{client.NewBackup{}, litekeep.Backup{}},
	} {
		mine, its := map[string]string{}, map[string]string{}
		shape(reflect.TypeOf(p.mine), "", mine)
		shape(reflect.TypeOf(p.its), "", its)
		delete(its, ".success")
		for _, name := range slices.Sorted(maps.Keys(its)) {
			if mine[name] != its[name] {
				t.Errorf("%T: %s is %s, and %s for the client", p.its, name, its[name], mine[name])
			}
			delete(mine, name)
		}
		for name := range mine {
			t.Errorf("%T: %s is never sent", p.mine, name)
		}
	}
}

// shape notes the names of the JSON of a type, and of what.
func shape(t reflect.Type, at string, into map[string]string) {
	switch {
	case t.Kind() == reflect.Pointer:
		shape(t.Elem(), at, into)
	case t == reflect.TypeFor[time.Time]():
		into[at] = "time"
	case t.Kind() == reflect.Slice:
		shape(t.Elem(), at+"[]", into)
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			switch {
			case name == "-" || !f.IsExported():
			case f.Anonymous && name == "":
				shape(f.Type, at, into)
			default:
				shape(f.Type, at+"."+name, into)
			}
		}
	default:
		into[at] = t.Kind().String()
	}
}
