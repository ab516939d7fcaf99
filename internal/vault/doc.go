// Package vault keeps backups in several places, each a store, and finds out what
// each place holds.
//
// A backup is known by its Ref. In every place it has the same keys: the object,
// the files beside it, and the manifest, which is written last: a place holds a
// copy when it has the manifest. What a copy is worth is told by the SHA-256 of
// the object's bytes, which the manifest has, so that no key is needed to check
// the copies of a sealed backup.
//
// Nothing here changes an object that exists. A damaged copy is put aside under
// another key before a good one takes its place, and only after another place's
// copy was read from end to end.
package vault
