package daemon

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/notify"
)

// Each URL of a heartbeat is called for what it is configured for.
func TestHeartbeatURLs(t *testing.T) {
	var called []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { called = append(called, r.URL.Path) }))
	defer server.Close()
	dir := t.TempDir()
	configIn(t, dir, "databases: [{name: app, path: "+dir+"/app.db}]\n")
	c, err := loadIn(dir)
	if err != nil {
		t.Fatal(err)
	}
	c.Notifications.Channels = []config.Channel{{
		Name: "beat", Type: config.TypeHeartbeat, URL: config.NewSecret(server.URL + "/ok"),
		StartURL: config.NewSecret(server.URL + "/start"), FailureURL: config.NewSecret(server.URL + "/fail"),
	}}
	targets, err := Targets(c, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []notify.Kind{notify.KindBegun, notify.KindSucceeded, notify.KindFailed} {
		m := &notify.Message{Stories: []notify.Story{{Event: notify.Event{Kind: kind, Database: "app"}}}}
		if err := targets[0].Channel.Deliver(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if want := []string{"/start", "/ok", "/fail"}; !slices.Equal(called, want) {
		t.Errorf("called were %v, not %v", called, want)
	}
}
