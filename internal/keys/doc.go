// Package keys holds the keys that open backups.
//
// Every sealed backup has a data key of its own. A key-encryption key, here
// just key, wraps data keys: it turns one into a record that stands in the
// clear at the beginning of the backup, and back. A backup has a record for
// each of several keys, and any one of them opens it. There are three types:
//
//   - a key file: 32 random bytes in a small text file (Generate, ParseFile);
//   - a passphrase, stretched by Argon2id under a salt and a cost that stand
//     in the record (NewPassphrase);
//   - a key that never leaves a key management service and is called by URL
//     (NewKMS). The services' SDKs are in the package kms alone.
//
// A Source is a reference to a key: where to find it, never the key itself. A
// Kit is the page that says how to restore without this machine.
//
// A record has an id, a fingerprint that tells which key it is for. That of a
// key file and of a KMS key is always the same. That of a passphrase follows
// from its salt too, which is fresh in each process: two backups under one
// passphrase cannot be told to be so, and no table of common passphrases made
// in advance is of use.
//
// No secret is printed by any verb of fmt, by log/slog or as JSON, and no
// error holds one. Memory is not wiped: the garbage collector moves nothing but
// frees late.
package keys
