package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/litekeep/litekeep"
)

func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man [DIR]",
		Short: "Print the manual page, or write those of all commands to DIR",
		Example: `  litekeep man | man -l -
  litekeep man /usr/local/share/man/man1`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return exactly("DIR")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			root.DisableAutoGenTag = true
			root.Long = manual()
			header := &doc.GenManHeader{Title: "LITEKEEP", Section: "1", Source: "litekeep " + litekeep.Version}
			if len(args) == 0 {
				return doc.GenMan(root, header, a.stdout)
			}
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			return doc.GenManTree(root, header, args[0])
		},
	}
}

// manual is the help of the program in Markdown.
func manual() string {
	var b strings.Builder
	b.WriteString(rootLong + "\n\n")
	helpEnvironment(&b)
	b.WriteString("\n" + exitHelp)
	var out strings.Builder
	block := false
	for line := range strings.Lines(b.String()) {
		indented := strings.HasPrefix(line, " ")
		if indented && !block {
			out.WriteString("\n")
		}
		if indented {
			out.WriteString("    ") // a block of code, so that its lines stay
		}
		out.WriteString(line)
		block = indented
	}
	return out.String()
}
