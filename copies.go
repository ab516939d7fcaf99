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
	"github.com/litekeep/litekeep/internal/store"
	"github.com/litekeep/litekeep/internal/vault"
)

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

// openDestination opens a destination.
func (s *Service) openDestination(ctx context.Context, text string, create bool) (*destination.Destination, error) {
	if err := s.checkPlace(text); err != nil {
		return nil, err
	}
	d, err := destination.Open(ctx, text, destination.Options{Policy: s.cfg.policy(), Grace: s.cfg.TrashGrace, Create: create})
	if err == nil {
		d.TermsOf = s.termsOf(&d.Place, text)
	}
	return d, err
}

// checkPlace returns what is wrong with the folder that a text names, if it names one.
func (s *Service) checkPlace(text string) error {
	folder := destination.Folder(text)
	if folder == "" {
		return nil
	}
	return s.allow(folder)
}

// copyAll copies a new backup to the other destinations. What went wrong is in the
// results; the error matches ErrCopies when too few places hold the backup now.
func (s *Service) copyAll(ctx context.Context, b *Backup) (err error) {
	if b.Copies, err = s.copyTo(ctx, b, s.cfg.Copies); err != nil {
		return err
	}
	good, errs := outcome(b.Copies)
	if err := s.enough(b, 1+len(good), errs); err != nil {
		return err
	}
	return ctx.Err()
}

// outcome returns the copies that are good, and what is wrong with the others.
func outcome(copies []CopyResult) (good []CopyResult, errs []error) {
	for _, c := range copies {
		if c.OK {
			good = append(good, c)
		} else {
			errs = append(errs, errors.New(c.Error))
		}
	}
	return good, errs
}

// enough returns an error that matches ErrCopies when fewer places than MinCopies
// hold a backup.
func (s *Service) enough(b *Backup, good int, errs []error) error {
	need := s.cfg.minCopies()
	if good >= need {
		return nil
	}
	return &Error{
		Op: "backup", Path: b.Path, Kind: ErrCopies,
		Err:  fmt.Errorf("%d of %d places hold it, and %d must: %w", good, 1+len(s.cfg.Copies), need, errors.Join(errs...)),
		Hint: "what is there can be restored; when the destinations work again, `litekeep sync` copies what is missing",
	}
}

// copyTo copies a backup in BackupDirectory to destinations, side by side. What
// went wrong with one is in its result.
func (s *Service) copyTo(ctx context.Context, b *Backup, places []string) ([]CopyResult, error) {
	source, err := s.localSource(b)
	if err != nil {
		return nil, err
	}
	var done progressSum
	results := make([]CopyResult, len(places))
	var all sync.WaitGroup
	for i, text := range places {
		all.Go(func() {
			begin := s.now()
			own := *source
			own.Progress = func(n int64) {
				s.progressOf(&done, i, n, Progress{Phase: "copy", Total: b.SizeBytes * int64(len(results))})
			}
			err := s.put(ctx, text, &own)
			results[i] = CopyResult{
				Destination: text, Path: destination.Join(text, source.Ref), OK: err == nil, Duration: s.now().Sub(begin),
			}
			if err != nil {
				results[i].Error = err.Error()
				var e *Error
				if errors.As(err, &e) && errors.Is(err, destination.ErrAway) {
					results[i].Error += " " + e.Hint // which there is no other way to see
				}
				s.log.Error("copy failed", "database", b.Source, "destination", text, "error", err)
			} else {
				s.log.Info("copy done", "database", b.Source, "destination", text)
			}
		})
	}
	all.Wait()
	return results, nil
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
	pin, err := os.ReadFile(b.Path + vault.PinSuffix)
	if err == nil {
		source.Beside = map[string][]byte{vault.PinSuffix: pin}
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return source, nil
}

// put copies a source to one destination, and begins anew where that may help.
func (s *Service) put(ctx context.Context, text string, source *vault.Source) error {
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
		s.log.Warn("copying again", "backup", source.Key(), "destination", text, "error", err)
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
