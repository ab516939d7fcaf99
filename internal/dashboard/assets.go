package dashboard

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static
var staticFiles embed.FS

// An asset is one file that never changes under its name.
type asset struct {
	name string // with the hash of its content: app.1a2b3c4d5e6f.js
	kind string // its media type
	data []byte
}

// assets finds a file by the name that it has in the static folder, and by the
// one that it has in URLs.
type assets struct {
	byFile, byName map[string]asset
}

// mediaTypes of the files, by what their names end in. They are written here
// since the tables of some systems say other things.
var mediaTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// loadAssets reads the embedded files.
func loadAssets() (*assets, error) {
	a := &assets{byFile: map[string]asset{}, byName: map[string]asset{}}
	files, err := fs.Glob(staticFiles, "static/*")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		data, err := staticFiles.ReadFile(f)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(data)
		base, ext := path.Base(f), path.Ext(f)
		name := strings.TrimSuffix(base, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		one := asset{name: name, kind: mediaTypes[ext], data: data}
		a.byFile[base], a.byName[name] = one, one
	}
	return a, nil
}

// url returns where a file of the static folder is, "" if there is none.
func (a *assets) url(file string) string {
	one, ok := a.byFile[file]
	if !ok {
		return ""
	}
	return "/static/" + one.name
}

// serve answers a request for a file, and reports whether there is one.
func (a *assets) serve(w http.ResponseWriter, r *http.Request) bool {
	one, ok := a.byName[r.PathValue("file")]
	if !ok {
		return false
	}
	w.Header().Set("Content-Type", one.kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(one.data))
	return true
}
