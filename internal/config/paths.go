package config

import (
	"path/filepath"
	"strings"

	"github.com/litekeep/litekeep/internal/destination"
)

// absolute makes a path of the file one that does not depend on where the service was
// started: relative paths begin at the folder of the file. "" stays.
func (d *decoder) absolute(path string) string {
	switch {
	case path == "":
		return ""
	case filepath.IsAbs(path):
		return filepath.Clean(path)
	}
	return filepath.Join(d.folder, path)
}

// path makes a path of the file absolute, in place.
func (d *decoder) path(key string, path *string) {
	if strings.HasPrefix(*path, "~") {
		d.wrong(key, "write the path in full", "~ is known to shells only")
		return
	}
	*path = d.absolute(*path)
}

// fileSchemes begin references to keys that have a path.
var fileSchemes = []string{"file:", "passphrase-file:"}

// reference makes the path in a reference to a key absolute.
func (d *decoder) reference(text string) string {
	for _, scheme := range fileSchemes {
		if path, ok := strings.CutPrefix(text, scheme); ok && path != "" {
			return scheme + d.absolute(path)
		}
	}
	return text
}

// folderOf returns the folder that a destination is, "" if it is none.
func folderOf(text string) string {
	if path, ok := strings.CutPrefix(text, "file://"); ok {
		path, _, _ = strings.Cut(path, "?")
		return filepath.FromSlash(path)
	}
	if destination.IsURL(text) {
		return ""
	}
	return text
}
