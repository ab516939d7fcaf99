package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/retention"
	"github.com/litekeep/litekeep/internal/store"
)

// A Decision says what the retention of a place does with one copy.
type Decision struct {
	Ref
	Place   string
	Time    time.Time
	Bytes   int64
	Keep    bool
	Rules   []retention.Rule // that keep it
	Reason  string
	Future  bool      // its time is later than now
	Locked  time.Time // until when the store keeps it, zero if it does not
	Trashed bool      // it was put into the trash
	Removed bool      // it is gone
	Err     error     // why it could not be removed
	Terms   Terms     // by which it was decided
}

// Prune applies the retention of the place to its copies of a database, or of
// all if it is "". It finishes what earlier prunes have begun, removes what was
// long enough in the trash, and lists again afterwards: what is still there was not
// removed, whatever the store said. A copy that the store keeps until a date is
// kept, which is no error.
//
// There is a decision for each copy, and one for each that goes from the trash. The
// error has those of the decisions.
func (p *Place) Prune(ctx context.Context, database string, now time.Time, dryRun bool) ([]Decision, error) {
	found, err := p.Scan(ctx, database)
	if err != nil {
		return nil, err
	}
	var errs []error
	if !dryRun {
		errs = append(errs, p.finish(ctx, found.unlisted))
	}
	candidates, err := p.candidates(ctx, found.Copies, now)
	errs = append(errs, err)
	byID := map[string]*Copy{}
	for _, c := range found.Copies {
		byID[c.Key()] = c
	}
	var all []Decision
	for _, plan := range p.plan(ctx, candidates, now) {
		d := p.decision(ctx, byID[plan.Backup.ID])
		d.Keep, d.Rules, d.Reason, d.Future = plan.Keep, plan.Rules, plan.Reason, plan.Future
		if !d.Keep && ctx.Err() == nil {
			p.drop(ctx, byID[plan.Backup.ID], &d, now, dryRun)
		}
		all = append(all, d)
	}
	for _, t := range found.Trash {
		if ctx.Err() == nil && p.expired(ctx, t, now) && t.spare(candidates, now) {
			d := p.decision(ctx, &t.Copy)
			d.Reason = "in the trash since " + t.Since.Format(time.RFC3339)
			p.removeTrashed(ctx, t, &d, now, dryRun)
			all = append(all, d)
		}
	}
	return p.settle(ctx, database, all, errs)
}

// settle makes sure of what was removed, and collects the errors.
func (p *Place) settle(ctx context.Context, database string, all []Decision, errs []error) ([]Decision, error) {
	errs = append(errs, p.confirm(ctx, database, all))
	for i := range all {
		errs = append(errs, all[i].Err)
	}
	return all, errors.Join(append(errs, ctx.Err())...)
}

func (p *Place) decision(ctx context.Context, c *Copy) Decision {
	return Decision{Ref: c.Ref, Place: p.Name, Time: c.created(), Bytes: max(c.Size, 0), Terms: p.Terms(ctx, c.Database)}
}

// candidates says what the retention must know of copies. One whose notes cannot be
// read is left out: it is neither removed nor counted.
func (p *Place) candidates(ctx context.Context, copies []*Copy, now time.Time) ([]retention.Backup, error) {
	var list []retention.Backup
	var errs []error
	for _, c := range copies {
		b, err := p.candidate(ctx, c, now)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		list = append(list, b)
	}
	return list, errors.Join(errs...)
}

func (p *Place) candidate(ctx context.Context, c *Copy, now time.Time) (retention.Backup, error) {
	b := retention.Backup{ID: c.Key(), Group: c.group(), Time: c.created(), Verified: c.verified(), Damaged: c.Problem != ""}
	checked, ok, err := p.checked(ctx, c)
	if err != nil {
		return b, err
	}
	b.Damaged = b.Damaged || checked && !ok
	b.Verified = b.Verified || checked && ok
	pin, err := p.Pin(ctx, c)
	if pin != nil {
		b.Pinned, b.Unpinned, b.Note = pin.Active(now), !pin.Active(now), pin.Note
	}
	return b, err
}

