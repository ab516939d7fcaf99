package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is the width of help: that of the narrowest usual terminal.
const helpWidth = 80

// help writes the help of a command to standard output.
func (a *app) help(cmd *cobra.Command, _ []string) {
	var b strings.Builder
	about := cmd.Long
	if about == "" {
		about = cmd.Short + "."
	}
	b.WriteString(strings.TrimSpace(about) + "\n\nUsage:\n")
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(&b, "  %s COMMAND [flags]\n", cmd.CommandPath())
		helpCommands(&b, cmd)
	} else {
		fmt.Fprintf(&b, "  %s\n", cmd.UseLine())
	}
	if cmd.HasExample() {
		b.WriteString("\nExamples:\n" + strings.TrimRight(cmd.Example, "\n") + "\n")
	}
	own := cmd.LocalNonPersistentFlags()
	own.SortFlags = cmd.Flags().SortFlags
	helpFlags(&b, "Flags", own)
	helpFlags(&b, "Flags of all commands", cmd.Root().PersistentFlags())
	if !cmd.HasParent() {
		helpEnvironment(&b)
		b.WriteString("\n" + exitHelp)
	} else if cmd.Annotations[needsConfig] != "" {
		b.WriteString("\nLITEKEEP_… variables are the defaults of flags; `litekeep --help` lists them,\nand the exit codes.\n")
	}
	_, _ = io.WriteString(a.stdout, b.String())
}

func helpCommands(b *strings.Builder, cmd *cobra.Command) {
	b.WriteString("\nCommands:\n")
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			fmt.Fprintf(b, "  %-12s  %s\n", c.Name(), c.Short)
		}
	}
}

func helpFlags(b *strings.Builder, title string, f *pflag.FlagSet) {
	if text := f.FlagUsagesWrapped(helpWidth); text != "" {
		b.WriteString("\n" + title + ":\n" + text)
	}
}

func helpEnvironment(b *strings.Builder) {
	b.WriteString("\nEnvironment variables, the defaults of flags (a flag wins):\n")
	for _, v := range variables {
		fmt.Fprintf(b, "  %-27s %s\n", v.name, v.flag)
	}
	fmt.Fprintf(b, "  %-27s %s\n", "NO_COLOR", "--no-color")
}
