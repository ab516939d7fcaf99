package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answering serves one answer to a client.
func answering(t *testing.T, f http.HandlerFunc, options ...Option) *Client {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	h := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	c, err := New(s.URL, append(options, WithHTTPClient(h))...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNew(t *testing.T) {
	for _, c := range []struct {
		server, token string
		plain, ok     bool
	}{
		{"http://127.0.0.1:8420", "lk_x", false, true},
		{"http://localhost:8765/", "lk_x", false, true},
		{"http://[::1]:8765", "lk_x", false, true},
		{"https://backup.example/litekeep", "lk_x", false, true},
		{"http://backup.example", "", false, true},
		{"http://backup.example", "lk_x", false, false},
		{"http://127.0.0.1.evil.example", "lk_x", false, false},
		{"http://backup.example", "lk_x", true, true},
		{"https://backup.example", "lk x", false, false},
		{"https://backup.example", "lk_x\r\nHost: evil", false, false},
		{"backup.example", "", false, false},
		{"ftp://backup.example", "", false, false},
		{"https://", "", false, false},
		{"https://user:pass@backup.example", "", false, false},
		{"https://backup.example?x=1", "", false, false},
		{"https://backup.example#x", "", false, false},
		{"://", "", false, false},
		{"", "", false, false},
	} {
		o := []Option{WithToken(c.token)}
		if c.plain {
			o = append(o, WithPlainHTTP())
		}
		if _, err := New(c.server, o...); (err == nil) != c.ok {
			t.Errorf("%q with %q: %v", c.server, c.token, err)
		} else if err != nil && c.token != "" && strings.Contains(err.Error(), c.token) {
			t.Errorf("%q: the error has the token: %v", c.server, err)
		}
	}
}

// TestRequest looks at what goes over the line.
func TestRequest(t *testing.T) {
	var got *http.Request
	var body string
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		got, body = r, string(text)
		_, _ = io.WriteString(w, `{"success":true,"run_id":"r","id":"r","something":"new"}`)
	}, WithToken("lk_x"))
	c.base.Path = "/below"
	name := `a/b ?%25ä"\`
	if err := c.Pin(t.Context(), name, name, "why", time.Time{}); err != nil {
		t.Fatal(err)
	}
	if got.RequestURI != `/below/api/backup/pin/a%2Fb%20%3F%2525%C3%A4%22%5C?database=a%2Fb+%3F%2525%C3%A4%22%5C` {
		t.Errorf("asked for %s", got.RequestURI)
	}
	if body != `{"note":"why"}` || got.Header.Get("Content-Type") != "application/json" || got.Header.Get("Authorization") != "Bearer lk_x" {
		t.Errorf("sent %s, %v", body, got.Header)
	}
	if _, err := c.StartRestore(t.Context(), "", RestoreRequest{File: "x", DryRun: true}); err != nil {
		t.Fatal(err)
	}
	if body != "" || got.URL.Path != "/below/api/runs/r" {
		t.Errorf("asked for %s with %q", got.URL, body)
	}
}

// TestErrors reads the errors of the service and of what stands in between.
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		kind   error
		text   string
	}{
		{400, `{"detail":"no","request_id":"q"}`, ErrBadRequest, "no"},
		{413, `{"detail":"large"}`, ErrBadRequest, "large"},
		{404, `{"detail":"no such backup"}`, ErrNotFound, "no such backup"},
		{500, `{"detail":"Backup failed","request_id":"q7"}`, ErrServer, "Backup failed (request q7)"},
		{502, `<html>Bad Gateway</html>`, ErrUnavailable, "the service answers 502 Bad Gateway (request from-header)"},
		{301, ``, nil, "the service answers 301 Moved Permanently"},
		{418, `{"detail":5}`, nil, "the service answers 418 I'm a teapot"},
		{404, `[]`, ErrNotFound, "the service answers 404 Not Found"},
	} {
		client := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
			w.Header().Set("X-Request-Id", "from-header")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		})
		_, err := client.Databases(t.Context())
		var e *Error
		if !errors.As(err, &e) || e.Status != c.status || e.Error() != c.text || c.kind != nil && !errors.Is(err, c.kind) || c.kind == nil && e.Unwrap() != nil {
			t.Errorf("%d %s: %v", c.status, c.body, err)
		}
	}
}

// TestBadAnswers reads answers that are no answers.
func TestBadAnswers(t *testing.T) {
	for name, f := range map[string]http.HandlerFunc{
		"no JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"empty":   func(http.ResponseWriter, *http.Request) {},
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, `{"databases":[]}`)
		},
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			part := []byte(strings.Repeat(" ", 1<<20))
			for range maxAnswer>>20 + 2 {
				if _, err := w.Write(part); err != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := answering(t, f).Databases(t.Context()); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestDownloadChecks(t *testing.T) {
	sum := sha256.Sum256([]byte("content"))
	for tag, want := range map[string]error{`"` + hex.EncodeToString(sum[:]) + `"`: nil, `"other"`: ErrChecksum, "": ErrChecksum} {
		c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", tag)
			_, _ = io.WriteString(w, "content")
		})
		var b strings.Builder
		if n, err := c.Download(t.Context(), "", "x", &b); !errors.Is(err, want) || n != 7 {
			t.Errorf("tag %s: %d bytes, %v", tag, n, err)
		}
	}
}

func TestRunErr(t *testing.T) {
	ended := time.Now()
	for _, c := range []struct {
		r    Run
		text string
	}{
		{Run{Outcome: OutcomeRunning}, ""},
		{Run{Outcome: OutcomeOK, Ended: ended}, ""},
		{Run{Outcome: OutcomePartial, Ended: ended}, ""},
		{Run{Outcome: OutcomeFailed, Ended: ended, Error: "disk full"}, "disk full"},
		{Run{Outcome: OutcomeCrashed, Ended: ended, Kind: "backup", Database: "app"}, "backup of app: crashed"},
	} {
		if err := c.r.Err(); (err == nil) != (c.text == "") || err != nil && err.Error() != c.text {
			t.Errorf("%+v: %v", c.r, err)
		}
	}
}

// TestContextEnds stops a client that waits.
func TestContextEnds(t *testing.T) {
	asked := make(chan struct{})
	c := answering(t, func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if _, err := c.Wait(ctx, "r"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
