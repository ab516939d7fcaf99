package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/daemon"
	"github.com/litekeep/litekeep/internal/destination"
	"github.com/litekeep/litekeep/internal/human"
	statedb "github.com/litekeep/litekeep/internal/state"
)

func (a *app) destinationsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "destinations",
		Short: "Look after the places that copies are kept in",
	}
	var o stateFlags
	check := &cobra.Command{
		Use:   "check DESTINATION... [flags]",
		Short: "Try what a destination can do",
		Long: `Try what destinations can do with small objects that are removed again: write,
read back, read a part, refuse to overwrite, list, delete, keep what is locked;
and compare their clock with that of this machine. The exit code is 1 if
something that is needed does not work.

A destination is a folder, or a URL:
  s3://BUCKET/PREFIX?region=REGION&endpoint=URL&path_style=true&lock=30d
  gs://BUCKET/PREFIX
  azblob://CONTAINER/PREFIX?account=NAME
and, with each, a retention of its own: retention_days or keep_within, keep_last,
keep_hourly, keep_daily, keep_weekly, keep_monthly, keep_yearly, keep_minimum,
trash_grace; file:///FOLDER takes these too. Credentials come from where the tools
of the provider look for them, never from the URL.

Where a litekeep.yaml is at hand, or --config or --state is given, a folder that the
service has written to before and that is another one now is said not to be usable:
it may not be mounted.`,
		Example: `  litekeep destinations check 's3://bucket/litekeep?region=eu-central-1' /mnt/nas`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return exactly("DESTINATION")(cmd, args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			known, err := o.places(cmd)
			if err != nil {
				return err
			}
			return a.checkDestinations(cmd.Context(), args, known)
		},
	}
	check.Flags().SortFlags = false
	o.add(check.Flags())
	a.jsonFlag(check.Flags())
	cmd.AddCommand(check, a.destinationsAcceptCommand())
	return cmd
}

// abilityJSON is one thing that was tried.
type abilityJSON struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Detail string `json:"detail"`
}

// destinationJSON is what was found of one destination.
type destinationJSON struct {
	Destination string        `json:"destination"`
	OK          bool          `json:"ok"`
	Error       *string       `json:"error"`
	SkewSeconds float64       `json:"clock_skew_seconds"`
	Checks      []abilityJSON `json:"checks"`
}

// destinationsResult is the JSON of destinations check.
type destinationsResult struct {
	failure
	Destinations []destinationJSON `json:"destinations"`
}

// places returns what the service remembers of folders, nothing where nobody said where
// it keeps its state and that cannot be found.
func (s *stateFlags) places(cmd *cobra.Command) (known map[string]statedb.Place, err error) {
	dir, err := s.folder()
	if err == nil {
		known, err = statedb.ReadPlaces(cmd.Context(), daemon.StatePath(dir))
	}
	if err != nil && !cmd.Flags().Changed("config") && !cmd.Flags().Changed("state") {
		return nil, nil
	}
	return known, err
}

// tryDestination tries what one destination can do, unless it is not the place that is
// known.
func tryDestination(ctx context.Context, text string, known map[string]statedb.Place) (*litekeep.DestinationReport, error) {
	folder := destination.Folder(text)
	if p, ok := known[folder]; ok {
		if err := (destination.Known{ID: p.ID, Since: p.Since}).Check(folder); err != nil {
			return nil, fmt.Errorf("%w `litekeep destinations accept %s` has what is there now used", err, shellQuote(folder))
		}
	}
	return litekeep.CheckDestination(ctx, text)
}

func (a *app) checkDestinations(ctx context.Context, texts []string, known map[string]statedb.Place) error {
	out := destinationsResult{failure: succeeded(), Destinations: []destinationJSON{}}
	bad := 0
	for _, t := range texts {
		r, err := tryDestination(ctx, t, known)
		if ctx.Err() != nil || errors.Is(err, litekeep.ErrConfig) {
			return err
		}
		d := destinationJSON{Destination: t, OK: err == nil && r.OK, Checks: []abilityJSON{}}
		if err != nil {
			d.Error = orNull(err.Error())
		} else {
			d.SkewSeconds = r.Skew.Seconds()
			for _, c := range r.Checks {
				d.Checks = append(d.Checks, abilityJSON(c))
			}
		}
		if !d.OK {
			bad++
		}
		out.Destinations = append(out.Destinations, d)
		if err := a.printDestination(d); err != nil {
			return err
		}
	}
	var err error
	if bad > 0 {
		err = &hintedError{nil, fmt.Sprintf("destinations check: %d of %s cannot be used", bad, human.Plural(len(texts), "destination")), ""}
	}
	if !a.json {
		return err
	}
	return a.printOutcome(ctx, &out, err)
}

func (a *app) printDestination(d destinationJSON) error {
	if a.json {
		return nil
	}
	if d.Error != nil {
		return a.printf("%s  %s\n", a.colour(text.FgRed, "FAILED"), a.wrapped(oneLine(d.Destination)+": "+oneLine(*d.Error), 8))
	}
	if err := a.printf("%s\n", oneLine(d.Destination)); err != nil {
		return err
	}
	for _, c := range d.Checks {
		word := a.colour(text.FgGreen, "ok     ")
		switch c.Status {
		case "missing":
			word = a.colour(text.FgYellow, "missing")
		case "failed":
			word = a.colour(text.FgRed, "FAILED ")
		}
		detail := ""
		if c.Detail != "" {
			detail = "  " + a.wrapped(oneLine(c.Detail), 29) // where it begins
		}
		if err := a.printf("  %s  %-16s%s\n", word, c.Name, detail); err != nil {
			return err
		}
	}
	return nil
}
