package service

import (
	"context"
	"errors"
	"fmt"

	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/audit"
)

// An act is what somebody wants to do, as the audit log has it.
type act struct {
	action   access.Action
	database string
	object   string // file name of a backup, id of a run or token
	detail   string // the reason that was given
}

// may says whether by may look at a database, or at all databases that it may
// see if it is "". What is not there and what may not be seen are the same to
// whoever asks. Looking is not recorded; being refused is.
func (s *Service) may(ctx context.Context, by access.Principal, action access.Action, database string) (*keeper, error) {
	return s.check(ctx, by, act{action: action, database: database})
}

func (s *Service) check(ctx context.Context, by access.Principal, a act) (*keeper, error) {
	if err := by.May(a.action, a.database); err != nil {
		if by.Known() { // strangers could fill the log; the guard before HTTP notes these, within limits
			_ = s.record(ctx, by, a, audit.Refused, err) // refused it is in any case
		}
		if a.database != "" && !by.Sees(a.database) && !errors.Is(err, access.ErrUnauthenticated) {
			return nil, fmt.Errorf("database %s: %w", a.database, ErrNotFound)
		}
		return nil, err
	}
	if a.database == "" {
		return nil, nil
	}
	d := s.find(a.database)
	if d == nil {
		return nil, fmt.Errorf("database %s: %w", a.database, ErrNotFound)
	}
	return d, nil
}

// admit checks that by may do what changes something, and records it before it
// happens. What fails closed is not done without a record.
func (s *Service) admit(ctx context.Context, by access.Principal, a act) (*keeper, error) {
	d, err := s.check(ctx, by, a)
	if err != nil {
		return nil, err
	}
	if err := s.record(ctx, by, a, audit.Allowed, nil); err != nil && a.action.FailsClosed() {
		return nil, err
	}
	return d, nil
}

// record adds an entry to the audit log.
func (s *Service) record(ctx context.Context, by access.Principal, a act, outcome audit.Outcome, cause error) error {
	e := audit.Entry{
		Actor: by.Name, ActorID: by.ID, Role: string(by.Role), From: by.From, Action: string(a.action),
		Database: a.database, Object: a.object, Outcome: outcome, Detail: a.detail, Request: RequestID(ctx),
	}
	if cause != nil && e.Detail != "" {
		e.Detail += ": "
	}
	if cause != nil {
		e.Detail += cause.Error()
	}
	if _, err := s.o.Audit.Append(e); err != nil {
		s.log.Error("audit log cannot be written", "error", err)
		s.auditTrouble.Store(&err)
		return fmt.Errorf("%w: %w", ErrAudit, err)
	}
	s.auditTrouble.Store(nil)
	return nil
}

// done records how something that was admitted ended.
func (s *Service) done(ctx context.Context, by access.Principal, a act, err error) error {
	outcome := audit.Done
	if err != nil {
		outcome = audit.Failed
	}
	_ = s.record(context.WithoutCancel(ctx), by, a, outcome, err) // it has happened
	return err
}
