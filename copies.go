package litekeep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/retention"
	"github.com/litekeep/litekeep/internal/store"
	"github.com/litekeep/litekeep/internal/vault"
)

// ErrCopies: fewer places than Config.MinCopies hold a backup.
var ErrCopies = errors.New("too few copies")

// A CopyResult says what became of one copy of a new backup.
type CopyResult struct {
	Destination string        `json:"destination"`
	Path        string        `json:"backup_path"` // path or URL of the copy's object
	OK          bool          `json:"ok"`          // it is there, and was read back whole
	Error       string        `json:"error,omitempty"`
	Duration    time.Duration `json:"-"`
}

// minCopies is how many places must hold a backup, the BackupDirectory included.
func (c Config) minCopies() int {
	if all := 1 + len(c.Copies); c.MinCopies <= 0 || c.MinCopies > all {
		return all
	}
	return c.MinCopies
}

// policy is the retention of the BackupDirectory, and of destinations that have
// none of their own.
func (c Config) policy() retention.Policy {
	return retention.Policy{KeepWithin: time.Duration(c.RetentionDays) * 24 * time.Hour, KeepLast: c.KeepLast}
}

// openDestination opens a destination.
func (s *Service) openDestination(ctx context.Context, text string, create bool) (*destination.Destination, error) {
	return destination.Open(ctx, text, destination.Options{Policy: s.cfg.policy(), Create: create})
}

// copyAll copies a new backup to the other destinations, side by side. What went
// wrong is in the results; the error matches ErrCopies when too few places hold
// the backup now.
func (s *Service) copyAll(ctx context.Context, b *Backup) error {
	source, err := s.localSource(b)
	if err != nil {
		return err
	}
	var done progressSum
	source.Progress = nil
	results := make([]CopyResult, len(s.cfg.Copies))
	errs := make([]error, len(s.cfg.Copies))
	var all sync.WaitGroup
	for i, text := range s.cfg.Copies {
		all.Go(func() {
			begin := s.now()
			own := *source
			own.Progress = func(n int64) {
				s.progressOf(&done, i, n, Progress{Phase: "copy", Total: b.SizeBytes * int64(len(results))})
			}
			errs[i] = s.copyTo(ctx, text, &own)
			results[i] = CopyResult{
				Destination: text, Path: destination.Join(text, source.Ref), OK: errs[i] == nil, Duration: s.now().Sub(begin),
			}
			if errs[i] != nil {
				results[i].Error = errs[i].Error()
				s.log.Error("copy failed", "destination", text, "error", errs[i])
			} else {
				s.log.Info("copy done", "destination", text)
			}
		})
	}
	all.Wait()
	b.Copies = results
	good := 1
	for _, r := range results {
		if r.OK {
			good++
		}
	}
	if need := s.cfg.minCopies(); good < need {
		return &Error{
			Op: "backup", Path: b.Path, Kind: ErrCopies,
			Err:  fmt.Errorf("%d of %d places hold it, and %d must: %w", good, 1+len(results), need, errors.Join(errs...)),
			Hint: "what is there can be restored; when the destinations work again, `litekeep sync` copies what is missing",
		}
	}
	return ctx.Err()
}

// localSource makes a source of a backup in BackupDirectory.
func (s *Service) localSource(b *Backup) (*vault.Source, error) {
	text, err := os.ReadFile(b.Path + manifest.Suffix)
	if err != nil {
		return nil, err
	}
	m, err := vault.ReadOutline(text)
	if err != nil {
		return nil, err
	}
	source := &vault.Source{
		Ref: vault.Ref{Database: b.Database, Object: filepath.Base(b.Path)}, Stored: m.Stored, Text: text,
		Open: func(context.Context) (io.ReadCloser, error) { return os.Open(b.Path) },
	}
	pin, err := os.ReadFile(b.Path + pinSuffix)
	if err == nil {
		source.Beside = map[string][]byte{pinSuffix: pin}
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return source, nil
}

func (s *Service) copyTo(ctx context.Context, text string, source *vault.Source) error {
	d, err := s.openDestination(ctx, text, true)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		err = d.Put(ctx, source)
		if err == nil || try == copyTries || errors.Is(err, vault.ErrDamaged) ||
			errors.Is(err, store.ErrPermission) || errors.Is(err, store.ErrExist) {
			break
		}
		s.log.Warn("copying again", "destination", text, "error", err)
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), d.Close())
		case <-time.After(time.Duration(try*try) * time.Second):
		}
	}
	return errors.Join(err, d.Close())
}

// copyTries is how often a copy is begun anew. Requests and parts of an upload
// are tried several times in each.
const copyTries = 3

// progressSum adds up what goes on side by side.
type progressSum struct {
	mu    sync.Mutex
	parts map[int]int64
}

// progressOf reports the sum, in which part i has become n.
func (s *Service) progressOf(sum *progressSum, i int, n int64, p Progress) {
	sum.mu.Lock()
	defer sum.mu.Unlock()
	if sum.parts == nil {
		sum.parts = map[int]int64{}
	}
	sum.parts[i] = n
	for _, part := range sum.parts {
		p.Bytes += part
	}
	s.progress(p)
}

