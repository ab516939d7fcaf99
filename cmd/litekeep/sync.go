package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/human"
)

func (a *app) syncCommand() *cobra.Command {
	var o litekeep.SyncOptions
	cmd := &cobra.Command{
		Use:   "sync --copy DESTINATION [flags]",
		Short: "Copy what destinations lack, and repair damaged copies",
		Long: `Copy the backups that a destination lacks from a place that has them whole, to
--dir as well, and make damaged copies anew. A copy that others are made from is
read from end to end first; a damaged one is put aside before a good one takes
its place, and only then removed. Backups that a destination's retention would
remove are not copied there.`,
		Example: `  litekeep sync --copy s3://bucket/litekeep --copy /mnt/nas/litekeep --dry-run
  litekeep sync --copy s3://bucket/litekeep --full`,
		Annotations: map[string]string{needsConfig: "yes"},
		Args:        exactly(),
		RunE:        func(cmd *cobra.Command, _ []string) error { return a.sync(cmd.Context(), o) },
	}
	f := cmd.Flags()
	a.manyBackupsFlags(f)
	a.retentionFlags(f)
	f.BoolVar(&o.Full, "full", false, "read every byte of every copy to find damaged ones")
	f.BoolVar(&o.DryRun, "dry-run", false, "say what would be copied")
	a.lockFlag(f)
	a.jsonFlag(f)
	return cmd
}

// syncActionJSON is a copy that was made, or would be.
type syncActionJSON struct {
	From       *string `json:"from"`
	To         string  `json:"to"`
	BackupPath string  `json:"backup_path"`
	Database   string  `json:"database"`
	Timestamp  stamp   `json:"timestamp"`
	SizeBytes  int64   `json:"size_bytes"`
	Repair     bool    `json:"repair"`
	Done       bool    `json:"done"`
	Error      *string `json:"error"`
}

// syncResult is the JSON of sync.
type syncResult struct {
	failure
	DryRun bool             `json:"dry_run"`
	Copied int              `json:"copied"`
	Bytes  int64            `json:"copied_bytes"`
	Keys   *int             `json:"keys_brought"` // nil where a service did it, which does not tell
	Copies []syncActionJSON `json:"copies"`
}

func (a *app) sync(ctx context.Context, o litekeep.SyncOptions) error {
	if len(a.cfg.Copies) == 0 {
		return usage("litekeep sync needs a destination", "give it with --copy, or in LITEKEEP_COPIES")
	}
	keys := 0
	o.Keys = func(string) { keys++ }
	all, err := a.service(nil).SyncCopies(ctx, o)
	return a.synced(ctx, syncResult{DryRun: o.DryRun, Keys: &keys}, all, err)
}

// synced prints what was copied, and ends with err. out has what is not of single
// copies.
func (a *app) synced(ctx context.Context, out syncResult, all []litekeep.SyncAction, err error) error {
	if len(all) == 0 && err != nil {
		return err
	}
	out.failure, out.Copies = succeeded(), []syncActionJSON{}
	for _, c := range all {
		if c.Done {
			out.Copied++
			out.Bytes += c.SizeBytes
		}
		out.Copies = append(out.Copies, syncActionJSON{
			orNull(c.From), c.To, c.Path, c.Database, stamp(c.Timestamp), c.SizeBytes, c.Repair, c.Done, orNull(c.Error),
		})
	}
	if !a.json {
		return errors.Join(a.printSynced(out, all), err)
	}
	return a.printOutcome(ctx, &out, err)
}

func (a *app) printSynced(r syncResult, all []litekeep.SyncAction) error {
	keys := 0
	if r.Keys != nil {
		keys = *r.Keys
	}
	if len(all) == 0 {
		switch {
		case a.quiet:
			return nil
		case keys > 0:
			return a.printBrought(r.DryRun, keys)
		}
		return a.printf("every place has what it should\n")
	}
	t := &rows{header: []string{"ACTION", ">SIZE", "BACKUP", "FROM"}}
	for _, c := range all {
		t.add(syncWord(c, r.DryRun), human.Bytes(c.SizeBytes), oneLine(c.Path), oneLine(c.From))
	}
	if err := a.printFiles(t, 2); err != nil || a.quiet {
		return err
	}
	line := fmt.Sprintf("copied %s, %s\n", human.Plural(r.Copied, "backup"), human.Bytes(r.Bytes))
	if r.DryRun {
		line = fmt.Sprintf("would copy %s\n", human.Plural(len(all), "backup"))
	}
	if err := a.printf("%s", line); err != nil || keys == 0 {
		return err
	}
	return a.printBrought(r.DryRun, keys)
}

// printBrought tells of copies that got the keys of a rotation.
func (a *app) printBrought(dryRun bool, keys int) error {
	done := "brought"
	if dryRun {
		done = "would bring"
	}
	return a.printf("%s the new keys to %s\n", done, human.Plural(keys, "copy"))
}

func syncWord(c litekeep.SyncAction, dryRun bool) string {
	switch {
	case c.Error != "":
		return "FAILED"
	case dryRun && c.Repair:
		return "repair"
	case dryRun:
		return "copy"
	case c.Repair:
		return "repaired"
	}
	return "copied"
}
