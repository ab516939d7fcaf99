package main

import (
	"context"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/human"
)

// databaseFlag adds --database, which keeps a command to the backups of one
// database. Where the environment names a database, that is the one.
func (a *app) databaseFlag(f *pflag.FlagSet) {
	name := litekeep.New(a.cfg).Config().Name
	f.StringVar(&a.database, "database", name, "only the backups of the database `NAME`; '' for all")
}

func (a *app) listCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list [flags]",
		Short: "List backups",
		Long: `List the backups in a folder, by database, newest first. A backup that cannot be
used as far as its manifest and its size tell is listed as DAMAGED, with the
reason; verify looks at every byte. An object whose manifest is missing is no backup:
a warning tells of it, once it is older than an hour. What a sealed backup holds is known only with
a key, given by --key; LITEKEEP_KEYS does not count here.`,
		Annotations: map[string]string{needsConfig: "yes"},
		Args:        exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.onlyGivenKeys(cmd)
			return a.list(cmd.Context())
		},
	}
	a.folderFlags(cmd.Flags(), cmd)
	return cmd
}

// folderFlags are the flags of the commands that look at what is there.
func (a *app) folderFlags(f *pflag.FlagSet, cmd *cobra.Command) {
	f.SortFlags = false
	a.dirFlag(f)
	a.databaseFlag(f)
	a.keyFlag(f, cmd)
	a.jsonFlag(f)
}

// onlyGivenKeys forgets the keys of the environment where none is given by flag:
// looking at what is there takes no key, and with one may take long.
func (a *app) onlyGivenKeys(cmd *cobra.Command) {
	a.cfg.Sealed = false
	if !cmd.Flags().Changed(keyFlagName) {
		a.cfg.Keys = nil
	}
}

// listResult is the JSON of list.
type listResult struct {
	failure
	Backups  []backupJSON   `json:"backups"`
	Unlisted []unlistedJSON `json:"unlisted"` // nil where a service lists, which does not tell
}

func (a *app) list(ctx context.Context) error {
	if err := a.checkFolder("list"); err != nil {
		return err
	}
	s := a.service(nil)
	all, err := s.ListBackups(ctx)
	if err != nil {
		return err
	}
	return a.listed(all, func() []unlistedJSON { return a.unlisted(ctx, s, a.cfg.BackupDirectory) })
}

// listed prints backups, and has unlisted tell of objects that are none.
func (a *app) listed(all []*litekeep.Backup, unlisted func() []unlistedJSON) error {
	if a.json {
		out := listResult{succeeded(), []backupJSON{}, unlisted()}
		for _, b := range all {
			out.Backups = append(out.Backups, metadata(b))
		}
		return a.printJSON(out)
	}
	if len(all) == 0 {
		err := a.printf("no backups\n")
		unlisted()
		return err
	}
	t := &rows{header: []string{">AGE", ">SIZE", ">ROWS", "STATE", "BACKUP"}}
	var bytes int64
	for _, b := range all {
		bytes += b.SizeBytes
		t.add(humanAge(b.Timestamp, a.now()), human.Bytes(b.SizeBytes), countCell(b), a.stateCell(b), oneLine(b.Path))
	}
	if err := a.printPaths(t, 4); err != nil {
		return err
	}
	for _, b := range all {
		if b.Problem != "" {
			a.screen.label("warning", b.Path+": "+b.Problem)
		}
	}
	unlisted()
	if a.quiet {
		return nil
	}
	return a.printf("%s, %s\n", human.Plural(len(all), "backup"), human.Bytes(bytes))
}

// countCell shows the rows of a backup, if they are known.
func countCell(b *litekeep.Backup) string {
	if b.Locked {
		return "sealed"
	}
	return human.Count(b.RecordCount)
}

func (a *app) stateCell(b *litekeep.Backup) string {
	word := state(b)
	if word == stateDamaged {
		word = a.colour(text.FgRed, word)
	}
	if b.Pinned.After(a.now()) {
		word += ", pinned"
	}
	return word
}
