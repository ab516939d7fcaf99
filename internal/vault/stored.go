package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/litekeep/litekeep/internal/store"
)

// storedSuffix names the note of the checksum that a store had of an object when
// that was read back and found right. It belongs to the copy, not to the backup.
const storedSuffix = ".stored.txt"

// noteStored writes the note, where the store keeps checksums.
func (p *Place) noteStored(ctx context.Context, ref Ref) error {
	text, err := p.storedChecksum(ctx, ref)
	if err != nil || text == nil {
		return err
	}
	err = p.Store.Put(ctx, ref.Key()+storedSuffix, bytes.NewReader(text))
	if errors.Is(err, store.ErrExist) {
		return nil // of an earlier try, for the same bytes
	}
	return err
}

// compareStored compares the note with what the store says now.
func (p *Place) compareStored(ctx context.Context, c *Copy) error {
	if !slices.Contains(c.Beside, storedSuffix) {
		return nil
	}
	noted, err := p.ReadFile(ctx, c.Ref, storedSuffix)
	if err != nil {
		return err
	}
	now, err := p.storedChecksum(ctx, c.Ref)
	if err == nil && now != nil && !bytes.Equal(now, noted) {
		err = fmt.Errorf("the checksum that %s keeps of %s is %s, not %s: %w",
			p.Name, c.Key(), bytes.TrimSpace(now), bytes.TrimSpace(noted), ErrDamaged)
	}
	return err
}

// storedChecksum asks the store; nil where it keeps none.
func (p *Place) storedChecksum(ctx context.Context, ref Ref) ([]byte, error) {
	k, ok := p.Store.(store.Checksummer)
	if !ok {
		return nil, nil
	}
	sum, _, err := k.Checksum(ctx, ref.Key())
	if err != nil || sum.String() == "" {
		return nil, err
	}
	return []byte(sum.String() + "\n"), nil
}
