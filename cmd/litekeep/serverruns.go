package main

import (
	"errors"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/client"
	"github.com/litekeep/litekeep/internal/vault"
)

// atMost is a check of arguments that all may be left out.
func atMost(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		return exactly(names[:min(len(args), len(names))]...)(cmd, args)
	}
}

// atLeastOne is a check of arguments of which there may be several.
func atLeastOne(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return exactly(name)(cmd, args)
		}
		return nil
	}
}

// first is the first argument, or "".
func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// keptDatabase adds the flag that names a database of the service.
func keptDatabase(f *pflag.FlagSet) {
	f.String("database", "", "`NAME` of the database, where the service keeps more than one")
}

// remoteBackup is backup on a service: of the database NAME.
func (a *app) remoteBackup() remote {
	const about = `With --server a service does it, as its configuration says: litekeep backup NAME,
where NAME is that of a database there, which may be left out if it is the only one.`
	return remote{about: about, args: atMost("NAME"), run: func(cmd *cobra.Command, c *client.Client, args []string) error {
		ctx := cmd.Context()
		run, err := c.Backup(ctx, first(args))
		if err != nil {
			return err
		}
		if run.Created == nil {
			return errors.New("the service was started again before it could tell of the backup; `litekeep list` shows it")
		}
		b := backupOf(run.Created)
		b.Duration = seconds(run.Seconds)
		if run.Verified {
			b.Verified = run.Ended
		}
		for _, x := range run.Created.Copies {
			b.Copies = append(b.Copies, litekeep.CopyResult{Destination: x.Destination, Path: x.Path, OK: x.OK, Error: x.Error})
		}
		b.Pruned = decisionsOf(run.Pruned)
		return a.backedUp(ctx, b, partial(b))
	}}
}

// backupOf is a backup as the library has it.
func backupOf(b *client.NewBackup) *litekeep.Backup {
	out := &litekeep.Backup{
		Path: b.Path, Database: b.Database, Source: b.Source, Timestamp: b.Timestamp, SizeBytes: b.SizeBytes, Checksum: b.Checksum,
		TableCount: b.TableCount, RecordCount: b.RecordCount, DocumentBytes: b.DocumentBytes, Digest: b.Digest, Compression: b.Compression,
		Damaged: b.Damaged, Warnings: b.Warnings, Problem: b.Problem, Sealed: b.Sealed, Locked: b.Locked, Safety: b.Safety,
	}
	if b.Pin != nil {
		out.Pin = &litekeep.Pin{Note: b.Pin.Note, Since: b.Pin.Since, Until: b.Pin.Until, By: b.Pin.By}
		if out.Pinned = b.Pin.Until; out.Pinned.IsZero() {
			out.Pinned = vault.Forever // as ListBackups has it
		}
	}
	return out
}

func decisionsOf(all []client.Decision) []litekeep.Decision {
	out := make([]litekeep.Decision, len(all))
	for i, d := range all {
		out[i] = litekeep.Decision{
			Path: d.Path, Destination: d.Destination, Database: d.Database, Time: d.Time, Size: d.Size, Keep: d.Keep, Rules: d.Rules,
			Reason: d.Reason, Future: d.Future, Trashed: d.Trashed, Removed: d.Removed, Error: d.Error,
		}
	}
	return out
}

// remoteSync is sync on a service: of one of its databases.
func (a *app) remoteSync() remote {
	const about = `With --server a service does it, for the database NAME and the destinations of its
configuration. It reads every byte where a copy is known to be damaged.`
	return remote{about: about, args: exactly(), flags: []string{"database"}, run: func(cmd *cobra.Command, c *client.Client, _ []string) error {
		run, err := c.Sync(cmd.Context(), given(cmd, "database"))
		if run == nil {
			return err
		}
		all := make([]litekeep.SyncAction, len(run.Synced))
		for i, done := range run.Synced {
			all[i] = litekeep.SyncAction(done)
		}
		return a.synced(cmd.Context(), syncResult{}, all, explained(err))
	}}
}

