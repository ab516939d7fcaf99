package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/access"
	"github.com/litekeep/litekeep/internal/audit"
	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/notify"
	"github.com/litekeep/litekeep/internal/state"
)

// Events returns what happens from now on, until ctx or the service ends.
// Whoever reads too slowly misses events, see Event.Missed.
func (s *Service) Events(ctx context.Context, by access.Principal) (iter.Seq[Event], error) {
	if _, err := s.may(ctx, by, access.See, ""); err != nil {
		return nil, err
	}
	return s.hub.watch(ctx, by.ID, by.Sees)
}

// Run returns one run with its log.
func (s *Service) Run(ctx context.Context, by access.Principal, id string) (*Run, error) {
	r, err := s.runByID(ctx, id)
	if err != nil {
		return nil, err
	}
	if _, err := s.may(ctx, by, access.See, r.Database); err != nil {
		return nil, err
	}
	return r, nil
}

func (s *Service) runByID(ctx context.Context, id string) (*Run, error) {
	if j := s.active(id); j != nil {
		r := j.snapshot(true)
		return &r, nil
	}
	if r, ok := s.recent.get(id); ok {
		return &r, nil
	}
	stored, err := s.o.State.Run(ctx, id)
	if errors.Is(err, state.ErrNotFound) {
		return nil, fmt.Errorf("run %q: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read the run: %w", err)
	}
	r := fromState(stored)
	return &r, nil
}

// active returns the job of a run that is queued or goes on, nil if there is none.
func (s *Service) active(id string) *job {
	for _, k := range s.all() {
		k.mu.Lock()
		j := k.job
		k.mu.Unlock()
		if j != nil && j.snapshot(false).ID == id {
			return j
		}
	}
	return nil
}

// Bounds of lists of runs.
const (
	defaultRuns = 50
	maxRuns     = 500
)

// Runs returns runs, newest first, without their logs.
func (s *Service) Runs(ctx context.Context, by access.Principal, f RunFilter) ([]Run, error) {
	if _, err := s.may(ctx, by, access.See, f.Database); err != nil {
		return nil, err
	}
	if f.Limit <= 0 {
		f.Limit = defaultRuns
	}
	f.Limit = min(f.Limit, maxRuns)
	filter := state.RunFilter{
		Database: f.Database, Databases: by.Databases, Kind: string(f.Kind), Outcome: string(f.Outcome),
		Before: f.Before, Limit: f.Limit,
	}
	stored, err := s.o.State.Runs(ctx, filter)
	s.books.keep("read the runs", err)
	runs := fromStates(stored)
	if err != nil {
		runs = s.recent.list() // better than nothing
	}
	for _, k := range s.all() { // what goes on is newer than the state knows
		k.mu.Lock()
		j := k.job
		k.mu.Unlock()
		if j == nil {
			continue
		}
		now := j.snapshot(false)
		if i := slices.IndexFunc(runs, func(r Run) bool { return r.ID == now.ID }); i >= 0 {
			runs[i] = now
		} else {
			runs = append(runs, now)
		}
	}
	runs = slices.DeleteFunc(runs, func(r Run) bool {
		return !by.Sees(r.Database) || f.Database != "" && r.Database != f.Database ||
			f.Kind != "" && r.Kind != f.Kind || f.Outcome != "" && r.Outcome != f.Outcome || f.Before != "" && r.ID >= f.Before
	})
	slices.SortFunc(runs, func(a, b Run) int { return strings.Compare(b.ID, a.ID) })
	for i := range runs {
		runs[i] = runs[i].brief()
	}
	return runs[:min(len(runs), f.Limit)], nil
}

// Channels tells how the channels of notifications fare.
func (s *Service) Channels(ctx context.Context, by access.Principal) ([]ChannelStatus, error) {
	if _, err := s.may(ctx, by, access.See, ""); err != nil {
		return nil, err
	}
	list := []ChannelStatus{}
	if len(by.Databases) > 0 {
		return list, nil // they tell of other databases too
	}
	for _, c := range s.o.Teller.Status() {
		list = append(list, ChannelStatus{
			Name: c.Name, Type: c.Type, OK: !c.Failing, Pending: c.Pending, LastSuccess: c.LastSuccess,
			LastError: c.LastError, LastFailure: c.LastFailure,
		})
	}
	return list, nil
}

