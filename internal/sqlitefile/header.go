package sqlitefile

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// HeaderSize is the length of the file header at the start of page 1.
const HeaderSize = 100

const magic = "SQLite format 3\x00"

// payloadFractions are fixed by the format; SQLite opens no file with others.
var payloadFractions = [3]byte{64, 32, 32}

// Encoding is the text encoding of a database, with SQLite's numbers.
type Encoding uint32

// The text encodings.
const (
	UTF8    Encoding = 1
	UTF16LE Encoding = 2
	UTF16BE Encoding = 3
)

// String returns the name that PRAGMA encoding gives.
func (e Encoding) String() string {
	switch e {
	case UTF8:
		return "UTF-8"
	case UTF16LE:
		return "UTF-16le"
	case UTF16BE:
		return "UTF-16be"
	}
	return fmt.Sprintf("encoding %d", uint32(e))
}

// ParseEncoding is the inverse of Encoding.String.
func ParseEncoding(name string) (Encoding, error) {
	for _, e := range []Encoding{UTF8, UTF16LE, UTF16BE} {
		if e.String() == name {
			return e, nil
		}
	}
	return 0, fmt.Errorf("unknown text encoding %q", name)
}

// Header is what the file header says, except what SQLite derives or ignores.
type Header struct {
	PageSize         int // 512 to 65536, a power of two
	WAL              bool
	Reserved         int    // unused bytes at the end of each page
	Pages            uint32 // size of the database in pages; 0 in files of SQLite before 3.7.0
	SchemaVersion    uint32 // the schema cookie
	SchemaFormat     uint32 // 0 (no schema yet) to 4
	DefaultCacheSize int32
	LargestRoot      uint32 // not 0: the file has pointer-map pages
	Encoding         Encoding
	UserVersion      int32
	Incremental      bool // auto_vacuum is incremental
	ApplicationID    int32
	SQLiteVersion    uint32 // version number of the library that wrote last
}

// AutoVacuum returns what PRAGMA auto_vacuum does: 0, 1 (full) or 2
// (incremental).
func (h *Header) AutoVacuum() int {
	switch {
	case h.LargestRoot == 0:
		return 0
	case h.Incremental:
		return 2
	}
	return 1
}

// Usable returns the bytes of a page that content may use.
func (h *Header) Usable() int { return h.PageSize - h.Reserved }

// ParseHeader decodes the first HeaderSize bytes of a database file.
func ParseHeader(b []byte) (*Header, error) {
	if len(b) < HeaderSize || !bytes.HasPrefix(b, []byte(magic)) {
		return nil, fmt.Errorf("file is not a database: %w", ErrCorrupt)
	}
	be := binary.BigEndian
	h := &Header{
		PageSize:         int(be.Uint16(b[16:])),
		WAL:              b[18] == 2,
		Reserved:         int(b[20]),
		Pages:            be.Uint32(b[28:]),
		SchemaVersion:    be.Uint32(b[40:]),
		SchemaFormat:     be.Uint32(b[44:]),
		DefaultCacheSize: int32(be.Uint32(b[48:])),
		LargestRoot:      be.Uint32(b[52:]),
		Encoding:         Encoding(be.Uint32(b[56:])),
		UserVersion:      int32(be.Uint32(b[60:])),
		Incremental:      be.Uint32(b[64:]) != 0,
		ApplicationID:    int32(be.Uint32(b[68:])),
		SQLiteVersion:    be.Uint32(b[96:]),
	}
	if be.Uint32(b[24:]) != be.Uint32(b[92:]) {
		h.Pages = 0 // "In-header database size": valid only if the change counter matches
	}
	if h.PageSize == 1 {
		h.PageSize = 65536
	}
	if h.Encoding == 0 {
		h.Encoding = UTF8 // nothing has been written yet
	}
	// SQLite writes the two versions alike: 1 in the rollback modes, 2 for WAL.
	if b[18] != b[19] || b[18] < 1 || b[18] > 2 {
		return nil, fmt.Errorf("page 1: file format version %d/%d is unknown: %w", b[18], b[19], ErrCorrupt)
	}
	if [3]byte(b[21:24]) != payloadFractions {
		return nil, fmt.Errorf("page 1: payload fractions %d: %w", b[21:24], ErrCorrupt)
	}
	return h, h.Check()
}

// Check returns an error when a setting is outside the format's limits.
func (h *Header) Check() error {
	switch {
	case h.PageSize < 512 || h.PageSize > 65536 || h.PageSize&(h.PageSize-1) != 0:
		return fmt.Errorf("page 1: page size %d: %w", h.PageSize, ErrCorrupt)
	case h.Reserved < 0 || h.Reserved > 255 || h.Usable() < 480:
		return fmt.Errorf("page 1: %d reserved bytes on pages of %d: %w", h.Reserved, h.PageSize, ErrCorrupt)
	case h.SchemaFormat > 4:
		return fmt.Errorf("page 1: schema format %d: %w", h.SchemaFormat, ErrCorrupt)
	case h.Encoding < UTF8 || h.Encoding > UTF16BE:
		return fmt.Errorf("page 1: text %v: %w", h.Encoding, ErrCorrupt)
	}
	return nil
}

// Put encodes the header into the first HeaderSize bytes of page 1. The change
// counter is set to 1 and declared valid for the page count.
func (h *Header) Put(page []byte) {
	be := binary.BigEndian
	clear(page[:HeaderSize])
	copy(page, magic)
	be.PutUint16(page[16:], uint16(h.PageSize)) // 65536 wraps to 0 …
	if h.PageSize == 65536 {
		be.PutUint16(page[16:], 1) // … and is written as 1
	}
	page[18], page[19] = 1, 1
	if h.WAL {
		page[18], page[19] = 2, 2
	}
	page[20] = byte(h.Reserved)
	copy(page[21:], payloadFractions[:])
	be.PutUint32(page[24:], 1)
	be.PutUint32(page[28:], h.Pages)
	be.PutUint32(page[40:], h.SchemaVersion)
	be.PutUint32(page[44:], h.SchemaFormat)
	be.PutUint32(page[48:], uint32(h.DefaultCacheSize))
	be.PutUint32(page[52:], h.LargestRoot)
	be.PutUint32(page[56:], uint32(h.Encoding))
	be.PutUint32(page[60:], uint32(h.UserVersion))
	if h.Incremental {
		be.PutUint32(page[64:], 1)
	}
	be.PutUint32(page[68:], uint32(h.ApplicationID))
	be.PutUint32(page[92:], 1)
	be.PutUint32(page[96:], h.SQLiteVersion)
}
