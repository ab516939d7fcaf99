package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/human"
)

// backupOptions are the flags of backup that are no part of the configuration.
type backupOptions struct {
	noVerify bool
	dryRun   bool
}

// codec is the value of --compress.
type codec struct{ s *string }

var codecs = []string{"zstd", "gzip", "none"}

func (c codec) String() string {
	if c.s == nil {
		return "" // pflag asks a zero codec
	}
	return *c.s
}

func (c codec) Type() string { return "string" }

func (c codec) Set(v string) error {
	if !slices.Contains(codecs, v) {
		return errors.New("choose " + strings.Join(codecs, ", "))
	}
	*c.s = v
	return nil
}

func (a *app) backupCommand() *cobra.Command {
	var o backupOptions
	cmd := &cobra.Command{
		Use:   "backup DATABASE [flags]",
		Short: "Back up a database",
		Long: `Back up a live database: take a snapshot, write it as JSON, read what was stored
back, and only then list it as a backup and remove old ones. The database may be
in use; it is never written to.

DATABASE may be left out where LITEKEEP_DATABASE_PATH is set. The backup is
stored as FOLDER/NAME/TIME.json.zst, with its manifest beside it. With a key it
is sealed: encrypted, so that whoever has none of its keys learns nothing but
its name, size and time.`,
		Example: `  litekeep backup app.db
  litekeep backup /srv/app.db --dir /mnt/backups --retention-days 30
  litekeep backup app.db --key file:/root/litekeep.key
  litekeep backup app.db --json | jq -r .backup_path`,
		Annotations: map[string]string{needsConfig: "yes"},
		Args:        a.backupArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.backupConfig(cmd, args, o); err != nil {
				return err
			}
			if o.dryRun {
				return a.planBackup(cmd.Context())
			}
			return a.backup(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	a.dirFlag(f)
	f.Var(codec{&a.cfg.Compression}, "compress", "`CODEC` of the object: zstd, gzip or none")
	f.IntVar(&a.cfg.CompressionLevel, "level", a.cfg.CompressionLevel, "`LEVEL` of compression: zstd 1 to 22, gzip 1 to 9 (default 1, the fastest)")
	f.StringVar(&a.cfg.Name, "name", a.cfg.Name, "`NAME` of the database among the backups (default: its file name without .db, .sqlite, …)")
	f.BoolVar(&o.noVerify, "no-verify", !a.cfg.VerifyOnBackup, "do not read the backup back; it never replaces a verified one")
	a.copyFlags(f)
	a.minCopiesFlag(f)
	a.keyFlag(f, cmd)
	f.BoolVar(&a.cfg.Sealed, "sealed", a.cfg.Sealed, "fail where no key is given, so that no backup is left in the clear")
	a.retentionFlags(f)
	f.BoolVar(&a.cfg.NoPrune, "no-prune", a.cfg.NoPrune, "do not remove old backups")
	a.waitFlags(f)
	f.StringVar(&a.cfg.TempDirectory, "temp-dir", a.cfg.TempDirectory, "`FOLDER` for the snapshot, as large as the database (default: inside the folder of the backups)")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would be done, and whether there is room")
	a.jsonFlag(f)
	_ = cmd.RegisterFlagCompletionFunc("compress", cobra.FixedCompletions(codecs, cobra.ShellCompDirectiveNoFileComp)) // the flag exists
	return cmd
}

func (a *app) backupArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 && a.cfg.DatabasePath != "" {
		return nil
	}
	return oneAtATime("DATABASE")(cmd, args)
}

// backupConfig completes the configuration with what flags and arguments say.
func (a *app) backupConfig(cmd *cobra.Command, args []string, o backupOptions) error {
	f := cmd.Flags()
	if err := a.checkNumbers(f); err != nil {
		return err
	}
	if len(args) > 0 {
		if args[0] == "" {
			return usage("DATABASE is empty", seeHelp(cmd))
		}
		a.cfg.DatabasePath = args[0]
	}
	if isFolder(a.cfg.DatabasePath) {
		return &hintedError{
			litekeep.ErrRefused, "backup " + a.cfg.DatabasePath + ": is a folder, not a database", databaseInHint(a.cfg.DatabasePath),
		}
	}
	if f.Changed("compress") && !f.Changed("level") {
		a.cfg.CompressionLevel = 0 // that of the environment is for another codec
	}
	a.cfg.VerifyOnBackup = !o.noVerify
	return nil
}

// backupResult is the JSON of backup.
type backupResult struct {
	failure
	backupJSON
	Copies       []copyJSON        `json:"copies"`
	Pruned       []decisionJSON    `json:"pruned"`
	ServiceRules []serviceRuleJSON `json:"service_rules"`
}

func (a *app) backup(ctx context.Context) error {
	m := a.meter()
	defer m.stop()
	b, err := a.service(m).CreateBackup(ctx)
	m.stop()
	if b == nil {
		return err
	}
	if err == nil {
		err = partial(b)
	}
	return a.backedUp(ctx, b, err)
}

// backedUp prints what became of a backup.
func (a *app) backedUp(ctx context.Context, b *litekeep.Backup, err error) error {
	pruned, freed := dropped(b.Pruned)
	if a.json {
		return a.printOutcome(ctx, &backupResult{succeeded(), metadata(b), copiesOf(b), pruned, serviceRules(b.Pruned)}, err)
	}
	if a.quiet { // notes on the schema, say, are the same each night
		a.warn(b.ActOn)
		return err
	}
	a.warn(b.Warnings)
	r := newReport("backed up", b.Source)
	r.add("to", "%s", b.Path)
	r.add("size", "%s", objectSize(b))
	r.add("content", "%s, %s", human.Plural(b.TableCount, "table"), human.Plural(b.RecordCount, "row"))
	if b.Sealed && len(a.cfg.Keys) > 0 {
		r.add("sealed", "%s", opensWith(len(a.cfg.Keys)))
	}
	if b.Verified.IsZero() {
		r.add("verified", "no")
	} else {
		r.add("verified", "yes, read back")
	}
	a.reportCopies(r, b)
	if len(pruned) > 0 {
		r.add("pruned", "%s (%s)", human.Plural(len(pruned), "old backup"), human.Bytes(freed))
	}
	for _, line := range ruleWords(serviceRules(b.Pruned)) {
		r.add("kept", "%s", strings.TrimPrefix(line, "kept "))
	}
	r.add("took", "%s", human.Duration(b.Duration))
	return errors.Join(a.printf("%s", r.b.String()), err)
}

func objectSize(b *litekeep.Backup) string {
	if b.SizeBytes == b.DocumentBytes {
		return human.Bytes(b.SizeBytes)
	}
	return fmt.Sprintf("%s, from %s of JSON (ratio %.1f)", human.Bytes(b.SizeBytes), human.Bytes(b.DocumentBytes), ratio(b.DocumentBytes, b.SizeBytes))
}

// backupPlanResult is the JSON of backup --dry-run.
type backupPlanResult struct {
	failure
	DryRun        bool   `json:"dry_run"`
	Source        string `json:"source"`
	SourceBytes   int64  `json:"source_bytes"`
	Database      string `json:"database"`
	Folder        string `json:"folder"`
	FolderFree    *int64 `json:"folder_free_bytes"`
	TempDirectory string `json:"temp_directory"`
	TempFree      *int64 `json:"temp_free_bytes"`
	Compression   string `json:"compression"`
	Verify        bool   `json:"verify"`
	Sealed        bool   `json:"sealed"`
}

func (a *app) planBackup(ctx context.Context) error {
	s := a.service(nil)
	p, err := s.PlanBackup(ctx)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(backupPlanResult{
			failure: succeeded(), DryRun: true, Source: p.Source, SourceBytes: p.SourceBytes, Database: p.Database,
			Folder: p.Folder, FolderFree: known(p.FolderFree), TempDirectory: p.TempDirectory, TempFree: known(p.TempFree),
			Compression: s.Config().Compression, Verify: s.Config().VerifyOnBackup,
			Sealed: len(s.Config().Keys) > 0,
		})
	}
	r := newReport("would back up", p.Source)
	r.add("size", "%s with its write-ahead log", human.Bytes(p.SourceBytes))
	r.add("to", "%s%s", p.Folder, free(p.FolderFree))
	r.add("snapshot", "in %s%s", p.TempDirectory, free(p.TempFree))
	r.add("as", "%s", compressionText(s.Config()))
	r.add("nothing", "was done; the database was not opened")
	return a.printf("%s", r.b.String())
}

func compressionText(c litekeep.Config) string {
	t := "JSON, compressed with " + c.Compression
	if c.Compression == "none" {
		t = "JSON, not compressed"
	}
	if len(c.Keys) > 0 {
		t += ", sealed under " + human.Plural(len(c.Keys), "key")
	}
	if !c.VerifyOnBackup {
		return t + ", not verified"
	}
	return t + ", verified"
}

func free(n int64) string {
	if n < 0 {
		return ""
	}
	return " (" + human.Bytes(n) + " free)"
}

// known is null for what the system cannot tell.
func known(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}

// opensWith says how many keys open a backup, any one of them.
func opensWith(keys int) string {
	if keys == 1 {
		return "opens with 1 key"
	}
	return "opens with any of " + human.Plural(keys, "key")
}
