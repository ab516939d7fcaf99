package store

import (
	"strings"
	"unicode/utf8"

	"github.com/litekeep/litekeep/internal/durable"
)

// Limits of keys, in bytes. They leave room for what a driver adds to a name,
// within the 255 bytes that file systems allow and the 1024 of cloud stores.
const (
	MaxKey  = 900
	MaxName = 200
)

// PartialSuffix ends the names of what is being written. No key ends in it.
const PartialSuffix = durable.TempSuffix

// reserved are names that litekeep uses in a folder of backups for itself
// (docs/FORMAT.md section 5).
var reserved = map[string]bool{".": true, "..": true, ".lock": true, ".tmp": true}

// CheckKey returns an *Error that matches ErrKey unless key is valid: names
// joined by single slashes, each of 1 to MaxName bytes, together at most MaxKey;
// UTF-8 without U+0000; no name is ".", "..", ".lock" or ".tmp" or ends in
// PartialSuffix. Anything else is allowed: spaces, quotes, line feeds, "%".
//
// Whether names that differ only in case, or in the form of an accent, are the
// same is up to the file system.
func CheckKey(op, key string) error {
	if len(key) > MaxKey || !utf8.ValidString(key) {
		return &Error{Op: op, Key: key, Err: ErrKey}
	}
	for name := range strings.SplitSeq(key, "/") {
		if !ValidName(name) {
			return &Error{Op: op, Key: key, Err: ErrKey}
		}
	}
	return nil
}

// ValidName tells whether name can be a part of a key.
func ValidName(name string) bool {
	return name != "" && len(name) <= MaxName && !reserved[name] && utf8.ValidString(name) &&
		!strings.ContainsAny(name, "/\x00") && !strings.HasSuffix(name, PartialSuffix)
}
