package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/litekeep/litekeep/internal/retention"
	"github.com/litekeep/litekeep/internal/store"
)

// Terms are what a place keeps of one database.
type Terms struct {
	Policy retention.Policy
	Grace  time.Duration
	// Hold says why nothing may be removed that the Policy would drop, "" if it may:
	// neither a backup that is listed, nor one whose time in the trash is over. What
	// somebody removes by hand goes.
	Hold string
	// Note is what a service noted, nil where the terms are somebody else's.
	Note *retention.Note
}

// Terms returns what the place keeps of a database.
func (p *Place) Terms(ctx context.Context, database string) Terms {
	if p.TermsOf == nil {
		return Terms{Policy: p.Policy, Grace: p.Grace}
	}
	return p.TermsOf(ctx, database)
}

// plan is retention.Plan, by the terms of each database.
func (p *Place) plan(ctx context.Context, backups []retention.Backup, now time.Time) []retention.Decision {
	if p.TermsOf == nil {
		return retention.Plan(p.Policy, backups, now)
	}
	databases := map[string][]retention.Backup{}
	for _, b := range backups {
		name := ""
		if ref, ok := ParseKey(b.ID); ok {
			name = ref.Database
		}
		databases[name] = append(databases[name], b)
	}
	var all []retention.Decision
	for _, name := range slices.Sorted(maps.Keys(databases)) {
		terms := p.Terms(ctx, name)
		for _, d := range retention.Plan(terms.Policy, databases[name], now) {
			if !d.Keep && terms.Hold != "" {
				d.Keep, d.Rules, d.Reason = true, []retention.Rule{retention.RuleHeld}, terms.Hold
			}
			all = append(all, d)
		}
	}
	return all
}

// noteKey is the key of the note of a database.
func noteKey(database string) string { return path.Join(database, retention.NoteFile) }

// NoteLabel is what messages call the note of a database.
func (p *Place) NoteLabel(database string) string { return p.label(noteKey(database)) }

// ReadNote reads what a service noted of a database, nil if none did.
func (p *Place) ReadNote(ctx context.Context, database string) (*retention.Note, error) {
	text, err := p.readNote(ctx, database)
	if errors.Is(err, store.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return retention.DecodeNote(text)
}

func (p *Place) readNote(ctx context.Context, database string) ([]byte, error) {
	r, err := p.Store.Get(ctx, noteKey(database))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, retention.MaxNote+1))
}

// WriteNote notes what a service keeps of a database, unless just that is noted.
func (p *Place) WriteNote(ctx context.Context, database string, n retention.Note) error {
	text, err := retention.EncodeNote(n)
	if err != nil {
		return err
	}
	if had, err := p.readNote(ctx, database); err == nil && bytes.Equal(had, text) {
		return nil
	}
	if err := p.replaceFile(ctx, noteKey(database), text); err != nil {
		return fmt.Errorf("write %s: %w", p.NoteLabel(database), err)
	}
	return nil
}
