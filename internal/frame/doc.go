// Package frame cuts a document into frames and compresses, expands and hashes
// them (FORMAT.md, section 3).
//
// A frame is a run of whole lines of the document. Where a frame ends depends
// on the text of its lines alone, so an insert or an update in one place leaves
// the other frames bit-identical from one backup to the next.
//
// A Cutter is fed by one goroutine. A Codec is used by one goroutine at a time;
// make one for each worker.
package frame

import "hash/crc32"

// The numbers of cutting rule 1.
const (
	minBytes     = 256 << 10 // no item line ends a shorter frame …
	maxBytes     = 4 << 20   // … and the first item line from here on does
	minListBytes = 512 << 10 // the closing line of a list ends a frame of this length
	// markPerByte × (length of item) is the chance, of 2^32, that an item may
	// end a frame: 1 in 768 KiB of text, so that frames have about 1 MiB.
	markPerByte = 5461
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Mark reports whether a frame may end after item: the line without its comma
// and LF.
func Mark(item []byte) bool {
	return uint64(crc32.Checksum(item, castagnoli)) < markPerByte*uint64(len(item))
}

// MarkLong is Mark for an item in parts.
func MarkLong(parts [][]byte) bool {
	sum, n := uint32(0), uint64(0)
	for _, p := range parts {
		sum, n = crc32.Update(sum, castagnoli, p), n+uint64(len(p))
	}
	return uint64(sum) < markPerByte*n
}
