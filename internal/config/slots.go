package config

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/litekeep/litekeep/internal/nearest"
	"github.com/litekeep/litekeep/internal/schedule"
)

// parseSchedule reads a schedule in a zone; it is nil where the schedule is off.
func parseSchedule(expr, zone string) (*schedule.Schedule, error) {
	if expr == Off {
		return nil, nil
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return nil, err
	}
	return schedule.Parse(expr, location)
}

// macros are the schedules with names.
var macros = []string{"@hourly", "@daily", "@weekly", "@monthly", "@yearly", Off}

// scheduleHint says what a schedule was probably meant to be.
func scheduleHint(expr string) string {
	switch strings.ToLower(expr) {
	case "never", "none", "no", "manual":
		return "did you mean off?"
	}
	if strings.Contains(expr, " ") {
		return ""
	}
	if like := nearest.Word("@"+strings.TrimPrefix(expr, "@"), macros); like != "" {
		return fmt.Sprintf("did you mean %q?", like)
	}
	return ""
}

// checkZone refuses what is no time zone.
func checkZone(name string) error {
	if name == "" {
		return errors.New("is empty; want a time zone such as Europe/Berlin")
	}
	if _, err := time.LoadLocation(name); err != nil {
		return fmt.Errorf("%.80q is not a time zone", name)
	}
	return nil
}

// zoneHint says which time zone was probably meant.
func zoneHint(name string) string {
	if name == "" {
		return "leave the key out for the zone of this machine"
	}
	if hint := didYouMean(name, append(zones(), "UTC", "Local")); hint != "" {
		return hint
	}
	for _, zone := range zones() { // a city alone
		if _, city, _ := strings.Cut(zone, "/"); nearest.Word(name, []string{city}) != "" {
			return "did you mean " + zone + "?"
		}
	}
	return "time zones have names such as Europe/Berlin; UTC and Local are known too"
}

// gapSlots is how many slots shortestGap looks at: all minutes of some hours, which
// is where the short gaps are.
const gapSlots = 200

// shortestGap returns the least time between two slots.
func shortestGap(s *schedule.Schedule) time.Duration {
	// Any day will do on which no clock changes: what comes out must not depend on now.
	at := s.Next(time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC))
	gap := maxDuration
	for range gapSlots {
		next := s.Next(at)
		if next.IsZero() {
			break
		}
		gap, at = min(gap, next.Sub(at)), next
	}
	return gap
}

// Zone returns the time zone of the database.
func (db *Database) Zone() *time.Location {
	location, err := time.LoadLocation(db.TimeZone)
	if err != nil {
		return time.UTC // a Config that was not parsed
	}
	return location
}

// Slots returns the schedule of the database, nil if it is off.
func (db *Database) Slots() *schedule.Schedule {
	s, err := parseSchedule(db.Schedule, db.TimeZone)
	if err != nil {
		return nil // a Config that was not parsed
	}
	return s
}

// Delay returns how long after each slot a run of the database begins. It is less than
// Spread and always the same.
func (db *Database) Delay() time.Duration { return schedule.Spread(db.Name, db.Spread) }

// OverdueAt returns when a database is overdue whose newest verified backup was made
// at last; for one without any, last is when the service first saw it. With a Promise
// that is when it ends. Otherwise it is when the slot after last should have been
// verified: after the Delay and the TimeLimit. The zero time is never.
func (db *Database) OverdueAt(last time.Time) time.Time {
	if db.Promise > 0 {
		return last.Add(db.Promise)
	}
	slots := db.Slots()
	if slots == nil {
		return time.Time{}
	}
	next := slots.Next(last)
	if next.IsZero() {
		return next
	}
	return next.Add(db.Delay() + db.TimeLimit)
}
