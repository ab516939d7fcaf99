package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/litekeep/litekeep/internal/api"
)

// TestWait starts a backup that takes a minute.
func TestWait(t *testing.T) {
	for _, c := range []struct {
		wait   string
		status int
		took   time.Duration
	}{
		{"true", 200, time.Minute},
		{"10m", 200, time.Minute},
		{"30s", 202, 30 * time.Second},
		{"false", 202, 0},
		{"0s", 202, 0},
	} {
		t.Run(c.wait, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake("app")
				f.hold = make(chan struct{})
				h := api.New(f, options(nil))
				time.AfterFunc(time.Minute, func() { close(f.hold) })
				begin := time.Now()
				r := call{"POST", "/api/backup/create?wait=" + c.wait, "", admin, nil}.do(t, h)
				took := time.Since(begin)
				got := object(t, r)
				if r.StatusCode != c.status || took != c.took {
					t.Fatalf("status %d after %s: %v", r.StatusCode, took, got)
				}
				if r.Header.Get("Location") != "/api/runs/run1" {
					t.Errorf("Location %q", r.Header.Get("Location"))
				}
				if c.status == 202 {
					if got["done"] != false || got["success"] != false || got["outcome"] != "running" || got["backup_path"] != nil {
						t.Errorf("got %v", got)
					}
					polled := object(t, call{"GET", "/api/runs/run1?wait=10m", "", admin, nil}.do(t, h))
					if polled["done"] != true || polled["outcome"] != "ok" || time.Since(begin) != time.Minute {
						t.Errorf("after %s: %v", time.Since(begin), polled)
					}
				}
				time.Sleep(time.Minute) // lets the timer of the run go off
			})
		})
	}
}

// TestWaitEnds ends the waiting of callers by the end of the service, and by the
// caller.
func TestWaitEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake("app")
		f.hold = make(chan struct{})
		stopping := make(chan struct{})
		o := options(nil)
		o.Stopping = stopping
		h := api.New(f, o)
		time.AfterFunc(time.Second, func() { close(stopping) })
		r := call{"POST", "/api/backup/create", "", admin, nil}.do(t, h)
		if got := object(t, r); r.StatusCode != 202 || got["done"] != false {
			t.Errorf("status %d: %v", r.StatusCode, got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f := newFake("app")
		f.hold = make(chan struct{})
		h := api.New(f, options(nil))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/backup/create", http.NoBody)
		r.Header.Set("Authorization", "Bearer admin")
		h.ServeHTTP(httptest.NewRecorder(), r) // returns, and leaves no goroutine
	})
}

// TestWaitOverConnection waits for a backup that takes longer than a body may, over a real
// connection: a request without a body has nothing to be late with.
func TestWaitOverConnection(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{}"} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			f := newFake("app")
			f.hold = make(chan struct{})
			s := httptest.NewServer(api.New(f, options(nil)))
			defer s.Close()
			time.AfterFunc(6*time.Second, func() { close(f.hold) })
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api/backup/create", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer admin")
			r.Header.Set("Content-Type", "application/json")
			answer, err := s.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if got := object(t, answer); answer.StatusCode != 200 || got["done"] != true {
				t.Errorf("status %d: %v", answer.StatusCode, got)
			}
		})
	}
}
