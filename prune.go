package litekeep

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/vault"
)

// A Decision says what the retention does with one backup, and why.
type Decision struct {
	Path string `json:"backup_path"`
	// Destination is the place of the copy, "" for BackupDirectory.
	Destination string `json:"destination,omitempty"`

	Database string    `json:"database"`
	Time     time.Time `json:"timestamp"`
	Size     int64     `json:"size_bytes"`
	Keep     bool      `json:"keep"`
	// Rules are those that keep it, in words for programs: pinned, newest, minimum,
	// last, within, hourly, daily, weekly, monthly, yearly, future, unknown-time,
	// none-verified, none-newer, held. None where it is dropped, or kept by a lock.
	Rules   []string `json:"rules"`
	Reason  string   `json:"reason"` // all of them, or what it missed, for people
	Future  bool     `json:"clock_in_future,omitempty"`
	Trashed bool     `json:"trashed"`         // moved to the trash; false in a dry run
	Removed bool     `json:"removed"`         // gone; false in a dry run
	Error   string   `json:"error,omitempty"` // why it could not be removed

	// ServiceRule is the rule of a service by which it was decided, nil if it was the
	// Config's. Held says why nothing may go, where the rule of a service cannot be used
	// or is to keep everything; what would have gone has the rule "held" then.
	ServiceRule *ServiceRule `json:"-"`
	Held        string       `json:"-"`
}

// CleanupOldBackups removes the backups of the configured database, or of all
// databases if the Config names none, that the retention does not keep: in
// BackupDirectory and in the other destinations, each of which may have a retention
// of its own. The newest verified backup of each database always stays. With a
// TrashGrace they go to the trash, and what was there for the TrashGrace of the run
// that dropped it is removed. In a dry run nothing changes.
//
// It returns a decision for every backup, and for every one that goes from the
// trash; a backup that could not be removed is tried again by the next cleanup, and
// makes the error not nil.
//
// BackupDirectory may be the URL of a destination here.
func (s *Service) CleanupOldBackups(ctx context.Context, dryRun bool) ([]Decision, error) {
	if err := s.cfg.validateAnywhere(); err != nil {
		return nil, err
	}
	if destination.IsURL(s.cfg.BackupDirectory) {
		all, err := s.pruneAt(ctx, append([]string{s.cfg.BackupDirectory}, s.cfg.Copies...), s.cfg.Name, dryRun)
		return all, explain("prune", "", err)
	}
	names, err := s.names()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, explain("prune", s.cfg.BackupDirectory, err)
	}
	var all []Decision
	var errs []error
	for _, name := range names {
		d, err := s.cleanup(ctx, name, dryRun)
		all = append(all, d...)
		if err != nil {
			errs = append(errs, explain("prune", filepath.Join(s.cfg.BackupDirectory, name), err))
		}
	}
	copies, err := s.pruneAt(ctx, s.cfg.Copies, s.cfg.Name, dryRun)
	if err != nil {
		errs = append(errs, explain("prune", "", err))
	}
	return append(all, copies...), errors.Join(errs...)
}

func (s *Service) cleanup(ctx context.Context, name string, dryRun bool) (d []Decision, err error) {
	if used, err := s.used(ctx, name); err != nil || !used {
		return nil, err // not even a lock is made in a folder of somebody else
	}
	if dryRun {
		return s.prune(ctx, name, true)
	}
	unlock, err := s.lock(ctx, name, "prune")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := s.sweep(filepath.Join(s.cfg.BackupDirectory, name)); err != nil {
		return nil, err
	}
	return s.prune(ctx, name, false)
}

// prune applies the retention to one database, whose lock the caller holds
// unless it is a dry run.
func (s *Service) prune(ctx context.Context, name string, dryRun bool) ([]Decision, error) {
	own, err := s.ownPlace(name)
	if err != nil {
		return nil, err
	}
	defer own.Close()
	found, err := own.Prune(ctx, own.database, s.now(), dryRun)
	all := s.decisions(found, own.path)
	for i := range all {
		all[i].Database = name
	}
	return all, err
}

// pruneAfter applies the retention in all places after the backup b, unless it is a
// safety backup or replaces nothing. What went wrong is a warning of b.
func (s *Service) pruneAfter(ctx context.Context, b *Backup, p *vault.Pin) {
	if b.Verified.IsZero() || p != nil || s.cfg.NoPrune || b.SharedWith != "" {
		return
	}
	own, err := s.prune(ctx, s.cfg.Name, false)
	copies, copiesErr := s.pruneAt(ctx, s.cfg.Copies, s.cfg.Name, false)
	b.Pruned = append(own, copies...)
	b.warn(HeldBack(b.Pruned)...)
	if err := errors.Join(err, copiesErr); err != nil {
		b.warn("old backups were not all removed: " + err.Error())
	}
}

// pruneAt applies the retention of each of some destinations. One that fails does
// not stop the next.
func (s *Service) pruneAt(ctx context.Context, texts []string, database string, dryRun bool) ([]Decision, error) {
	if len(texts) == 0 {
		return nil, nil
	}
	places, closeAll, errs := s.places(ctx, texts, false)
	defer closeAll()
	var all []Decision
	for _, p := range places {
		found, err := p.Prune(ctx, database, s.now(), dryRun)
		errs = append(errs, err)
		all = append(all, s.decisionsAt(found, p.Name)...)
	}
	return all, errors.Join(errs...)
}

// decisionsAt is decisions of a destination.
func (s *Service) decisionsAt(found []vault.Decision, text string) []Decision {
	all := s.decisions(found, func(ref vault.Ref) string { return destination.Join(text, ref) })
	for i := range all {
		all[i].Destination = text
	}
	return all
}

// decisions are those of a place as the caller gets them, with the path of each
// backup.
func (s *Service) decisions(found []vault.Decision, path func(vault.Ref) string) []Decision {
	var all []Decision
	for _, v := range found {
		d := Decision{
			Path: path(v.Ref), Database: v.Database, Time: v.Time, Size: v.Bytes, Keep: v.Keep, Rules: []string{},
			Reason: v.Reason, Future: v.Future, Trashed: v.Trashed, Removed: v.Removed,
			ServiceRule: serviceRule(v.Terms), Held: v.Terms.Hold,
		}
		for _, r := range v.Rules {
			d.Rules = append(d.Rules, string(r))
		}
		switch {
		case v.Err != nil:
			d.Error = v.Err.Error()
		case v.Removed:
			s.log.Info("removed backup", "path", d.Path, "reason", d.Reason)
		case v.Trashed:
			s.log.Info("moved backup to the trash", "path", d.Path, "reason", d.Reason)
		}
		all = append(all, d)
	}
	return all
}
