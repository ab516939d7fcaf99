package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// copyQuiet copies the files of the source as they lie, under the shared lock
// that is held, and lets SQLite recover or roll back the copy. Nothing keeps
// a writer in WAL mode from coming in meanwhile; it is noticed afterwards by
// the marks of the files, and the copy made again.
func (s *source) copyQuiet(ctx context.Context, dest string, o *SnapshotOptions, hot bool) error {
	if err := s.settle(ctx); err != nil {
		return err
	}
	if err := s.copyMain(ctx, dest, o.Progress); err != nil {
		return err
	}
	recovery := hot
	if s.marks.wal.filled() {
		recovery = true
		if err := copySidecar(ctx, s.wal, dest+"-wal", nil); err != nil {
			return err
		}
	}
	if hot {
		if err := copySidecar(ctx, s.journal, dest+"-journal", trimSuperJournal); err != nil {
			return err
		}
	}
	now, err := s.look()
	if err != nil {
		return err
	}
	if !now.same(s.marks) {
		return errors.Join(errMoved, s.discard(dest))
	}
	if err = recoverCopy(ctx, dest, recovery); err != nil {
		return renamed(err, dest, s.conn.path)
	}
	return nil
}

// renamed makes an error about the copy one about the source, which is where
// what is wrong with the copy comes from.
func renamed(err error, dest, source string) error {
	var e *Error
	if errors.As(err, &e) && e.Path == dest && isAny(err, ErrNotADatabase, ErrCorrupt) {
		e.Path = source
	}
	return err
}

// settle waits until the files were last changed some time ago. File systems
// keep the time of a change in steps of some milliseconds: a change right
// after another one may leave no mark.
func (s *source) settle(ctx context.Context) error {
	for {
		margin, wait := time.Duration(0), time.Duration(0)
		for _, m := range []mark{s.marks.main, s.marks.wal, s.marks.journal} {
			if !m.exists() {
				continue
			}
			margin = 50 * time.Millisecond
			if m.info.ModTime().Nanosecond() == 0 {
				margin = 2 * time.Second // the steps may be as long as that
			}
			if age := time.Since(m.info.ModTime()); age > -margin && age < margin {
				wait = max(wait, min(margin-age, margin))
			}
		}
		if wait == 0 {
			return nil
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		now, err := s.look()
		if err != nil {
			return err
		}
		if !now.same(s.marks) {
			return errMoved
		}
		return nil
	}
}

// copyMain copies the database file through SQLite's file layer.
func (s *source) copyMain(ctx context.Context, dest string, progress func(done, total int64)) (err error) {
	f, err := os.OpenFile(dest, os.O_WRONLY, 0) // as it is: see copyInPasses
	if err != nil {
		return writeFault("write", dest, err)
	}
	defer func() {
		if closeErr := f.Close(); err == nil && closeErr != nil {
			err = writeFault("write", dest, closeErr)
		}
	}()
	const step = 1 << 20
	buf := cAlloc(s.conn.tls, step)
	defer cFree(s.conn.tls, buf)
	pageSize := max(pageSizeOf(s.header), 512)
	for off := int64(0); off < s.size; off += step {
		if err = ctx.Err(); err != nil {
			return err
		}
		n := int(min(step, s.size-off))
		if err = s.file.readAt(buf, n, off); err != nil {
			return err
		}
		if _, err = f.WriteAt(bytesAt(buf, n), off); err != nil {
			return writeFault("write", dest, err)
		}
		if progress != nil {
			progress((off+int64(n))/pageSize, s.size/pageSize)
		}
	}
	if err = f.Truncate(s.size); err != nil {
		return writeFault("write", dest, err)
	}
	return nil
}

// copySidecar copies a -wal or -journal. edit, if not nil, gets the copied
// file and its length.
func copySidecar(ctx context.Context, path, dest string, edit func(*os.File, int64) error) (err error) {
	from, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return errMoved
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", path, unwrapPath(err))
	}
	to, err := os.OpenFile(dest, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return errors.Join(writeFault("create", dest, err), from.Close())
	}
	n, err := io.Copy(to, &contextReader{ctx, from})
	if err == nil && edit != nil {
		err = edit(to, n)
	}
	if err = errors.Join(err, to.Close(), from.Close()); err != nil && ctx.Err() == nil {
		return writeFault("copy", path, err)
	}
	return err
}

