package dashboard

import (
	"time"

	"github.com/litekeep/litekeep/internal/human"
	"github.com/litekeep/litekeep/internal/service"
)

// calendarWeeks is how many weeks a calendar shows, this one included.
const calendarWeeks = 6

// A calendar shows what each day of the last weeks brought.
type calendar struct {
	From, To time.Time
	Weeks    [][7]calendarDay
}

// A calendarDay is one day: how many backups it left, and how many runs failed.
type calendarDay struct {
	Date    time.Time // noon of it
	Number  int
	Month   string // its name, where the month begins
	Future  bool
	Today   bool
	Backups int
	Failed  int
	State   string // ok, mixed, bad, none or future
	Icon    string
	Text    string // for those who do not see it
	Key     string // 2026-11-21
}

// newCalendar counts backups and failed backup runs by the days of a zone.
func newCalendar(backups []service.BackupView, runs []service.Run, now time.Time) *calendar {
	made, failed := map[string]int{}, map[string]int{}
	for _, b := range backups {
		made[b.Timestamp.In(now.Location()).Format(time.DateOnly)]++
	}
	for _, r := range runs {
		if r.Kind == service.KindBackup && bad(r) {
			failed[r.Started.In(now.Location()).Format(time.DateOnly)]++
		}
	}
	today := time.Date(now.Year(), now.Month(), now.Day(), 12, 0, 0, 0, now.Location())
	sinceMonday := (int(today.Weekday()) + 6) % 7
	start := today.AddDate(0, 0, -sinceMonday-7*(calendarWeeks-1))
	c := &calendar{From: start, To: today, Weeks: make([][7]calendarDay, calendarWeeks)}
	for i := range 7 * calendarWeeks {
		at := start.AddDate(0, 0, i)
		d := calendarDay{Date: at, Number: at.Day(), Future: at.After(today), Today: at.Equal(today), Key: at.Format(time.DateOnly)}
		if i == 0 || at.Day() == 1 {
			d.Month = at.Format("Jan")
		}
		d.Backups, d.Failed = made[d.Key], failed[d.Key]
		d.State, d.Icon, d.Text = d.words()
		c.Weeks[i/7][i%7] = d
	}
	return c
}

// words says what a day brought.
func (d calendarDay) words() (state, icon, text string) {
	backups, failures := human.Plural(d.Backups, "backup"), human.Plural(d.Failed, "failed run")
	switch {
	case d.Future:
		return "future", "", "still to come"
	case d.Backups > 0 && d.Failed > 0:
		return "mixed", "triangle", backups + ", " + failures
	case d.Backups > 0:
		return "ok", "check", backups
	case d.Failed > 0:
		return "bad", "cross", "no backup, " + failures
	}
	return "none", "", "no backup"
}

// bad reports whether a run ended without what it was for.
func bad(r service.Run) bool {
	switch r.Outcome {
	case service.OutcomeFailed, service.OutcomeRefused, service.OutcomeDamaged, service.OutcomeTimeout,
		service.OutcomeCrashed, service.OutcomeBusy:
		return true
	}
	return false
}
