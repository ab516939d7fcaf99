package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/daemon"
	"github.com/litekeep/litekeep/internal/heap"
)

// serveMemory is what the service itself may use beside its runs, each of which
// may use softMemory.
const serveMemory = 64 << 20

func (a *app) serveCommand() *cobra.Command {
	var logFormat string
	cmd := &cobra.Command{
		Use:   "serve [flags]",
		Short: "Keep databases safe unattended: schedules, messages, HTTP API, dashboard",
		Long: `Run the service: back up the databases of litekeep.yaml by their schedules, tell people
what they must know, and serve the HTTP API and the dashboard.

SIGHUP, and ` + "`litekeep config reload`" + `, make it read litekeep.yaml again; a file that is not
valid is refused, and the old configuration stays in force. SIGTERM and SIGINT end it:
runs that go on get the time of runs.grace to finish, and are stopped cleanly then.`,
		Example: `  litekeep config init /srv/app/app.db --output litekeep.yaml
  litekeep serve --config litekeep.yaml`,
		Args: exactly(),
	}
	f := cmd.Flags()
	f.SortFlags = false
	path := configFlag(f)
	listen := f.String("listen", "", "`ADDRESS` to listen on, instead of server.listen; off for none")
	f.StringVar(&logFormat, "log", "text", "`FORMAT` of the log: text or json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if logFormat != "text" && logFormat != "json" {
			return usage("--log "+logFormat+": no such format", "choose text or json")
		}
		load := func() (*config.Config, error) {
			c, err := loadConfig(*path)
			if err == nil && *listen != "" {
				c.Server.Listen = *listen
			}
			return c, err
		}
		return a.serve(cmd.Context(), *path, load, a.serviceLog(logFormat))
	}
	return cmd
}

// serviceLog is the log of the service, on standard error.
func (a *app) serviceLog(format string) *slog.Logger {
	level := slog.LevelInfo
	if a.verbose > 0 {
		level = slog.LevelDebug
	}
	if a.quiet {
		level = slog.LevelWarn
	}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(a.screen, &slog.HandlerOptions{Level: level}))
	}
	return slog.New(tint.NewTextHandler(a.screen, &tint.Options{Level: level, TimeFormat: "2006-01-02 15:04:05", NoColor: !a.screen.paint}))
}

func (a *app) serve(ctx context.Context, path string, load func() (*config.Config, error), log *slog.Logger) error {
	c, err := load()
	if err != nil {
		return err
	}
	heap.Run(serveMemory + int64(c.Runs.Parallel)*softMemory)
	if path, err = filepath.Abs(path); err != nil {
		return err
	}
	d, err := daemon.Open(ctx, daemon.Options{Config: c, File: path, Load: load, Log: log, Now: a.now})
	if err != nil {
		return err
	}
	log.Info("litekeep serves", "version", litekeep.Version, "databases", d.Databases(), "address", d.URL())
	reloads := make(chan os.Signal, 1)
	signal.Notify(reloads, syscall.SIGHUP)
	defer signal.Stop(reloads)
	running, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		for {
			select {
			case <-running.Done():
				return
			case <-reloads:
				tellSystemd(reloading())
				if err := d.Reload(running); err != nil {
					log.Error("the configuration was not loaded; the old one stays in force", "error", err)
				}
				tellSystemd("READY=1")
			}
		}
	}()
	tellSystemd("READY=1")
	told := make(chan struct{})
	cancelTelling := context.AfterFunc(ctx, func() {
		defer close(told)
		tellSystemd("STOPPING=1")
		log.Info("litekeep stops")
	})
	err = d.Run(ctx)
	if !cancelTelling() {
		// An idle service ends faster than it tells of its end: the process waits for it.
		<-told
	}
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return err
}
