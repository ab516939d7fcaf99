package main

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/litekeep/litekeep/internal/nearest"
)

const rootLong = `litekeep backs up live SQLite databases to JSON that a person can read with
zstd and jq alone, reads every backup back before it counts, proves what it
restores, and keeps backups for as long as you say.

  litekeep backup app.db                 back up app.db into ./backups
  litekeep list                          what there is
  litekeep restore backups/app app.db    put the newest back; what app.db holds
                                         now is backed up first

DATABASE is the path of a database. BACKUP is the path of a backup's object, such
as backups/app/20261122T020000.123Z.json.zst, or the folder of one database, such
as backups/app, for its newest good backup.`

const exitHelp = `Exit codes:
    0  done
    1  failed
    2  wrong usage: an unknown command or flag, a wrong value
    3  verification found damage: a backup is not what was written
    4  busy: the database or the backups are locked by somebody else
    5  source refused: damaged, encrypted, no database, or not there
    6  backed up, but some copies failed; enough places hold it
    7  key: the backup is sealed, and no key was given or none that opens it
  130  interrupted; nothing half-done is left behind
`

// commands returns the root command with all others.
func (a *app) commands() *cobra.Command {
	cobra.EnableCommandSorting = false // the order below is that of use
	root := &cobra.Command{
		Use:           "litekeep",
		Short:         "Automated backups of SQLite databases, as JSON",
		Long:          rootLong,
		Args:          unknownCommand,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	f := root.PersistentFlags()
	f.BoolVarP(&a.quiet, "quiet", "q", false, "print nothing but errors, warnings and what was asked for")
	f.CountVarP(&a.verbose, "verbose", "v", "log what is done to standard error; twice for more")
	f.BoolVar(&a.noColor, "no-color", false, "no colours (also where NO_COLOR is set)")
	root.AddCommand(
		a.served(a.backupCommand(), a.remoteBackup()), a.served(a.verifyCommand(), a.remoteVerify()), a.served(a.restoreCommand(), a.remoteRestore()),
		a.served(a.listCommand(), a.remoteList()), a.served(a.statsCommand(), a.remoteStats()), a.infoCommand(), a.catCommand(),
		a.served(a.pruneCommand(), a.remotePrune()),
		a.pinCommand(), a.unpinCommand(), a.deleteCommand(), a.undeleteCommand(), a.trashCommand(),
		a.served(a.syncCommand(), a.remoteSync()), a.destinationsCommand(),
		a.serveCommand(), a.statusCommand(), a.runsCommand(), a.configCommand(), a.tokenCommand(), a.auditCommand(), a.notifyCommand(), a.doctorCommand(),
		a.keyCommand(), a.versionCommand(), a.manCommand(),
	)
	v := version(debug.ReadBuildInfo())
	root.Version = v.Version // cobra makes --version of it
	root.SetVersionTemplate(v.text())
	root.InitDefaultHelpFlag()
	root.InitDefaultVersionFlag() // so that each help shows it
	root.SetHelpCommand(helpCommand())
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd("completion") // the argument makes cobra add it
	root.SetHelpFunc(a.help)
	root.SetFlagErrorFunc(flagError)
	a.guard(root)
	return root
}

// guard prepares every command before its arguments are looked at, makes every
// complaint about those one of usage, and lets a command that has others below
// explain itself.
func (a *app) guard(cmd *cobra.Command) {
	check := cmd.Args
	if check == nil {
		check = cobra.ArbitraryArgs
	}
	if cmd.HasSubCommands() {
		check = unknownCommand
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := a.prepare(cmd); err != nil {
			return err
		}
		err := check(cmd, args)
		var own *hintedError
		if err == nil || errors.As(err, &own) {
			return err
		}
		return usage(err.Error(), seeHelp(cmd))
	}
	for _, c := range cmd.Commands() {
		a.guard(c)
	}
}

func seeHelp(cmd *cobra.Command) string {
	return fmt.Sprintf("usage: %s; more with `%s --help`", cmd.UseLine(), cmd.CommandPath())
}

// flagError is the error for a flag that cmd does not have or cannot read. Where
// the command line began with no known command, that is the mistake.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return usage(err.Error(), seeHelp(cmd))
	}
	if first := cmd.Flags().Args(); cmd.HasSubCommands() && len(first) > 0 {
		return unknownCommand(cmd, first)
	}
	hint := seeHelp(cmd)
	if like := nearest.Word(unknown.GetSpecifiedName(), flagNames(cmd)); like != "" {
		hint = "did you mean --" + like + "? " + hint
	}
	return usage(err.Error(), hint)
}

// flagNames are the names of the flags that a command shows.
func flagNames(cmd *cobra.Command) []string {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	return names
}

// unknownCommand is the check of arguments of a command that has others below.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := fmt.Sprintf("`%s --help` lists the commands", cmd.CommandPath())
	cmd.SuggestionsMinimumDistance = 2
	if like := cmd.SuggestionsFor(args[0]); len(like) > 0 {
		hint = "did you mean " + strings.Join(like, " or ") + "?"
	}
	return usage(fmt.Sprintf("%s has no command %q", cmd.CommandPath(), args[0]), hint)
}

// exactly is a check of arguments that names what is missing.
func exactly(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usage(cmd.CommandPath()+" needs "+strings.Join(names[len(args):], " and "), seeHelp(cmd))
		case len(args) > len(names):
			return usage(fmt.Sprintf("%s has no use for %q", cmd.CommandPath(), args[len(names)]), seeHelp(cmd))
		}
		return nil
	}
}

// oneAtATime is exactly(name), which says of more of them what to do.
func oneAtATime(name string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usage(fmt.Sprintf("%s takes one %s, and has no use for %q", cmd.CommandPath(), name, args[1]), "run it once for each "+name)
		}
		return exactly(name)(cmd, args)
	}
}

func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explain a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return unknownCommand(cmd.Root(), args)
			}
			about.InitDefaultHelpFlag() // as running it would
			return about.Help()
		},
	}
}
