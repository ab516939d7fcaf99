package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/human"
)

func (a *app) trashCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "trash",
		Short: "What was dropped and can be taken back",
		Long: `Where --trash-grace is set, prune and delete move backups to the trash: they are
not listed and count for nothing, but take as much room as before until the
grace time is over and the next prune removes them. undelete takes one back.

The grace time is that of the prune or delete that dropped: each backup in the trash
has the end of its own, which a later run with another --trash-grace or with none
does not change. trash empty does not wait. LITEKEEP_TRASH_GRACE sets it for all.`,
	}
	cmd.AddCommand(a.trashListCommand(), a.trashEmptyCommand())
	return cmd
}

func (a *app) trashListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:         "list [flags]",
		Short:       "List the trash",
		Long:        `List what is in the trash of --dir and of each --copy.`,
		Annotations: map[string]string{needsConfig: "yes"},
		Args:        exactly(),
		RunE:        func(cmd *cobra.Command, _ []string) error { return a.trashList(cmd.Context()) },
	}
	f := cmd.Flags()
	a.manyBackupsFlags(f)
	a.graceFlag(f)
	a.jsonFlag(f)
	return cmd
}

// trashResult is the JSON of trash list.
type trashResult struct {
	failure
	Count   int           `json:"count"`
	Bytes   int64         `json:"size_bytes"`
	Backups []trashedJSON `json:"backups"`
}

type trashedJSON struct {
	BackupPath  string  `json:"backup_path"`
	Destination *string `json:"destination"`
	Database    string  `json:"database"`
	Timestamp   stamp   `json:"timestamp"`
	SizeBytes   int64   `json:"size_bytes"`
	TrashedAt   stamp   `json:"trashed_at"`
	RemoveAfter stamp   `json:"remove_after"`
	Problem     *string `json:"problem"`
}

func (a *app) trashList(ctx context.Context) error {
	if err := a.checkFolder("trash list"); err != nil {
		return err
	}
	all, err := a.service(nil).ListTrash(ctx)
	out := trashResult{failure: succeeded(), Count: len(all), Backups: []trashedJSON{}}
	t := &rows{header: []string{">AGE", ">SIZE", ">TRASHED", "REMOVED AFTER", "BACKUP"}}
	for _, b := range all {
		out.Bytes += b.SizeBytes
		out.Backups = append(out.Backups, trashedJSON{
			b.Path, orNull(b.Destination), b.Database, stamp(b.Timestamp), b.SizeBytes, stamp(b.TrashedAt), stamp(b.RemoveAfter), orNull(b.Problem),
		})
		t.add(humanAge(b.Timestamp, a.now()), human.Bytes(b.SizeBytes), humanAge(b.TrashedAt, a.now()), localTime(b.RemoveAfter), oneLine(b.Path))
		if b.Problem != "" {
			a.warn([]string{b.Path + ": " + b.Problem})
		}
	}
	switch {
	case a.json:
		return a.printOutcome(ctx, &out, err)
	case len(all) == 0 && err == nil:
		return a.printf("the trash is empty\n")
	case len(all) == 0:
		return err
	}
	err = errors.Join(a.printFiles(t, 4), err)
	if !a.quiet {
		err = errors.Join(a.printf("%s, %s\n", human.Plural(len(all), "backup"), human.Bytes(out.Bytes)), err)
	}
	return err
}

func (a *app) trashEmptyCommand() *cobra.Command {
	var o litekeep.DeleteOptions
	cmd := &cobra.Command{
		Use:   "empty [flags]",
		Short: "Remove what is in the trash, for room",
		Long: `Remove what is in the trash of --dir and of each --copy without waiting for the
grace time. A verified backup stays while no other of its database is verified,
unless --force is given.`,
		Example:     "  litekeep trash empty --dir /backups --dry-run",
		Annotations: map[string]string{needsConfig: "yes"},
		Args:        exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.checkFolder("trash empty"); err != nil {
				return err
			}
			all, err := a.service(nil).EmptyTrash(cmd.Context(), o)
			return a.pruned(cmd.Context(), all, o.DryRun, err, "the trash is empty")
		},
	}
	f := cmd.Flags()
	a.manyBackupsFlags(f)
	a.lockFlag(f)
	f.BoolVar(&o.Force, "force", false, "remove the last verified backup of a database too")
	f.BoolVar(&o.DryRun, "dry-run", false, "say what would be removed")
	a.jsonFlag(f)
	return cmd
}

func (a *app) deleteCommand() *cobra.Command {
	var o litekeep.DeleteOptions
	cmd := &cobra.Command{
		Use:   "delete BACKUP [flags]",
		Short: "Delete one backup and its copies",
		Long: `Delete one backup and its copies: into the trash where --trash-grace is set, else
for good. A pinned backup and the last --keep-minimum verified ones of a database
stay unless --force is given. BACKUP is the path of an object: a folder does not
stand for its newest backup here.`,
		Example:     "  litekeep delete backups/app/20261122T020000.123Z.json.zst --trash-grace 3d --dry-run",
		Annotations: map[string]string{needsConfig: "yes"},
		Args:        oneAtATime("BACKUP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := namedBackup(cmd.Context(), args[0], "delete")
			if err != nil {
				return err
			}
			all, err := a.service(nil).DeleteBackup(cmd.Context(), path, o)
			return a.pruned(cmd.Context(), all, o.DryRun, err, "")
		},
	}
	f := cmd.Flags()
	a.oneBackupFlags(f)
	a.minimumFlag(f)
	a.graceFlag(f)
	f.BoolVar(&o.Force, "force", false, "delete it though it is pinned, or one of the last verified ones")
	f.BoolVar(&o.DryRun, "dry-run", false, "say what would be deleted")
	return cmd
}

// undeleteResult is the JSON of undelete.
type undeleteResult struct {
	failure
	BackupPath string `json:"backup_path"`
}

func (a *app) undeleteCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "undelete BACKUP [flags]",
		Short: "Take a backup out of the trash",
		Long: `Take a backup and its copies out of the trash. It is pinned then for as long as
--trash-grace, a week at least, since prune would drop it again.`,
		Example:     `  litekeep undelete "$(litekeep trash list --json | jq -r .backups[0].backup_path)"`,
		Annotations: map[string]string{needsConfig: "yes"},
		Args:        oneAtATime("BACKUP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.service(nil).Undelete(cmd.Context(), args[0]); err != nil {
				return err
			}
			return a.report(undeleteResult{succeeded(), args[0]}, "took %s out of the trash\n", oneLine(args[0]))
		},
	}
	f := cmd.Flags()
	a.oneBackupFlags(f)
	a.graceFlag(f)
	return cmd
}
