package engine

import (
	"errors"
	"io/fs"
	"os"
)

// follower finds out which pages others change while the shared lock on a
// database is given up. Whoever commits has a rollback journal, which names the
// pages; it is opened while it is there, and read when it was deleted, which is
// how a transaction ends in SQLite's usual journal mode.
//
// It must miss nothing. So it says errUnknown unless all of this is so:
//
//   - Each commit counts the change counter up by one, and for each number from
//     then to now there is a journal whose page 1 has it.
//   - Each journal that was deleted is one that was opened. So there was no
//     transaction whose journal nobody saw.
//   - The database was written to only while there was a journal that was deleted
//     then. So there was no transaction without one after one that was rolled back,
//     and no WAL mode in between. A transaction that makes the file shorter does so
//     when its journal is gone, and cannot be told from those.
//   - The journals are whole, and in the page size of the database.
type follower struct {
	s        *source
	watch    *journalWatch
	seen     []*os.File // journals, deleted or not
	page     uintptr    // in the library's memory
	pageSize int64
}

// errUnknown says that it is not known what others have changed.
var errUnknown = errors.New("it is not known which pages have changed")

// followBytes bounds what is read of journals under the lock.
const followBytes = 16 << 20

// newFollower returns a follower of a database whose shared lock is held, or nil
// where the system has no means for it.
func newFollower(s *source, pageSize int64) *follower {
	watch, err := watchJournal(s.path(), s.journal)
	if err != nil {
		return nil
	}
	return &follower{s: s, watch: watch, page: cAlloc(s.conn.tls, int(pageSize)), pageSize: pageSize}
}

func (f *follower) close() {
	f.watch.close()
	closeAll(f.seen)
	cFree(f.s.conn.tls, f.page)
}

func closeAll(files []*os.File) {
	for _, file := range files {
		_ = file.Close() // it was only read
	}
}

// look opens the journal, if there is one that is not open. It reports whether there
// is one that is open, and whether that is news. One that cannot be opened is not
// seen, as its deletion tells.
func (f *follower) look() (open, news bool) {
	f.watch.read()
	info, err := os.Stat(f.s.journal)
	if err != nil {
		return false, false
	}
	if f.has(info) {
		return true, false
	}
	file, err := openJournal(f.s.journal)
	if err != nil {
		return false, false
	}
	if info, err := file.Stat(); err != nil || f.has(info) {
		_ = file.Close()
		return false, false
	}
	f.seen = append(f.seen, file)
	return true, true
}

// has reports whether a file is open already.
func (f *follower) has(info fs.FileInfo) bool {
	for _, file := range f.seen {
		if known, err := file.Stat(); err == nil && os.SameFile(known, info) {
			return true
		}
	}
	return false
}

// takeEnded returns the journals that were deleted. They are errUnknown if they are
// not those of all who have written. The caller closes them.
func (f *follower) takeEnded() (ended []*os.File, err error) {
	deletions, ok := f.watch.take()
	if !ok {
		err = errUnknown
	}
	still := f.seen[:0]
	for _, file := range f.seen {
		info, statErr := file.Stat()
		if statErr != nil {
			ended, err = append(ended, file), errUnknown
			continue
		}
		if deleted(info) {
			ended = append(ended, file)
		} else {
			still = append(still, file)
		}
	}
	if len(ended) != deletions {
		err = errUnknown
	}
	f.seen = still
	return ended, err
}

// changes returns what has changed from one state of the database to another,
// under the shared lock that is held now, or errUnknown.
func (f *follower) changes(before, now state) (*change, error) {
	ended, err := f.takeEnded()
	defer closeAll(ended)
	if now.same(before) {
		return newChange(), nil
	}
	if now.counter() == before.counter() {
		err = errUnknown
	}
	if err != nil {
		return nil, err
	}
	h := &history{f: f, then: map[uint32]savedPage{}}
	if err := h.read(ended); err != nil {
		return nil, err
	}
	return h.since(before.counter(), now.counter())
}
