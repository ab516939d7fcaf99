package main

import (
	"context"
	"errors"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/human"
)

func (a *app) pruneCommand() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "prune [flags]",
		Short: "Remove backups that the retention does not keep",
		Long: `Remove backups that nothing keeps: neither their age (--keep-within, in days
--retention-days), nor that they are among the last (--keep-last), nor that they
are the first of one of the last hours, days, weeks, months or years
(--keep-hourly and so on). The newest verified backup of a database always stays;
a backup that is not verified or damaged never makes another one go; a backup of
the future and a pinned one are kept. Nothing else in the folder is touched.

Where a service keeps the backups (litekeep serve), it has noted its rule beside
them. That holds, its trash too, unless a flag or a variable of the retention is
given.

With --trash-grace backups go to the trash first, and are removed by the first
prune after that time. Copies in destinations are pruned too.`,
		Example: `  litekeep prune --dry-run
  litekeep prune --keep-within 2d --keep-daily 7 --keep-weekly 4 --keep-monthly 12
  litekeep prune --retention-days 30 --keep-last 3 --trash-grace 7d`,
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
	a.manyBackupsFlags(f)
	a.retentionFlags(f)
	a.lockFlag(f)
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
	Trashed int            `json:"trashed"`
	Removed int            `json:"removed"`
	Freed   int64          `json:"freed_bytes"`
	Backups []decisionJSON `json:"backups"`
	// ServiceRules are the rules of services that decided, by place and database.
	ServiceRules []serviceRuleJSON `json:"service_rules"`
}

func (a *app) prune(ctx context.Context, dryRun bool) error {
	if err := a.checkFolder("prune"); err != nil {
		return err
	}
	all, err := a.service(nil).CleanupOldBackups(ctx, dryRun)
	return a.pruned(ctx, all, dryRun, err, "no backups")
}

// pruned prints the decisions of a command that removes backups. none is what it
// says when there are no decisions.
func (a *app) pruned(ctx context.Context, all []litekeep.Decision, dryRun bool, err error, none string) error {
	if all == nil && err != nil {
		return err
	}
	out := pruneResult{failure: succeeded(), DryRun: dryRun, Backups: []decisionJSON{}, ServiceRules: serviceRules(all)}
	for _, d := range all {
		out.add(decision(d))
	}
	if !a.json {
		return errors.Join(a.printPruned(out, all, none), err)
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
	case d.Trashed:
		r.Trashed++
	}
	r.Dropped++
	if d.Removed || r.DryRun {
		r.Freed += d.SizeBytes
	}
}

// printPruned lists each backup with what was decided and why.
func (a *app) printPruned(r pruneResult, all []litekeep.Decision, none string) error {
	if len(all) == 0 {
		return a.printf("%s\n", none)
	}
	t := &rows{header: []string{"DECISION", ">AGE", ">SIZE", "BACKUP", "REASON"}}
	for _, d := range all {
		if a.quiet && !r.DryRun && d.Keep {
			continue
		}
		reason := d.Reason
		if reason == d.Held && reason != "" {
			reason = "kept: nothing is pruned here" // the warning says why
		}
		t.add(a.decisionCell(d, r.DryRun), humanAge(d.Time, a.now()), human.Bytes(d.Size), oneLine(d.Path), oneLine(reason))
	}
	for _, d := range all {
		if d.Future {
			a.warn([]string{d.Path + ": its time lies in the future; a clock is or was wrong"})
		}
	}
	a.warn(litekeep.HeldBack(all))
	if err := a.printPaths(t, 3); err != nil || a.quiet {
		return err
	}
	for _, line := range ruleWords(r.ServiceRules) {
		if err := a.printf("%s\n", line); err != nil {
			return err
		}
	}
	if r.DryRun {
		return a.printf("would remove %s of %d, %s\n", human.Plural(r.Dropped, "backup"), len(all), human.Bytes(r.Freed))
	}
	if r.Trashed > 0 {
		if err := a.printf("moved %s to the trash\n", human.Plural(r.Trashed, "backup")); err != nil || r.Removed == 0 {
			return err
		}
	}
	return a.printf("removed %s of %d, %s\n", human.Plural(r.Removed, "backup"), len(all), human.Bytes(r.Freed))
}

func (a *app) decisionCell(d litekeep.Decision, dryRun bool) string {
	switch {
	case d.Keep:
		return "keep"
	case dryRun:
		return "drop"
	case d.Removed:
		return "removed"
	case d.Trashed:
		return "trashed"
	}
	return a.colour(text.FgRed, "FAILED")
}
