package export

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/litekeep/litekeep/internal/pagereader"
	"github.com/litekeep/litekeep/internal/sqlitefile"
	"github.com/litekeep/litekeep/internal/value"
)

// CopySchema makes dest, which must not exist, a copy of those pages of the
// database in r that SQLite reads to say what the schema means: sqlite_schema and
// the statistics that are loaded with it. The file is as long as the database, of
// size bytes, and has holes everywhere else. It takes the place of a snapshot for
// engine.Describe and engine.Defaults; the rows are read from r.
func CopySchema(ctx context.Context, r io.ReaderAt, size int64, dest string) (err error) {
	f, err := os.OpenFile(dest, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := f.Truncate(size); err != nil {
		return err
	}
	file, err := pagereader.Open(&copyingReader{r, f}, size)
	if err != nil {
		return err
	}
	var statistics []uint32 // root pages
	err = eachRecord(ctx, file, 1, func(rec []byte) error {
		fields, err := sqlitefile.DecodeRecord(rec, nil)
		if err == nil && len(fields) >= 4 && isStatistics(&fields[1], file.Header().Encoding) {
			statistics = append(statistics, uint32(fields[3].Int))
		}
		return err
	})
	for _, root := range statistics {
		if err == nil {
			err = eachRecord(ctx, file, root, func([]byte) error { return nil })
		}
	}
	return err
}

// isStatistics tells the tables that SQLite loads together with the schema.
func isStatistics(name *value.Value, e sqlitefile.Encoding) bool {
	switch string(beginning(*name, e)) {
	case "sqlite_stat1", "sqlite_stat3", "sqlite_stat4":
		return true
	}
	return false
}

// eachRecord calls do with the records of a table with rowids.
func eachRecord(ctx context.Context, f *pagereader.File, root uint32, do func(rec []byte) error) error {
	cur := f.NewCursor()
	for b, err := range f.Table(root).Batches() {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = cur.Each(b, func(row *pagereader.Row) error {
				rec, err := cur.Record(row)
				if err != nil {
					return err
				}
				return do(rec)
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// copyingReader writes whatever is read from r to the same place in w.
type copyingReader struct {
	r io.ReaderAt
	w io.WriterAt
}

func (c *copyingReader) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.r.ReadAt(b, off)
	if _, failed := c.w.WriteAt(b[:n], off); failed != nil {
		return n, failed
	}
	return n, err
}
