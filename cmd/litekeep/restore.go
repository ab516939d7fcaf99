package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/human"
)

func (a *app) restoreCommand() *cobra.Command {
	var o litekeep.RestoreOptions
	cmd := &cobra.Command{
		Use:   "restore BACKUP TARGET [flags]",
		Short: "Restore a backup to a database",
		Long: `Restore a backup to the database TARGET. The new database is built beside TARGET
and proven there: it is exported again and must have the same content digest,
and SQLite must find it whole. If TARGET exists, what it holds is backed up
first. Only then is the new content published, in one step; programs that have
TARGET open go on and see it. A failure at any point leaves TARGET as it was.

BACKUP may also be the folder of one database, for its newest good backup, or a
document without a manifest: JSON in any layout, plain, compressed or sealed.
A sealed backup needs a key. Where a key is given the safety backup is sealed.`,
		Example: `  litekeep restore backups/app/20261122T020000.123Z.json.zst app.db
  litekeep restore backups/app app.db --dry-run`,
		Annotations: map[string]string{needsConfig: "yes"},
		Args:        exactly("BACKUP", "TARGET"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.checkNumbers(cmd.Flags()); err != nil {
				return err
			}
			if args[1] == "" {
				return usage("TARGET is empty", seeHelp(cmd))
			}
			return a.restore(cmd.Context(), args[0], args[1], o)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVar(&o.NoSafetyBackup, "no-safety-backup", false, "do not back up what TARGET holds now; it is lost then")
	f.BoolVar(&o.NoProof, "no-proof", false, "do not prove the new database: faster, and only as good as the backup's own checksums")
	f.BoolVar(&o.DryRun, "dry-run", false, "say what would be done, and what would stop it")
	a.keyFlag(f, cmd)
	a.copyFlags(f)
	a.waitFlags(f)
	f.StringVar(&a.cfg.BackupDirectory, "dir", a.cfg.BackupDirectory, "`FOLDER` for the safety backup, where BACKUP has no manifest; else it goes where BACKUP lies")
	a.jsonFlag(f)
	return cmd
}

// restoreResult is the JSON of restore.
type restoreResult struct {
	failure
	BackupPath      string   `json:"backup_path"`
	TargetPath      string   `json:"target_path"`
	Source          string   `json:"source"`
	Timestamp       stamp    `json:"timestamp"`
	SizeBytes       int64    `json:"size_bytes"`
	TableCount      int64    `json:"table_count"`
	RecordCount     int64    `json:"record_count"`
	ContentDigest   string   `json:"content_digest"`
	Proven          bool     `json:"proven"`
	DryRun          bool     `json:"dry_run"`
	Replaced        bool     `json:"replaced"`
	SafetyBackup    *string  `json:"safety_backup"`
	KeptFiles       []string `json:"kept_files"`
	UndoCommand     *string  `json:"undo_command"`
	DurationSeconds float64  `json:"duration_seconds"`
	Steps           []string `json:"steps"`
	Warnings        []string `json:"warnings"`
}

func (a *app) restore(ctx context.Context, backup, target string, o litekeep.RestoreOptions) error {
	given := backup
	m := a.meter()
	defer m.stop()
	service := a.service(m)
	backup, passedOver, err := chooseBackup(ctx, backup, "restore")
	if err != nil && len(a.cfg.Copies) > 0 && !errors.Is(err, errUsage) {
		backup, err = given, nil // another copy may be there
	}
	if err != nil {
		return err
	}
	r, err := service.RestoreBackup(ctx, backup, target, o)
	m.stop()
	if err != nil {
		return err
	}
	r.Warnings = slices.Concat(passedOver, r.Warnings)
	return a.restored(r, a.undoCommand(r))
}

// restored prints what became of a restore.
func (a *app) restored(r *litekeep.Restored, undo string) error {
	if a.json {
		return a.printJSON(restoreResult{
			failure: succeeded(), BackupPath: r.Backup, TargetPath: r.Target, Source: r.Source, Timestamp: stamp(r.Timestamp),
			SizeBytes: r.SizeBytes, TableCount: r.TableCount, RecordCount: r.RecordCount, ContentDigest: r.Digest,
			Proven: r.Proven, DryRun: r.DryRun, Replaced: r.Replaced, SafetyBackup: orNull(r.SafetyBackup), KeptFiles: list(r.KeptFiles),
			UndoCommand: orNull(undo), DurationSeconds: r.Seconds, Steps: list(r.Steps), Warnings: list(r.Warnings),
		})
	}
	a.warn(r.Warnings)
	switch {
	case r.DryRun:
		return a.printRehearsal(r)
	case a.quiet:
		return nil
	}
	return a.printRestored(r, undo)
}

// undoCommand is the command that takes a restore back, quoted for a shell in whatever
// folder.
func (a *app) undoCommand(r *litekeep.Restored) string {
	if r.SafetyBackup == "" {
		return ""
	}
	undo := "litekeep restore " + shellQuote(absolute(r.SafetyBackup)) + " " + shellQuote(absolute(r.Target))
	for _, ref := range a.cfg.Keys { // with which it is sealed
		undo += " --key " + shellQuote(absoluteKey(ref))
	}
	return undo
}

func (a *app) printRehearsal(r *litekeep.Restored) error {
	t := newReport("would restore", r.Target)
	t.add("from", "%s", a.origin(r))
	t.add("content", "%s, %s", human.Plural(r.TableCount, "table"), human.Plural(r.RecordCount, "row"))
	for i, step := range r.Steps {
		name := ""
		if i == 0 {
			name = "steps"
		}
		t.add(name, "%d. %s", i+1, step)
	}
	return a.printf("%s", t.b.String())
}

func (a *app) printRestored(r *litekeep.Restored, undo string) error {
	t := newReport("restored", r.Target)
	t.add("from", "%s", a.origin(r))
	t.add("content", "%s, %s, %s", human.Plural(r.TableCount, "table"), human.Plural(r.RecordCount, "row"), human.Bytes(r.SizeBytes))
	if r.Proven {
		t.add("proven", "same content digest, and SQLite finds it whole")
	} else {
		t.add("proven", "no")
	}
	if r.SafetyBackup != "" {
		t.add("before", "is kept in %s", r.SafetyBackup)
		t.add("undo", "%s", undo)
	}
	for i, path := range r.KeptFiles {
		name := ""
		if i == 0 {
			name = "before"
		}
		t.add(name, "is kept as it was, damaged, in %s", path)
	}
	t.add("took", "%s", human.Duration(time.Duration(r.Seconds*float64(time.Second))))
	return a.printf("%s", t.b.String())
}

// origin says which backup was restored.
func (a *app) origin(r *litekeep.Restored) string {
	if r.Timestamp.IsZero() {
		return r.Backup
	}
	return r.Backup + " (" + humanAge(r.Timestamp, a.now()) + " old, of " + r.Source + ")"
}
