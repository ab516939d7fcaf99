package litekeep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/litekeep/litekeep/internal/vault"
)

// A Pin keeps a backup from being pruned, and from being deleted by hand.
type Pin struct {
	Note  string    `json:"note"`
	Since time.Time `json:"since,omitzero"` // zero if that is not known
	Until time.Time `json:"until,omitzero"` // zero for ever
	By    string    `json:"by,omitempty"`   // see WithActor
}

// maxNote is how long the note of a pin may be, in bytes.
const maxNote = 1000

// actorKey is the key of WithActor.
type actorKey struct{}

// WithActor returns a context whose calls are made in the name of somebody, which is
// noted in the pins that they set.
func WithActor(ctx context.Context, name string) context.Context {
	return context.WithValue(ctx, actorKey{}, name)
}

func actor(ctx context.Context) string {
	name, _ := ctx.Value(actorKey{}).(string)
	return name
}

// PinBackup keeps the backup whose object is at path from being pruned until a
// time, for ever if it is zero. Where it is pinned already, the new pin takes the
// place of the old one. All copies in the destinations of the Config are pinned; a
// destination that cannot be reached is an error, and the others are pinned all the
// same: SyncCopies brings the pin to it later. path may be a URL in a destination.
//
// The error matches ErrConfig for an end that is past or a note of more than 1000
// bytes, and ErrNoBackup when there is no such backup.
func (s *Service) PinBackup(ctx context.Context, path, note string, until time.Time) error {
	now := s.now()
	var wrong error
	switch {
	case len(note) > maxNote:
		wrong = fmt.Errorf("the note has %d bytes, more than %d", len(note), maxNote)
	case until.IsZero():
		until = vault.Forever
	case !until.After(now):
		wrong = fmt.Errorf("%s is past", until.UTC().Format(time.RFC3339))
	case until.After(vault.Forever):
		wrong = fmt.Errorf("%s is too far away; leave it out for ever", until.UTC().Format(time.RFC3339))
	}
	if wrong != nil {
		return &Error{Op: "pin", Path: path, Kind: ErrConfig, Err: wrong}
	}
	return s.setPin(ctx, "pin", path, func(old *vault.Pin) *vault.Pin {
		return &vault.Pin{Note: note, Since: now, Until: until, By: actor(ctx), Safety: old != nil && old.Safety}
	})
}

// UnpinBackup takes back the pin of the backup whose object is at path, in all
// places as PinBackup does. Without a pin it does nothing.
func (s *Service) UnpinBackup(ctx context.Context, path string) error {
	now := s.now()
	return s.setPin(ctx, "unpin", path, func(old *vault.Pin) *vault.Pin {
		if !old.Active(now) {
			return nil
		}
		over := *old
		over.Since, over.Until, over.By = now, now, actor(ctx)
		return &over
	})
}

// setPin changes the pin of a backup wherever it is. change gets the pin that is
// there, nil if there is none, and returns nil to leave it.
func (s *Service) setPin(ctx context.Context, op, path string, change func(*vault.Pin) *vault.Pin) error {
	if err := s.cfg.validateAnywhere(); err != nil {
		return err
	}
	return s.spots(ctx, op, path, func(at *spot) error {
		copies, err := at.List(ctx, at.ref.Database)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(copies, func(c *vault.Copy) bool { return c.Ref == at.ref })
		if i < 0 {
			return fmt.Errorf("%s: %w", at.path, vault.ErrNotThere)
		}
		old, err := at.Pin(ctx, copies[i])
		if err != nil {
			return err
		}
		pin := change(old)
		if pin == nil {
			return nil
		}
		s.log.Info(op, "path", at.path, "note", pin.Note, "until", pin.Until)
		return at.PutPin(ctx, at.ref, *pin)
	})
}

// readPin notes the pin of a backup. One that was taken back is none.
func (b *Backup) readPin(ctx context.Context, at place) error {
	text, err := at.sibling(ctx, vault.PinSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	p := vault.DecodePin(text)
	b.Safety = p.Safety
	if !p.Until.After(p.Since) {
		return nil
	}
	b.Pinned = p.Until
	b.Pin = &Pin{Note: p.Note, Since: p.Since, Until: p.Until, By: p.By}
	if p.Until.Equal(vault.Forever) {
		b.Pin.Until = time.Time{}
	}
	return nil
}