// TestChannel sends a test message through one channel, or all if it is "".
func (s *Service) TestChannel(ctx context.Context, by access.Principal, name string) error {
	a := act{action: access.Notify, object: name}
	if _, err := s.admit(ctx, by, a); err != nil {
		return err
	}
	var errs []error
	found := name == ""
	for _, c := range s.o.Teller.Status() {
		if name == "" || c.Name == name {
			found = true
			errs = append(errs, s.o.Teller.Test(ctx, c.Name))
		}
	}
	if !found {
		errs = append(errs, fmt.Errorf("channel %q: %w", name, ErrNotFound))
	}
	return s.done(ctx, by, a, errors.Join(errs...))
}

// Settings returns the configuration as people may see it.
func (s *Service) Settings(ctx context.Context, by access.Principal) ([]Setting, error) {
	if _, err := s.may(ctx, by, access.See, ""); err != nil {
		return nil, err
	}
	list := []Setting{}
	for _, l := range s.config().Lines() {
		if name, ok := strings.CutPrefix(l.Section, "database "); len(by.Databases) > 0 && (!ok || !by.Sees(name)) {
			continue // who is limited to some databases sees nothing of the rest
		}
		list = append(list, Setting{Section: l.Section, Key: l.Key, Value: l.Value})
	}
	return list, nil
}

// Reload takes the configuration file again. It returns what changed, in words.
// When the file is not valid the configuration stays as it is.
func (s *Service) Reload(ctx context.Context, by access.Principal) ([]string, error) {
	a := act{action: access.Reload}
	if _, err := s.admit(ctx, by, a); err != nil {
		return nil, err
	}
	changed, err := s.reload(ctx)
	if err != nil {
		s.o.Teller.Report(s.base, notify.Event{Kind: notify.KindConfigRefused, Time: s.now(), Cause: err.Error(), Next: s.checkLine()})
	} else {
		s.reportLoaded()
	}
	return changed, s.done(ctx, by, a, err)
}

// reportLoaded tells that the configuration is one that can be used, if one was not.
func (s *Service) reportLoaded() {
	s.o.Teller.Report(s.base, notify.Event{
		Kind: notify.KindRecovered, Time: s.now(), Summary: "the configuration is valid again, and in force",
		Clears: []notify.Kind{notify.KindConfigRefused},
	})
}

func (s *Service) reload(ctx context.Context) ([]string, error) {
	if s.o.Load == nil {
		return nil, fmt.Errorf("%w: there is no file to load again", ErrRequest)
	}
	s.adopting.Lock()
	defer s.adopting.Unlock()
	next, err := s.o.Load()
	if err != nil {
		return nil, &litekeep.Error{Op: "reload", Kind: litekeep.ErrConfig, Err: err, Hint: "the old configuration stays in force"}
	}
	next = s.expand(ctx, next)
	changed := config.Changes(s.config(), next)
	s.adopt(ctx, next, true)
	if s.o.Adopted != nil {
		if err := s.o.Adopted(next); err != nil {
			return changed, err
		}
	}
	s.reportFleet(next)
	for _, c := range changed {
		s.log.Info("configuration changed", "what", c)
	}
	s.hub.send(Event{Time: s.now(), Type: "config"})
	s.poke()
	return changed, nil
}

// Bounds of lists of audit entries.
const (
	defaultEntries = 100
	maxEntries     = 1000
)

// Audit returns entries of the audit log, newest first.
func (s *Service) Audit(ctx context.Context, by access.Principal, f AuditFilter) ([]AuditEntry, error) {
	if _, err := s.may(ctx, by, access.ReadAudit, ""); err != nil {
		return nil, err
	}
	if f.Limit <= 0 {
		f.Limit = defaultEntries
	}
	filter := audit.Filter{
		Database: f.Database, Action: f.Action, Actor: f.Actor, Since: f.Since, Until: f.Until, Limit: min(f.Limit, maxEntries),
	}
	list := []AuditEntry{}
	for e, err := range audit.Entries(s.o.AuditFolder, filter) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		list = append(list, AuditEntry{
			Seq: e.Seq, Time: e.Time, Actor: e.Actor, Role: e.Role, From: e.From, Action: e.Action, Database: e.Database,
			Object: e.Object, Outcome: string(e.Outcome), Detail: e.Detail, Request: e.Request,
		})
	}
	return list, nil
}

