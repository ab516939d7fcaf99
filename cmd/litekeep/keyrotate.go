package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep/internal/human"
)

// rotationJSON is the outcome of a rotation for one backup.
type rotationJSON struct {
	BackupPath string  `json:"backup_path"`
	Database   string  `json:"database"`
	Wrapped    int     `json:"wrapped"`
	Skipped    *string `json:"skipped"`
	Problem    *string `json:"problem"`
}

// keyRotateResult is the JSON of key rotate.
type keyRotateResult struct {
	failure
	DryRun  bool           `json:"dry_run"`
	Rotated int            `json:"rotated"`
	Failed  int            `json:"failed"`
	Backups []rotationJSON `json:"backups"`
}

func (a *app) keyRotateCommand() *cobra.Command {
	var to []string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "rotate --key OLD --to NEW [flags]",
		Short: "Make existing backups open with new keys too",
		Long: `Make the sealed backups in a folder open with new keys too. The backups stay as
they are; the keys to their frames are stored under the new keys in small objects
beside them, which prune removes with them. Interrupted, it is simply run again.

An old key still opens the old backups: if others know it, make new backups under
a new key and let the old ones be pruned. New backups are sealed under whatever
--key or LITEKEEP_KEYS says when they are made.`,
		Example:     "  litekeep key rotate --key file:old.key --to file:new.key --to awskms:///alias/litekeep?region=eu-central-1",
		Annotations: map[string]string{needsConfig: "yes"},
		Args:        exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(to) == 0 {
				return usage("key rotate needs --to", seeHelp(cmd))
			}
			return a.keyRotate(cmd.Context(), to, dryRun)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	a.dirFlag(f)
	a.databaseFlag(f)
	a.keyFlag(f, cmd)
	a.refsFlag(f, cmd, &to, "to", "`REF` of a key that is to open the backups; repeatable")
	a.lockFlag(f)
	f.BoolVar(&dryRun, "dry-run", false, "say what would be done; write nothing")
	a.jsonFlag(f)
	return cmd
}

func (a *app) keyRotate(ctx context.Context, to []string, dryRun bool) error {
	if err := a.checkFolder("key rotate"); err != nil {
		return err
	}
	all, err := a.service(nil).RotateKeys(ctx, to, dryRun)
	if all == nil && err != nil {
		return err
	}
	out := keyRotateResult{failure: succeeded(), DryRun: dryRun, Backups: []rotationJSON{}}
	t := &rows{header: []string{"OUTCOME", "BACKUP"}}
	for _, r := range all {
		out.Backups = append(out.Backups, rotationJSON{r.Path, r.Database, r.Wrapped, orNull(r.Skipped), orNull(r.Problem)})
		outcome := human.Plural(r.Wrapped, "new key")
		switch {
		case r.Problem != "":
			out.Failed++
			outcome = "FAILED: " + r.Problem
		case r.Skipped != "":
			outcome = "skipped: " + r.Skipped
		default:
			out.Rotated++
		}
		t.add(oneLine(outcome), oneLine(r.Path))
	}
	if !a.json {
		if len(all) == 0 {
			return errors.Join(a.printf("no backups\n"), err)
		}
		if printed := a.printFiles(t, 1); printed != nil || dryRun || a.quiet || out.Rotated == 0 {
			return errors.Join(printed, err)
		}
		return errors.Join(a.printf("copies in other places open with the old key only, until `litekeep sync%s`\n", a.syncArguments(nil)), err)
	}
	return a.printOutcome(ctx, &out, err)
}
