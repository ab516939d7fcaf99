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
	f.DurationVar(&a.cfg.LockTimeout, "wait", a.cfg.LockTimeout, "wait `TIME` for another litekeep that works on the same backups")
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
	t := newTable("OUTCOME", "BACKUP")
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
		t.AppendRow([]any{oneLine(outcome), oneLine(r.Path)})
	}
	if !a.json {
		if len(all) == 0 {
			return errors.Join(a.printf("no backups\n"), err)
		}
		return errors.Join(a.printTable(t), err)
	}
	return a.printOutcome(ctx, &out, err)
}

// keyKitResult is the JSON of key kit.
type keyKitResult struct {
	failure
	Kit         string `json:"kit"`
	IncludesKey bool   `json:"includes_key"`
}

func (a *app) keyKitCommand() *cobra.Command {
	var include bool
	cmd := &cobra.Command{
		Use:   "kit [flags]",
		Short: "Print the recovery kit",
		Long: `Print what it takes to restore without this machine, on one page: where the backups
are, which keys open them, the exact commands, and a checksum. Print it on paper
and keep it where neither this machine nor the backups are.`,
		Example:     "  litekeep key kit --dir /backups --key file:/root/litekeep.key | lp",
		Annotations: map[string]string{needsConfig: "yes"},
		Args:        exactly(),
		RunE:        func(cmd *cobra.Command, _ []string) error { return a.keyKit(cmd.Context(), include) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	a.folderFlags(f, cmd)
	a.copyFlags(f)
	f.BoolVar(&include, "include-key", false, "print the content of key files too: whoever has the page and a backup can read the data")
	return cmd
}

func (a *app) keyKit(ctx context.Context, include bool) error {
	if err := a.checkFolder("key kit"); err != nil {
		return err
	}
	text, err := a.service(nil).RecoveryKit(ctx, include)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(keyKitResult{succeeded(), string(text), include})
	}
	return a.printf("%s", text)
}