// drop puts a copy into the trash or, where there is none, removes it, unless the
// store keeps it.
func (p *Place) drop(ctx context.Context, c *Copy, d *Decision, now time.Time, dryRun bool) {
	if p.lockedYet(ctx, d, now) || dryRun {
		return
	}
	into := manifest.PrunedSuffix
	if d.Terms.Grace > 0 {
		into = manifest.TrashedSuffix(trashed(now, d.Terms.Grace))
	}
	if err := store.Unlist(ctx, p.Store, c.Key()+manifest.Suffix, c.Key()+into); err != nil {
		d.fail(fmt.Errorf("unlist %s: %w", p.label(c.Key()), err))
		return
	}
	if d.Terms.Grace > 0 {
		d.Trashed = true
		return
	}
	d.fail(p.removeRest(ctx, c.Ref, c.Beside))
	d.Removed = d.Err == nil && !d.Keep
}

// fail notes why something could not be removed. That the store keeps it is no
// error.
func (d *Decision) fail(err error) {
	if date, locked := store.KeptUntil(err); locked {
		d.Keep, d.Locked, d.Reason = true, date, "kept by the store's lock; "+d.Reason
		return
	}
	d.Err = err
}

// lockedYet reports whether the store keeps a copy, or does not say.
func (p *Place) lockedYet(ctx context.Context, d *Decision, now time.Time) bool {
	until, err := p.lockedUntil(ctx, d.Ref)
	if err != nil {
		d.Err = err
		return true
	}
	if !until.After(now) {
		return false
	}
	d.Keep, d.Locked = true, until
	d.Reason = "kept until " + until.UTC().Format(time.RFC3339) + " by the store's lock; " + d.Reason
	return true
}

// lockedUntil asks the store how long it keeps an object.
func (p *Place) lockedUntil(ctx context.Context, ref Ref) (time.Time, error) {
	l, ok := p.Store.(store.Locker)
	if !ok {
		return time.Time{}, nil
	}
	var latest time.Time
	for _, suffix := range []string{"", manifest.Suffix} {
		until, err := l.LockedUntil(ctx, ref.Key()+suffix)
		if date, locked := store.KeptUntil(err); locked && date.IsZero() {
			return time.Unix(1<<40, 0), nil // until somebody lifts it
		}
		if err != nil && !errors.Is(err, store.ErrNotExist) {
			return time.Time{}, fmt.Errorf("ask %s for the lock of %s: %w", p.Name, ref.Key(), err)
		}
		if until.After(latest) {
			latest = until
		}
	}
	return latest, nil
}

// removeRest removes what an unlisted copy still has, its mark last.
func (p *Place) removeRest(ctx context.Context, ref Ref, beside []string) error {
	suffixes := []string{""}
	for _, suffix := range beside {
		if isOurs(suffix) {
			suffixes = append(suffixes, suffix)
		}
	}
	for _, suffix := range append(suffixes, manifest.PrunedSuffix) {
		if err := p.Store.Delete(ctx, ref.Key()+suffix); err != nil {
			return fmt.Errorf("remove %s: %w", p.label(ref.Key()+suffix), err)
		}
	}
	return nil
}

// finish removes the rest of what was unlisted, as far as the store lets it.
func (p *Place) finish(ctx context.Context, unlisted map[Ref][]string) error {
	var errs []error
	for ref, beside := range unlisted {
		err := p.removeRest(ctx, ref, beside)
		if _, locked := store.KeptUntil(err); !locked {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// confirm lists again and takes back what is said of copies that are still
// there.
func (p *Place) confirm(ctx context.Context, database string, all []Decision) error {
	if !slices.ContainsFunc(all, func(d Decision) bool { return d.Removed }) {
		return nil
	}
	files, err := p.files(ctx, database)
	if err != nil {
		return err
	}
	for i := range all {
		if _, listed := files[all[i].Ref][""]; !listed || !all[i].Removed {
			continue
		}
		r, err := p.Store.Get(ctx, all[i].Key())
		if errors.Is(err, store.ErrNotExist) {
			continue // only the listing lags
		}
		if err == nil {
			err = errors.Join(store.ErrUndeleted, r.Close())
		}
		all[i].Removed = false
		all[i].Err = fmt.Errorf("%s: %w", p.label(all[i].Key()), err)
	}
	return nil
}
