package api_test

import (
	"net/http"
	"testing"

	"github.com/litekeep/litekeep/internal/api"
)

func TestDownload(t *testing.T) {
	const target = "/api/backup/download/" + backupFile
	tag := `"` + checksum + `"`
	for _, c := range []struct {
		name           string
		method, target string
		header         http.Header
		status         int
		body           string
	}{
		{"whole", "GET", target, nil, 200, objectText},
		{"head", "HEAD", target, nil, 200, ""},
		{"range", "GET", target, http.Header{"Range": {"bytes=5-9"}}, 206, objectText[5:10]},
		{"end", "GET", target, http.Header{"Range": {"bytes=-6"}}, 206, "object"},
		{"resumed", "GET", target, http.Header{"Range": {"bytes=20-"}, "If-Range": {tag}}, 206, objectText[20:]},
		{"resumed of another", "GET", target, http.Header{"Range": {"bytes=20-"}, "If-Range": {`"other"`}}, 200, objectText},
		{"known", "GET", target, http.Header{"If-None-Match": {tag}}, 304, ""},
		{"not known", "GET", target, http.Header{"If-None-Match": {`"other"`}}, 200, objectText},
		{"beyond the end", "GET", target, http.Header{"Range": {"bytes=1000-"}}, 416, "invalid range: failed to overlap\n"},
		{"manifest", "GET", target + "?manifest=true", nil, 200, `{"litekeep_manifest":1}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := call{c.method, c.target, "", admin, c.header}.do(t, api.New(newFake("app"), options(nil)))
			body := content(t, r)
			if c.method == "HEAD" {
				body = "" // the server leaves it out, a recorder does not
			}
			if r.StatusCode != c.status || body != c.body {
				t.Errorf("status %d: %q", r.StatusCode, body)
			}
		})
	}
}

func TestDownloadHeaders(t *testing.T) {
	h := api.New(newFake("app"), options(nil))
	object := call{"GET", "/api/backup/download/" + backupFile, "", admin, nil}.do(t, h).Header
	manifest := call{"GET", "/api/backup/download/" + backupFile + "?manifest=true", "", admin, nil}.do(t, h).Header
	for name, want := range map[string][2]string{
		"Content-Type":           {"application/zstd", "application/json"},
		"Content-Disposition":    {"attachment; filename=" + backupFile, "attachment; filename=" + backupFile + ".manifest.json"},
		"Etag":                   {`"` + checksum + `"`, `"b6e5b4d9ad8a3dfa0fbc1d1b8b1c5f3bd8c3d0fa"`},
		"X-Content-Type-Options": {"nosniff", "nosniff"},
		"Accept-Ranges":          {"bytes", "bytes"},
		"Last-Modified":          {"Sun, 22 Nov 2026 02:00:00 GMT", "Sun, 22 Nov 2026 02:00:00 GMT"},
		"Cache-Control":          {"private, no-cache", "private, no-cache"},
	} {
		if got := object.Get(name); got != want[0] {
			t.Errorf("object: %s is %q", name, got)
		}
		if got := manifest.Get(name); got != want[1] && name != "Etag" {
			t.Errorf("manifest: %s is %q", name, got)
		}
	}
	if tag := manifest.Get("Etag"); len(tag) != 66 || tag == object.Get("Etag") {
		t.Errorf("the manifest has the tag %s", tag)
	}
}
