package service

import (
	"context"
	"fmt"
	"strings"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/audit"
)

// start admits a request and begins its run; the end is recorded as well.
func (s *Service) start(ctx context.Context, by access.Principal, a act, order func(*keeper) (order, error)) (*Run, error) {
	k, err := s.check(ctx, by, a)
	if err != nil {
		return nil, err
	}
	o, err := order(k)
	if err != nil {
		_ = s.record(ctx, by, a, audit.Refused, err) // it is not done in any case
		return nil, err
	}
	if _, err := s.admit(ctx, by, a); err != nil {
		return nil, err
	}
	o.trigger, o.by = triggerRequest, by.Name
	o.ended = func(r Run) {
		var err error
		if !r.Outcome.good() {
			err = fmt.Errorf("%s: %s", r.Outcome, r.Error)
		}
		_ = s.done(ctx, by, a, err)
	}
	j, err := s.begin(k, o)
	if err != nil {
		return nil, s.done(ctx, by, a, err)
	}
	r := j.snapshot(false)
	return &r, nil
}

// backupOf looks up a backup by its file name.
func (s *Service) backupOf(ctx context.Context, k *keeper, file string) (*litekeep.Backup, error) {
	l := k.listing(ctx, s.now())
	if l.err != nil {
		return nil, l.err
	}
	b := l.find(file)
	if b == nil {
		return nil, fmt.Errorf("backup %q of %s: %w", file, k.name, ErrNotFound)
	}
	return b, nil
}

// StartBackup begins a backup. It returns at once; Wait waits.
func (s *Service) StartBackup(ctx context.Context, by access.Principal, database string) (*Run, error) {
	a := act{action: access.Backup, database: database}
	return s.start(ctx, by, a, func(k *keeper) (order, error) {
		return order{kind: KindBackup, act: s.backupAct(k)}, nil
	})
}

// StartVerify begins to read a backup from end to end.
func (s *Service) StartVerify(ctx context.Context, by access.Principal, database, file string) (*Run, error) {
	a := act{action: access.Verify, database: database, object: file}
	return s.start(ctx, by, a, func(k *keeper) (order, error) {
		b, err := s.backupOf(ctx, k, file)
		if err != nil {
			return order{}, err
		}
		return order{kind: KindVerify, backup: file, act: s.verifyAct(b.Path)}, nil
	})
}

// StartRestore begins a restore, or its dry run.
func (s *Service) StartRestore(ctx context.Context, by access.Principal, database string, r RestoreRequest) (*Run, error) {
	a := act{action: access.Restore, database: database, object: r.File, detail: r.Reason}
	if r.DryRun {
		a.detail = "dry run"
	}
	return s.start(ctx, by, a, func(k *keeper) (order, error) {
		b, err := s.backupOf(ctx, k, r.File)
		switch {
		case err != nil:
			return order{}, err
		case !r.DryRun && r.Confirm != k.name:
			return order{}, fmt.Errorf("%w: to confirm, give the name of the database that is to be replaced", ErrRequest)
		case !r.DryRun && strings.TrimSpace(r.Reason) == "":
			return order{}, fmt.Errorf("%w: a restore needs a reason, for the audit log", ErrRequest)
		}
		return order{kind: KindRestore, backup: r.File, dryRun: r.DryRun, reason: strings.TrimSpace(r.Reason), act: s.restoreAct(k, b.Path, r)}, nil
	})
}

// StartCleanup begins to remove what the retention does not keep.
func (s *Service) StartCleanup(ctx context.Context, by access.Principal, database string) (*Run, error) {
	a := act{action: access.Prune, database: database}
	return s.start(ctx, by, a, func(k *keeper) (order, error) {
		if why := k.pruningPaused(); why != "" {
			return order{}, fmt.Errorf("%w: nothing is removed while %s; accept the size first if it is right", ErrRequest, why)
		}
		return order{kind: KindCleanup, act: s.cleanupAct(k)}, nil
	})
}

// StartSync begins to copy what a destination lacks.
func (s *Service) StartSync(ctx context.Context, by access.Principal, database string) (*Run, error) {
	a := act{action: access.Sync, database: database}
	return s.start(ctx, by, a, func(k *keeper) (order, error) {
		if len(k.conf.Load().core.Copies) == 0 {
			return order{}, fmt.Errorf("%w: %s has one destination only", ErrRequest, database)
		}
		return order{kind: KindSync, act: s.syncAct(k)}, nil
	})
}

// PreviewCleanup says what a cleanup would do, backup by backup.
func (s *Service) PreviewCleanup(ctx context.Context, by access.Principal, database string) ([]litekeep.Decision, error) {
	k, err := s.may(ctx, by, access.CleanupPreview, database)
	if err != nil {
		return nil, err
	}
	return k.conf.Load().whole.CleanupOldBackups(ctx, true)
}

// Wait waits until a run has ended, and returns it. When ctx ends first it
// returns the run as it is, without an error.
func (s *Service) Wait(ctx context.Context, by access.Principal, id string) (*Run, error) {
	j := s.active(id) // first: where there is none, the run that is found has ended
	r, err := s.Run(ctx, by, id)
	if err != nil || j == nil {
		return r, err
	}
	select {
	case <-j.done:
	case <-ctx.Done():
	}
	now := j.snapshot(true)
	return &now, nil
}

// CancelRun stops a run that goes on.
func (s *Service) CancelRun(ctx context.Context, by access.Principal, id string) (*Run, error) {
	r, err := s.Run(ctx, by, id)
	if err != nil {
		return nil, err
	}
	a := act{action: r.Kind.Action(), database: r.Database, object: id, detail: "cancel"}
	if _, err := s.admit(ctx, by, a); err != nil {
		return nil, err
	}
	j := s.active(id)
	if j == nil {
		return nil, s.done(ctx, by, a, fmt.Errorf("%w: the run has ended", ErrRequest))
	}
	j.cancel(errCancelled)
	_ = s.done(ctx, by, a, nil)
	now := j.snapshot(false)
	return &now, nil
}
