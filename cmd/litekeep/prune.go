package main

import (
	"context"
	"errors"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
)

func (a *app) pruneCommand() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "prune [flags]",
		Short: "Remove backups that are older than the retention",
		Long: `Remove backups that are older than the retention. The newest verified backup of a
database always stays; a backup that is not verified or damaged never makes
another one go; a backup of the future and a safety backup that is still pinned
are kept. Nothing else in the folder is touched.`,
		Example: `  litekeep prune --dry-run
  litekeep prune --retention-days 30 --keep-last 3`,
		Annotations: map[string]string{needsConfig: "yes"},
		Args:        exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.checkNumbers(cmd.Flags()); err != nil {
				return err
			}
			return a.prune(cmd.Context(), dryRun)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	a.dirFlag(f)
	a.copyFlags(f)
	a.databaseFlag(f)
	a.retentionFlags(f)
	f.DurationVar(&a.cfg.LockTimeout, "wait", a.cfg.LockTimeout, "wait `TIME` for another litekeep that works on the same backups")
	f.BoolVar(&dryRun, "dry-run", false, "say for each backup whether it would be kept, and why; remove nothing")
	a.jsonFlag(f)
	return cmd
}

// pruneResult is the JSON of prune.
type pruneResult struct {
	failure
	DryRun  bool           `json:"dry_run"`
	Kept    int            `json:"kept"`
	Dropped int            `json:"dropped"`
	Removed int            `json:"removed"`
	Freed   int64          `json:"freed_bytes"`
	Backups []decisionJSON `json:"backups"`
}

func (a *app) prune(ctx context.Context, dryRun bool) error {
	if err := a.checkFolder("prune"); err != nil {
		return err
	}
	all, err := a.service(nil).CleanupOldBackups(ctx, dryRun)
	if all == nil && err != nil {
		return err
	}
	out := pruneResult{failure: succeeded(), DryRun: dryRun, Backups: []decisionJSON{}}
	for _, d := range all {
		out.add(decision(d))
	}
	if !a.json {
		return errors.Join(a.printPruned(out, all), err)
	}
	return a.printOutcome(ctx, &out, err)
}

func (r *pruneResult) add(d decisionJSON) {
	r.Backups = append(r.Backups, d)
	switch {
	case d.Keep:
		r.Kept++
		return
	case d.Removed:
		r.Removed++
	}
	r.Dropped++
	if d.Removed || r.DryRun {
		r.Freed += d.SizeBytes
	}
}

// printPruned lists each backup with what was decided and why.
func (a *app) printPruned(r pruneResult, all []litekeep.Decision) error {
	if len(all) == 0 {
		return a.printf("no backups\n")
	}
	t := newTable("DECISION", ">AGE", ">SIZE", "BACKUP", "REASON")
	for _, d := range all {
		if a.quiet && !r.DryRun && d.Keep {
			continue
		}
		t.AppendRow([]any{a.decisionCell(d, r.DryRun), humanAge(d.Time, a.now()), humanBytes(d.Size), oneLine(d.Path), oneLine(d.Reason)})
	}
	for _, d := range all {
		if d.Future {
			a.warn([]string{d.Path + ": its time lies in the future; a clock is or was wrong"})
		}
	}
	if err := a.printTable(t); err != nil || a.quiet {
		return err
	}
	if r.DryRun {
		return a.printf("would remove %s of %d, %s\n", plural(r.Dropped, "backup"), len(all), humanBytes(r.Freed))
	}
	return a.printf("removed %s of %d, %s\n", plural(r.Removed, "backup"), len(all), humanBytes(r.Freed))
}

func (a *app) decisionCell(d litekeep.Decision, dryRun bool) string {
	switch {
	case d.Keep:
		return "keep"
	case dryRun:
		return "drop"
	case d.Removed:
		return "removed"
	}
	return a.colour(text.FgRed, "FAILED")
}
