package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// humanBytes rounds to three digits in binary units: 17.2 MiB.
func humanBytes(n int64) string {
	const step = 1024
	if n < step {
		return strconv.FormatInt(n, 10) + " B"
	}
	v, unit := float64(n), 0
	for v >= 999.5 { // so that no value shows as 1000 or more
		v /= step
		unit++
	}
	decimals := 2
	switch {
	case v >= 99.95:
		decimals = 0
	case v >= 9.995:
		decimals = 1
	}
	return strconv.FormatFloat(v, 'f', decimals, 64) + " " + "KMGTPE"[unit-1:unit] + "iB"
}

// humanDuration shows how long something takes, with two units at most.
func humanDuration(d time.Duration) string {
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

// humanCount groups the digits of n by threes: 1,234,567.
func humanCount(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return sign + digits
}

// plural counts things: "1 row", "2 rows", "3 indexes".
func plural[N int | int64](n N, thing string) string {
	if n != 1 {
		if stem, ok := strings.CutSuffix(thing, "y"); ok && !strings.HasSuffix(stem, "e") {
			thing = stem + "ie"
		}
		if strings.HasSuffix(thing, "x") {
			thing += "e"
		}
		thing += "s"
	}
	return humanCount(int64(n)) + " " + thing
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
// flag. What cannot be shown on a terminal is written in the $'…' form that
// POSIX has since 2024.
func shellQuote(path string) string {
	if strings.HasPrefix(path, "-") {
		path = "./" + path
	}
	plain := func(r rune) bool {
		return r > unicode.MaxASCII || unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("/._-+:@%,=", r)
	}
	if oneLine(path) != path {
		var b strings.Builder
		for i := range len(path) {
			switch c := path[i]; {
			case c == '\'' || c == '\\':
				b.WriteString(`\` + string(rune(c)))
			case c < ' ' || c > '~':
				fmt.Fprintf(&b, `\%03o`, c) // \x would swallow digits that follow
			default:
				b.WriteByte(c)
			}
		}
		return "$'" + b.String() + "'"
	}
	if path != "" && strings.IndexFunc(path, func(r rune) bool { return !plain(r) }) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
