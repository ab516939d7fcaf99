package api_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/litekeep/litekeep/internal/api"
	"github.com/litekeep/litekeep/internal/service"
)

// pipe is a ResponseWriter whose body is read while it is written.
type pipe struct {
	header http.Header
	status int
	*io.PipeWriter
}

func (p *pipe) Header() http.Header    { return p.header }
func (p *pipe) WriteHeader(status int) { p.status = status }
func (p *pipe) FlushError() error      { return nil }

// A viewer is one who watches events.
type viewer struct {
	lines chan string
	done  chan struct{}
}

// watch asks for events; what comes are lines.
func watch(ctx context.Context, h http.Handler, target string, header http.Header) *viewer {
	in, out := io.Pipe()
	v := &viewer{lines: make(chan string, 1000), done: make(chan struct{})}
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	for name, values := range header {
		r.Header[name] = values
	}
	r.Header.Set("Authorization", "Bearer "+header.Get("Role"))
	go func() {
		defer close(v.done)
		h.ServeHTTP(&pipe{http.Header{}, 200, out}, r)
		_ = out.Close()
	}()
	go func() {
		defer close(v.lines)
		for s := bufio.NewScanner(in); s.Scan(); {
			v.lines <- s.Text()
		}
	}()
	return v
}

// said returns what has come so far.
func (v *viewer) said() string {
	synctest.Wait()
	var b strings.Builder
	for {
		select {
		case line, ok := <-v.lines:
			if !ok {
				return b.String()
			}
			b.WriteString(line + "\n")
		default:
			return b.String()
		}
	}
}

func role(name string) http.Header { return http.Header{"Role": {name}} }

func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("app", "shop")
		stopping := make(chan struct{})
		o := options(nil)
		o.Stopping = stopping
		h := api.New(f, o)
		v := watch(t.Context(), h, "/api/events", role("viewer"))
		if got := v.said(); got != "retry: 3000\n\n" {
			t.Fatalf("begins with %q", got)
		}
		f.events <- service.Event{ID: 7, Time: night, Type: "run", Database: "app", Run: &service.Run{ID: "r", Database: "app", Outcome: service.OutcomeRunning}}
		got := v.said()
		if !strings.HasPrefix(got, "id: 7\nevent: run\ndata: {\"id\":7,\"time\":\"2026-11-22T02:00:00.123Z\"") || !strings.HasSuffix(got, "}\n\n") || strings.Count(got, "\n") != 4 {
			t.Errorf("event: %q", got)
		}
		f.events <- service.Event{ID: 8, Type: "config"}
		if got := v.said(); !strings.HasPrefix(got, "id: 8\nevent: config\n") {
			t.Errorf("event: %q", got)
		}
		f.events <- service.Event{ID: 12, Type: "status", Database: "shop", Missed: 3}
		if got := v.said(); !strings.HasPrefix(got, "event: gap\ndata: {\"after\":8}\n\nid: 12\nevent: status\n") {
			t.Errorf("after a gap: %q", got)
		}
		time.Sleep(31 * time.Second)
		if got := v.said(); got != ": alive\n\n: alive\n\n" {
			t.Errorf("after half a minute: %q", got)
		}
		close(stopping)
		<-v.done
		if got := v.said(); got != "event: end\ndata: {\"reason\":\"the service is stopping\",\"again\":false}\n\n" {
			t.Errorf("at the end: %q", got)
		}
	})
}

func TestEventsOfOneDatabase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("app", "shop")
		h := api.New(f, options(nil))
		ctx, cancel := context.WithCancel(t.Context())
		v := watch(ctx, h, "/api/events?database=app", role("app-viewer"))
		v.said()
		for id, db := range []string{"app", "shop", "", "app"} {
			f.events <- service.Event{ID: uint64(2*id + 1), Type: "status", Database: db}
		}
		got := v.said()
		if strings.Count(got, "event: status") != 3 || strings.Contains(got, "shop") || strings.Contains(got, "gap") {
			t.Errorf("got %q", got)
		}
		cancel() // the caller goes
		<-v.done
		if got := v.said(); got != "" {
			t.Errorf("at the end: %q", got)
		}
	})
	p := problemOf(t, call{"GET", "/api/events?database=none", "", admin, nil}.do(t, api.New(newFake("app"), options(nil))), 404)
	if p["detail"] == "" {
		t.Error("no detail")
	}
}

func TestEventsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("app")
		h := api.New(f, options(nil))
		header := role("viewer")
		header.Set("Last-Event-ID", "41")
		v := watch(t.Context(), h, "/api/events", header)
		if got := v.said(); got != "retry: 3000\n\nevent: gap\ndata: {\"after\":41}\n\n" {
			t.Errorf("got %q", got)
		}
		time.Sleep(time.Hour + time.Second) // the oldest that a stream gets
		<-v.done
		if got := v.said(); !strings.HasSuffix(got, "event: end\ndata: {\"reason\":\"the stream is old\",\"again\":true}\n\n") {
			t.Errorf("got the end %q", got)
		}
	})
}

// TestManyStreams bounds their number, and gives a place back.
func TestManyStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("app")
		o := options(nil)
		o.MaxStreams = 2
		h := api.New(f, o)
		ctx, cancel := context.WithCancel(t.Context())
		one, two := watch(ctx, h, "/api/events", role("viewer")), watch(t.Context(), h, "/api/events", role("viewer"))
		one.said()
		p := problemOf(t, call{"GET", "/api/events", "", admin, nil}.do(t, h), 429)
		if !strings.Contains(p["detail"].(string), "too many") {
			t.Errorf("got %v", p)
		}
		cancel()
		<-one.done
		three := watch(t.Context(), h, "/api/events", role("viewer"))
		if got := three.said(); !strings.HasPrefix(got, "retry") {
			t.Errorf("got %q", got)
		}
		_ = two
	})
}

// TestStuckViewer has a caller whose connection fails: the stream ends.
func TestStuckViewer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("app")
		h := api.New(f, options(nil))
		in, out := io.Pipe()
		_ = in.Close()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/events", http.NoBody)
		r.Header.Set("Authorization", "Bearer viewer")
		h.ServeHTTP(&pipe{http.Header{}, 200, out}, r)
	})
}