// contextReader is a reader that ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r *contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// discard throws away what was copied, but keeps the file dest.
func (s *source) discard(dest string) error {
	var errs []error
	for _, suffix := range sidecarSuffixes {
		if err := os.Remove(dest + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, os.Truncate(dest, 0))...)
}

// empty throws away what an attempt before has copied, if there is something.
func (s *source) empty(dest string) error {
	if m, err := markOf(dest); err == nil && !m.filled() {
		return nil
	}
	return s.discard(dest)
}

// recoverCopy makes a copy of the files of a database one complete file. The
// log of a database in WAL mode is kept in memory meanwhile, and so is its
// index.
func recoverCopy(ctx context.Context, path string, recovery bool) error {
	if !recovery {
		c, err := Open(ctx, path, OpenOptions{Immutable: true})
		if err != nil {
			return err
		}
		_, err = c.integer(ctx, "PRAGMA schema_version")
		return errors.Join(err, c.Close())
	}
	c, err := Open(ctx, path, OpenOptions{})
	if err != nil {
		return err
	}
	err = c.Exec(ctx, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=OFF; PRAGMA schema_version")
	if err == nil {
		err = c.Exec(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	if err = errors.Join(err, c.Close()); err != nil {
		return err
	}
	return removeSpentJournal(path + "-journal")
}

// removeSpentJournal removes the journal of a copy that was rolled back. In
// exclusive locking mode SQLite leaves it, with zeros at its beginning.
func removeSpentJournal(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", path, unwrapPath(err))
	}
	var first [1]byte
	_, err = f.ReadAt(first[:], 0)
	if err = errors.Join(ignoreEOF(err), f.Close()); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if first[0] != 0 {
		return fmt.Errorf("roll back %s: SQLite did not", path)
	}
	return os.Remove(path)
}

// The record at the end of a rollback journal that names the super-journal of
// a transaction over several databases: a page number (4 bytes), the name, its
// length (4), the sum of its bytes (4), the magic (8).
const superTrailer = 16

var journalMagic = []byte{0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7}

// trimSuperJournal takes the name of a super-journal out of the copy of a
// journal, for SQLite would follow it back to the source's own files. What
// the name means is settled here as SQLite does it: if the super-journal is
// there, the transaction is to be rolled back; if not, it was committed, and
// the journal is void.
func trimSuperJournal(f *os.File, size int64) error {
	var trailer [superTrailer]byte
	if size < superTrailer+4 {
		return nil
	}
	if _, err := f.ReadAt(trailer[:], size-superTrailer); err != nil {
		return err
	}
	n := int64(binary.BigEndian.Uint32(trailer[:]))
	if !bytes.Equal(trailer[8:], journalMagic) || n == 0 || n > size-superTrailer-4 || n > 1<<16 {
		return nil
	}
	name := make([]byte, n)
	if _, err := f.ReadAt(name, size-superTrailer-n); err != nil {
		return err
	}
	if !superSumMatches(name, binary.BigEndian.Uint32(trailer[4:])) {
		return nil
	}
	name, _, _ = bytes.Cut(name, []byte{0})
	super, err := markOf(string(name))
	if err != nil {
		return fmt.Errorf("look at super-journal %s: %w", name, unwrapPath(err))
	}
	if !super.exists() || (super.info.Mode().IsRegular() && !super.filled()) {
		return f.Truncate(0)
	}
	return f.Truncate(size - superTrailer - n - 4)
}

// superSumMatches checks the sum of a name; whether its bytes count as signed
// depends on the machine that wrote it.
func superSumMatches(name []byte, sum uint32) bool {
	var signed, unsigned uint32
	for _, b := range name {
		signed += uint32(int32(int8(b)))
		unsigned += uint32(b)
	}
	return sum == signed || sum == unsigned
}
