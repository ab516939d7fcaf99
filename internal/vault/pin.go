package vault

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/litekeep/litekeep/internal/store"
)

// PinSuffix names the file that keeps a backup from being pruned.
const PinSuffix = ".pin.json"

// Forever is the time of a pin that has no end: the last that RFC 3339 can write.
var Forever = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// A Pin keeps a backup from being pruned until a time. A pin that was taken back
// stays as one whose time is over, so that Sync does not bring back an older one
// from a place that could not be reached at the time.
type Pin struct {
	Note  string    // why
	Until time.Time // Forever for no end
	Since time.Time // when it was pinned or unpinned; zero in files of old
	By    string    // who did, "" if that is not known
	// Safety says that it is the safety backup of a restore, which holds what
	// somebody wanted to be rid of.
	Safety bool
}

// Active reports whether the pin keeps its backup at a time.
func (p *Pin) Active(now time.Time) bool { return p != nil && p.Until.After(now) }

// pinFile is the JSON of a Pin (docs/FORMAT.md section 5).
type pinFile struct {
	Note   string     `json:"note"`
	Until  time.Time  `json:"until"`
	Since  *time.Time `json:"since,omitempty"`
	By     string     `json:"by,omitempty"`
	Safety bool       `json:"safety,omitempty"`
}

// Encode returns the text of the file, one line. Times are cut to the second.
func (p Pin) Encode() ([]byte, error) {
	f := pinFile{Note: p.Note, Until: p.Until.UTC().Truncate(time.Second), By: p.By, Safety: p.Safety}
	if !p.Since.IsZero() {
		since := p.Since.UTC().Truncate(time.Second)
		f.Since = &since
	}
	text, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("encode pin: %w", err)
	}
	return append(text, '\n'), nil
}

// DecodePin reads the file of a pin. What cannot be read is a pin all the same,
// without an end: somebody wanted the backup kept. Files of old have neither
// since nor safety; only restores wrote them.
func DecodePin(text []byte) *Pin {
	var f pinFile
	if err := json.Unmarshal(text, &f); err != nil {
		return &Pin{Note: "the pin cannot be read", Until: Forever}
	}
	p := &Pin{Note: f.Note, Until: f.Until.UTC(), By: f.By, Safety: f.Safety}
	if f.Since == nil {
		p.Safety = true
	} else {
		p.Since = f.Since.UTC()
	}
	return p
}

// PutPin gives a copy a pin, in the place of the one that it has. A store that
// cannot replace an object has none for a moment.
func (p *Place) PutPin(ctx context.Context, ref Ref, pin Pin) error {
	text, err := pin.Encode()
	if err == nil {
		err = p.replaceFile(ctx, ref.Key()+PinSuffix, text)
	}
	if err != nil {
		return fmt.Errorf("pin %s: %w", p.label(ref.Key()), err)
	}
	return nil
}

// Pin returns the pin of a copy, nil if it has none.
func (p *Place) Pin(ctx context.Context, c *Copy) (*Pin, error) {
	if !slices.Contains(c.Beside, PinSuffix) {
		return nil, nil
	}
	text, err := p.ReadFile(ctx, c.Ref, PinSuffix)
	if errors.Is(err, store.ErrNotExist) {
		return nil, nil // taken away meanwhile
	}
	if err != nil {
		return nil, fmt.Errorf("read the pin of %s: %w", p.label(c.Key()), err)
	}
	return DecodePin(text), nil
}

// replaceFile writes a note about a backup, in the place of one that is there.
func (p *Place) replaceFile(ctx context.Context, key string, text []byte) error {
	if r, ok := p.Store.(store.Replacer); ok {
		return r.Replace(ctx, key, text)
	}
	err := p.Store.Put(ctx, key, bytes.NewReader(text))
	if !errors.Is(err, store.ErrExist) {
		return err
	}
	if err := p.Store.Delete(ctx, key); err != nil {
		return err
	}
	return p.Store.Put(ctx, key, bytes.NewReader(text))
}

// sharePins gives every copy of a backup the pin that was set last.
func (s *syncing) sharePins(ctx context.Context, ref Ref, broken map[*Place]bool) error {
	pins := map[*Place]*Pin{}
	var last *Pin
	var errs []error
	for _, p := range s.places {
		c := s.copies[ref][p]
		if c == nil || broken[p] {
			continue
		}
		pin, err := p.Pin(ctx, c)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		pins[p] = pin
		if pin != nil && (last == nil || later(pin, last)) {
			last = pin
		}
	}
	for _, p := range s.places {
		own, known := pins[p]
		if last == nil || !known || own != nil && *own == *last || own == nil && !last.Active(s.o.Now) {
			continue
		}
		errs = append(errs, p.PutPin(ctx, ref, *last))
	}
	return errors.Join(errs...)
}

// later reports whether a was set after b; of two at once the longer one counts.
func later(a, b *Pin) bool {
	if !a.Since.Equal(b.Since) {
		return a.Since.After(b.Since)
	}
	return a.Until.After(b.Until)
}
