package litekeep

import (
	"context"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/litekeep/litekeep/internal/archive"
	"github.com/litekeep/litekeep/internal/document"
	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/export"
)

// prove proves that the new database is what was backed up: it is exported again
// and must give the same content digest, and SQLite must find it whole.
func (r *restore) prove(ctx context.Context) error {
	if r.built.Database.ZeroBytes {
		r.out.Proven = true
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	var complaints []engine.Complaint
	var notes []string
	var orphans int64
	var orphanNote string
	g.Go(func() error { return r.proveDigest(ctx) })
	g.Go(func() (err error) {
		complaints, notes, err = engine.IntegrityCheck(ctx, r.built_(), r.out.SizeBytes > fullCheck)
		if err == nil {
			orphans, orphanNote, err = engine.ForeignKeyCheck(ctx, r.built_())
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
	r.step("proved it: content digest %s, integrity_check, foreign_key_check", r.built.End.Digest)
	return nil
}

// isSources reports whether a complaint about the file is one that the source
// must have too: about an index that was carried entry by entry, since its
// entries are not what SQLite would make of the rows, or about the pages of
// objects whose declaration SQLite cannot read.
func (r *restore) isSources(c engine.Complaint) bool {
	for _, row := range r.built.Schema {
		if row.BTree == document.BTreeEntries && c.Index != "" && c.Index == string(row.Name.Bytes) {
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

// proveDigest exports the new database again. That also compares the entries of
// the indexes that our own sort has built with the rows.
func (r *restore) proveDigest(ctx context.Context) error {
	f, err := os.Open(r.built_())
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	d, err := engine.Describe(ctx, r.built_())
	if err != nil {
		return err
	}
	r.malformed = d.Malformed
	carry := map[int64]string{}
	for _, row := range r.built.Schema {
		if row.BTree == document.BTreeEntries {
			carry[row.RowID] = "as in the backup"
		}
	}
	c := export.Choices{Carry: carry, WAL: r.built.Database.JournalMode == engine.JournalWAL}
	p, err := export.NewPlan(ctx, f, info.Size(), r.built_(), d, c)
	if err != nil {
		return err
	}
	spare := make(chan []byte, workers()+4)
	w := archive.NewWriter(ctx, nil, r.s.cfg.compression(), workers(), spare)
	defer w.Stop()
	counted, err := p.Run(ctx, r.built.Source, w, export.Options{
		Workers: workers(), Spare: spare,
		Progress: func(rows, bytes int64) {
			r.s.progress(Progress{Phase: "prove", Rows: rows, Bytes: bytes, Total: info.Size()})
		},
	})
	if err != nil {
		return err
	}
	if counted.End.Digest != r.built.End.Digest {
		return fmt.Errorf("its content digest is %s, not %s: %w", counted.End.Digest, r.built.End.Digest, archive.ErrDamaged)
	}
	return nil
}
