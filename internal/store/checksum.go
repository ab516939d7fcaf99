package store

import (
	"bytes"
	"crypto/md5" // what stores keep; it guards against accidents, not against attackers
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"strconv"
)

// The algorithms of a Checksum.
const (
	// MD5 is the MD5 of the content.
	MD5 = "md5"
	// MD5Parts is the MD5 of the MD5s of parts of PartSize bytes, as S3 has it
	// for what was uploaded in parts.
	MD5Parts = "md5-parts"
	// CRC32C is the CRC-32 of the Castagnoli polynomial, big-endian.
	CRC32C = "crc32c"
)

// Checksum is what a store says of the content of an object. It is the word of
// the store: a store that lies about content can lie about this.
type Checksum struct {
	Algorithm string // MD5, MD5Parts or CRC32C; "" is no checksum
	PartSize  int64  // bytes; of MD5Parts only, 0 when it is not known
	Parts     int    // of MD5Parts only
	Sum       []byte
}

// String returns a text that is the same for equal checksums, "" for none.
func (c Checksum) String() string {
	switch c.Algorithm {
	case "":
		return ""
	case MD5Parts:
		return c.Algorithm + ":" + strconv.FormatInt(c.PartSize, 10) + ":" + hex.EncodeToString(c.Sum) + "-" + strconv.Itoa(c.Parts)
	}
	return c.Algorithm + ":" + hex.EncodeToString(c.Sum)
}

// Equal tells whether two checksums are of the same kind and the same.
func (c Checksum) Equal(other Checksum) bool {
	return c.Algorithm == other.Algorithm && c.Parts == other.Parts && c.PartSize == other.PartSize && bytes.Equal(c.Sum, other.Sum)
}

// NewHash returns a hash that gives the Sum of the same content. ok is false
// when there is none: no checksum, or parts of unknown size.
func (c Checksum) NewHash() (h hash.Hash, ok bool) {
	switch {
	case c.Algorithm == MD5:
		return md5.New(), true
	case c.Algorithm == CRC32C:
		return crc32.New(crc32.MakeTable(crc32.Castagnoli)), true
	case c.Algorithm == MD5Parts && c.PartSize > 0:
		return NewPartsHash(c.PartSize), true
	}
	return nil, false
}

// PartsHash is the hash of MD5Parts. Make one with NewPartsHash.
type PartsHash struct {
	size  int64 // of a part
	room  int64 // in the current one
	part  hash.Hash
	whole hash.Hash // of the sums of the full parts
	full  int
	total int64
}

// NewPartsHash returns the hash of content in parts of size bytes. It panics
// unless size is positive.
func NewPartsHash(size int64) *PartsHash {
	if size <= 0 {
		panic(fmt.Sprintf("store: parts of %d bytes", size))
	}
	h := &PartsHash{size: size}
	h.Reset()
	return h
}

// Reset begins anew.
func (h *PartsHash) Reset() {
	h.room, h.full, h.total = h.size, 0, 0
	h.part, h.whole = md5.New(), md5.New()
}

// Size returns the length of a sum in bytes.
func (h *PartsHash) Size() int { return md5.Size }

// BlockSize returns that of MD5.
func (h *PartsHash) BlockSize() int { return md5.BlockSize }

// Write adds to the content. It never fails.
func (h *PartsHash) Write(p []byte) (int, error) {
	n := len(p)
	h.total += int64(n)
	for len(p) > 0 {
		piece := p[:min(int64(len(p)), h.room)]
		h.part.Write(piece)
		h.room -= int64(len(piece))
		p = p[len(piece):]
		if h.room == 0 {
			h.whole.Write(h.part.Sum(nil))
			h.full++
			h.part.Reset()
			h.room = h.size
		}
	}
	return n, nil
}

// Sum appends the checksum of the parts.
func (h *PartsHash) Sum(b []byte) []byte { return append(b, h.Checksum().Sum...) }

// Checksum returns the checksum of the parts so far.
func (h *PartsHash) Checksum() Checksum {
	c := Checksum{Algorithm: MD5Parts, PartSize: h.size, Parts: h.full}
	if h.room == h.size && h.full > 0 {
		c.Sum = h.whole.Sum(nil)
		return c
	}
	c.Parts++
	c.Sum = h.withLast()
	return c
}

// withLast returns the sum of the full parts and of the one that is not full.
func (h *PartsHash) withLast() []byte {
	clone, err := h.whole.(hash.Cloner).Clone()
	if err != nil {
		panic("store: clone an md5: " + err.Error()) // that of the standard library never fails
	}
	clone.Write(h.part.Sum(nil))
	return clone.Sum(nil)
}

// Single returns the MD5 of the content so far. ok is false when it is longer
// than a part, of which only the checksum of the parts is known.
func (h *PartsHash) Single() (c Checksum, ok bool) {
	if h.full > 0 {
		return Checksum{}, false
	}
	return Checksum{Algorithm: MD5, Sum: h.part.Sum(nil)}, true
}
