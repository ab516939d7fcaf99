package engine

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"
)

// asIsBytes is how much CopyAsIs reads at once.
const asIsBytes = 1 << 20

// CopyAsIs copies the file of a database, and the -wal and -journal beside it,
// whatever they hold: to dest, and to dest with the same endings, so that SQLite
// or a tool for recovery finds them together. It is for a database that can no
// longer be read as one. Nobody commits to it meanwhile, unless in WAL mode.
//
// None of the copies may exist; all are on the medium when it returns, and on an
// error there are none. It returns their paths, that of the database first. Busy is
// how long a lock of others is waited for.
func CopyAsIs(ctx context.Context, path, dest string, busy time.Duration) (copies []string, err error) {
	s, err := openSource(ctx, path, busy)
	if err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, s.close())
		if err != nil {
			for _, made := range copies {
				err = errors.Join(err, os.Remove(made))
			}
			copies = nil
		}
	}()
	keep := func(dest string, content func(*os.File) error) error {
		f, err := os.OpenFile(dest, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return writeFault("create", dest, err)
		}
		copies = append(copies, dest)
		return errors.Join(content(f), f.Sync(), f.Close())
	}
	if err := keep(dest, func(f *os.File) error { return s.copyAsIs(ctx, f) }); err != nil {
		return copies, err
	}
	for _, x := range []struct{ path, ending string }{{s.wal, "-wal"}, {s.journal, "-journal"}} {
		from, err := os.Open(x.path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return copies, err
		}
		err = keep(dest+x.ending, func(f *os.File) error {
			_, err := io.Copy(f, from)
			return err
		})
		if err = errors.Join(err, from.Close()); err != nil {
			return copies, err
		}
	}
	return copies, nil
}

// copyAsIs copies the main file through SQLite: closing another descriptor of it
// would drop the locks that this process has on it.
func (s *source) copyAsIs(ctx context.Context, f *os.File) error {
	buf := cAlloc(s.conn.tls, asIsBytes)
	defer cFree(s.conn.tls, buf)
	for off := int64(0); off < s.size; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := int(min(asIsBytes, s.size-off))
		if err := s.file.readAt(buf, n, off); err != nil {
			return err
		}
		if _, err := f.Write(bytesAt(buf, n)); err != nil {
			return writeFault("write", f.Name(), err)
		}
		off += int64(n)
	}
	return nil
}
