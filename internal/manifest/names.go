package manifest

import (
	"strconv"
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

// trashedPrefix begins the suffix of the manifest of a backup in the trash; the time
// at which it got there follows, and the one until which it stays.
const trashedPrefix = Suffix + ".trashed-"

const trashedLayout = "20060102T150405Z"

// Trashed is when a backup was put into the trash, and until when it stays there, to
// the second. Until is zero where the name does not tell, as of the first versions.
type Trashed struct{ Since, Until time.Time }

// TrashedSuffix returns what is added to the name of an object to name the manifest
// of a backup that was put into the trash.
func TrashedSuffix(t Trashed) string {
	suffix := trashedPrefix + t.Since.UTC().Format(trashedLayout)
	if !t.Until.IsZero() {
		suffix += "-" + t.Until.UTC().Format(trashedLayout)
	}
	return suffix
}

// ParseTrashedSuffix undoes TrashedSuffix. ok is false for any other suffix.
func ParseTrashedSuffix(suffix string) (t Trashed, ok bool) {
	stamps, found := strings.CutPrefix(suffix, trashedPrefix)
	if !found {
		return Trashed{}, false
	}
	since, until, ended := strings.Cut(stamps, "-")
	var err error
	if t.Since, err = time.Parse(trashedLayout, since); err != nil {
		return Trashed{}, false
	}
	if ended {
		if t.Until, err = time.Parse(trashedLayout, until); err != nil {
			return Trashed{}, false
		}
	}
	return t, TrashedSuffix(t) == suffix
}

// IsTrashedName tells whether a file is the manifest of a backup in the trash, by its
// name.
func IsTrashedName(name string) bool {
	at := strings.LastIndex(name, trashedPrefix)
	if at < 0 {
		return false
	}
	_, ok := ParseTrashedSuffix(name[at:])
	return ok
}

const codecNone = "none"

// SealedSuffix is what follows the rest of the name of a sealed object.
const SealedSuffix = ".sealed"

// keysPrefix begins the suffix of the objects beside a sealed one that hold its
// data key under other keys.
const keysPrefix = ".keys-"

// KeysPattern matches every KeysSuffix.
const KeysPattern = keysPrefix + "*.json"

// KeysSuffix returns what is added to the name of a sealed object to name the
// n-th object with its rewrapped keys, counted from 1.
func KeysSuffix(n int) string { return keysPrefix + strconv.Itoa(n) + ".json" }

// extensions has the end of an object's name for each codec.
var extensions = map[string]string{codecNone: ".json", "gzip": ".json.gz", "zstd": ".json.zst"}

// nameLayout is the UTC time of the snapshot without what file names on some
// systems cannot hold.
const nameLayout = "20060102T150405.000Z"

// ObjectName returns the file name of the object of a snapshot taken at t, in
// milliseconds. The codec is none, gzip or zstd. To the name of one that is
// sealed the caller adds SealedSuffix.
func ObjectName(t time.Time, codec string) string {
	return At(t).Format(nameLayout) + extensions[codec]
}

// IsSealedName tells whether an object is sealed, by its name.
func IsSealedName(object string) bool { return strings.HasSuffix(object, SealedSuffix) }

// ParseObjectName undoes ObjectName, for sealed objects too. ok is false for any
// other name.
func ParseObjectName(name string) (created Timestamp, codec string, ok bool) {
	name = strings.TrimSuffix(name, SealedSuffix)
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
