package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/litekeep/litekeep/internal/api"
)

// FuzzRequest sends any request: the door is asked for nothing that is a path,
// the answer is one that the service means to give, and it is JSON.
func FuzzRequest(f *testing.F) {
	for _, s := range [][4]string{
		{"POST", "/api/backup/create", "wait=5s&database=app", ""},
		{"POST", "/api/backup/restore/" + backupFile, "", `{"confirm":"app","reason":"x","dry_run":true}`},
		{"GET", "/api/backup/..%2f..%2fetc%2fpasswd", "", ""},
		{"GET", "/api/backup/download/" + backupFile, "manifest=true", ""},
		{"POST", "/api/backup/cleanup", "dry_run=1&dry_run=0", `{"dry_run":true}`},
		{"POST", "/api/tokens", "", `{"name":"x","role":"admin","expires":"2027-01-01T00:00:00Z"}`},
		{"GET", "/api/runs", "limit=5&kind=backup&before=%00", ""},
		{"GET", "/api/audit", "since=2026-01-01T00:00:00Z", "[]"},
		{"PATCH", "/api//docs/../x", "%zz", "{"},
	} {
		f.Add(s[0], s[1], s[2], s[3])
	}
	door := newFake("app")
	stopping := make(chan struct{})
	close(stopping) // so that streams end
	o := options(nil)
	o.Stopping = stopping
	h := api.New(door, o)
	meant := []int{200, 201, 202, 301, 307, 308, 400, 401, 404, 405, 413, 415, 429, 503}
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		plain, err := url.PathUnescape(path)
		if err != nil || !strings.HasPrefix(path, "/") || !slices.Contains([]string{"GET", "POST", "PUT", "DELETE", "PATCH"}, method) {
			t.Skip()
		}
		door.calls = nil
		r := httptest.NewRequestWithContext(t.Context(), method, "/", strings.NewReader(body))
		r.URL = &url.URL{Path: plain, RawPath: path, RawQuery: query}
		r.Header.Set("Authorization", "Bearer admin")
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if !slices.Contains(meant, w.Code) {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
		if w.Code >= 400 && w.Code != http.StatusServiceUnavailable && !json.Valid(w.Body.Bytes()) {
			t.Errorf("status %d without JSON: %s", w.Code, w.Body)
		}
		for _, what := range door.calls {
			verb, rest, _ := strings.Cut(what, " ")
			if slices.Contains([]string{"details", "download", "unpin", "undelete"}, verb) && strings.ContainsAny(rest[strings.LastIndex(rest, " ")+1:], "/\\\x00") {
				t.Errorf("the door was asked: %q", what)
			}
		}
	})
}
