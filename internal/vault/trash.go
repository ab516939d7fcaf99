package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/retention"
	"github.com/litekeep/litekeep/internal/store"
)

// A backup in the trash is one whose manifest has another name, with the time at
// which it got there and the one until which it stays: who drops it promises that,
// and whoever prunes next may have another grace time or none. Everything else stays
// as it is. From there the manifest gets its old name back, or that of a backup which
// is being removed. Each of these is one step where the store can rename. Elsewhere the
// manifest has both names for a moment, and a backup that has its own is listed,
// whatever others there are.

// The errors of Delete and Undelete.
var (
	// ErrNotThere says that the place does not list the backup, or does not have
	// it in its trash.
	ErrNotThere = errors.New("there is no such backup")
	// ErrLastGood says that too few verified backups of the database would be left.
	ErrLastGood = errors.New("it is among the last verified backups")
	// ErrPinned says that somebody wants the backup kept.
	ErrPinned = errors.New("it is pinned")
	// ErrIncomplete says that a backup cannot be taken out of the trash.
	ErrIncomplete = errors.New("the backup in the trash is not whole")
)

// undeletedPin is how long a backup that was taken out of the trash is kept at
// least: the retention would drop it again.
const undeletedPin = retention.DefaultKeepWithin

// trashed is the stay in the trash of what is dropped now: for the grace time, in
// whole seconds that are not less.
func trashed(now time.Time, grace time.Duration) manifest.Trashed {
	return manifest.Trashed{Since: now, Until: now.Add(grace + time.Second - 1)}
}

// StaysUntil returns when the grace time of t is over: the end that it was given when
// it was dropped or, where none is told, by the terms of the place.
func (p *Place) StaysUntil(ctx context.Context, t *Trashed) time.Time {
	if !t.Until.IsZero() {
		return t.Until
	}
	return t.Since.Add(p.Terms(ctx, t.Database).Grace)
}

// expired reports whether the grace time of t is over.
func (p *Place) expired(ctx context.Context, t *Trashed, now time.Time) bool {
	return p.Terms(ctx, t.Database).Hold == "" && !now.Before(p.StaysUntil(ctx, t))
}

// spare reports whether t is not the last word on its database: it is not good, or
// a good one is listed.
func (t *Trashed) spare(listed []retention.Backup, now time.Time) bool {
	if t.Problem != "" || !t.verified() {
		return true
	}
	for i := range listed {
		if listed[i].Group == t.group() && listed[i].Good(now) {
			return true
		}
	}
	return false
}

// removeTrashed removes a copy from the trash for good.
func (p *Place) removeTrashed(ctx context.Context, t *Trashed, d *Decision, now time.Time, dryRun bool) {
	if p.lockedYet(ctx, d, now) || dryRun {
		return
	}
	if err := store.Unlist(ctx, p.Store, t.Key()+t.mark, t.Key()+manifest.PrunedSuffix); err != nil {
		d.fail(fmt.Errorf("unlist %s: %w", p.label(t.Key()), err))
		return
	}
	d.fail(p.removeRest(ctx, t.Ref, t.Beside))
	d.Removed = d.Err == nil && !d.Keep
}

// EmptyTrash removes what is in the trash of a database, or of all if it is "",
// without waiting for the grace time. What is the last word on its database stays
// unless force is set. There is a decision for each copy that was in the trash; the
// error has those of the decisions.
func (p *Place) EmptyTrash(ctx context.Context, database string, now time.Time, force, dryRun bool) ([]Decision, error) {
	found, err := p.Scan(ctx, database)
	if err != nil {
		return nil, err
	}
	listed, err := p.candidates(ctx, found.Copies, now)
	errs := []error{err}
	var all []Decision
	for _, t := range found.Trash {
		d := p.decision(ctx, &t.Copy)
		d.Reason = "in the trash since " + t.Since.Format(time.RFC3339)
		switch {
		case ctx.Err() != nil:
			d.Keep = true
		case !force && !t.spare(listed, now):
			d.Keep, d.Reason = true, "no other backup of the database is verified; "+d.Reason
		default:
			p.removeTrashed(ctx, t, &d, now, dryRun)
		}
		all = append(all, d)
	}
	return p.settle(ctx, database, all, errs)
}

