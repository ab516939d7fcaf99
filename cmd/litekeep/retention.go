package main

import (
	"slices"
	"time"
	_ "time/tzdata" // for --time-zone on systems that have no zones

	"github.com/spf13/pflag"

	"github.com/litekeep/litekeep"
	"github.com/litekeep/litekeep/internal/retention"
)

// days is the value of a flag that is a length of time, in days too.
type days struct{ d *time.Duration }

func (v days) String() string {
	if v.d == nil || *v.d == 0 {
		return "0" // pflag asks a zero value too, and shows no default of 0
	}
	return retention.FormatDuration(*v.d)
}

func (v days) Type() string { return "duration" }

func (v days) Set(text string) (err error) {
	*v.d, err = retention.ParseDuration(text)
	return err
}

// retentionFlags are the flags that say how long backups are kept.
func (a *app) retentionFlags(f *pflag.FlagSet) {
	f.IntVar(&a.cfg.RetentionDays, "retention-days", a.cfg.RetentionDays, "keep every backup for `DAYS`")
	f.Var(days{&a.cfg.KeepWithin}, "keep-within", "keep every backup for `TIME`, 36h or 7d say; wins over --retention-days")
	f.IntVar(&a.cfg.KeepLast, "keep-last", a.cfg.KeepLast, "keep the last `N` verified backups however old they are")
	for _, period := range []struct {
		name string
		n    *int
		of   string
	}{
		{"hourly", &a.cfg.KeepHourly, "hours"},
		{"daily", &a.cfg.KeepDaily, "days"},
		{"weekly", &a.cfg.KeepWeekly, "weeks, which begin on Monday"},
		{"monthly", &a.cfg.KeepMonthly, "months"},
		{"yearly", &a.cfg.KeepYearly, "years"},
	} {
		f.IntVar(period.n, "keep-"+period.name, *period.n, "keep the first verified backup of each of the last `N` "+period.of)
	}
	a.minimumFlag(f)
	a.graceFlag(f)
	f.StringVar(&a.cfg.TimeZone, "time-zone", a.cfg.TimeZone, "`ZONE` where hours, days, … begin: Europe/Berlin, or Local (default UTC)")
}

// ownRetention are the flags with which somebody says what is kept, so that the rule of
// a service does not count.
var ownRetention = []string{
	"retention-days", "keep-within", "keep-last", "keep-hourly", "keep-daily", "keep-weekly", "keep-monthly", "keep-yearly",
	"keep-minimum", "trash-grace",
}

// takeRetention notes whether the flags say what is kept.
func (a *app) takeRetention(f *pflag.FlagSet) {
	for _, name := range ownRetention {
		if flag := f.Lookup(name); flag != nil && flag.Changed {
			a.cfg.OwnRetention = true
		}
	}
}

// serviceRuleJSON is the rule of a service by which was decided.
type serviceRuleJSON struct {
	Destination   *string `json:"destination"`
	Database      string  `json:"database"`
	Rule          string  `json:"rule"`
	Configuration string  `json:"configuration"`
}

// serviceRules are the rules of a service by which was decided, each once.
func serviceRules(all []litekeep.Decision) []serviceRuleJSON {
	rules := []serviceRuleJSON{}
	seen := map[[2]string]bool{}
	for _, d := range all {
		if at := [2]string{d.Destination, d.Database}; d.ServiceRule != nil && !seen[at] {
			seen[at] = true
			rules = append(rules, serviceRuleJSON{orNull(d.Destination), d.Database, d.ServiceRule.Rule, d.ServiceRule.Configuration})
		}
	}
	return rules
}

// ruleWords are the rules of a service for people, a line for each that differs.
func ruleWords(rules []serviceRuleJSON) []string {
	var lines []string
	for _, r := range rules {
		line := "kept by the service's rule: " + oneLine(r.Rule) + "; --keep-… overrides"
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

func (a *app) minimumFlag(f *pflag.FlagSet) {
	f.IntVar(&a.cfg.KeepMinimum, "keep-minimum", a.cfg.KeepMinimum, "never have fewer than `N` verified backups, also when one is deleted by hand")
}

func (a *app) graceFlag(f *pflag.FlagSet) {
	f.Var(days{&a.cfg.TrashGrace}, "trash-grace", "keep what is dropped in the trash for `TIME`, 7d say, before it is removed")
}
