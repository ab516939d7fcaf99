package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/service"
)

type onDownload struct {
	InBackup
	Manifest bool `query:"manifest" doc:"Download the backup's manifest instead of its object"`
}

// A stream is an answer that an operation writes by itself.
type stream struct{ Body func(huma.Context) }

// streamed makes the answer of a handler of net/http, which gets what an
// operation's context hides.
func streamed(serve func(w http.ResponseWriter, r *http.Request)) *stream {
	return &stream{func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		serve(w, r)
	}}
}

// contentTypes leads from the ends of names to types; the first match counts.
var contentTypes = []struct{ end, media string }{
	{".manifest.json", "application/json"},
	{".sealed", "application/octet-stream"},
	{".json.zst", "application/zstd"},
	{".json.gz", "application/gzip"},
	{".json", "application/json"},
}

func mediaType(name string) string {
	for _, t := range contentTypes {
		if strings.HasSuffix(name, t.end) {
			return t.media
		}
	}
	return "application/octet-stream"
}

func (a *API) registerDownload() {
	op := operation{
		id: "download-backup", method: http.MethodGet, path: "/api/backup/download/{backup_filename}", tag: tagBackups, action: access.Download,
		summary: "Download a backup", failed: "Download failed", fails: []int{404, 409, http.StatusRequestedRangeNotSatisfiable},
		about: "The object as it is stored, compressed and sealed: `zstd -dc` or `zcat` make JSON of one that is not sealed. " +
			"The ETag is its SHA-256. Ranges are served, so that a download can be resumed.",
	}
	register(a, op, func(ctx context.Context, by access.Principal, in *onDownload) (*stream, error) {
		db, err := a.backup(ctx, by, &in.InBackup)
		if err != nil {
			return nil, err
		}
		d, err := a.door.Download(ctx, by, db, in.File, in.Manifest)
		if err != nil {
			return nil, err
		}
		if d.SHA256 == "" {
			if d.SHA256, err = checksum(d); err != nil {
				_ = d.Close() // it was only read
				return nil, err
			}
		}
		return streamed(func(w http.ResponseWriter, r *http.Request) { send(w, r, d) }), nil
	})
	a.amend(op, func(o *huma.Operation) {
		binary := &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
		o.Responses["200"].Description = "The object, or its manifest"
		o.Responses["200"].Content = map[string]*huma.MediaType{
			"application/zstd": binary, "application/gzip": binary, "application/json": binary, "application/octet-stream": binary,
		}
		o.Responses["206"] = &huma.Response{Description: "A part of it", Content: o.Responses["200"].Content}
		o.Responses["304"] = &huma.Response{Description: "The caller has it already, as If-None-Match says"}
	})
}

// checksum returns the SHA-256 of a small content, which it leaves at its start.
func checksum(content io.ReadSeeker) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, content); err != nil {
		return "", err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// send serves a file, or a part of it, for as long as it takes.
func send(w http.ResponseWriter, r *http.Request, d *service.Download) {
	defer func() { _ = d.Close() }()                                // it was only read
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // a writer without deadlines has none
	h := w.Header()
	h.Set("Content-Type", mediaType(d.Name))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": d.Name}))
	h.Set("Cache-Control", "private, no-cache") // it may be kept, but must be asked for
	h.Set("ETag", `"`+d.SHA256+`"`)
	http.ServeContent(w, r, "", d.Time, d)
}
