package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
)

func (a *app) catCommand() *cobra.Command {
	var objects bool
	cmd := &cobra.Command{
		Use:   "cat BACKUP [TABLE] [flags]",
		Short: "Print a backup's JSON, or the rows of a table",
		Long: `Print the JSON document of a backup, or the rows of one table as JSON lines.
What is printed is checked against the manifest as it is read.`,
		Example: `  litekeep cat BACKUP | jq '.tables[].name'
  litekeep cat BACKUP users | head
  litekeep cat BACKUP users --objects | jq -r .name`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 2:
				return nil
			case len(args) == 1 && objects:
				return usage("--objects needs TABLE", seeHelp(cmd))
			case len(args) == 1:
				return nil
			case len(args) > 2:
				return exactly("BACKUP", "TABLE")(cmd, args)
			}
			return exactly("BACKUP")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := backupArgument(cmd.Context(), args[0], "cat")
			if err != nil && len(a.cfg.Copies) > 0 && !errors.Is(err, errUsage) {
				path, err = args[0], nil // another copy may be there
			}
			if err != nil {
				return err
			}
			return a.cat(cmd.Context(), path, args[1:], objects)
		},
	}
	a.copyFlags(cmd.Flags())
	a.keyFlag(cmd.Flags(), cmd)
	cmd.Flags().BoolVar(&objects, "objects", false, "rows as objects keyed by column, not as lists")
	return cmd
}

// warnings is a log of which only warnings are shown, as those of a command.
type warnings struct{ a *app }

// Enabled implements slog.Handler.
func (w warnings) Enabled(_ context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && !w.a.quiet
}

// Handle implements slog.Handler.
func (w warnings) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += fmt.Sprintf(", %s: %v", a.Key, a.Value)
		return true
	})
	w.a.screen.label("warning", text)
	return nil
}

// WithAttrs implements slog.Handler; litekeep does not use it.
func (w warnings) WithAttrs([]slog.Attr) slog.Handler { return w }

// WithGroup implements slog.Handler; litekeep does not use it.
func (w warnings) WithGroup(string) slog.Handler { return w }

func (a *app) cat(ctx context.Context, path string, table []string, objects bool) error {
	out := bufio.NewWriterSize(a.stdout, 64<<10)
	s := a.service(nil, litekeep.WithLogger(slog.New(warnings{a})))
	var err error
	if len(table) == 0 {
		err = s.ReadDocument(ctx, path, out)
	} else {
		err = s.ReadTable(ctx, path, table[0], objects, out)
	}
	flushed := out.Flush() // what came before damage is worth showing
	if err == nil {
		err = flushed
	}
	return err
}
