package vault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/store"
)

// Level says how closely Verify looks.
type Level string

// The levels.
const (
	// Quick looks whether the copy is there, has the right size and a readable
	// manifest, and whether the store's own checksum of it, where it keeps one,
	// is that of the copy that was read back when it was made.
	Quick Level = "quick"
	Full  Level = "full" // every byte
)

// ErrUnlisted is wrapped by errors about a copy that was pruned or deleted since it was
// found.
var ErrUnlisted = errors.New("the copy is no longer listed")

// Verify checks a copy. What is wrong with it wraps ErrDamaged, or ErrUnlisted where it
// is no copy any more; other errors are of the place. Progress, if not nil, is called with
// the bytes read so far.
func (p *Place) Verify(ctx context.Context, c *Copy, level Level, progress func(int64)) error {
	var err error
	switch {
	case c.Problem != "":
		err = fmt.Errorf("%s in %s: %s: %w", c.Key(), p.Name, c.Problem, ErrDamaged)
	case level == Quick:
		err = p.compareStored(ctx, c)
	default:
		if err = p.verify(ctx, c.Ref, c.Outline.Stored, progress); err != nil {
			err = fmt.Errorf("in %s: %w", p.Name, err)
		}
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	if _, listed := p.ReadFile(ctx, c.Ref, manifest.Suffix); errors.Is(listed, store.ErrNotExist) {
		return fmt.Errorf("%s in %s: %w", c.Key(), p.Name, ErrUnlisted)
	}
	return err
}

// checked reads the note of the last check of a copy, if it was checked, and whether it
// was whole then.
func (p *Place) checked(ctx context.Context, c *Copy) (checked, ok bool, err error) {
	if !slices.Contains(c.Beside, manifest.CheckedSuffix) {
		return false, false, nil
	}
	text, err := p.ReadFile(ctx, c.Ref, manifest.CheckedSuffix)
	if err != nil {
		return false, false, fmt.Errorf("read what was found of %s: %w", p.label(c.Key()), err)
	}
	note, err := manifest.DecodeChecked(text)
	return true, err == nil && note.OK, nil // a note that cannot be read says nothing good
}

// verify reads an object from end to end.
func (p *Place) verify(ctx context.Context, ref Ref, want manifest.Stored, progress func(int64)) error {
	r, err := p.Store.Get(ctx, ref.Key())
	if errors.Is(err, store.ErrNotExist) {
		return fmt.Errorf("%s is missing: %w", ref.Key(), ErrDamaged)
	}
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.CopyBuffer(io.Discard, newChecked(r, &Source{Ref: ref, Stored: want, Progress: progress}), make([]byte, 256<<10))
	return err
}
