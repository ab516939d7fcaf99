package pagereader

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// A File is an open database file. Its methods may be called concurrently.
type File struct {
	r       io.ReaderAt
	size    int64
	header  sqlitefile.Header
	pages   uint32
	claimed []uint32 // one bit a page
}

// Open reads the header of the database in r, which has size bytes.
func Open(r io.ReaderAt, size int64) (*File, error) {
	var b [sqlitefile.HeaderSize]byte
	if size < sqlitefile.HeaderSize {
		return nil, fmt.Errorf("file of %d bytes is no database: %w", size, sqlitefile.ErrCorrupt)
	}
	if n, err := r.ReadAt(b[:], 0); err != nil && n < len(b) {
		return nil, fmt.Errorf("read page 1: %w", err)
	}
	h, err := sqlitefile.ParseHeader(b[:])
	if err != nil {
		return nil, err
	}
	pages := size / int64(h.PageSize)
	if h.Pages > 0 {
		if int64(h.Pages) > pages {
			return nil, fmt.Errorf("file is truncated: it has %d pages of %d: %w", pages, h.Pages, sqlitefile.ErrCorrupt)
		}
		pages = int64(h.Pages)
	}
	if pages > 0xfffffffe {
		return nil, fmt.Errorf("file of %d pages: %w", pages, sqlitefile.ErrCorrupt)
	}
	f := &File{r: r, size: size, header: *h, pages: uint32(pages), claimed: make([]uint32, pages/32+1)}
	return f, f.claimFreelist(b[:])
}

// Again returns f with no page claimed, to be walked once more.
func (f *File) Again() (*File, error) { return Open(f.r, f.size) }

// Header returns what the file header says.
func (f *File) Header() *sqlitefile.Header { return &f.header }

// Pages returns the number of pages of the database.
func (f *File) Pages() uint32 { return f.pages }

// claim marks page as used. It fails if the page does not exist, may not hold
// content, or is in use elsewhere.
func (f *File) claim(page uint32) error {
	if page == 0 || page > f.pages {
		return f.corrupt(page, "does not exist: the database has %d pages", f.pages)
	}
	if page == sqlitefile.LockBytePage(f.header.PageSize) {
		return f.corrupt(page, "is the lock-byte page, which holds no content")
	}
	if f.header.LargestRoot != 0 && page == sqlitefile.PointerMapPage(page, f.header.PageSize, f.header.Usable()) {
		return f.corrupt(page, "is a pointer-map page, which holds no content")
	}
	bit := uint32(1) << (page % 32)
	if atomic.OrUint32(&f.claimed[page/32], bit)&bit != 0 {
		return f.corrupt(page, "is used twice")
	}
	return nil
}

func (f *File) corrupt(page uint32, format string, args ...any) error {
	return fmt.Errorf("page %d %s: %w", page, fmt.Sprintf(format, args...), sqlitefile.ErrCorrupt)
}

// read reads whole pages from page on into b.
func (f *File) read(page uint32, b []byte) error {
	n, err := f.r.ReadAt(b, int64(page-1)*int64(f.header.PageSize))
	if err != nil && n < len(b) { // EOF may come with the last byte
		return fmt.Errorf("read page %d: %w", page, err)
	}
	return nil
}

// claimFreelist claims the pages that hold nothing ("The Freelist"), so that
// content on one of them is found out.
func (f *File) claimFreelist(header []byte) error {
	trunk := binary.BigEndian.Uint32(header[32:])
	left := int64(binary.BigEndian.Uint32(header[36:]))
	page := make([]byte, f.header.PageSize)
	var leaves []uint32
	for trunk != 0 {
		if err := f.claim(trunk); err != nil {
			return fmt.Errorf("freelist: %w", err)
		}
		if err := f.read(trunk, page); err != nil {
			return err
		}
		next, list, err := sqlitefile.FreelistTrunk(page, f.header.Usable(), leaves[:0])
		if err != nil {
			return fmt.Errorf("freelist: page %d %w", trunk, err)
		}
		for _, leaf := range list {
			if err := f.claim(leaf); err != nil {
				return fmt.Errorf("freelist: %w", err)
			}
		}
		left -= int64(len(list)) + 1
		trunk, leaves = next, list
	}
	if left != 0 {
		return fmt.Errorf("freelist: its length is off by %d pages: %w", left, sqlitefile.ErrCorrupt)
	}
	return nil
}
