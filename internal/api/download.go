package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"mime"
	"net/http"
	"path"
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
		id: "download-backup", method: http.MethodGet, path: "/api/backup/download/{backup_filename}", tag: tagBackups, least: access.Operator,
		summary: "Download a backup", failed: "Download failed", fails: []int{404, 409, http.StatusRequestedRangeNotSatisfiable},
		about: "The object as it is stored, compressed and sealed: `zstd -dc` or `zcat` make JSON of one that is not sealed. " +
			"The ETag is its SHA-256. Ranges are served, so that a download can be resumed.",
	}
	register(a, op, func(ctx context.Context, by access.Principal, in *onDownload) (*stream, error) {
		db, err := a.backup(ctx, by, &in.InBackup)
		if err != nil {
			return nil, err
		}
		all, err := a.door.Backups(ctx, by, db)
		if err != nil {
			return nil, err
		}
		view := find(all, in.File)
		if view == nil {
			return nil, service.ErrNotFound
		}
		content, modified, err := a.door.Download(ctx, by, db, in.File, in.Manifest)
		if err != nil {
			return nil, err
		}
		f := &file{name: in.File, tag: view.Checksum, modified: modified, content: content}
		if in.Manifest {
			f.name = manifestName(in.File)
			if f.tag, err = checksum(content); err != nil {
				_ = content.Close() // it was only read
				return nil, err
			}
		}
		return streamed(func(w http.ResponseWriter, r *http.Request) { a.send(w, r, f) }), nil
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

// find returns the backup with that file name, or nil.
func find(all []service.BackupView, name string) *service.BackupView {
	for i := range all {
		if all[i].File == name && all[i].Backup != nil {
			return &all[i]
		}
	}
	return nil
}

// manifestName is the name that the manifest of a backup is saved under.
func manifestName(object string) string {
	stem, _, _ := strings.Cut(object, ".json")
	return stem + ".manifest.json"
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

// A file is what is downloaded.
type file struct {
	name, tag string
	modified  time.Time
	content   io.ReadSeekCloser
}

// send serves a file, or a part of it, for as long as it takes.
func (a *API) send(w http.ResponseWriter, r *http.Request, f *file) {
	defer func() { _ = f.content.Close() }() // it was only read
	a.unhurried(w)
	h := w.Header()
	h.Set("Content-Type", mediaType(f.name))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": path.Base(f.name)}))
	h.Set("Cache-Control", "private, no-cache") // it may be kept, but must be asked for
	if f.tag != "" {
		h.Set("ETag", `"`+f.tag+`"`)
	}
	http.ServeContent(w, r, "", f.modified, f.content)
}

// unhurried takes the server's limit of time off an answer that may take longer.
func (a *API) unhurried(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // a writer without deadlines has none
}
