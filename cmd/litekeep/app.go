package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
)

// app is one run of the program.
type app struct {
	stdout io.Writer
	screen *screen    // standard error
	paint  bool       // standard output takes colours
	width  func() int // of the terminal that standard output is; nil if it is none
	now    func() time.Time
	cfg    litekeep.Config // the environment, then the flags
	env    error           // what is wrong with the environment

	database string // --database
	server   serverOptions

	heading string // the folder that printPath printed last

	quiet   bool
	verbose int
	noColor bool
	json    bool
}

// run runs one command line and returns its exit code.
func run(ctx context.Context, args []string, stdout, stderr *os.File, now func() time.Time) int {
	a := &app{stdout: stdout, screen: newScreen(stderr), now: now}
	a.cfg, a.env = fromEnvironment()
	root := a.commands()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(a.screen)
	a.paint = isTerminal(stdout)
	if a.paint {
		a.width = func() int { return terminalWidth(stdout) }
		a.stdout = a.screen.above(stdout)
	}
	if os.Getenv("NO_COLOR") != "" {
		a.paint, a.screen.paint = false, false
	}
	err := root.ExecuteContext(ctx)
	if isClosedPipe(err) {
		err = nil // whoever reads had enough
	}
	a.json = a.json || wantsJSON(args)
	return a.finish(ctx, err)
}

// wantsJSON looks for --json in a command line that could not be parsed.
func wantsJSON(args []string) bool {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	return slices.Contains(args, "--json")
}

// finish reports how the run ended.
func (a *app) finish(ctx context.Context, err error) int {
	if err == nil {
		return exitDone
	}
	f := a.failed(ctx, err)
	a.complain(f)
	var told *reportedError
	if a.json && !errors.As(err, &told) {
		_ = a.printJSON(f) // there is nobody left to tell
	}
	return f.ExitCode
}

func (a *app) complain(f failure) {
	a.screen.label("error", f.Error)
	if f.Hint != "" {
		a.screen.label("hint", f.Hint)
	}
}

// prepare runs before every command, with the flags parsed.
func (a *app) prepare(cmd *cobra.Command) error {
	if a.noColor {
		a.paint, a.screen.paint = false, false
	}
	a.takeRetention(cmd.Flags())
	if cmd.Annotations[needsConfig] != "" {
		return a.env
	}
	return nil
}

// needsConfig marks the commands that a wrong environment stops.
const needsConfig = "config"

// service returns the Service for the configuration, which reports progress to m
// unless m is nil.
func (a *app) service(m *meter, more ...litekeep.Option) *litekeep.Service {
	options := []litekeep.Option{litekeep.WithClock(a.now), litekeep.WithPassphrase(a.askPassphrase)}
	options = append(options, more...)
	if m != nil {
		options = append(options, litekeep.WithProgress(m.report))
	}
	if a.verbose > 0 {
		level := slog.LevelInfo
		if a.verbose > 1 {
			level = slog.LevelDebug
		}
		h := slog.NewTextHandler(a.screen, &slog.HandlerOptions{Level: level})
		options = append(options, litekeep.WithLogger(slog.New(h)))
	}
	return litekeep.New(a.cfg, options...)
}

// warn shows what a person should know of a run that succeeded, with --quiet too:
// nobody else tells.
func (a *app) warn(warnings []string) {
	if a.json {
		return // the JSON has them
	}
	for _, w := range warnings {
		a.screen.label("warning", w)
	}
}
