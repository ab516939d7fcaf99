package main

import (
	"cmp"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep/client"
	"github.com/litekeep/litekeep/internal/human"
)

func (a *app) runsCommand() *cobra.Command {
	var f client.RunFilter
	cmd := &cobra.Command{
		Use:   "runs [RUN] [flags]",
		Short: "Show what a service did and does",
		Long: `Show the runs of a service, newest first: its backups, verifications, restores,
cleanups and synchronisations. With the id of a RUN: that run with its log.`,
		Example: `  litekeep runs --outcome failed --server https://backup.example
  litekeep runs --database app --kind backup --limit 5 --json`,
		Args: atMost("RUN"),
	}
	a.asking(cmd, func(cmd *cobra.Command, c *client.Client, args []string) error {
		if len(args) > 0 {
			return a.oneRun(cmd, c, args[0])
		}
		return a.runs(cmd, c, f)
	})
	flags := cmd.Flags()
	flags.StringVar(&f.Database, "database", "", "only runs of the database `NAME`")
	flags.StringVar(&f.Kind, "kind", "", "only runs of this `KIND`: backup, verify, restore, cleanup or sync")
	flags.StringVar(&f.Outcome, "outcome", "", "only runs that ended with this `OUTCOME`: ok, partial, failed, refused, damaged, busy, timeout, cancelled, crashed")
	flags.StringVar(&f.Before, "before", "", "only runs that are older than this `RUN`")
	flags.IntVar(&f.Limit, "limit", 50, "at most this `NUMBER` of runs, up to 500")
	return cmd
}

// runsResult is the JSON of runs.
type runsResult struct {
	failure
	Runs []client.Run `json:"runs"`
}

func (a *app) runs(cmd *cobra.Command, c *client.Client, f client.RunFilter) error {
	all, err := c.Runs(cmd.Context(), f)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(runsResult{succeeded(), list(all)})
	}
	if len(all) == 0 {
		return a.printf("no runs\n")
	}
	t := &rows{header: []string{"RUN", "DATABASE", "KIND", "OUTCOME", ">STARTED", ">TOOK", "BY", "ERROR"}}
	for i := range all {
		r := &all[i]
		t.add(
			oneLine(r.ID), oneLine(r.Database), kindCell(r), a.runOutcome(r), a.agoCell(r.Started), human.Duration(seconds(r.Seconds)),
			oneLine(r.By), oneLine(r.Error),
		)
	}
	return a.printTailed(t)
}

func kindCell(r *client.Run) string {
	if r.DryRun {
		return oneLine(r.Kind) + ", dry run"
	}
	return oneLine(r.Kind)
}

func (a *app) runOutcome(r *client.Run) string {
	if r.Err() != nil {
		return a.colour(text.FgRed, oneLine(r.Outcome))
	}
	return oneLine(r.Outcome)
}

// runResult is the JSON of runs RUN.
type runResult struct {
	failure
	Run *client.Run `json:"run"`
}

func (a *app) oneRun(cmd *cobra.Command, c *client.Client, id string) error {
	r, err := c.Run(cmd.Context(), id)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(runResult{succeeded(), r})
	}
	out := newReport(kindCell(r), "of "+r.Database)
	out.add("outcome", "%s", r.Outcome)
	out.add("error", "%s", r.Error)
	out.add("hint", "%s", r.Hint)
	out.add("started", "%s, by %s", a.agoCell(r.Started), cmp.Or(r.By, r.Trigger))
	out.add("took", "%s", human.Duration(seconds(r.Seconds)))
	out.add("backup", "%s", r.Backup)
	if err := a.printf("%s", out.b.String()); err != nil {
		return err
	}
	for _, l := range r.Log {
		if err := a.printf("  %s  %-5s  %s\n", l.Time.UTC().Format("15:04:05"), oneLine(l.Level), oneLine(l.Text)); err != nil {
			return err
		}
	}
	return nil
}