// VerifyAudit checks the chain of the audit log.
func (s *Service) VerifyAudit(ctx context.Context, by access.Principal) (*AuditReport, error) {
	if _, err := s.may(ctx, by, access.ReadAudit, ""); err != nil {
		return nil, err
	}
	r, err := audit.Verify(s.o.AuditFolder, audit.VerifyOptions{Anchors: []audit.Head{s.o.Audit.Head(), s.books.auditHead(ctx)}})
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	out := &AuditReport{OK: r.OK(), Entries: r.Entries, Problems: []string{}}
	for _, p := range r.Problems {
		out.Problems = append(out.Problems, p.String())
	}
	return out, nil
}

// Tokens lists the tokens.
func (s *Service) Tokens(ctx context.Context, by access.Principal) ([]Token, error) {
	if _, err := s.may(ctx, by, access.Tokens, ""); err != nil {
		return nil, err
	}
	tokens, err := s.o.Tokens.List(ctx)
	if err != nil {
		return nil, err
	}
	list := []Token{}
	for _, t := range tokens {
		list = append(list, shownToken(t))
	}
	return list, nil
}

func shownToken(t access.Token) Token {
	return Token{
		ID: t.ID, Name: t.Name, Role: string(t.Role), Databases: append([]string{}, t.Databases...),
		Created: t.Created, Expires: t.Expires, LastUsed: t.LastUsed, Revoked: t.Revoked,
	}
}

// CreateToken makes a token. secret is shown this once.
func (s *Service) CreateToken(ctx context.Context, by access.Principal, t Token) (made *Token, secret string, err error) {
	a := act{action: access.Tokens, object: t.Name, detail: "create " + t.Role}
	if _, err := s.admit(ctx, by, a); err != nil {
		return nil, "", err
	}
	for _, name := range t.Databases {
		if s.find(name) == nil {
			return nil, "", s.done(ctx, by, a, fmt.Errorf("%w: no database is called %q", ErrRequest, name))
		}
	}
	n := access.NewToken{Name: t.Name, Role: access.Role(t.Role), Databases: t.Databases, Never: t.Expires.IsZero()}
	if !n.Never {
		n.Lifetime = t.Expires.Sub(s.now())
	}
	if err := n.Check(); err != nil || !n.Never && n.Lifetime <= 0 {
		err = cmp.Or(err, errors.New("a token must end in the future"))
		return nil, "", s.done(ctx, by, a, fmt.Errorf("%w: %w", ErrRequest, err))
	}
	secret, token, err := s.o.Tokens.Create(ctx, n)
	if errors.Is(err, access.ErrTokenExists) {
		err = fmt.Errorf("%w: %w", ErrRequest, err)
	}
	if err != nil {
		return nil, "", s.done(ctx, by, a, err)
	}
	shown := shownToken(token)
	return &shown, secret, s.done(ctx, by, a, nil)
}

// RevokeToken ends a token, by its ID.
func (s *Service) RevokeToken(ctx context.Context, by access.Principal, id string) error {
	a := act{action: access.Tokens, object: id, detail: "revoke"}
	if _, err := s.admit(ctx, by, a); err != nil {
		return err
	}
	_, err := s.o.Tokens.Revoke(ctx, id)
	if errors.Is(err, access.ErrNoSuchToken) {
		err = fmt.Errorf("token %s: %w", id, ErrNotFound)
	}
	return s.done(ctx, by, a, err)
}

// Health says how the service itself is. It needs no authority.
func (s *Service) Health(context.Context) Health {
	h := Health{Version: litekeep.Version, Started: s.started, Problems: []string{}}
	if p := s.books.trouble(); p != "" {
		h.Problems = append(h.Problems, "state: "+p)
	}
	if err := s.auditTrouble.Load(); err != nil {
		h.Problems = append(h.Problems, "audit log: "+(*err).Error())
	}
	s.mu.Lock()
	stopping := s.stopping
	s.mu.Unlock()
	if stopping {
		h.Problems = append(h.Problems, "stopping")
	}
	h.OK = len(h.Problems) == 0
	return h
}
