package litekeep

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/manifest"
	"github.com/litekeep/litekeep/internal/vault"
)

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
	found := map[*vault.Place]*vault.Contents{}
	for _, p := range places {
		contents, err := p.Scan(ctx, s.cfg.Name)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		found[p] = contents
		for _, c := range contents.Copies {
			check := newCopyCheck(p, c.Ref)
			check.SizeBytes = max(c.Size, 0)
			err := p.Verify(ctx, c, level, func(n int64) {
				s.progress(Progress{Phase: "verify", Bytes: n, Total: c.Size})
			})
			if ctx.Err() != nil {
				return all, explain("verify", p.Name, ctx.Err())
			}
			if errors.Is(err, vault.ErrUnlisted) {
				continue
			}
			if check.OK = err == nil; err != nil {
				check.Problem = err.Error()
				errs = append(errs, err)
			}
			all = append(all, check)
		}
	}
	missing := vault.Missing(ctx, found, s.now())
	for _, p := range places {
		for _, ref := range slices.SortedFunc(maps.Keys(missing[p]), vault.CompareRefs) {
			check := newCopyCheck(p, ref)
			check.Missing, check.Problem = true, "the copy is missing"
			errs = append(errs, fmt.Errorf("%s is missing in %s: %w", ref.Key(), p.Name, vault.ErrDamaged))
			all = append(all, check)
		}
	}
	return all, explain("verify", "", errors.Join(errs...))
}

func newCopyCheck(p *vault.Place, ref vault.Ref) CopyCheck {
	at, _, _ := manifest.ParseObjectName(ref.Object)
	return CopyCheck{Destination: p.Name, Path: destination.Join(p.Name, ref), Database: ref.Database, Timestamp: at.Time}
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
