package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/litekeep/litekeep/client"
	"github.com/litekeep/litekeep/internal/human"
	"github.com/litekeep/litekeep/internal/notify"
)

func (a *app) statusCommand() *cobra.Command {
	return a.asking(&cobra.Command{
		Use:   "status [flags]",
		Short: "Show how the databases of a service are",
		Long: `Show how the databases that a service keeps are, those with problems first: to
which moment each can be restored, its last verified success, its next run, and
what is wrong, with what still holds and the command to run next.

The exit code is 0 also where there are problems; --json tells them to programs.`,
		Example: `  litekeep status --server https://backup.example --token-file token
  litekeep status --json | jq -e 'all(.databases[]; .condition == "ok")'`,
		Args: exactly(),
	}, a.status)
}

// statusResult is the JSON of status.
type statusResult struct {
	failure
	Databases []client.Status `json:"databases"`
}

func (a *app) status(cmd *cobra.Command, c *client.Client, _ []string) error {
	all, err := c.Databases(cmd.Context())
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(statusResult{succeeded(), list(all)})
	}
	if len(all) == 0 {
		return a.printf("no databases\n")
	}
	t := &rows{header: []string{"DATABASE", "STATE", ">RESTORABLE TO", ">LAST SUCCESS", ">NEXT RUN", ">BACKUPS", ">SIZE"}}
	for i := range all {
		s := &all[i]
		t.add(
			oneLine(s.Name), a.conditionCell(s), a.agoCell(s.RestorableTo), a.agoCell(s.LastSuccess), a.aheadCell(s), s.Count, human.Bytes(s.SizeBytes),
		)
	}
	if err := a.printBlocks(t); err != nil {
		return err
	}
	for i := range all {
		if err := a.problems(&all[i]); err != nil {
			return err
		}
	}
	return a.placesDown(all)
}

// isOfPlace tells a problem that is a place's, and not that of a database.
func isOfPlace(p *client.Problem) bool { return p.Kind == string(notify.KindDestinationDown) }

// placesDown prints once what is wrong with each place, and below it the databases that
// have it: a place that is down is down for many.
func (a *app) placesDown(all []client.Status) error {
	type trouble struct{ summary, next string }
	var order []trouble
	names := map[trouble][]string{}
	for i := range all {
		for _, p := range all[i].Problems {
			if !isOfPlace(&p) {
				continue
			}
			t := trouble{p.Summary, p.Next}
			if names[t] == nil {
				order = append(order, t)
			}
			names[t] = append(names[t], oneLine(all[i].Name))
		}
	}
	for _, t := range order {
		if err := a.printf("%s\n  %s\n", a.wrapped(oneLine(t.summary), 2), a.wrapped("databases: "+strings.Join(names[t], ", "), 2)); err != nil {
			return err
		}
		if t.next != "" {
			if err := a.printf("  next: %s\n", oneLine(t.next)); err != nil {
				return err
			}
		}
	}
	return nil
}

// conditionCell is the condition of a database, and what goes on.
func (a *app) conditionCell(s *client.Status) string {
	word := oneLine(s.Condition)
	switch s.Condition {
	case client.ConditionOK:
	case client.ConditionWarning:
		word = a.colour(text.FgYellow, word)
	default:
		word = a.colour(text.FgRed, word)
	}
	if s.Running != nil {
		word += ", " + oneLine(s.Running.Kind) + " " + oneLine(s.Running.Outcome)
	}
	return word
}

// agoCell shows how long ago something was.
func (a *app) agoCell(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return humanAge(t, a.now()) + " ago"
}

// aheadCell shows when the next run begins.
func (a *app) aheadCell(s *client.Status) string {
	switch left := s.Next.Sub(a.now()); {
	case s.Next.IsZero():
		return "-"
	case left <= 0:
		return "now"
	default:
		return "in " + humanAge(a.now(), s.Next)
	}
}

// problems prints what is wrong with a database, but for its places.
func (a *app) problems(s *client.Status) error {
	for _, p := range s.Problems {
		if isOfPlace(&p) {
			continue
		}
		line := fmt.Sprintf("%s: %s", oneLine(s.Name), oneLine(p.Summary))
		if p.Holds != "" {
			if !strings.HasSuffix(line, "?") { // is it mounted?
				line = strings.TrimSuffix(line, ".") + "."
			}
			line += " " + oneLine(p.Holds)
		}
		if err := a.printf("%s\n", a.wrapped(line, 2)); err != nil {
			return err
		}
		if p.Next != "" {
			if err := a.printf("  next: %s\n", oneLine(p.Next)); err != nil {
				return err
			}
		}
	}
	return nil
}
