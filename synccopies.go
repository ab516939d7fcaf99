package litekeep

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/vault"
)

// A SyncAction is a copy that SyncCopies made, or would make.
type SyncAction struct {
	From      string    `json:"from,omitempty"` // "" when no place has a good copy
	To        string    `json:"to"`
	Path      string    `json:"backup_path"` // of the copy
	Database  string    `json:"database"`
	Timestamp time.Time `json:"timestamp"`
	SizeBytes int64     `json:"size_bytes"`
	Repair    bool      `json:"repair,omitempty"` // in the place of a damaged copy
	Done      bool      `json:"done"`
	Error     string    `json:"error,omitempty"`
}

// SyncOptions are the choices of SyncCopies.
type SyncOptions struct {
	// Full reads every byte of every copy to find damaged ones. Otherwise a copy
	// counts as damaged if its object is missing or has another size.
	Full   bool
	DryRun bool
	// Keys, if not nil, is called with the path of each copy that is given the keys of
	// a rotation, or would be. It counts as no action.
	Keys func(path string)
}

// SyncCopies copies what a destination lacks from one that has it whole, which is
// read from end to end first, and repairs damaged copies. What the retention of a
// destination would drop, or what is in its trash, is not copied to it. Rewrapped
// keys and pins are brought to all copies. It holds the locks of the databases that
// BackupDirectory has, since a backup removes what it takes for the rest of an
// interrupted run.
func (s *Service) SyncCopies(ctx context.Context, o SyncOptions) (_ []SyncAction, err error) {
	if err := s.cfg.Validate(); err != nil {
		return nil, err
	}
	if !o.DryRun {
		unlock, busy := s.lockAll(ctx, "sync")
		if busy != nil {
			return nil, explain("sync", s.cfg.BackupDirectory, busy)
		}
		defer func() { err = errors.Join(err, unlock()) }()
	}
	places, closeAll, errs := s.places(ctx, nil, !o.DryRun)
	defer closeAll()
	level := vault.Quick
	if o.Full {
		level = vault.Full
	}
	actions, err := vault.Sync(ctx, places, vault.SyncOptions{
		Database: s.cfg.Name, Level: level, DryRun: o.DryRun, Now: s.now(),
		Keys: func(place string, ref vault.Ref) {
			if o.Keys != nil {
				o.Keys(destination.Join(place, ref))
			}
		},
		Report: func(a vault.Action) {
			s.log.Info("sync", "backup", a.Key(), "from", a.From, "to", a.Place, "done", a.Done, "error", a.Err)
		},
	})
	all := make([]SyncAction, 0, len(actions))
	for _, a := range actions {
		at, _, _ := manifest.ParseObjectName(a.Object)
		action := SyncAction{
			From: a.From, To: a.Place, Path: destination.Join(a.Place, a.Ref), Database: a.Database,
			Timestamp: at.Time, SizeBytes: a.Bytes, Repair: a.Repair, Done: a.Done,
		}
		if a.Err != nil {
			action.Error = a.Err.Error()
		}
		all = append(all, action)
	}
	return all, explain("sync", "", errors.Join(append(errs, err)...))
}

// lockAll takes the locks on the backups of all databases in BackupDirectory, or
// of the configured one.
func (s *Service) lockAll(ctx context.Context, command string) (unlock func() error, err error) {
	var held []func() error
	unlock = func() error {
		var errs []error
		for _, u := range held {
			errs = append(errs, u())
		}
		return errors.Join(errs...)
	}
	names, err := s.names()
	if errors.Is(err, os.ErrNotExist) {
		return unlock, nil
	}
	for _, name := range names {
		var u func() error
		if u, err = s.lock(ctx, name, command); err != nil {
			break
		}
		held = append(held, u)
	}
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	return unlock, nil
}
