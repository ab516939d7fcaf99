package sqlitefile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrJournal is wrapped by every error that says that a rollback journal is not
// that of one whole transaction.
var ErrJournal = errors.New("rollback journal is not whole")

// Journal is what a rollback journal holds ("The Rollback Journal"): the pages
// that a transaction has changed, as they were before it. It lacks those that
// held nothing then: pages beyond the end of the database, and leaves of the
// freelist.
type Journal struct {
	PageSize  int    // 512 to 65536, a power of two
	OrigPages uint32 // size of the database before the transaction, in pages
	Saved     []SavedPage
}

// SavedPage is a page in a journal.
type SavedPage struct {
	Page   uint32
	Offset int64 // where its content begins in the journal, PageSize bytes
}

const (
	journalMagic = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
	// journalFields is the length of what a header uses of its sector.
	journalFields = 28
	// journalRest is the number of records that a connection gives which never
	// syncs: all that follow.
	journalRest = 0xffffffff
)

// segment is a header of a journal and where its records begin.
type segment struct {
	records uint32
	nonce   uint32 // begins the checksum of each record
	start   int64
}

// ReadJournal reads a rollback journal of size bytes. It is stricter than a
// rollback: where a transaction may have changed more than its journal tells,
// since it has not come to its end or something else follows, the error is
// ErrJournal.
func ReadJournal(r io.ReaderAt, size int64) (*Journal, error) {
	j := &Journal{}
	var sector int64
	for off := int64(0); ; {
		s, err := j.readHeader(r, off, &sector)
		if err != nil {
			return nil, err
		}
		if off, err = j.readRecords(r, s, size); err != nil {
			return nil, err
		}
		if ended, err := j.endsAt(r, off, size); ended || err != nil {
			return j, err
		}
		if s.records == journalRest {
			return nil, fmt.Errorf("offset %d: more than its records: %w", off, ErrJournal)
		}
		off = (off + sector - 1) / sector * sector // each header begins a sector
		if ended, err := j.endsAt(r, off, size); ended || err != nil {
			return j, err
		}
	}
}

// readHeader reads the header at offset off. The first one gives the sizes for all.
func (j *Journal) readHeader(r io.ReaderAt, off int64, sector *int64) (s segment, err error) {
	var b [journalFields]byte
	if _, err := r.ReadAt(b[:], off); err != nil {
		return s, fmt.Errorf("offset %d: %w", off, journalRead(err))
	}
	be := binary.BigEndian
	if string(b[:8]) != journalMagic {
		return s, fmt.Errorf("offset %d: no header: %w", off, ErrJournal)
	}
	if off == 0 {
		j.OrigPages, *sector, j.PageSize = be.Uint32(b[16:]), int64(be.Uint32(b[20:])), int(be.Uint32(b[24:]))
		if !powerOfTwo(*sector, 32, 65536) || !powerOfTwo(int64(j.PageSize), 512, 65536) {
			return s, fmt.Errorf("sectors of %d bytes, pages of %d: %w", *sector, j.PageSize, ErrJournal)
		}
	}
	return segment{records: be.Uint32(b[8:]), nonce: be.Uint32(b[12:]), start: off + *sector}, nil
}

// readRecords reads the records of a segment, and returns where they end.
func (j *Journal) readRecords(r io.ReaderAt, s segment, size int64) (end int64, err error) {
	record := make([]byte, j.PageSize+8) // number, content, checksum
	left := max(size-s.start, 0) / int64(len(record))
	if s.records != journalRest {
		if int64(s.records) > left {
			return 0, fmt.Errorf("offset %d: room for %d records of %d: %w", s.start, left, s.records, ErrJournal)
		}
		left = int64(s.records)
	}
	in := bufio.NewReaderSize(io.NewSectionReader(r, s.start, left*int64(len(record))), 32<<10)
	for end = s.start; left > 0; left-- {
		if _, err := io.ReadFull(in, record); err != nil {
			return 0, fmt.Errorf("offset %d: %w", end, journalRead(err))
		}
		page := binary.BigEndian.Uint32(record)
		content := record[4 : 4+j.PageSize]
		if page == LockBytePage(j.PageSize) {
			return end, nil
		}
		if page == 0 || journalSum(s.nonce, content) != binary.BigEndian.Uint32(record[4+j.PageSize:]) {
			return 0, fmt.Errorf("offset %d: checksum: %w", end, ErrJournal)
		}
		j.Saved = append(j.Saved, SavedPage{page, end + 4})
		end += int64(len(record))
	}
	return end, nil
}

// endsAt reports whether the journal ends at offset off: the file does, or there
// is the name of a super-journal, which has the number of the lock-byte page.
func (j *Journal) endsAt(r io.ReaderAt, off, size int64) (bool, error) {
	if off >= size {
		return true, nil
	}
	var b [4]byte
	if _, err := r.ReadAt(b[:], off); err != nil {
		return false, fmt.Errorf("offset %d: %w", off, journalRead(err))
	}
	return binary.BigEndian.Uint32(b[:]) == LockBytePage(j.PageSize), nil
}

// journalSum is the checksum of a record, which samples every 200th byte.
func journalSum(nonce uint32, content []byte) uint32 {
	for i := len(content) - 200; i > 0; i -= 200 {
		nonce += uint32(content[i])
	}
	return nonce
}

// journalRead makes an ErrJournal of the end of a journal.
func journalRead(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("it ends there: %w", ErrJournal)
	}
	return err
}

func powerOfTwo(n, least, most int64) bool { return n >= least && n <= most && n&(n-1) == 0 }
