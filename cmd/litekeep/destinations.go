package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/human"
)

func (a *app) destinationsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "destinations",
		Short: "Look after the places that copies are kept in",
	}
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
of the provider look for them, never from the URL.`,
		Example: `  litekeep destinations check 's3://bucket/litekeep?region=eu-central-1' /mnt/nas`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return exactly("DESTINATION")(cmd, args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.checkDestinations(cmd.Context(), args) },
	}
	a.jsonFlag(check.Flags())
	cmd.AddCommand(check)
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

func (a *app) checkDestinations(ctx context.Context, texts []string) error {
	out := destinationsResult{failure: succeeded(), Destinations: []destinationJSON{}}
	bad := 0
	for _, t := range texts {
		r, err := litekeep.CheckDestination(ctx, t)
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
		return a.printf("%s  %s: %s\n", a.colour(text.FgRed, "FAILED"), oneLine(d.Destination), oneLine(*d.Error))
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
			detail = "  " + oneLine(c.Detail)
		}
		if err := a.printf("  %s  %-16s%s\n", word, c.Name, detail); err != nil {
			return err
		}
	}
	return nil
}
