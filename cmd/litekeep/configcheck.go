package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep/internal/config"
	"github.com/litekeep/litekeep/internal/human"
)

// shownRuns is how many of the next runs config check shows.
const shownRuns = 3

func (a *app) configCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check [flags]",
		Short: "Check litekeep.yaml and say what would happen when",
		Long: `Check litekeep.yaml, and whether this machine is what it wants: databases that can be
read, folders that can be written to, keys that can be opened. Say for each database
when its next runs are, what is kept and where, and when it would be overdue. Nothing is
changed, no database is opened, and no other machine is called; for that there are
` + "`litekeep destinations check` and `litekeep notify test`" + `.

The exit code is 2 if the file is not valid, and 1 if something on this machine is not
as it has to be.`,
		Example: "  litekeep config check --config /etc/litekeep/litekeep.yaml",
		Args:    exactly(),
	}
	f := cmd.Flags()
	f.SortFlags = false
	path := configFlag(f)
	a.jsonFlag(f)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return a.configCheck(cmd.Context(), *path) }
	return cmd
}

// configCheckResult is the JSON of config check.
type configCheckResult struct {
	failure
	Path      string              `json:"path"`
	Problems  []config.Problem    `json:"problems"`
	Findings  []config.Finding    `json:"findings"`
	Databases []configOutlookJSON `json:"databases"`
}

// configOutlookJSON says what would happen with one database.
type configOutlookJSON struct {
	Name         string   `json:"name"`
	Path         string   `json:"path"`
	Match        string   `json:"match,omitempty"`
	Schedule     string   `json:"schedule"`
	TimeZone     string   `json:"time_zone"`
	DelaySeconds float64  `json:"delay_seconds"`
	NextRuns     []stamp  `json:"next_runs"`
	OverdueAt    stamp    `json:"overdue_at"`
	Retention    string   `json:"retention"`
	Destinations []string `json:"destinations"`
	MinCopies    int      `json:"min_copies"`
	Sealed       bool     `json:"sealed"`
	Verify       string   `json:"verify"`
	SourceBytes  *int64   `json:"source_bytes"`
}

func (a *app) configCheck(ctx context.Context, path string) error {
	out := configCheckResult{
		failure: succeeded(), Path: path,
		Problems: []config.Problem{}, Findings: []config.Finding{}, Databases: []configOutlookJSON{},
	}
	c, err := loadConfig(path)
	if err != nil {
		var invalid *config.Error
		if errors.As(err, &invalid) {
			out.Problems = invalid.Problems
		}
		if a.json {
			return a.printOutcome(ctx, &out, err)
		}
		return err
	}
	c = c.Expand(ctx, nil)
	found, outlooks := c.Check(ctx, config.CheckOptions{File: path, Now: a.now(), Env: os.LookupEnv, Runs: shownRuns})
	if err := ctx.Err(); err != nil {
		return err
	}
	out.Findings = append(out.Findings, found...)
	for _, o := range outlooks {
		out.Databases = append(out.Databases, outlookJSON(o))
	}
	failed := 0
	for _, f := range found {
		if !f.Warning {
			failed++
		}
	}
	if failed > 0 {
		err = &hintedError{nil, fmt.Sprintf("config check %s: the file is valid, but %s not as it has to be here", path, things(failed)), ""}
	}
	if a.json {
		return a.printOutcome(ctx, &out, err)
	}
	return errors.Join(a.printCheck(path, c, found, outlooks), err)
}

func things(n int) string {
	if n == 1 {
		return "1 thing is"
	}
	return fmt.Sprintf("%d things are", n)
}

func outlookJSON(o config.Outlook) configOutlookJSON {
	db := o.Database
	x := configOutlookJSON{
		Name: db.Name, Path: db.Path, Match: db.Match, Schedule: db.Schedule, TimeZone: db.TimeZone, DelaySeconds: db.Delay().Seconds(),
		NextRuns: []stamp{}, OverdueAt: stamp(o.Overdue), Retention: db.Retention.Words(), Destinations: db.Destinations,
		MinCopies: db.MinCopies, Sealed: len(db.Keys) > 0, Verify: db.Verify,
	}
	for _, run := range o.Runs {
		x.NextRuns = append(x.NextRuns, stamp(run))
	}
	if o.Plan != nil {
		x.SourceBytes = &o.Plan.SourceBytes
	}
	return x
}

// printCheck shows what would happen, and what is not right.
func (a *app) printCheck(path string, c *config.Config, found []config.Finding, outlooks []config.Outlook) error {
	for _, f := range found {
		word := a.colour(text.FgRed, "FAILED")
		if f.Warning {
			if a.quiet {
				continue
			}
			word = a.colour(text.FgYellow, "warning")
		}
		message := f.Message
		if f.Hint != "" {
			message += "; " + f.Hint
		}
		if err := a.printf("%s  %s: %s\n", word, oneLine(f.Key), oneLine(message)); err != nil {
			return err
		}
	}
	if a.quiet {
		return nil
	}
	r := newReport(path+":", human.Plural(len(c.Databases), "database")+", "+human.Plural(len(c.Notifications.Channels), "channel"))
	r.add("state", "%s", c.State)
	r.add("server", "%s", c.Server.Listen)
	if err := a.printf("%s", r.b.String()); err != nil {
		return err
	}
	for i, o := range outlooks {
		if db := o.Database; db.Match != "" && (i == 0 || outlooks[i-1].Database.Match != db.Match) {
			if err := a.printMatch(c, db.Match); err != nil {
				return err
			}
		}
		if err := a.printf("\n%s", outlookText(o)); err != nil {
			return err
		}
	}
	return nil
}

// printMatch shows how many databases a pattern brings, above the first of them.
func (a *app) printMatch(c *config.Config, match string) error {
	n := 0
	for _, db := range c.Databases {
		if db.Match == match {
			n++
		}
	}
	return a.printf("\n%s matches %s:\n", oneLine(match), human.Plural(n, "file"))
}

// outlookText says what would happen with one database.
func outlookText(o config.Outlook) string {
	db := o.Database
	r := newReport(db.Name, db.Path)
	if o.Plan != nil {
		r.add("size", "%s", human.Bytes(o.Plan.SourceBytes))
	}
	r.add("schedule", "%s in %s%s", db.Schedule, db.TimeZone, delayText(db))
	runs := make([]string, len(o.Runs))
	for i, run := range o.Runs {
		runs[i] = zoneTime(run, db)
	}
	r.add("next runs", "%s", strings.Join(runs, ", "))
	if !o.Overdue.IsZero() {
		r.add("overdue", "%s, if no run succeeds until then", zoneTime(o.Overdue, db))
	}
	r.add("keeps", "%s", db.Retention.Words())
	for i, d := range db.Destinations {
		name := "in"
		if i > 0 {
			name = "copy"
		}
		r.add(name, "%s", d)
	}
	if len(db.Keys) > 0 {
		r.add("sealed", "under %s", human.Plural(len(db.Keys), "key"))
	}
	return r.b.String()
}

func delayText(db *config.Database) string {
	if db.Schedule == config.Off || db.Delay() == 0 {
		return ""
	}
	return ", " + human.Duration(db.Delay()) + " later"
}

// zoneTime shows a time in the zone of a database.
func zoneTime(t time.Time, db *config.Database) string {
	return t.In(db.Zone()).Format("Mon 2006-01-02 15:04:05 MST")
}
