package manifest

import (
	"strings"
	"time"
)

// What is added to the name of an object to name the files beside it
// (docs/FORMAT.md section 5).
const (
	Suffix        = ".manifest.json"        // the manifest
	CheckedSuffix = ".checked.json"         // the outcome of the last check, see Checked
	PrunedSuffix  = ".manifest.json.pruned" // the manifest of a backup that is being removed
)

const codecNone = "none"

// extensions has the end of an object's name for each codec.
var extensions = map[string]string{codecNone: ".json", "gzip": ".json.gz", "zstd": ".json.zst"}

// nameLayout is the UTC time of the snapshot without what file names on some
// systems cannot hold.
const nameLayout = "20060102T150405.000Z"

// ObjectName returns the file name of the object of a snapshot taken at t, in
// milliseconds. The codec is none, gzip or zstd.
func ObjectName(t time.Time, codec string) string {
	return At(t).Format(nameLayout) + extensions[codec]
}

// ParseObjectName undoes ObjectName. ok is false for any other name.
func ParseObjectName(name string) (created Timestamp, codec string, ok bool) {
	stamp, ext := name, ""
	if len(name) > len(nameLayout) {
		stamp, ext = name[:len(nameLayout)], name[len(nameLayout):]
	}
	t, err := time.Parse(nameLayout, stamp)
	if err != nil || t.Format(nameLayout) != stamp {
		return Timestamp{}, "", false
	}
	for codec, e := range extensions {
		if e == ext {
			return Timestamp{t}, codec, true
		}
	}
	return Timestamp{}, "", false
}

// ObjectOf returns the object that a file beside it belongs to, and the suffix
// by which it does. ok is false for a name without one of the suffixes.
func ObjectOf(name string) (object, suffix string, ok bool) {
	for _, suffix := range []string{PrunedSuffix, Suffix, CheckedSuffix} {
		if object, ok := strings.CutSuffix(name, suffix); ok && object != "" {
			return object, suffix, true
		}
	}
	return "", "", false
}
