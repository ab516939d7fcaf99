package human

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// Duration shows how long something takes, with two units at most.
func Duration(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "0 s"
	case d < 100*time.Millisecond:
		return strconv.Itoa(int(d.Milliseconds())) + " ms"
	case d < 10*time.Second:
		return strings.TrimSuffix(strconv.FormatFloat(d.Seconds(), 'f', 1, 64), ".0") + " s"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
}

// Span says a length of time in words and in one unit: "6 hours", "1 day". Less
// than a minute is "moments".
func Span(d time.Duration) string {
	if d < 0 {
		d = -d
	}
	switch {
	case d < time.Minute:
		return "moments"
	case d < time.Hour:
		return Plural(int(d/time.Minute), "minute")
	case d < 2*day:
		return Plural(int(d/time.Hour), "hour")
	case d < 60*day:
		return Plural(int(d/day), "day")
	case d < 2*365*day:
		return Plural(int(d/(30*day)), "month")
	}
	return Plural(int(d/(365*day)), "year")
}

// Relative says how far t is from now: "6 hours ago", "in 2 days", "just now",
// "in a moment".
func Relative(t, now time.Time) string {
	switch d := now.Sub(t); {
	case d >= time.Minute:
		return Span(d) + " ago"
	case d >= 0:
		return "just now"
	case d > -time.Minute:
		return "in a moment"
	default:
		return "in " + Span(d)
	}
}

// Moment says when t is, seen from now, in the zone of now: "02:00 today",
// "02:00 yesterday", "02:00 tomorrow", "02:00 on Sat 21 Nov", and with the year
// where it is another one.
func Moment(t, now time.Time) string {
	t = t.In(now.Location())
	return t.Format("15:04 ") + on(t, now)
}

// on names the day of t, which is in the zone of now.
func on(t, now time.Time) string {
	switch days(t, now) {
	case 0:
		return "today"
	case -1:
		return "yesterday"
	case 1:
		return "tomorrow"
	}
	if t.Year() == now.Year() {
		return "on " + t.Format("Mon 2 Jan")
	}
	return "on " + t.Format("Mon 2 Jan 2006")
}

// days counts the midnights from now to t. They are counted by the calendar,
// since a day on which the clocks change has 23 or 25 hours.
func days(t, now time.Time) int {
	noon := func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day(), 12, 0, 0, 0, time.UTC)
	}
	return int(noon(t).Sub(noon(now)) / day)
}
