package vault

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/store"
)

// asideSuffix marks a damaged object that was put aside for a good one.
const asideSuffix = ".damaged"

// An Action is what Sync does, or did, about one copy.
type Action struct {
	Ref
	Place  string // that gets the copy
	From   string // the place that it comes from, "" if no place has a good one
	Repair bool   // the place has a damaged copy
	Bytes  int64
	Done   bool
	Err    error
}

// SyncOptions are the choices of Sync.
type SyncOptions struct {
	Database string // "" is all
	// Level is how closely copies are looked at to find out which are damaged. A
	// copy that others are made from, and one that the last check found damaged, is
	// read from end to end in either case.
	Level  Level
	DryRun bool
	// Now is the time by which the retention of each place is judged: what it
	// would drop is not copied there.
	Now time.Time
	// Report, if not nil, is called with each action when it is done.
	Report func(Action)
	// Keys, if not nil, is called with each copy, by its place, that is given
	// rewrapped keys, or would be.
	Keys func(place string, ref Ref)
}

// Sync copies what a place lacks from a place that has it whole, and replaces
// damaged copies. A place that cannot be listed is left out; its error is joined
// to the others'. Actions that failed have their errors, and the error of Sync
// matches them.
func Sync(ctx context.Context, places []*Place, o SyncOptions) ([]Action, error) {
	s := &syncing{o: o, copies: map[Ref]map[*Place]*Copy{}}
	all := map[*Place]*Contents{}
	var errs []error
	for _, p := range places {
		found, err := p.Scan(ctx, o.Database)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		s.places = append(s.places, p)
		all[p] = found
		for _, c := range found.Copies {
			if s.copies[c.Ref] == nil {
				s.copies[c.Ref] = map[*Place]*Copy{}
				s.refs = append(s.refs, c.Ref)
			}
			s.copies[c.Ref][p] = c
		}
	}
	s.missing = Missing(ctx, all, o.Now)
	var done []Action
	for _, ref := range s.refs {
		actions, err := s.backup(ctx, ref)
		done = append(done, actions...)
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return done, errors.Join(append(errs, ctx.Err())...)
}

type syncing struct {
	o      SyncOptions
	places []*Place // that could be listed
	refs   []Ref
	copies map[Ref]map[*Place]*Copy

	missing map[*Place]map[Ref]bool
}

// backup brings one backup to all places.
func (s *syncing) backup(ctx context.Context, ref Ref) ([]Action, error) {
	var errs []error
	broken := map[*Place]bool{} // whose copy is of no use
	var lacking []*Place
	for _, p := range s.places {
		c := s.copies[ref][p]
		switch {
		case s.missing[p][ref]:
			lacking = append(lacking, p)
		case c != nil:
			err := s.verify(ctx, p, c)
			switch {
			case errors.Is(err, ErrDamaged):
				broken[p] = true
				lacking = append(lacking, p)
			case errors.Is(err, ErrUnlisted):
				broken[p] = true
			case err != nil:
				errs = append(errs, err)
			}
		}
	}
	errs = append(errs, s.shareKeys(ctx, ref, broken))
	if !s.o.DryRun {
		errs = append(errs, s.sharePins(ctx, ref, broken))
	}
	if len(lacking) == 0 {
		return nil, errors.Join(errs...)
	}
	from, source, err := s.good(ctx, ref, broken)
	errs = append(errs, err)
	var actions []Action
	for _, p := range lacking {
		a := Action{Ref: ref, Place: p.Name, Repair: broken[p]}
		switch {
		case from == nil:
			a.Err = fmt.Errorf("no place has a good copy of %s: %w", ref.Key(), ErrDamaged)
		default:
			a.From, a.Bytes = from.Name, source.Stored.Bytes
			if !s.o.DryRun {
				a.Err = p.replace(ctx, source, broken[p])
				a.Done = a.Err == nil
			}
		}
		errs = append(errs, a.Err)
		if s.o.Report != nil {
			s.o.Report(a)
		}
		actions = append(actions, a)
	}
	return actions, errors.Join(errs...)
}

// verify looks at a copy as closely as it was asked for, and from end to end where the
// last check found it damaged.
func (s *syncing) verify(ctx context.Context, p *Place, c *Copy) error {
	level := s.o.Level
	checked, ok, err := p.checked(ctx, c)
	if err != nil {
		return err
	}
	if checked && !ok {
		level = Full
	}
	return p.Verify(ctx, c, level, nil)
}

// shareKeys gives every copy the rewrapped keys that any has: a rotation writes
// them beside one copy, and they never change.
func (s *syncing) shareKeys(ctx context.Context, ref Ref, broken map[*Place]bool) error {
	has := map[string]*Place{}
	for _, p := range s.places {
		if c := s.copies[ref][p]; c != nil && !broken[p] {
			for _, suffix := range c.Beside {
				if keys, _ := path.Match(manifest.KeysPattern, suffix); keys { // the pattern is well-formed
					has[suffix] = p
				}
			}
		}
	}
	var errs []error
	for suffix, from := range has {
		for _, p := range s.places {
			c := s.copies[ref][p]
			if c == nil || broken[p] || slices.Contains(c.Beside, suffix) {
				continue
			}
			if err := s.bringKeys(ctx, ref, suffix, from, p); err != nil {
				errs = append(errs, fmt.Errorf("rewrapped keys to %s: %w", p.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}

func (s *syncing) bringKeys(ctx context.Context, ref Ref, suffix string, from, to *Place) error {
	if !s.o.DryRun {
		text, err := from.ReadFile(ctx, ref, suffix)
		if err == nil {
			err = to.putFile(ctx, ref.Key()+suffix, text)
		}
		if err != nil {
			return err
		}
	}
	if s.o.Keys != nil {
		s.o.Keys(to.Name, ref)
	}
	return nil
}

// good finds a place whose copy is whole, by reading it.
func (s *syncing) good(ctx context.Context, ref Ref, broken map[*Place]bool) (*Place, *Source, error) {
	var errs []error
	for _, p := range s.places {
		c := s.copies[ref][p]
		if c == nil || broken[p] {
			continue
		}
		err := p.Verify(ctx, c, Full, nil)
		if err == nil {
			var source *Source
			if source, err = p.From(ctx, c); err == nil {
				return p, source, nil
			}
		}
		errs = append(errs, err)
	}
	return nil, nil, errors.Join(errs...)
}

// replace makes a copy of s. A damaged one is put aside first and removed last,
// so that a run which is cut off leaves at most a key more.
func (p *Place) replace(ctx context.Context, s *Source, broken bool) error {
	if !broken {
		return p.Put(ctx, s)
	}
	aside := s.Key() + asideSuffix
	// What an earlier repair has put aside is worth nothing any more.
	if err := p.Store.Delete(ctx, aside); err != nil {
		return fmt.Errorf("repair in %s: %w", p.Name, err)
	}
	if err := store.Unlist(ctx, p.Store, s.Key(), aside); err != nil && !errors.Is(err, store.ErrNotExist) {
		return fmt.Errorf("repair in %s: put the damaged object aside: %w", p.Name, err)
	}
	for _, suffix := range []string{manifest.Suffix, manifest.CheckedSuffix, storedSuffix} {
		if err := p.Store.Delete(ctx, s.Key()+suffix); err != nil {
			return fmt.Errorf("repair in %s: %w", p.Name, err)
		}
	}
	if err := p.Put(ctx, s); err != nil {
		return err
	}
	if err := p.Store.Delete(ctx, aside); err != nil {
		return fmt.Errorf("repair in %s: remove the damaged object: %w", p.Name, err)
	}
	return nil
}