// remoteVerify is verify on a service: of backups by their file names.
func (a *app) remoteVerify() remote {
	const about = `With --server a service does it: BACKUP is the file name of a backup that it keeps.`
	return remote{about: about, args: atLeastOne("BACKUP"), own: keptDatabase, run: func(cmd *cobra.Command, c *client.Client, args []string) error {
		ctx := cmd.Context()
		out := verifyResult{failure: succeeded(), Backups: []verificationJSON{}}
		var worst error
		for _, file := range args {
			run, err := c.Verify(ctx, given(cmd, "database"), file)
			if run == nil || run.Checked == nil {
				return err
			}
			v, err := litekeep.Verification(*run.Checked), explained(err)
			worst = worse(worst, err)
			out.Backups = append(out.Backups, verification(&v, err))
			if err := a.verifyLine(&v, err); err != nil {
				return err
			}
		}
		err := summary(out.Backups, worst)
		if !a.json {
			return err
		}
		return a.printOutcome(ctx, &out, err)
	}}
}

// remoteRestore is restore on a service: of a backup by its file name, to the
// path of its own database.
func (a *app) remoteRestore() remote {
	own := func(f *pflag.FlagSet) {
		keptDatabase(f)
		f.String("reason", "", "`TEXT` that says why, for the audit log of the service")
	}
	const about = `With --server a service does it: litekeep restore BACKUP --database NAME --reason TEXT.
BACKUP is the file name of a backup that it keeps. There is no TARGET: the backup
goes to the path of its own database.`
	return remote{
		about: about, args: exactly("BACKUP"), flags: []string{"dry-run", "no-safety-backup"}, own: own,
		run: func(cmd *cobra.Command, c *client.Client, args []string) error {
			ctx := cmd.Context()
			database := given(cmd, "database")
			r := client.RestoreRequest{
				File: args[0], Reason: given(cmd, "reason"), DryRun: given(cmd, "dry-run") == "true", NoSafetyBackup: given(cmd, "no-safety-backup") == "true",
			}
			if !r.DryRun {
				if database == "" || r.Reason == "" {
					return usage("a restore on a service needs --database NAME, whose content is replaced, and --reason TEXT",
						"`--dry-run` says what would be done")
				}
				r.Confirm = database
			}
			run, err := c.Restore(ctx, database, r)
			if err != nil {
				return err
			}
			if run.Restored == nil {
				return errors.New("the service was started again before it could tell of the restore; `litekeep runs` shows it")
			}
			done := litekeep.Restored(*run.Restored)
			return a.restored(&done, a.remoteUndo(database, &done))
		},
	}
}

// remoteUndo is the command that takes a restore on a service back, quoted for a
// shell.
func (a *app) remoteUndo(database string, r *litekeep.Restored) string {
	if r.SafetyBackup == "" {
		return ""
	}
	return "litekeep restore " + shellQuote(path.Base(filepath.ToSlash(r.SafetyBackup))) + " --server " + shellQuote(a.server.url) +
		" --database " + shellQuote(database) + " --reason 'undo a restore'"
}

// remotePrune is prune on a service.
func (a *app) remotePrune() remote {
	return remote{
		about: "With --server a service does it, by the retention of its configuration.",
		args:  exactly(), flags: []string{"database", "dry-run"},
		run: func(cmd *cobra.Command, c *client.Client, _ []string) error {
			ctx, database := cmd.Context(), given(cmd, "database")
			if given(cmd, "dry-run") == "true" {
				all, err := c.PreviewCleanup(ctx, database)
				if err != nil {
					return err
				}
				return a.pruned(ctx, decisionsOf(all), true, nil, "no backups")
			}
			run, err := c.Cleanup(ctx, database)
			if run == nil {
				return err
			}
			return a.pruned(ctx, decisionsOf(run.Pruned), false, explained(err), "no backups")
		},
	}
}
