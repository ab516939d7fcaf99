// Package cloud keeps objects at S3 and what speaks its protocol, at Google
// Cloud Storage and at Azure Blob Storage. A destination is a URL:
//
//	s3://bucket/prefix?region=eu-central-1&lock=30d
//	s3://bucket/prefix?endpoint=https://minio.example.com&path_style=true
//	gs://bucket/prefix
//	azblob://container/prefix?account=name
//
// Credentials come from where the SDK of each looks for them (environment,
// profile, the machine's role), never from the URL. Parameters are listed at
// ParseURL. No type of an SDK leaves this package.
//
// # Whole or not at all
//
// An object carries a token of its upload in its metadata. After every upload,
// whatever the answer was, the store is asked what it has: an object with our
// token, the right size and, where the store keeps one, the right checksum is a
// success even if the answer was lost; anything else is not, and an object with
// our token is removed again. What breaks off before its end is never committed:
// the reader cancels the upload before it reports an error.
//
// Put is exclusive by a condition that the server checks (If-None-Match: * and
// its like), after a look of our own. A server that ignores the condition leaves
// a gap between the look and the end of the upload: two runs that write the same
// key at the same time can both be told that they made it, when the one has
// finished its last look before the other overwrites it. Package probe finds out.
//
// # Keys
//
// A key is the name of an object below the prefix of the URL. Control characters
// and few others are escaped on the way, as gocloud.dev/blob does it. Objects
// whose names are no valid keys are invisible and never touched. A listing is
// sorted here, since escapes and some servers break the order of bytes; it takes
// about 200 bytes of memory an object.
//
// # Deleting, versions and locks
//
// Gone means that the key is in no listing and cannot be got. Delete looks again
// after it deleted, and fails with store.ErrUndeleted when the object is still
// there. In a bucket that keeps versions, or has soft delete, the content stays
// as an older version until a lifecycle rule removes it, so that who turned that
// on has its protection; with versions=delete in the URL of an S3 bucket, which
// is the default with lock=…, the version itself is removed for good.
//
// An object that is under a retention date or a legal hold at S3 is never
// deleted, nor hidden behind a delete marker: the error matches store.ErrLocked.
//
// # Faults
//
// Each request and each part of an upload is retried with growing pauses on
// lost connections, 5xx and slow-down answers. A download goes on where it broke
// off, as long as the object is the same one. What still fails is an error of
// Put or Read; a stream that cannot be read again is never restarted.
package cloud
