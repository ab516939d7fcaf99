package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/retention"
)

func (a *app) pinCommand() *cobra.Command {
	var note, until string
	cmd := &cobra.Command{
		Use:   "pin BACKUP [flags]",
		Short: "Keep a backup from being removed",
		Long: `Keep a backup from being removed by prune and delete, for ever or until a time. A
second pin takes the place of the first. All copies are pinned; a destination
that cannot be reached gets the pin by sync.`,
		Example: `  litekeep pin backups/app --note 'before the migration'
  litekeep pin backups/app/20261122T020000.123Z.json.zst --until 2027-06-30`,
		Annotations: map[string]string{needsConfig: "yes"},
		Args:        oneAtATime("BACKUP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			end, err := a.parseUntil(until)
			if err != nil {
				return err
			}
			return a.pin(cmd.Context(), args[0], note, end)
		},
	}
	f := cmd.Flags()
	a.oneBackupFlags(f)
	f.StringVar(&note, "note", "", "`TEXT` that says why, for list, info and prune")
	f.StringVar(&until, "until", "", "`WHEN` the pin ends: a date, whose whole day counts, 2027-06-30T12:00:00Z, or 90d from now (default: never)")
	return cmd
}

func (a *app) unpinCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:         "unpin BACKUP [flags]",
		Short:       "Let a pinned backup be removed again",
		Long:        `Take back the pin of a backup, in all its places. The next prune may remove it.`,
		Annotations: map[string]string{needsConfig: "yes"},
		Args:        oneAtATime("BACKUP"),
		RunE:        func(cmd *cobra.Command, args []string) error { return a.unpin(cmd.Context(), args[0]) },
	}
	a.oneBackupFlags(cmd.Flags())
	return cmd
}

// oneBackupFlags are the flags of the commands that do something to one backup in
// all its places.
func (a *app) oneBackupFlags(f *pflag.FlagSet) {
	f.SortFlags = false
	a.dirFlag(f)
	a.copyFlags(f)
	a.lockFlag(f)
	a.jsonFlag(f)
}

// parseUntil reads the end of a pin; zero if it has none.
func (a *app) parseUntil(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	if d, err := retention.ParseDuration(text); err == nil {
		return a.now().Add(d), nil
	}
	return time.Time{}, usage("--until: "+text+" is no time", "write 2027-06-30, 2027-06-30T12:00:00Z or 90d")
}

// pinResult is the JSON of pin and unpin.
type pinResult struct {
	failure
	BackupPath  string `json:"backup_path"`
	PinnedUntil stamp  `json:"pinned_until"`
}

func (a *app) pin(ctx context.Context, path, note string, until time.Time) error {
	path, err := backupArgument(ctx, path, "pin")
	if err != nil {
		return err
	}
	if err := a.service(nil).PinBackup(litekeep.WithActor(ctx, person()), path, note, until); err != nil {
		return err
	}
	end := "for ever"
	if !until.IsZero() {
		end = "until " + localTime(until)
	}
	return a.report(pinResult{succeeded(), path, stamp(until)}, "pinned %s %s\n", oneLine(path), end)
}

func (a *app) unpin(ctx context.Context, path string) error {
	path, err := backupArgument(ctx, path, "unpin")
	if err != nil {
		return err
	}
	if err := a.service(nil).UnpinBackup(litekeep.WithActor(ctx, person()), path); err != nil {
		return err
	}
	return a.report(pinResult{succeeded(), path, stamp{}}, "unpinned %s\n", oneLine(path))
}

// report prints a result as JSON or as a line for people.
func (a *app) report(result any, format string, args ...any) error {
	switch {
	case a.json:
		return a.printJSON(result)
	case a.quiet:
		return nil
	}
	return a.printf(format, args...)
}
