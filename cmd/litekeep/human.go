package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/litekeep/litekeep/internal/human"
)

// humanAge shows how long ago t was, in one unit: 3h. A time in the future has
// a plus.
func humanAge(t, now time.Time) string {
	if t.IsZero() {
		return "?"
	}
	d, sign := now.Sub(t), ""
	if d < 0 {
		d, sign = -d, "+"
	}
	const day = 24 * time.Hour
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%s%ds", sign, int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%s%dmin", sign, int(d.Minutes()))
	case d < 2*day:
		return fmt.Sprintf("%s%dh", sign, int(d.Hours()))
	case d < 1000*day:
		return fmt.Sprintf("%s%dd", sign, int(d/day))
	}
	return fmt.Sprintf("%s%dy", sign, int(d/(365*day)))
}

// localTime shows a time in the zone of the system.
func localTime(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05 MST") }

// printable shows text of any origin on a terminal: what could move the cursor
// or change colours is written as an escape. Line feeds stay.
func printable(s string) string {
	clean := true
	for _, r := range s {
		clean = clean && (r == '\n' || unicode.IsPrint(r) && r != utf8.RuneError)
	}
	if clean {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\n' || unicode.IsPrint(r):
			b.WriteString(s[i : i+n])
		default:
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		}
		i += n
	}
	return b.String()
}

// oneLine is printable without line feeds.
func oneLine(s string) string { return strings.ReplaceAll(printable(s), "\n", `\n`) }

// shellQuote writes a path so that a shell reads it as one argument, which is no
// flag.
func shellQuote(path string) string {
	if strings.HasPrefix(path, "-") {
		path = "./" + path
	}
	return human.ShellWord(path)
}
