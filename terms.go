package litekeep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/retention"
	"github.com/litekeep/litekeep/internal/vault"
)

// A ServiceRule is what a service keeps of a database, as it noted it beside the
// backups.
type ServiceRule struct {
	Rule          string // in words, for people
	Configuration string // path of the service's configuration, on its machine
}

// ownRetention reports whether somebody chose the retention of c: what a service
// noted beside the backups does not count then.
func (c Config) ownRetention() bool {
	d := Config{}.withDefaults()
	return c.OwnRetention || c.RetentionDays != d.RetentionDays || c.KeepWithin != 0 || c.KeepLast != d.KeepLast ||
		c.KeepHourly != 0 || c.KeepDaily != 0 || c.KeepWeekly != 0 || c.KeepMonthly != 0 || c.KeepYearly != 0 ||
		c.KeepMinimum != d.KeepMinimum || c.TrashGrace != 0
}

// NoteRetention notes the retention of the Config beside the backups of its database,
// in BackupDirectory and in each of the Copies, for a service whose configuration is
// the file at that path. Whoever prunes there with a Config that has no retention of
// its own keeps the same; where prune is false, everything. Nothing is written where
// just that is noted, or where there is no backup yet. A destination that cannot be
// reached is an error, and the others get the note all the same.
func (s *Service) NoteRetention(ctx context.Context, configuration string, prune bool) error {
	if err := s.cfg.validateAnywhere(); err != nil {
		return err
	}
	note := func(p *vault.Place, database string) error {
		if used, err := p.Used(ctx, database); err != nil || !used {
			return err
		}
		return p.WriteNote(ctx, database, retention.Note{Policy: p.Policy, Grace: p.Grace, Prune: prune, Configuration: configuration})
	}
	texts := s.cfg.Copies
	var errs []error
	if destination.IsURL(s.cfg.BackupDirectory) {
		texts = append([]string{s.cfg.BackupDirectory}, texts...)
	} else {
		errs = append(errs, s.noteOwn(note))
	}
	if len(texts) > 0 {
		places, closeAll, openErrs := s.places(ctx, texts, false)
		defer closeAll()
		errs = append(errs, openErrs...)
		for _, p := range places {
			errs = append(errs, note(p, s.cfg.Name))
		}
	}
	return explain("note the retention", "", errors.Join(errs...))
}

// noteOwn calls note with the folder of the database. It takes no lock: the file is
// replaced as a whole, and a run that sweeps meanwhile costs no more than the note.
func (s *Service) noteOwn(note func(*vault.Place, string) error) error {
	own, err := s.ownPlace(s.cfg.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was ever backed up there
	}
	if err != nil {
		return err
	}
	defer own.Close()
	return note(&own.Place, own.database)
}

// termsOf makes what tells the terms of a place: those that a service noted there or,
// of a copy without a note, in BackupDirectory. text is the destination with the
// parameters that count before these, "" for a folder of BackupDirectory. It is nil
// where the Config has a retention of its own.
func (s *Service) termsOf(p *vault.Place, text string) func(context.Context, string) vault.Terms {
	if s.cfg.ownRetention() {
		return nil
	}
	at := *p
	var mu sync.Mutex
	known := map[string]vault.Terms{} // a place is asked once for each database
	return func(ctx context.Context, database string) vault.Terms {
		mu.Lock()
		defer mu.Unlock()
		terms, ok := known[database]
		if !ok {
			terms = s.noted(ctx, &at, text, database)
			if ctx.Err() == nil {
				known[database] = terms
			}
		}
		return terms
	}
}

// noted returns the terms of a database in a place.
func (s *Service) noted(ctx context.Context, p *vault.Place, text, database string) vault.Terms {
	terms := vault.Terms{Policy: p.Policy, Grace: p.Grace}
	label := p.NoteLabel(database)
	note, err := p.ReadNote(ctx, database)
	if err == nil && note == nil && text != "" && !destination.IsURL(s.cfg.BackupDirectory) {
		label = filepath.Join(s.cfg.BackupDirectory, database, retention.NoteFile)
		note, err = readNote(label)
	}
	if err == nil && note != nil {
		terms.Note, terms.Policy, terms.Grace = note, note.Policy, note.Grace
		if text != "" {
			terms.Policy, terms.Grace, err = destination.Retention(text, note.Policy, note.Grace)
		}
	}
	switch {
	case err != nil:
		terms.Hold = fmt.Sprintf("nothing is pruned: %s has the rule of a service, and cannot be used: %v; "+
			"start the service, which writes it again, or give a rule (--keep-…), or remove the file where no service keeps these backups", label, err)
		terms.Grace = max(terms.Grace, retention.DefaultKeepWithin) // so that what is deleted by hand can be taken back
	case note != nil && !note.Prune:
		terms.Hold = fmt.Sprintf("nothing is pruned: the service of %s keeps every backup (prune: false); --keep-… overrides", note.Configuration)
	}
	return terms
}

// readNote reads a note from a file, nil if there is none.
func readNote(path string) (*retention.Note, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return retention.DecodeNote(text)
}

// serviceRule is what a decision says of the rule that it went by.
func serviceRule(t vault.Terms) *ServiceRule {
	if t.Note == nil || !t.Note.Prune {
		return nil
	}
	return &ServiceRule{Rule: retention.Words(t.Policy, t.Grace), Configuration: t.Note.Configuration}
}

// HeldBack returns why decisions were held back, each reason once.
func HeldBack(all []Decision) []string {
	var why []string
	for _, d := range all {
		if d.Held != "" && !slices.Contains(why, d.Held) {
			why = append(why, d.Held)
		}
	}
	return why
}
