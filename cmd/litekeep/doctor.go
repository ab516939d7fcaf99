package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/doctor"
	"github.com/litekeep/litekeep/internal/human"
)

// doctorOptions are the flags of doctor.
type doctorOptions struct {
	config       *string
	only         []string
	send, strict bool
}

func (a *app) doctorCommand() *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor [flags]",
		Short: "Look whether this machine has what the service needs, and say what mends it",
		Long: `Look whether this machine has what the service needs: its configuration, state and
health, each database and its SQLite, folders and room for backups, destinations, the
age of the newest backup, keys, tokens, channels, the clock and limits. Whatever is
not right is shown with what it means and what mends it.

Run it as the user of the service: the rights that are looked at are those of whoever
runs it. Nothing is changed; small files are made in folders and destinations, and removed
again. Destinations and key management services are called; messages are sent only with --send.

The exit code is 1 if something fails, and with --strict also if there is a warning.`,
		Example: `  sudo -u litekeep litekeep doctor --config /etc/litekeep/litekeep.yaml
  litekeep doctor --only channels --send
  litekeep doctor --only service --strict --quiet    # is it up? for a health check`,
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.doctor(cmd.Context(), o) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	o.config = configFlag(f)
	f.StringSliceVar(&o.only, "only", nil, "look only at these `AREAS`, separated by commas: "+strings.Join(doctor.Areas(), ", "))
	f.BoolVar(&o.send, "send", false, "send a test message on each channel")
	f.BoolVar(&o.strict, "strict", false, "fail also where there is a warning")
	a.jsonFlag(f)
	return cmd
}

// doctorResult is the JSON of doctor.
type doctorResult struct {
	failure
	Config   string            `json:"config"`
	Failed   int               `json:"failed"`
	Warnings int               `json:"warnings"`
	Checks   []doctorCheckJSON `json:"checks"`
}

// doctorCheckJSON is one thing that was looked at.
type doctorCheckJSON struct {
	Area    string `json:"area"`
	Subject string `json:"subject"`
	Status  string `json:"status"`
	Found   string `json:"found"`
	Means   string `json:"means"`
	Fix     string `json:"fix"`
}

func (a *app) doctor(ctx context.Context, o doctorOptions) error {
	for _, area := range o.only {
		if !slices.Contains(doctor.Areas(), area) {
			return usage("--only: "+oneLine(area)+" is no area", "one of "+strings.Join(doctor.Areas(), ", "))
		}
	}
	checks, err := a.examine(ctx, o)
	if err != nil {
		return err
	}
	out := doctorResult{failure: succeeded(), Config: *o.config, Checks: []doctorCheckJSON{}}
	for _, c := range checks {
		out.Checks = append(out.Checks, doctorCheckJSON{c.Area, c.Subject, string(c.Status), c.Found, c.Means, c.Fix})
		switch c.Status {
		case doctor.Fail:
			out.Failed++
		case doctor.Warn:
			out.Warnings++
		}
	}
	if out.Failed > 0 || o.strict && out.Warnings > 0 {
		err = &hintedError{nil, fmt.Sprintf("doctor: %s failed, %s", human.Plural(out.Failed, "check"), human.Plural(out.Warnings, "warning")), ""}
	}
	if a.json {
		return a.printOutcome(ctx, &out, err)
	}
	for _, c := range checks {
		if a.quiet && c.Status != doctor.Fail && (c.Status != doctor.Warn || !o.strict) {
			continue
		}
		if err := a.printCheckup(c); err != nil {
			return err
		}
	}
	if err == nil && !a.quiet {
		return a.printf("\nnothing fails, %s\n", human.Plural(out.Warnings, "warning"))
	}
	return err
}

// examine looks at everything. A configuration that is not valid is what is found then.
func (a *app) examine(ctx context.Context, o doctorOptions) ([]doctor.Check, error) {
	c, err := loadConfig(*o.config)
	var invalid *config.Error
	if errors.As(err, &invalid) {
		var checks []doctor.Check
		for _, p := range invalid.Problems {
			checks = append(checks, doctor.Check{
				Area: "config", Subject: fmt.Sprintf("%s:%d:%d", *o.config, p.Line, p.Column), Status: doctor.Fail,
				Found: strings.TrimPrefix(p.Key+": "+p.Message, ": "), Means: "the service does not start, or goes on with the old configuration", Fix: p.Hint,
			})
		}
		return checks, nil
	}
	if err != nil {
		return nil, err
	}
	checks := doctor.Run(ctx, doctor.Options{
		Config: c, File: *o.config, Now: a.now, Env: os.LookupEnv, Only: o.only, Send: o.send, Quote: shellQuote,
	})
	return checks, ctx.Err()
}

// printCheckup shows one check: what was found on a line, and below it what that means
// and what mends it.
func (a *app) printCheckup(c doctor.Check) error {
	word := map[doctor.Status]string{
		doctor.OK: a.colour(text.FgGreen, "ok    "), doctor.Skip: "-     ",
		doctor.Warn: a.colour(text.FgYellow, "warn  "), doctor.Fail: a.colour(text.FgRed, "FAIL  "),
	}[c.Status]
	subject := ""
	if c.Subject != "" {
		subject = oneLine(c.Subject) + ": "
	}
	if err := a.printf("%s%-13s %s%s\n", word, c.Area, subject, oneLine(c.Found)); err != nil {
		return err
	}
	for _, line := range []struct{ label, text string }{{"means", c.Means}, {"fix", c.Fix}} {
		if line.text == "" {
			continue
		}
		if err := a.printf("      %-13s %s: %s\n", "", line.label, oneLine(line.text)); err != nil {
			return err
		}
	}
	return nil
}