// Delete drops one copy, into the trash where there is one. Unless force is set, it
// is refused with ErrPinned, and with ErrLastGood where fewer verified backups would be
// left than the KeepMinimum of its terms. The error matches ErrNotThere when the place
// does not list it. In a dry run it says what would happen.
func (p *Place) Delete(ctx context.Context, ref Ref, now time.Time, force, dryRun bool) (Decision, error) {
	found, err := p.Scan(ctx, ref.Database)
	if err != nil {
		return Decision{}, err
	}
	var c *Copy
	for _, other := range found.Copies {
		if other.Ref == ref {
			c = other
		}
	}
	if c == nil {
		return Decision{}, fmt.Errorf("%s: %w", p.label(ref.Key()), ErrNotThere)
	}
	if !force {
		if err := p.mayGo(ctx, c, found.Copies, now); err != nil {
			return Decision{}, fmt.Errorf("%s: %w", p.label(ref.Key()), err)
		}
	}
	d := p.decision(ctx, c)
	d.Reason = "deleted by hand"
	p.drop(ctx, c, &d, now, dryRun)
	all, err := p.settle(ctx, ref.Database, []Decision{d}, nil)
	return all[0], err
}

// mayGo tells why a copy should not be deleted, nil if nothing speaks against it.
func (p *Place) mayGo(ctx context.Context, c *Copy, copies []*Copy, now time.Time) error {
	own, err := p.candidate(ctx, c, now)
	if err != nil {
		return err
	}
	if own.Pinned {
		if own.Note != "" {
			return fmt.Errorf("%w (%s)", ErrPinned, own.Note)
		}
		return ErrPinned
	}
	if !own.Good(now) {
		return nil
	}
	others, err := p.candidates(ctx, copies, now)
	if err != nil {
		return err
	}
	left := -1 // without this one
	for i := range others {
		if others[i].Group == own.Group && others[i].Good(now) {
			left++
		}
	}
	if least := max(p.Terms(ctx, c.Database).Policy.KeepMinimum, 1); left < least {
		return fmt.Errorf("%w: %d would be left, at least %d must", ErrLastGood, left, least)
	}
	return nil
}

// Undelete takes a copy out of the trash. So that the retention does not drop it
// again at once, it is pinned for as long as the grace time, a week at least, unless
// it has a pin. The error matches ErrNotThere when it is not in the trash.
func (p *Place) Undelete(ctx context.Context, ref Ref, now time.Time) error {
	found, err := p.Scan(ctx, ref.Database)
	if err != nil {
		return err
	}
	for _, t := range found.Trash {
		if t.Ref == ref {
			return p.restore(ctx, t, now)
		}
	}
	return fmt.Errorf("%s: %w in the trash", p.label(ref.Key()), ErrNotThere)
}

func (p *Place) restore(ctx context.Context, t *Trashed, now time.Time) error {
	if t.Problem != "" {
		return fmt.Errorf("%s: %w: %s", p.label(t.Key()), ErrIncomplete, t.Problem)
	}
	pin, err := p.Pin(ctx, &t.Copy)
	if err != nil {
		return err
	}
	if !pin.Active(now) {
		again := Pin{Note: "taken out of the trash", Until: now.Add(max(p.Terms(ctx, t.Database).Grace, undeletedPin)), Since: now}
		if pin != nil {
			again.Safety = pin.Safety
		}
		if err := p.PutPin(ctx, t.Ref, again); err != nil {
			return err
		}
	}
	if err := store.Unlist(ctx, p.Store, t.Key()+t.mark, t.Key()+manifest.Suffix); err != nil {
		return fmt.Errorf("take %s out of the trash: %w", p.label(t.Key()), err)
	}
	return nil
}
