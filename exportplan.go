package litekeep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/litekeep/litekeep/internal/engine"
	"github.com/litekeep/litekeep/internal/export"
)

// plan decides what goes into the document.
func (r *run) plan(ctx context.Context, f io.ReaderAt) (*export.Plan, error) {
	if r.snapshot.ZeroBytes {
		r.warn(emptyFile)
		return export.NewPlan(ctx, f, 0, nil, export.Choices{})
	}
	d, err := engine.Describe(ctx, r.snapshotPath())
	if err != nil {
		return nil, refuseUnreadable(err)
	}
	if len(d.Lost) > 0 {
		return nil, fmt.Errorf("index %q, which its table demands, is not there: %w", d.Lost[0], export.ErrRefused)
	}
	if d.Malformed != "" {
		r.warn("SQLite %s cannot read all of the schema: %s", engine.Version(), d.Malformed)
	}
	d.LeaveToSQLite(r.found.Ask)
	if _, unsure := d.Carried(); r.live != nil && len(unsure) > 0 {
		return nil, errNeedsSnapshot
	}
	carry, err := export.Carried(ctx, r.snapshotPath(), d)
	if err != nil {
		return nil, err
	}
	c := export.Choices{Carry: carry, WAL: r.snapshot.JournalMode == engine.JournalWAL}
	c.Add(&r.found)
	p, err := export.NewPlan(ctx, f, r.snapshot.Bytes, d, c)
	if err != nil {
		return nil, err
	}
	for _, name := range p.Rootless {
		r.warn("sqlite_schema names a root page for %q, which has none and needs none; a restore writes 0", name)
	}
	for _, reason := range slices.Sorted(maps.Values(r.found.Short)) {
		r.warn("%s", reason)
	}
	for _, x := range p.Indexes {
		if x.Reason == export.OfShortTable {
			continue // which was said of the table
		}
		r.warn("index %q is kept entry by entry, since a restore could not rebuild it: %s", x.Label, x.Reason)
	}
	return p, nil
}

// refuseUnreadable marks what SQLite says of a snapshot that it cannot read as a
// refusal: the snapshot is as the source is.
func refuseUnreadable(err error) error {
	var e *engine.Error
	if errors.As(err, &e) && !errors.Is(err, engine.ErrIO) && !errors.Is(err, engine.ErrFull) {
		return fmt.Errorf("%w: %w", err, export.ErrRefused)
	}
	return err
}
