package litekeep

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/litekeep/litekeep/internal/archive"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/export"
	"github.com/litekeep/litekeep/internal/sqlitefile"
)

// prove proves that the new database is what was backed up: it is exported again
// and must give the same content digest, and SQLite must find it whole.
func (r *restore) prove(ctx context.Context) error {
	if r.built.Database.ZeroBytes {
		r.out.Proven = true
		return nil
	}
	if r.out.SizeBytes > fullCheck {
		// What the sorters held would lie beside the memory of SQLite's check until the
		// next collection: a peak of 15 MiB.
		debug.FreeOSMemory()
	}
	d, err := engine.Describe(ctx, r.newFile())
	if err != nil {
		return err
	}
	r.malformed = d.Malformed
	g, ctx := errgroup.WithContext(ctx)
	if d.Large() {
		g.SetLimit(1) // what SQLite knows of the schema is not to lie beside what the export does
	}
	var complaints []engine.Complaint
	var notes []string
	var orphans int64
	var orphanNote string
	g.Go(func() error { return r.proveDigest(ctx, d) })
	g.Go(func() (err error) {
		if d.Large() {
			debug.FreeOSMemory()
		}
		complaints, notes, err = engine.IntegrityCheck(ctx, r.newFile(), d, r.out.SizeBytes > fullCheck)
		if err == nil {
			orphans, orphanNote, err = engine.ForeignKeyCheck(ctx, r.newFile(), d)
		}
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	// What SQLite has to say of the content is the source's: the digest is the
	// same. What it has to say of the file is our fault.
	for _, c := range complaints {
		if !c.Logical && !r.isSources(c) {
			return fmt.Errorf("integrity_check: %s", c.Message)
		}
		r.warn("as in the source, integrity_check says: %s", c.Message)
	}
	for _, n := range append(notes, orphanNote) {
		if n != "" {
			r.warn("%s", n)
		}
	}
	if orphans > 0 {
		r.warn("as in the source, foreign_key_check finds %d rows that refer to missing ones", orphans)
	}
	r.out.Proven = true
	check := "integrity_check"
	if r.out.SizeBytes > fullCheck {
		check = "quick_check"
	}
	r.step("proved it: content digest %s, %s, foreign_key_check", r.built.End.Digest, check)
	return nil
}

// isSources reports whether a complaint about the file is one that the source
// must have too: about an index that was carried entry by entry, since its
// entries are not what SQLite would make of the rows, or about the pages of
// objects whose declaration SQLite cannot read.
func (r *restore) isSources(c engine.Complaint) bool {
	for _, row := range r.built.Carried {
		if c.Index != "" && c.Index == string(row.Name.Bytes) ||
			c.Table != "" && sqlitefile.FoldName(c.Table) == sqlitefile.FoldName(string(row.TblName.Bytes)) {
			return true
		}
	}
	if strings.HasPrefix(c.Message, "row not in PRIMARY KEY order for ") {
		return true // rows are laid in the source's order
	}
	return r.malformed != "" && strings.HasSuffix(c.Message, ": never used")
}

// fullCheck is the size of a file from which SQLite's quick_check takes the place
// of its integrity_check, which looks up every row in every index and takes
// several times as long as all the rest of a restore. The indexes that SQLite
// did not build itself are proven in either case.
const fullCheck = 32 << 20

// proveDigest exports the new database, which d describes, again. That also compares the entries of
// the indexes that our own sort has built with the rows.
func (r *restore) proveDigest(ctx context.Context, d *engine.Description) error {
	digest, err := r.exportAgain(ctx, d)
	var wrong *export.ChoicesError
	if errors.As(err, &wrong) && len(wrong.Missing.Ask) > 0 {
		// Indexes that SQLite has built, for the same reason. Others read d meanwhile.
		if d, err = engine.Describe(ctx, r.newFile()); err != nil {
			return err
		}
		d.LeaveToSQLite(wrong.Missing.Ask)
		digest, err = r.exportAgain(ctx, d)
	}
	if err == nil && digest != r.built.End.Digest {
		err = fmt.Errorf("its content digest is %s, not %s: %w", digest, r.built.End.Digest, archive.ErrDamaged)
	}
	return err
}

// exportAgain exports the new database with the choices of the backup, and returns the
// content digest.
func (r *restore) exportAgain(ctx context.Context, d *engine.Description) (string, error) {
	f, err := os.Open(r.newFile())
	if err != nil {
		return "", err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	p, err := export.NewPlan(ctx, f, info.Size(), d, r.choices())
	if err != nil {
		return "", err
	}
	spare := make(chan []byte, workers()+4)
	w := archive.NewWriter(ctx, nil, r.s.cfg.compression(), workers(), spare)
	defer w.Stop()
	counted, err := p.Run(ctx, r.built.Source, w, export.Options{
		Workers: workers(), Spare: spare,
		Progress: func(rows, bytes int64) {
			r.s.progress(Progress{Phase: "prove", Rows: rows, Bytes: bytes, Total: r.textBytes})
		},
	})
	if err != nil {
		return "", err
	}
	return counted.End.Digest, nil
}

// choices are those of the backup.
func (r *restore) choices() export.Choices {
	const asInBackup = "as in the backup"
	c := export.Choices{Carry: map[int64]string{}, Short: map[int64]string{}, WAL: r.built.Database.JournalMode == engine.JournalWAL}
	for _, row := range r.built.Carried {
		c.Carry[row.RowID] = asInBackup
	}
	for _, row := range r.built.Short {
		c.Short[row] = asInBackup
	}
	return c
}
