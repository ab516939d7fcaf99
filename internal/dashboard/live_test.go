package dashboard_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

// listen reads the events of an address, line by line.
func (w *world) listen(ctx context.Context, path string) *bufio.Scanner {
	w.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.server.URL+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+w.secrets[access.Viewer])
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { got.Body.Close() })
	if got.StatusCode != 200 || got.Header.Get("Content-Type") != "text/event-stream" {
		w.t.Fatal(got.Status, got.Header)
	}
	lines := bufio.NewScanner(got.Body)
	lines.Scan() // retry: it is connected
	return lines
}

// next returns the next event, without the signs of life before it.
func next(lines *bufio.Scanner) string {
	var event []string
	for lines.Scan() {
		switch text := lines.Text(); {
		case strings.HasPrefix(text, ":"):
		case text != "":
			event = append(event, text)
		case len(event) > 0:
			return strings.Join(event, " ")
		}
	}
	return "end"
}

// TestLive reads what the script of a page reads, until the service stops, and
// leaves no goroutine behind.
func TestLive(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		goleak.VerifyNone(t, before)
	})
	w := newWorld(t, true)
	all := w.listen(t.Context(), "/live")
	only := w.listen(t.Context(), "/live?database=wiki&run=live-1")
	gone, leave := context.WithCancel(t.Context())
	w.listen(gone, "/live")
	leave()

	w.fake.change("crm-100", func(r *service.Run) {}) // has failed long ago
	w.fake.change("live-1", func(r *service.Run) { r.Progress.Percent = 80 })
	w.fake.change("live-1", func(r *service.Run) { r.Progress = nil })
	w.fake.finish("live-1")
	want := []string{
		`event: change data: {"say":"Backup of crm: Failed."}`,
		`event: progress data: {"run":"live-1","percent":80,"text":"Writing the backup: 12.0 MiB of 21.0 MiB, 31,200 rows, 9 s left"}`,
		`event: change data: {"say":"Backup of wiki has begun."}`,
		`event: change data: {"say":"Backup of wiki: Done."}`,
	}
	for i, text := range want {
		if got := next(all); got != text {
			t.Errorf("event %d: %s", i, got)
		}
		if i == 0 {
			continue
		}
		if got := next(only); got != text {
			t.Errorf("event %d of wiki: %s", i, got)
		}
	}
	for range 3 { // it says that it lives
		if !all.Scan() {
			t.Fatal("the stream is silent")
		}
	}
	close(w.fake.ended)
	if got := next(all) + next(only); got != "endend" {
		t.Error("after the service has stopped:", got)
	}
}