// A CopyCheck says what a verification found of one copy.
type CopyCheck struct {
	Destination string    `json:"destination"`
	Path        string    `json:"backup_path"`
	Database    string    `json:"database"`
	Timestamp   time.Time `json:"timestamp"`
	SizeBytes   int64     `json:"size_bytes"`
	OK          bool      `json:"ok"`
	Missing     bool      `json:"missing,omitempty"` // other places have it, and the retention of this one would keep it
	Problem     string    `json:"problem,omitempty"`
}

// VerifyCopies checks the copies of all backups, or of those of the configured
// database, in the BackupDirectory and the other destinations, or only in those
// that are given. Quick looks whether each copy is there, has the right size and
// a manifest that makes sense; full reads every byte and compares the SHA-256.
// The error matches ErrDamaged when a copy is damaged or missing; a destination
// that cannot be reached is an error of its own, and the others are checked.
func (s *Service) VerifyCopies(ctx context.Context, full bool, destinations ...string) ([]CopyCheck, error) {
	places, closeAll, errs := s.places(ctx, destinations, false)
	defer closeAll()
	level := vault.Quick
	if full {
		level = vault.Full
	}
	var all []CopyCheck
	found := map[vault.Ref]bool{}
	has := map[*vault.Place]map[vault.Ref]bool{}
	for _, p := range places {
		list, err := p.List(ctx, s.cfg.Name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		has[p] = map[vault.Ref]bool{}
		for _, c := range list {
			found[c.Ref], has[p][c.Ref] = true, true
			check := newCopyCheck(p, c.Ref)
			check.SizeBytes = max(c.Size, 0)
			err := p.Verify(ctx, c, level, func(n int64) {
				s.progress(Progress{Phase: "verify", Bytes: n, Total: c.Size})
			})
			if ctx.Err() != nil {
				return all, explain("verify", p.Name, ctx.Err())
			}
			if check.OK = err == nil; err != nil {
				check.Problem = err.Error()
				errs = append(errs, err)
			}
			all = append(all, check)
		}
	}
	for ref := range found {
		for _, p := range places {
			if has[p] != nil && !has[p][ref] && !s.tooOld(p, ref) {
				check := newCopyCheck(p, ref)
				check.Missing, check.Problem = true, "the copy is missing"
				errs = append(errs, fmt.Errorf("%s is missing in %s: %w", ref.Key(), p.Name, vault.ErrDamaged))
				all = append(all, check)
			}
		}
	}
	return all, explain("verify", "", errors.Join(errs...))
}

func newCopyCheck(p *vault.Place, ref vault.Ref) CopyCheck {
	at, _, _ := manifest.ParseObjectName(ref.Object)
	return CopyCheck{Destination: p.Name, Path: destination.Join(p.Name, ref), Database: ref.Database, Timestamp: at.Time}
}

// tooOld reports whether the age of a backup alone lets the retention of a place
// remove it, so that it is not missed there.
func (s *Service) tooOld(p *vault.Place, ref vault.Ref) bool {
	at, _, ok := manifest.ParseObjectName(ref.Object)
	within := p.Policy.KeepWithin
	if within == 0 {
		within = retention.DefaultKeepWithin
	}
	return ok && s.now().Sub(at.Time) > within
}

// places opens the BackupDirectory and the other destinations, or those that are
// given. With create, folders that are missing are made. What cannot be opened is
// among the errors.
func (s *Service) places(ctx context.Context, texts []string, create bool) (places []*vault.Place, closeAll func(), errs []error) {
	if len(texts) == 0 {
		texts = append([]string{s.cfg.BackupDirectory}, s.cfg.Copies...)
	}
	var open []*destination.Destination
	for _, text := range texts {
		d, err := s.openDestination(ctx, text, create)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		open = append(open, d)
		places = append(places, &d.Place)
	}
	return places, func() {
		for _, d := range open {
			_ = d.Close() // everything that was written is durable already
		}
	}, errs
}

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
}

// SyncCopies copies what a destination lacks from one that has it whole, which is
// read from end to end first, and repairs damaged copies. Backups that are older
// than the retention of a destination are not copied to it. It holds the locks of
// the databases that BackupDirectory has, since a backup removes what it takes
// for the rest of an interrupted run.
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
		Database: s.cfg.Name, Level: level, DryRun: o.DryRun, Skip: s.tooOld,
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

// pruneCopies applies the retention of each other destination. One that fails
// does not stop the next.
func (s *Service) pruneCopies(ctx context.Context, database string, dryRun bool) ([]Decision, error) {
	if len(s.cfg.Copies) == 0 {
		return nil, nil
	}
	places, closeAll, errs := s.places(ctx, s.cfg.Copies, false)
	defer closeAll()
	var all []Decision
	for _, p := range places {
		decisions, err := p.Prune(ctx, database, s.now(), dryRun)
		errs = append(errs, err)
		for _, v := range decisions {
			d := Decision{
				Path: destination.Join(p.Name, v.Ref), Destination: p.Name, Database: v.Database, Time: v.Time, Size: v.Bytes,
				Keep: v.Keep, Reason: v.Reason, Future: v.Future, Removed: v.Removed,
			}
			if v.Err != nil {
				d.Error = v.Err.Error()
			}
			all = append(all, d)
		}
	}
	return all, errors.Join(errs...)
}
