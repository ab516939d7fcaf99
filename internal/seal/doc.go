// Package seal encrypts the frames of a backup (docs/FORMAT.md, the section on
// sealed backups).
//
// A sealed object is a Header and then its frames, in order. The header is a
// small JSON text that anybody can read: the id of the backup, the codec of its
// frames, and its data key, wrapped under each of several keys (package keys).
// The data key is fresh for each backup. Everything else follows from it: one
// key for frames, one for blobs, which are the sealed parts of the manifest,
// and one that authenticates the header.
//
// A stored frame (compressed already) is sealed by AES-256-GCM in pieces of at
// most PieceBytes, nearly always one. So a frame of any size passes through in
// little memory, and nothing is handed out that was not authenticated. Before
// each piece stands a prefix in the clear: whose it is, its length, the number
// of the frame and of the piece, and whether it is the last. The prefix is
// associated data, together with the hash of the header's fixed part; so a
// piece opens in its own place of its own backup and nowhere else, and since a
// piece is first opened by what its prefix says and then compared with what was
// expected, an error can tell a frame in the wrong place from a changed byte.
//
// The fixed part of a header says what the backup is. The wrapped keys are not
// of it, since they may be wrapped anew (Header.Rewrap): the result is an object
// of its own beside the sealed one, which is never changed. This is safe,
// because what a record unwraps to must be the data key that authenticates the
// fixed part, whichever record that is: a foreign or planted record opens
// nothing. To leave records out is to withhold the backup, which whoever can
// do that can do by deleting it.
//
// Sealer, Opener and Header are safe for concurrent use.
package seal
