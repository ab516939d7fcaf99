package main

import (
	"context"

	"github.com/litekeep/litekeep"
)

// unlistedJSON is an object without a manifest.
type unlistedJSON struct {
	BackupPath string `json:"backup_path"`
	SizeBytes  int64  `json:"size_bytes"`
	Modified   stamp  `json:"modified"`
}

// unlisted tells of the objects without a manifest in places, and returns them. What
// cannot be looked at, the command itself has told of.
func (a *app) unlisted(ctx context.Context, s *litekeep.Service, places ...string) []unlistedJSON {
	found, _ := s.UnlistedObjects(ctx, places...)
	out := []unlistedJSON{}
	for _, x := range found {
		out = append(out, unlistedJSON{x.Path, x.SizeBytes, stamp(x.Modified)})
		if a.quiet {
			continue // it is there each time, and harms nothing
		}
		a.warn([]string{x.Path + ": its manifest is missing, so it is no backup, and is neither listed nor pruned; `litekeep restore " +
			shellQuote(x.Path) + " NEW.db` restores it all the same, `litekeep sync` makes a copy whole; remove it if nobody needs it"})
	}
	return out
}
