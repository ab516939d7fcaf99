package main

import (
	"context"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/human"
)

func (a *app) statsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "stats [flags]",
		Short: "Sum up the backups of each database",
		Long: `Sum up the backups of each database: how many there are and how many of them are
verified, their size, how much smaller than the JSON they are, the rows of the
newest, how long a backup takes, and the ages of the oldest, of the newest and
of the last verification. What a sealed backup holds is known only with a key.`,
		Annotations: map[string]string{needsConfig: "yes"},
		Args:        exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.onlyGivenKeys(cmd)
			return a.stats(cmd.Context())
		},
	}
	a.folderFlags(cmd.Flags(), cmd)
	return cmd
}

// statsJSON sums up one database.
type statsJSON struct {
	Database            string   `json:"database"`
	Count               int      `json:"count"`
	Verified            int      `json:"verified"`
	Damaged             int      `json:"damaged"`
	SizeBytes           int64    `json:"size_bytes"`
	Locked              int      `json:"locked"`
	DocumentBytes       *int64   `json:"document_bytes"`
	CompressionRatio    *float64 `json:"compression_ratio"`
	Oldest              stamp    `json:"oldest"`
	Newest              stamp    `json:"newest"`
	NewestRecordCount   *int64   `json:"newest_record_count"`
	NewestTableCount    *int64   `json:"newest_table_count"`
	MeanDurationSeconds *float64 `json:"mean_duration_seconds"`
	LastVerified        stamp    `json:"last_verified"`
}

// statsResult is the JSON of stats.
type statsResult struct {
	failure
	Count     int         `json:"count"`
	SizeBytes int64       `json:"size_bytes"`
	Databases []statsJSON `json:"databases"`
}

func (a *app) stats(ctx context.Context) error {
	if err := a.checkFolder("stats"); err != nil {
		return err
	}
	all, err := a.service(nil).BackupStats(ctx)
	if err != nil {
		return err
	}
	return a.summedUp(all)
}

// summedUp prints statistics.
func (a *app) summedUp(all []litekeep.Stats) error {
	out := statsResult{failure: succeeded(), Databases: []statsJSON{}}
	t := &rows{header: []string{"DATABASE", ">BACKUPS", ">VERIFIED", ">SIZE", ">RATIO", ">ROWS", ">TIME", ">NEWEST", ">OLDEST", ">CHECKED"}}
	for _, s := range all {
		out.Count += s.Count
		out.SizeBytes += s.SizeBytes
		out.Databases = append(out.Databases, statsResultOf(s))
		verified := fmt.Sprint(s.Verified)
		if s.Damaged > 0 {
			verified += ", " + a.colour(text.FgRed, fmt.Sprintf("%d "+stateDamaged, s.Damaged))
		}
		now := a.now()
		t.add(
			oneLine(s.Database), s.Count, verified, human.Bytes(s.SizeBytes), orSealed(s.Locked > 0, fmt.Sprintf("%.1f", s.Ratio)), orSealed(s.NewestLocked, human.Count(s.NewestRows)),
			orSealed(s.Locked > 0, human.Duration(s.MeanDuration)), humanAge(s.Newest, now), humanAge(s.Oldest, now), humanAge(s.LastVerified, now),
		)
	}
	switch {
	case a.json:
		return a.printJSON(out)
	case len(all) == 0:
		return a.printf("no backups\n")
	}
	return a.printBlocks(t)
}

// orSealed is what a table has for what only a key tells.
func orSealed(locked bool, text string) string {
	if locked {
		return "sealed"
	}
	return text
}

func statsResultOf(s litekeep.Stats) statsJSON {
	return statsJSON{
		Database: s.Database, Count: s.Count, Verified: s.Verified, Damaged: s.Damaged, SizeBytes: s.SizeBytes, Locked: s.Locked,
		DocumentBytes: unless(s.Locked > 0, s.DocumentBytes), CompressionRatio: unless(s.Locked > 0, s.Ratio),
		Oldest: stamp(s.Oldest), Newest: stamp(s.Newest),
		NewestRecordCount: unless(s.NewestLocked, s.NewestRows), NewestTableCount: unless(s.NewestLocked, s.NewestTables),
		MeanDurationSeconds: unless(s.Locked > 0, s.MeanDuration.Seconds()), LastVerified: stamp(s.LastVerified),
	}
}
