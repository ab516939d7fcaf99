package notify

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// age says how long ago something was, in one unit: "26 h", "3 days".
func age(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return "less than a minute"
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 2*day:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d days", int(d/day))
}

// in returns t in the zone of the event.
func (e Event) in(t time.Time) time.Time {
	if e.Zone == "" {
		return t.In(e.Time.Location())
	}
	zone, err := time.LoadLocation(e.Zone)
	if err != nil { // the machine has no such zone, or a fixed one had a name
		return t.In(e.Time.Location())
	}
	return t.In(zone)
}

// when shows a time in full: "Sat 21 Nov 2026, 02:00 CET".
func (e Event) when(t time.Time) string { return e.in(t).Format("Mon 2 Jan 2006, 15:04 MST") }

// shortly shows a time for a subject: "Sat 02:00" within a week of now, else
// "21 Nov 02:00".
func (e Event) shortly(t, now time.Time) string {
	if d := now.Sub(t); d >= 0 && d < 6*24*time.Hour {
		return e.in(t).Format("Mon 15:04")
	}
	return e.in(t).Format("2 Jan 15:04")
}

// zone returns the name of the zone of the event, "" where when says it all.
func (e Event) zone() string {
	name := e.in(e.Time).Location().String()
	if name == "Local" || name == "UTC" {
		return ""
	}
	return name
}

// oneLine makes one line of text of any origin: control characters and runs of
// white space become one space.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
}

// severalLines is oneLine that keeps line feeds and spaces: the excerpt of a file
// points at a place in the line above.
func severalLines(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || !unicode.IsSpace(r) && !unicode.IsControl(r):
			return r
		case unicode.IsSpace(r) && r != '\r':
			return ' '
		}
		return -1
	}, strings.ToValidUTF8(s, "\uFFFD"))
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// cut shortens text to at most n bytes, and marks that.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:max(0, n-len("…"))], "") + "…"
}

// names lists at most most names: "a, b and c", "a, b, c and 197 more".
func names(list []string, most int) string {
	switch {
	case len(list) == 0:
		return ""
	case len(list) == 1:
		return list[0]
	case len(list) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}

// dbs counts databases.
func dbs(n int) string {
	if n == 1 {
		return "1 database"
	}
	return fmt.Sprintf("%d databases", n)
}
