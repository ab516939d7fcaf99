package export

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"

	"github.com/litekeep/litekeep/internal/durable"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/pagereader"
)

// Carried finds the indexes of the snapshot at path, which d describes, that a
// restore could not rebuild, and says why, by their rowids in sqlite_schema.
// Where only SQLite can make an index's entries, it computes them; where those are
// not what the index has, it builds the index in a copy of the snapshot, and they
// must come out as they are. The rest is found out by Run.
func Carried(ctx context.Context, path string, d *engine.Description) (map[int64]string, error) {
	carry, unsure := d.Carried()
	if len(unsure) > 0 {
		var err error
		if unsure, err = uncomputed(ctx, path, d, unsure); err != nil {
			return nil, err
		}
	}
	if len(unsure) == 0 {
		return carry, nil
	}
	copied := path + ".reindexed"
	defer os.Remove(copied) // its folder is scratch, and goes anyway
	if err := reindexed(ctx, path, copied, unsure, carry); err != nil {
		return nil, err
	}
	for _, o := range unsure {
		if carry[o.SchemaRowID] != "" {
			continue
		}
		if err := sameEntries(ctx, path, copied, uint32(o.RootPage)); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			carry[o.SchemaRowID] = err.Error()
		}
	}
	return carry, nil
}

// reindexed makes copied a copy of the database at path in which SQLite has built the
// indexes. Where it cannot build one, reasons says why.
func reindexed(ctx context.Context, path, copied string, indexes []*engine.Object, reasons map[int64]string) error {
	names := make([]string, len(indexes))
	for i, o := range indexes {
		names[i] = o.Name
	}
	fatal := func(err error) bool {
		return err != nil && (ctx.Err() != nil || errors.Is(err, engine.ErrFull) || errors.Is(err, engine.ErrIO))
	}
	if err := copySnapshot(ctx, path, copied); err != nil {
		return err
	}
	// All at once, since each call loads the whole schema; one by one only to learn which
	// of them fail.
	err := engine.Reindex(ctx, copied, names)
	if err == nil || fatal(err) {
		return err
	}
	if err := os.Remove(copied); err != nil {
		return err
	}
	if err := copySnapshot(ctx, path, copied); err != nil {
		return err
	}
	for _, o := range indexes {
		if err := engine.Reindex(ctx, copied, []string{o.Name}); fatal(err) {
			return err
		} else if err != nil {
			reasons[o.SchemaRowID] = err.Error()
		}
	}
	return nil
}

// copyPiece is how much of a snapshot is copied until it is asked whether to go on.
const copyPiece = 64 << 20

func copySnapshot(ctx context.Context, from, to string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("copy snapshot: %w", err)
		}
	}()
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	if err := durable.Need(to, info.Size()); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	for err == nil {
		if err = ctx.Err(); err == nil {
			_, err = io.CopyN(out, in, copyPiece) // by the system, which needs both files
		}
	}
	if err == io.EOF {
		err = nil
	}
	return errors.Join(err, out.Close())
}

// errOther says that SQLite makes other entries than those that are stored.
var errOther = errors.New("SQLite makes other entries of the rows")

// sameEntries returns an error unless the index at root has the same entries in
// the same order in two files.
func sameEntries(ctx context.Context, a, b string, root uint32) error {
	x, err := sumInOrder(ctx, a, root)
	if err != nil {
		return err
	}
	y, err := sumInOrder(ctx, b, root)
	if err == nil && x != y {
		err = errOther
	}
	return err
}

// openPages opens the database at path, which nobody changes. The caller closes the file.
func openPages(path string) (*pagereader.File, io.Closer, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	f, err := pagereader.Open(file, info.Size())
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	return f, file, nil
}

// sumInOrder hashes all entries of an index, one after another.
func sumInOrder(ctx context.Context, path string, root uint32) (tally, error) {
	f, file, err := openPages(path)
	if err != nil {
		return tally{}, err
	}
	defer file.Close()
	var sum tally
	var h maphash.Hash
	h.SetSeed(seed)
	cur := f.NewCursor()
	for b, err := range f.Index(root).Batches() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return tally{}, err
		}
		err = cur.Each(b, func(row *pagereader.Row) error {
			rec, err := cur.Record(row)
			_, _ = h.Write(rec) // never fails
			sum.count++
			return err
		})
		if err != nil {
			return tally{}, err
		}
	}
	sum.sum = h.Sum64()
	return sum, nil
}
