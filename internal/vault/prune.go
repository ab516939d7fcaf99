package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/retention"
	"github.com/litekeep/litekeep/internal/store"
)

// PinSuffix names the file that keeps a backup from being pruned.
const PinSuffix = ".pin.json"

// A Decision says what the retention of a place does with one copy.
type Decision struct {
	Ref
	Place   string
	Time    time.Time
	Bytes   int64
	Keep    bool
	Reason  string
	Future  bool      // its time is later than now
	Locked  time.Time // until when the store keeps it, zero if it does not
	Removed bool
	Err     error // why it could not be removed
}

// Prune applies the retention of the place to its copies of a database, or of
// all if it is "". It finishes what earlier prunes have begun, and lists again
// afterwards: what is still there was not removed, whatever the store said. A
// copy that the store keeps until a date is kept, which is no error.
func (p *Place) Prune(ctx context.Context, database string, now time.Time, dryRun bool) ([]Decision, error) {
	var errs []error
	if !dryRun {
		errs = append(errs, p.finish(ctx, database))
	}
	list, err := p.List(ctx, database)
	if err != nil {
		return nil, errors.Join(append(errs, err)...)
	}
	byID := map[string]*Copy{}
	var candidates []retention.Backup
	for _, c := range list {
		b, err := p.candidate(ctx, c, now)
		if err != nil {
			errs = append(errs, err)
			continue // unknown, so it is neither removed nor counted
		}
		byID[b.ID] = c
		candidates = append(candidates, b)
	}
	var all []Decision
	for _, plan := range retention.Plan(p.Policy, candidates, now) {
		c := byID[plan.Backup.ID]
		d := Decision{
			Ref: c.Ref, Place: p.Name, Time: plan.Backup.Time, Bytes: max(c.Size, 0),
			Keep: plan.Keep, Reason: plan.Reason, Future: plan.Future,
		}
		if !d.Keep && ctx.Err() == nil {
			p.drop(ctx, c, &d, now, dryRun)
		}
		all = append(all, d)
	}
	if !dryRun {
		errs = append(errs, p.confirm(ctx, database, all))
	}
	for i := range all {
		errs = append(errs, all[i].Err)
	}
	return all, errors.Join(append(errs, ctx.Err())...)
}

// candidate says what the retention must know of a copy.
func (p *Place) candidate(ctx context.Context, c *Copy, now time.Time) (retention.Backup, error) {
	b := retention.Backup{ID: c.Key(), Group: c.Database, Time: c.created(), Damaged: c.Problem != ""}
	if c.Outline != nil {
		b.Verified = !c.Outline.Verified.IsZero()
	}
	if slices.Contains(c.Beside, manifest.CheckedSuffix) {
		text, err := p.ReadFile(ctx, c.Ref, manifest.CheckedSuffix)
		if err != nil {
			return b, err
		}
		if note, err := manifest.DecodeChecked(text); err == nil {
			b.Damaged = b.Damaged || !note.OK
			b.Verified = b.Verified || note.OK
		}
	}
	if slices.Contains(c.Beside, PinSuffix) {
		text, err := p.ReadFile(ctx, c.Ref, PinSuffix)
		if err != nil {
			return b, err
		}
		var pin struct{ Until time.Time }
		// A pin that cannot be read is one all the same.
		b.Pinned = json.Unmarshal(text, &pin) != nil || pin.Until.After(now)
	}
	return b, nil
}

// drop removes a copy, unless the store keeps it.
func (p *Place) drop(ctx context.Context, c *Copy, d *Decision, now time.Time, dryRun bool) {
	until, err := p.lockedUntil(ctx, c.Ref)
	if err != nil {
		d.Err = err
		return
	}
	if until.After(now) {
		d.Keep, d.Locked = true, until
		d.Reason = "kept until " + until.UTC().Format(time.RFC3339) + " by the store's lock; " + d.Reason
		return
	}
	if dryRun {
		return
	}
	if d.Err = p.remove(ctx, c.Ref, c.Beside); d.Err != nil {
		if date, locked := store.KeptUntil(d.Err); locked {
			d.Keep, d.Locked, d.Err = true, date, nil
			d.Reason = "kept by the store's lock; " + d.Reason
		}
		return
	}
	d.Removed = true
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

// remove unlists a copy, and removes it then.
func (p *Place) remove(ctx context.Context, ref Ref, beside []string) error {
	if err := store.Unlist(ctx, p.Store, ref.Key()+manifest.Suffix, ref.Key()+manifest.PrunedSuffix); err != nil {
		return fmt.Errorf("unlist in %s: %w", p.Name, err)
	}
	return p.removeRest(ctx, ref, beside)
}

// removeRest removes what an unlisted copy still has, its mark last.
func (p *Place) removeRest(ctx context.Context, ref Ref, beside []string) error {
	for _, suffix := range append(slices.Clone(beside), "", manifest.PrunedSuffix) {
		if err := p.Store.Delete(ctx, ref.Key()+suffix); err != nil {
			return fmt.Errorf("remove from %s: %w", p.Name, err)
		}
	}
	return nil
}

// finish removes the rest of what was unlisted.
func (p *Place) finish(ctx context.Context, database string) error {
	all, err := p.files(ctx, database)
	if err != nil {
		return err
	}
	var errs []error
	for ref, sizes := range all {
		_, pruned := sizes[manifest.PrunedSuffix]
		_, listed := sizes[manifest.Suffix]
		if !pruned || listed {
			continue
		}
		var beside []string
		for suffix := range sizes {
			if suffix != "" && suffix != manifest.PrunedSuffix {
				beside = append(beside, suffix)
			}
		}
		errs = append(errs, p.removeRest(ctx, ref, beside))
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
		all[i].Err = fmt.Errorf("%s in %s: %w", all[i].Key(), p.Name, err)
	}
	return nil
}
