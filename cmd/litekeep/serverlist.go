package main

import (
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/client"
)

// remoteList is list on a service.
func (a *app) remoteList() remote {
	return remote{about: "With --server the backups are those of a service.", args: exactly(), flags: []string{"database"}, run: func(cmd *cobra.Command, c *client.Client, _ []string) error {
		names, err := databasesOf(cmd, c)
		if err != nil {
			return err
		}
		var all []*litekeep.Backup
		for _, name := range names {
			found, err := c.Backups(cmd.Context(), name)
			if err != nil {
				return err
			}
			for i := range found {
				b := backupOf(&found[i].NewBackup)
				b.Verified, b.Checked = found[i].VerifiedAt, found[i].VerifiedAt
				b.Duration = seconds(found[i].Duration)
				all = append(all, b)
			}
		}
		return a.listed(all, func() []unlistedJSON { return nil })
	}}
}

// databasesOf returns the database that was named, or the names of all that the
// service shows.
func databasesOf(cmd *cobra.Command, c *client.Client) ([]string, error) {
	if name := given(cmd, "database"); name != "" {
		return []string{name}, nil
	}
	all, err := c.Databases(cmd.Context())
	if err != nil {
		return nil, err
	}
	names := make([]string, len(all))
	for i := range all {
		names[i] = all[i].Name
	}
	slices.Sort(names)
	return names, nil
}

// remoteStats is stats on a service.
func (a *app) remoteStats() remote {
	return remote{about: "With --server the backups are those of a service.", args: exactly(), flags: []string{"database"}, run: func(cmd *cobra.Command, c *client.Client, _ []string) error {
		found, err := c.Stats(cmd.Context(), given(cmd, "database"))
		if err != nil {
			return err
		}
		all := make([]litekeep.Stats, len(found))
		for i, s := range found {
			all[i] = litekeep.Stats{
				Database: s.Database, Count: s.Count, Verified: s.Verified, Damaged: s.Damaged, SizeBytes: s.SizeBytes, Locked: s.Locked,
				DocumentBytes: orZero(s.Document), Ratio: orZero(s.Ratio), Oldest: s.Oldest, Newest: s.Newest,
				NewestRows: orZero(s.NewestRows), NewestTables: orZero(s.NewestTables), NewestLocked: s.Count > 0 && s.NewestRows == nil,
				MeanDuration: seconds(orZero(s.Mean)), LastVerified: s.LastVerified,
			}
		}
		return a.summedUp(all)
	}}
}

// orZero is zero for what is not known.
func orZero[T any](p *T) (zero T) {
	if p == nil {
		return zero
	}
	return *p
}

// seconds is a duration that JSON has in seconds.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
