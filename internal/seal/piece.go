package seal

import (
	"encoding/binary"
	"math"
)

// MaxFrames is the most frames that an object has.
const MaxFrames = 16777216

// PieceBytes is how much of a stored frame is sealed at once: every piece has
// so many bytes but the last of its frame, which has 1 to so many.
const PieceBytes = 4 << 20

// Lengths of what sealing adds to a piece.
const (
	prefixBytes = 24
	nonceBytes  = 12
	tagBytes    = 16
	sealedMore  = nonceBytes + tagBytes
)

// Flags of a prefix.
const (
	flagLastPiece = 1 << iota // of its frame
	flagLastFrame             // of the object
)

// tagOfBackup is how much of a backup's id is in each prefix, to tell whose a
// frame is when it does not open.
const tagOfBackup = 8

// A prefix stands before each piece, in the clear: the beginning of the backup's
// id, then four numbers of 32 bits, most significant byte first.
type prefix struct {
	backup [tagOfBackup]byte
	length uint32 // of what follows: nonce, ciphertext and tag
	frame  uint32 // number of the frame, from 0
	piece  uint32 // number of the piece in its frame, from 0
	flags  uint32
}

func (p prefix) appendTo(dst []byte) []byte {
	dst = append(dst, p.backup[:]...)
	for _, n := range []uint32{p.length, p.frame, p.piece, p.flags} {
		dst = binary.BigEndian.AppendUint32(dst, n)
	}
	return dst
}

func parsePrefix(b []byte) (p prefix) {
	copy(p.backup[:], b)
	for i, n := range []*uint32{&p.length, &p.frame, &p.piece, &p.flags} {
		*n = binary.BigEndian.Uint32(b[tagOfBackup+4*i:])
	}
	return p
}

// plausible tells whether a sealer could have written p.
func (p prefix) plausible() bool {
	full := p.length == PieceBytes+sealedMore
	return p.length > sealedMore && p.length <= PieceBytes+sealedMore && p.frame < MaxFrames &&
		p.flags <= flagLastPiece|flagLastFrame && (full || p.flags&flagLastPiece != 0)
}

// SealedLen returns the length, with everything that sealing adds, of a frame
// whose stored form has n bytes; n is at least 1.
func SealedLen(n int64) int64 {
	pieces := (n-1)/PieceBytes + 1
	return n + pieces*(prefixBytes+sealedMore)
}

// maxStored is the most bytes of a stored frame, from the width of the piece's
// number.
const maxStored = int64(math.MaxInt32) * PieceBytes
