package dashboard

import (
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/human"
	"github.com/litekeep/litekeep/internal/service"
)

// A badge is a state in a word, a colour and a shape, so that none of them has
// to be seen alone.
type badge struct {
	Word string
	Tone string // ok, warn, bad, info or calm
	Icon string // a name in icons
}

// conditionBadges are the badges of databases.
var conditionBadges = map[service.Condition]badge{
	service.ConditionUnprotected: {"Unprotected", "bad", "none"},
	service.ConditionOverdue:     {"Overdue", "bad", "clock"},
	service.ConditionFailing:     {"Failing", "warn", "cross"},
	service.ConditionDamaged:     {"Damaged", "bad", "broken"},
	service.ConditionWarning:     {"Warning", "warn", "triangle"},
	service.ConditionOK:          {"Protected", "ok", "check"},
}

// outcomeBadges are the badges of runs.
var outcomeBadges = map[service.Outcome]badge{
	service.OutcomeQueued:    {"Waiting", "info", "clock"},
	service.OutcomeRunning:   {"Running", "info", "running"},
	service.OutcomeOK:        {"Done", "ok", "check"},
	service.OutcomePartial:   {"Partly copied", "warn", "triangle"},
	service.OutcomeFailed:    {"Failed", "bad", "cross"},
	service.OutcomeRefused:   {"Refused", "bad", "none"},
	service.OutcomeDamaged:   {"Damaged", "bad", "broken"},
	service.OutcomeBusy:      {"Busy", "warn", "clock"},
	service.OutcomeTimeout:   {"Timed out", "bad", "clock"},
	service.OutcomeCancelled: {"Cancelled", "calm", "none"},
	service.OutcomeCrashed:   {"Cut off", "bad", "broken"},
}

func conditionBadge(c service.Condition) badge { return known(conditionBadges, c) }

func outcomeBadge(o service.Outcome) badge { return known(outcomeBadges, o) }

// yesNo is the badge of something that is right or is not.
func yesNo(ok bool, yes, no string) badge {
	if ok {
		return badge{yes, "ok", "check"}
	}
	return badge{no, "bad", "cross"}
}

// channelBadge is the badge of a channel of notifications: one that was not used since
// the service began is not known to work.
func channelBadge(c service.ChannelStatus) badge {
	if c.LastSuccess.IsZero() && c.LastFailure.IsZero() {
		return badge{"Not tried", "calm", "dot"}
	}
	return yesNo(c.OK, "Works", "Fails")
}

// known looks a badge up. What has none yet shows as it is.
func known[K ~string](list map[K]badge, key K) badge {
	if b, ok := list[key]; ok {
		return b
	}
	return badge{capital(string(key)), "calm", "dot"}
}

// capital makes the first letter of a word a capital one.
func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// kindNames say what runs do.
var kindNames = map[service.Kind]string{
	service.KindBackup: "Backup", service.KindVerify: "Verification", service.KindRestore: "Restore",
	service.KindCleanup: "Cleanup", service.KindSync: "Sync of copies",
}

// kindName says what a run does: "Backup", "Restore (dry run)".
func kindName(r service.Run) string {
	name, ok := kindNames[r.Kind]
	if !ok {
		name = capital(string(r.Kind))
	}
	if dryRun(r) {
		name += " (dry run)"
	}
	return name
}

// dryRun reports whether a run is the dry run of a restore.
func dryRun(r service.Run) bool { return r.DryRun }

// triggerNames say why runs began.
var triggerNames = map[string]string{
	"schedule": "the schedule", "catch-up": "the schedule, later", "retry": "another attempt", "request": "a request",
	"first": "want of any good backup", "recovery": "a destination that is back",
}

// triggerName says why a run began, and who asked for it.
func triggerName(r service.Run) string {
	name, ok := triggerNames[r.Trigger]
	if !ok {
		name = r.Trigger
	}
	if r.By != "" {
		name = r.By
	}
	return name
}

// going reports whether a run has not ended.
func going(r service.Run) bool {
	return r.Outcome == service.OutcomeRunning || r.Outcome == service.OutcomeQueued
}

// phaseNames say what a run does at a moment.
var phaseNames = map[string]string{
	"wait": "Waiting for the locks of others", "snapshot": "Taking the snapshot", "export": "Writing the backup", "verify": "Reading it back",
	"build": "Building the database", "prove": "Proving it", "publish": "Putting it in place", "copy": "Copying",
}

// phaseName says what a run does now.
func phaseName(r service.Run) string {
	switch {
	case r.Outcome == service.OutcomeQueued:
		return "Waiting for its turn"
	case r.Progress == nil:
		return "Starting"
	}
	if name, ok := phaseNames[r.Progress.Phase]; ok {
		return name
	}
	return capital(r.Progress.Phase)
}

// progressText says how far a run has come: "Writing the backup: 34.0 MiB of
// 120 MiB, 1,200,345 rows, 12 s left".
func progressText(r service.Run) string {
	text := phaseName(r)
	p := r.Progress
	if p == nil {
		return text
	}
	var parts []string
	switch {
	case p.Total > 0:
		parts = append(parts, human.Bytes(p.Bytes)+" of "+human.Bytes(p.Total))
	case p.Bytes > 0:
		parts = append(parts, human.Bytes(p.Bytes))
	}
	if p.Rows > 0 {
		parts = append(parts, human.Plural(p.Rows, "row"))
	}
	if p.Left > 0 {
		parts = append(parts, human.Duration(seconds(p.Left).Round(time.Second))+" left")
	}
	if len(parts) == 0 {
		return text
	}
	return text + ": " + strings.Join(parts, ", ")
}

// seconds turns the seconds of the service's types into a duration.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
